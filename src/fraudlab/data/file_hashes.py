"""The hash of a file, remembered while nothing about the file has changed."""

from __future__ import annotations

import hashlib
import json
import os
import time as clock
from pathlib import Path
from typing import Any

from fraudlab.errors import DataError
from fraudlab.files import write_json

#: what differs between two states of a file
Identity = dict[str, Any]
# A file touched this recently could change again without its time of change showing it.
SETTLED_SECONDS = 2.0
#: how often a file is hashed anew while others link it or change its rights
_ATTEMPTS = 5


def identity(path: Path) -> Identity:
    """What tells two states of a file apart without reading it.

    Its time of change (``ctime``) is the one that no program can set back: ``cp -p`` and ``touch`` set the
    time of modification. A copy that takes the file's name has another inode.
    """
    facts = path.stat()
    return {
        "path": os.fsdecode(path),
        "size": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
        "ctime_ns": facts.st_ctime_ns,
        "inode": facts.st_ino,
        "device": facts.st_dev,
    }


def file_sha256(path: Path, *, cache: Path | None = None) -> str:
    """Hash a file, or remember its hash if nothing about it has changed.

    Parameters
    ----------
    path : Path
        Absolute path of a file.
    cache : Path, optional
        Holds one small JSON file for each hashed path, under ``digests``; without one nothing is remembered.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        If the file cannot be read, or changes meanwhile.
    """
    memo = None if cache is None else _memo(path, cache)
    before = identity(path)
    known = _remembered(memo, before) if memo else None
    if known is not None:
        return known
    for _ in range(_ATTEMPTS):
        digest = _read(path)
        after = identity(path)
        if after == before:
            if memo and _is_settled(after):
                write_json(memo, {**after, "sha256": digest})
            return digest
        # Another run that links the file changes its ctime and nothing else.
        if {**after, "ctime_ns": 0} != {**before, "ctime_ns": 0}:
            break
        before = after
    raise DataError(f"{path} changed while it was read.", fix="wait until it is written, and start again")


def remembered_sha256(path: Path, *, cache: Path) -> str | None:
    """The hash of a file that has not changed since :func:`file_sha256` read it; None where none is known."""
    return _remembered(_memo(path, cache), identity(path))


def _memo(path: Path, cache: Path) -> Path:
    return cache / "digests" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read: {error.strerror or error}.",
            fix="check that it was copied completely",
        ) from error


def _is_settled(facts: Identity) -> bool:
    latest = int(max(facts["mtime_ns"], facts["ctime_ns"])) / 1e9
    return clock.time() - latest > SETTLED_SECONDS


def _remembered(memo: Path, facts: Identity) -> str | None:
    try:
        written = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(written, dict):
        return None
    digest = written.pop("sha256", None)
    return digest if written == facts and isinstance(digest, str) else None
