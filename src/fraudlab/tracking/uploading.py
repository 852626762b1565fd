"""One run's experiment, uploaded whole: its archives, and the artifacts that only a server can make."""

from __future__ import annotations

from pathlib import Path

from fraudlab.tracking.comet.internals import untried_version

__all__ = ["untried_version", "upload_run"]

_KINDS = {
    "metric": "metrics",
    "moment": "figures of the machine",
    "parameter": "parameters",
    "other": "facts",
    "asset": "files",
    "model": "models",
    "version": "model versions",
}


def upload_run(
    folder: Path, key: str, *, dry_run: bool = False, settle: float | None = None
) -> dict[str, int]:
    """Upload what a folder of archives holds for an experiment, and the server has not.

    Parameters
    ----------
    folder : Path
        Of archives and the ledger.
    key : str
        Of the experiment.
    dry_run : bool
        Only count.
    settle : float, optional
        Seconds; see :func:`fraudlab.tracking.comet.upload.upload`.

    Returns
    -------
    dict of str to int
        How many things of each kind were sent, or would be.

    Raises
    ------
    TrackingError
        No key, no server, or a refusal.
    """
    from fraudlab.tracking.comet import dataset_artifacts
    from fraudlab.tracking.comet import offline_archives as archives
    from fraudlab.tracking.comet.upload import SETTLE_SECONDS, require_server, rest_of, send_rest

    ledger = folder / archives.LEDGER
    noted = archives.read_note(ledger)
    waiting = [
        found for found in archives.finished(folder, key) if archives.state(found, noted) != "uploaded"
    ]
    sent: dict[str, int] = {}
    if waiting:
        rest = rest_of(waiting, key, ledger, settle=SETTLE_SECONDS if settle is None else settle)
        for what in rest.entries:
            if (kind := _KINDS.get(what[0])) is not None:
                sent[kind] = sent.get(kind, 0) + 1
        if not dry_run:
            send_rest(rest, ledger, of=waiting)
    versions = dataset_artifacts.noted(folder)
    if versions and not archives.knows_datasets(folder):
        require_server()
        sent["dataset versions"] = len(versions)
        if not dry_run:
            dataset_artifacts.replay(folder, key, versions)
            archives.note_datasets(folder)
    return sent
