"""The archive of a run that was killed before it could write one."""

from __future__ import annotations

import logging
from pathlib import Path

from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.sdk import load_sdk


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
    messages = Path(str(left.get("data", ""))) / archives.MESSAGES
    if not left or not messages.is_file():
        return None
    load_sdk()
    from comet_ml.offline_utils import create_experiment_archive, write_experiment_meta_file

    # A kill may have cut the last line short.
    complete, _, _ = messages.read_bytes().rpartition(b"\n")
    messages.write_bytes(complete + b"\n")
    about = left["about"]
    write_experiment_meta_file(
        tempdir=left["data"], stop_time=int(messages.stat().st_mtime * 1000), **about, **archives.MERGES
    )
    made, _ = create_experiment_archive(
        offline_directory=str(folder),
        offline_archive_file_name=f"{about['experiment_key']}-recovered.zip",
        data_dir=left["data"],
        logger=logging.getLogger(__name__),
    )
    archives.mark_closed(folder)
    for archive in archives.find(folder, about["experiment_key"]):
        if archives.owner(archive) is None:
            archive.unlink()
    return Path(made)
