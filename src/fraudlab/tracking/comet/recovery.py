"""The archives of runs and jobs that were killed before they could write them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fraudlab.container.experiment_archive import MESSAGES, UNSENT, write_archive
from fraudlab.files import storage
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.logged_content import parsed


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
    left = archives.read_note(folder / archives.OPEN)
    if not left.get("data") or not isinstance(left.get("about"), dict):
        return None
    data = folder / str(left["data"])
    if "experiment_key" not in left["about"] or not (data / MESSAGES).is_file():
        return None
    made = _archive_of(data, folder, left["about"])
    archives.mark_closed(folder)
    _remove_unfinished(folder, left["about"]["experiment_key"])
    return made


def recover_jobs(folder: Path, key: str, about: Mapping[str, Any]) -> list[Path]:
    """Make the archives that killed jobs could not make, of what they left in a run's folder of archives.

    Parameters
    ----------
    folder : Path
    key : str
        Of the run's experiment.
    about : mapping
        ``workspace`` and ``project_name`` of the run.
    """
    left = [
        _archive_of(data, folder, {**about, "experiment_key": key}) for data in sorted(_unfinished(folder))
    ]
    _remove_unfinished(folder, key)
    return [archive for archive in left if archive is not None]


def bring(source: Path, folder: Path, key: str, about: Mapping[str, Any]) -> list[Path]:
    """Bring what jobs have written for experiment `key` out of a folder that is about to go.

    Finished archives are copied, and of unfinished ones archives are made; links are not followed.

    Parameters
    ----------
    source : Path
        Such as a run's working folder.
    folder : Path
        The run's folder of archives.
    key : str
    about : mapping
        ``workspace`` and ``project_name`` of the run.

    Raises
    ------
    StorageError
        The folder takes no archives.
    """
    brought = []
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for archive in sorted(source.rglob(f"{key}-*.zip")):
            target = folder / archive.name
            if archive.is_symlink() or archives.owner(target) == key:
                continue
            if archives.owner(archive) != key:
                target.unlink(missing_ok=True)  # it was never written, here or there
                continue
            partial = target.with_suffix(".partial")
            shutil.copyfile(archive, partial)
            partial.replace(target)
            brought.append(target)
        for data in sorted(_unfinished(source, anywhere=True)):
            made = _archive_of(data, folder, {**about, "experiment_key": key}, keep=True)
            brought += [made] if made is not None else []
    return brought


def _unfinished(folder: Path, *, anywhere: bool = False) -> Iterator[Path]:
    """Folders in which the SDK was writing."""
    pattern = f"**/comet/{UNSENT}*/{MESSAGES}" if anywhere else f"{UNSENT}*/{MESSAGES}"
    for messages in folder.glob(pattern):
        if not messages.is_symlink() and not messages.parent.is_symlink():
            yield messages.parent


def _archive_of(data: Path, folder: Path, about: dict[str, Any], *, keep: bool = False) -> Path | None:
    """Make an archive of what the SDK had written; its name is its content's, so that it is made once."""
    raw = (data / MESSAGES).read_bytes()
    messages = parsed(raw.splitlines())
    if not messages:
        return None
    files = {}
    for message in messages:
        name = message["payload"].get("file_path")
        if message["type"] == "file_upload" and isinstance(name, str) and Path(name).name == name:
            with suppress(OSError):
                files[name] = b"" if (data / name).is_symlink() else (data / name).read_bytes()
    written = int((data / MESSAGES).stat().st_mtime * 1000)
    target = folder / f"{about['experiment_key']}-{hashlib.sha256(raw).hexdigest()[:6]}.zip"
    if archives.owner(target) == about["experiment_key"]:
        return None
    with storage(target):
        write_archive(target, {"start_time": written, **about, "stop_time": written}, messages, files)
        if not keep:
            shutil.rmtree(data, ignore_errors=True)
    return target


def _remove_unfinished(folder: Path, key: str) -> None:
    for archive in archives.find(folder, key):
        if archives.owner(archive) is None:
            archive.unlink()
