"""Offline archives: whose they are, what the server has, and the note of one that is not finished."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from fraudlab.errors import TrackingError
from fraudlab.files import write_json

LEDGER = "uploaded.json"
#: where a running experiment keeps what is not in an archive yet
OPEN = "open.json"
_ABOUT = "experiment.json"
MESSAGES = "messages.json"
#: of the file about an archive: it joins an experiment that exists
MERGES = {
    "resume_strategy": "get_or_create",
    "user_provided_experiment_key": True,
    "comet_start_sourced": True,
}


def find(folder: Path, key: str | None) -> list[Path]:
    """The archives of experiment `key` in `folder`, by name."""
    return sorted(folder.glob(f"{key}-*.zip"))


def owner(archive: Path) -> str | None:
    """The key of the experiment an archive was written for; None where it was never finished."""
    try:
        with zipfile.ZipFile(archive) as content:
            content.getinfo(MESSAGES)
            return str(json.loads(content.read(_ABOUT))["offline_id"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def check(archive: Path, key: str | None = None) -> None:
    """Refuse what cannot be uploaded.

    Raises
    ------
    TrackingError
        It is no finished archive, or not one of experiment `key`.
    """
    found = owner(archive)
    if found is None:
        raise TrackingError(
            f"{archive.name} is not a complete Comet archive", fix="delete it; whoever wrote it was killed"
        )
    if key is not None and found != key:
        raise TrackingError(
            f"{archive.name} belongs to experiment {found}, not to {key}", fix="move it to that run's folder"
        )


def record(archive: Path, ledger: Path) -> None:
    """Write into the ledger that the server has an archive."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write_json(ledger, read_note(ledger) | {digest(archive): {"archive": archive.name, "uploaded": now}})


def make_mergeable(archive: Path) -> None:
    """Let the archive of a live experiment be uploaded into that experiment.

    The SDK writes it as one that must not exist yet, which the experiment it came from always does.
    """
    rewritten = archive.with_suffix(".partial")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == _ABOUT:
                content = json.dumps(json.loads(content) | MERGES).encode()
            new.writestr(entry.filename, content)
    rewritten.replace(archive)


def mark_open(folder: Path, live: Any) -> None:
    """Note where a running experiment keeps what is not in an archive yet."""
    about = {
        "experiment_key": live.get_key(),
        "workspace": live.workspace,
        "project_name": live.project_name,
        "tags": live.get_tags(),
        "start_time": int(time.time() * 1000),
    }
    data = getattr(live.streamer, "temp_dir", None) or live.tmpdir
    write_json(folder / OPEN, {"data": data, "about": about})


def mark_closed(folder: Path) -> None:
    """Forget the note of :func:`mark_open`: the archive is complete."""
    (folder / OPEN).unlink(missing_ok=True)


def digest(archive: Path) -> str:
    """The SHA-256 of an archive."""
    try:
        with archive.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrackingError(
            f"the archive {archive} cannot be read: {error.strerror}", fix="see whose file it is"
        ) from error


def read_note(path: Path) -> dict[str, Any]:
    """Read the ledger, or the note of a running experiment; empty where there is none.

    Raises
    ------
    TrackingError
        It is there and cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TrackingError(f"{path} cannot be read: {error}", fix="restore it, or delete it") from error
    return content if isinstance(content, dict) else {}
