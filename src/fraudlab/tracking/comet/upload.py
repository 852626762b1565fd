"""Uploading archives, each once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fraudlab.errors import TrackingError
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.probe import why_not_online
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk


def upload(finished: Iterable[Path], ledger: Path) -> list[Path]:
    """Upload archives the ledger does not have yet, one by one.

    Comet appends whatever is uploaded again, so each archive is written to the ledger as soon as the server
    has it.

    Parameters
    ----------
    finished : iterable of Path
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
    done = archives.read_note(ledger)
    waiting = [archive for archive in finished if archives.digest(archive) not in done]
    if not waiting:
        return []
    for archive in waiting:
        archives.check(archive)
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
        archives.record(archive, ledger)
    return waiting
