"""Uploading archives, so that the server has each thing in them once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from fraudlab.errors import TrackingError
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.internals import Questions, send
from fraudlab.tracking.comet.logged_content import Content, Known, read, write_delta
from fraudlab.tracking.comet.probe import why_not_online
from fraudlab.tracking.comet.server_content import known_of

#: a server may need a while until it shows what an upload has brought that was interrupted
SETTLE_SECONDS = 10.0


def upload(finished: Iterable[Path], ledger: Path, *, settle: float = SETTLE_SECONDS) -> list[Path]:
    """Upload what archives hold and the server has not, one experiment after the other.

    Comet appends whatever comes again. So the server is asked what it has, and only what it lacks is sent.
    The ledger says before that it is being sent: what a killed upload has brought is asked for as well.

    Parameters
    ----------
    finished : iterable of Path
        Archives; several may be of one experiment and are sent as one. Unfinished ones are left out.
    ledger : Path
        JSON file beside them, made on first use: hash of the archive -> name and time.
    settle : float
        Seconds to wait before the server is asked about an upload that was interrupted.

    Returns
    -------
    list of Path
        What the server has now and had not, by the ledger.

    Raises
    ------
    TrackingError
        No key, no server, or a refusal. Experiments before it are in the ledger.
    """
    noted = archives.read_note(ledger)
    waiting: dict[str, list[Path]] = {}
    for archive in finished:
        if (key := archives.owner(archive)) is not None and archives.state(archive, noted) != "uploaded":
            waiting.setdefault(key, []).append(archive)
    for key, group in waiting.items():
        send_rest(rest_of(group, key, ledger, settle=settle), ledger, of=group)
    return [archive for group in waiting.values() for archive in group]


def require_server() -> None:
    """Refuse to upload where there is no key, or no server.

    Raises
    ------
    TrackingError
    """
    if reason := why_not_online():
        raise TrackingError(f"nothing was uploaded: {reason}", fix="set COMET_API_KEY and check the network")


def rest_of(group: Sequence[Path], key: str, ledger: Path, *, settle: float) -> Content:
    """Ask the server what it has of an experiment; what archives have beyond that.

    Raises
    ------
    TrackingError
        No key, no server, or a refusal.
    """
    require_server()
    noted = archives.read_note(ledger)
    if any(archives.state(archive, noted) == "uploading" for archive in group):
        time.sleep(settle)
    with closing(Questions()) as questions:
        known = known_of(key, questions)
    return read(group, key).without(known or Known())


def send_rest(rest: Content, ledger: Path, *, of: Sequence[Path]) -> None:
    """Send what the server does not have of some archives, and note that in the ledger, before and after.

    Parameters
    ----------
    rest : Content
    ledger : Path
    of : sequence of Path
        The archives.

    Raises
    ------
    TrackingError
        The server did not take all of it.
    """
    if rest:
        archives.note(of, ledger, "uploading")
        with ExitStack() as stack:
            delta = write_delta(rest, ledger.parent / f"{rest.key}.sending")
            stack.callback(delta.unlink, missing_ok=True)
            try:
                send(delta)
            except TrackingError as error:
                names = ", ".join(archive.name for archive in of)
                raise TrackingError(f"{names} was not uploaded: {error.message}", fix=error.fix) from error
    archives.note(of, ledger, "uploaded")
