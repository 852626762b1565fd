"""Offline archives: whose they are, what has been uploaded, and what a killed run left."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fraudlab.errors import TrackingError

LEDGER = "uploaded.json"
_OPEN = "open.json"
_ABOUT = "experiment.json"
_MESSAGES = "messages.json"
_MERGES = {
    "resume_strategy": "get_or_create",
    "user_provided_experiment_key": True,
    "comet_start_sourced": True,
}


def find(folder: Path, key: str | None) -> list[Path]:
    """Return the archives of experiment `key` in `folder`, by name."""
    return sorted(folder.glob(f"{key}-*.zip"))


def owner(archive: Path) -> str | None:
    """Return the key of the experiment an archive was written for; None where it was never finished."""
    try:
        with zipfile.ZipFile(archive) as content:
            content.getinfo(_MESSAGES)
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


def upload(archives: Iterable[Path], ledger: Path) -> list[Path]:
    """Upload archives the ledger does not have yet, one by one.

    Comet appends whatever is uploaded again, so each archive is written to the ledger as soon as the server
    has it.

    Parameters
    ----------
    archives : iterable of Path
        Complete archives; several may be of one experiment and are merged there, in any order.
    ledger : Path
        JSON file beside them, made on first use: hash of the archive -> name and time.

    Returns
    -------
    list of Path
        What was uploaded now.

    Raises
    ------
    TrackingError
        No key, no server, a refusal, or something that is no archive. Archives before it are in the ledger.
    """
    from fraudlab.tracking.session import collected_errors, load_sdk, why_not_online

    done = _read(ledger)
    waiting = [archive for archive in archives if _digest(archive) not in done]
    if not waiting:
        return []
    for archive in waiting:
        check(archive)
    if reason := why_not_online():
        raise TrackingError(f"nothing was uploaded: {reason}", fix="set COMET_API_KEY and check the network")
    load_sdk()
    from comet_ml.exceptions import InvalidAPIKey, OfflineExperimentUploadFailed
    from comet_ml.offline import main_upload

    for archive in waiting:
        with collected_errors() as errors:
            try:
                main_upload(archives=[str(archive)], force_upload=False)
            except InvalidAPIKey:
                # The exception's own text holds the key.
                raise TrackingError("Comet refused the API key", fix="check COMET_API_KEY") from None
            except OfflineExperimentUploadFailed as error:
                cause = errors.lines[0] if errors.lines else "the server did not take it"
                raise TrackingError(
                    f"{archive.name} was not uploaded: {cause}", fix="try again with `comet upload`"
                ) from error
        record(archive, ledger)
    return waiting


def record(archive: Path, ledger: Path) -> None:
    """Write into the ledger that the server has an archive."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    _write(ledger, _read(ledger) | {_digest(archive): {"archive": archive.name, "uploaded": now}})


def make_mergeable(archive: Path) -> None:
    """Let the archive of a live experiment be uploaded into that experiment.

    The SDK writes it as one that must not exist yet, which the experiment it came from always does.
    """
    rewritten = archive.with_suffix(".partial")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == _ABOUT:
                content = json.dumps(json.loads(content) | _MERGES).encode()
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
    _write(folder / _OPEN, {"data": data, "about": about})


def mark_closed(folder: Path) -> None:
    """Forget the note of :func:`mark_open`: the archive is complete."""
    (folder / _OPEN).unlink(missing_ok=True)


def recover(folder: Path) -> Path | None:
    """Make the archive a killed run could not make.

    Parameters
    ----------
    folder : Path
        The run's folder of archives.

    Returns
    -------
    Path or None
        The archive; None where nothing was left open, or its data are gone.
    """
    left = _read(folder / _OPEN)
    messages = Path(str(left.get("data", ""))) / _MESSAGES
    if not left or not messages.is_file():
        return None
    from fraudlab.tracking.session import load_sdk

    load_sdk()
    import logging

    from comet_ml.offline_utils import create_experiment_archive, write_experiment_meta_file

    # A kill may have cut the last line short.
    complete, _, _ = messages.read_bytes().rpartition(b"\n")
    messages.write_bytes(complete + b"\n")
    about = left["about"]
    write_experiment_meta_file(
        tempdir=left["data"], stop_time=int(messages.stat().st_mtime * 1000), **about, **_MERGES
    )
    made, _ = create_experiment_archive(
        offline_directory=str(folder),
        offline_archive_file_name=f"{about['experiment_key']}-recovered.zip",
        data_dir=left["data"],
        logger=logging.getLogger(__name__),
    )
    mark_closed(folder)
    for archive in find(folder, about["experiment_key"]):
        if owner(archive) is None:
            archive.unlink()
    return Path(made)


def _digest(archive: Path) -> str:
    try:
        with archive.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrackingError(
            f"the archive {archive} cannot be read: {error.strerror}", fix="see whose file it is"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TrackingError(f"{path} cannot be read: {error}", fix="restore it, or delete it") from error
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2))
    partial.replace(path)
