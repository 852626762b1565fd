"""Files that are whole or not there, and errors of the disk as sentences."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fraudlab.errors import RunError, StorageError


def write_json(path: Path, content: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of one.

    Raises
    ------
    StorageError
        Where the disk is full or refuses.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text through a temporary file and a rename; see :func:`write_json`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an OSError while writing `path` into a :class:`StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        fix = {
            errno.ENOSPC: "free some space, or choose another disk with paths.runs=FOLDER",
            errno.EDQUOT: "free some of your quota, or choose another disk with paths.runs=FOLDER",
        }.get(error.errno or 0, "choose another folder with paths.runs=FOLDER")
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.", fix=fix) from error


def read_json(path: Path) -> Any:
    """Read JSON of a run.

    Raises
    ------
    RunError
        Where the file is missing or broken.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} does not exist.", fix="the run did not get that far: see its run.json"
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is not JSON ({error}).", fix="remove the run and repeat it") from error
