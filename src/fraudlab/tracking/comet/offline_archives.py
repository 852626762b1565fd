"""Offline archives: whose they are, what the server has, and the note of one that is not finished."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from fraudlab.container.experiment_archive import ABOUT, MERGES, MESSAGES, now
from fraudlab.errors import TrackingError
from fraudlab.files import write_json

LEDGER = "uploaded.json"
#: where a running experiment keeps what is not in an archive yet
OPEN = "open.json"
#: which data the experiment has used, for the artifacts that only a server can make
DATASETS = "datasets.json"
#: beside it: that the server has them
_ARTIFACTS = "artifacts.json"


def find(folder: Path, key: str | None) -> list[Path]:
    """The archives of experiment `key` in `folder`, by name."""
    return sorted(folder.glob(f"{key}-*.zip"))


def finished(folder: Path, key: str) -> list[Path]:
    """The archives of experiment `key` in `folder` that are complete, by name."""
    return [archive for archive in find(folder, key) if owner(archive) == key]


def owner(archive: Path) -> str | None:
    """The key of the experiment an archive was written for; None where it was never finished."""
    try:
        with zipfile.ZipFile(archive) as content:
            content.getinfo(MESSAGES)
            return str(json.loads(content.read(ABOUT))["offline_id"])
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


def note(archives: Iterable[Path], ledger: Path, what: Literal["uploading", "uploaded"]) -> None:
    """Write into the ledger that archives are about to be sent, or that the server has all of them."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    noted = {digest(archive): {"archive": archive.name, what: now} for archive in archives}
    write_json(ledger, read_note(ledger) | noted)


def note_datasets(folder: Path) -> None:
    """Note that the server knows which data were used."""
    write_json(folder / _ARTIFACTS, {"uploaded": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})


def knows_datasets(folder: Path) -> bool:
    """Whether the server knows which data were used."""
    return (folder / _ARTIFACTS).is_file()


def state(archive: Path, ledger: Mapping[str, Any]) -> Literal["", "uploading", "uploaded"]:
    """What the ledger says of an archive."""
    entry = ledger.get(digest(archive))
    if not isinstance(entry, dict):
        return ""
    return "uploaded" if "uploaded" in entry else "uploading"


def make_mergeable(archive: Path, **about: Any) -> None:
    """Let an archive be uploaded into an experiment that exists, by whatever uploads it.

    The SDK writes that of a live experiment as one that must not exist yet.

    Parameters
    ----------
    archive : Path
    **about
        More to say of it, such as ``project_name``, without which it would go to the account's default.
    """
    rewritten = archive.with_suffix(".partial")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == ABOUT:
                content = json.dumps(json.loads(content) | MERGES | about).encode()
            new.writestr(entry.filename, content)
    rewritten.replace(archive)


def mark_open(folder: Path, live: Any, unsent: Path) -> None:
    """Note where a running experiment keeps what is not in an archive yet: in the folder `unsent`."""
    about = {
        "experiment_key": live.get_key(),
        "workspace": live.workspace,
        "project_name": live.project_name,
        "tags": live.get_tags(),
        "start_time": now(),
    }
    data = unsent.resolve()
    # a run's folder may be moved
    inside = data.is_relative_to(folder.resolve())
    write_json(folder / OPEN, {"data": data.name if inside else str(data), "about": about})


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
