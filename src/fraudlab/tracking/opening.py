"""The choice between a live experiment, an archive and nothing, and the experiment that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fraudlab.errors import TrackingError
from fraudlab.tracking.experiment import (
    Experiment,
    Mode,
    TrackingDecision,
    as_archive,
    not_online,
    unwritable,
)


def prepare(mode: Mode, folder: Path) -> None:
    """Refuse what no run could be tracked with, and make the folder for archives; asks no server.

    Raises
    ------
    TrackingError
        The API key cannot be read, or nothing can and ``online`` was asked for.
    StorageError
        The folder cannot be made.
    """
    if mode == "off":
        return
    from fraudlab.tracking.comet.account import read_account, unreadable

    if broken := unreadable():
        if mode == "online":
            raise TrackingError(
                f"tracking=online is not possible: {broken}", fix="mend it, or use tracking=auto"
            )
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    read_account()


def decide(mode: Mode, *, key: str) -> TrackingDecision:
    """Decide by a short probe of the server, without Comet's SDK; after :func:`prepare`.

    Parameters
    ----------
    mode : {"auto", "online", "offline", "off"}
        ``auto`` is online where a key is configured and the server answers, an archive otherwise, with the
        reason in `note`. ``online`` refuses to be anything else.
    key : str
        From :func:`~fraudlab.tracking.experiment.new_key`.

    Raises
    ------
    TrackingError
        ``online`` was asked for and is impossible, or the API key cannot be read.
    """
    if mode == "off":
        return TrackingDecision()
    from fraudlab.tracking.comet.account import unreadable
    from fraudlab.tracking.comet.probe import why_not_online

    if broken := unreadable():
        return TrackingDecision(problem=f"Comet: {broken}; nothing is kept")
    if mode == "offline":
        return TrackingDecision(key, "offline")
    if not (reason := why_not_online()):
        return TrackingDecision(key, "online", streams_rounds=True)
    if mode == "online":
        raise not_online(reason)
    return TrackingDecision(key, "offline", note=as_archive(reason))


def open_experiment(
    *,
    mode: Mode,
    workspace: str | None,
    project: str,
    name: str,
    key: str,
    folder: Path,
    tags: Sequence[str] = (),
    decision: TrackingDecision | None = None,
) -> Experiment:
    """Start a run's experiment.

    Parameters
    ----------
    mode : {"auto", "online", "offline", "off"}
        What was asked for; see :func:`decide`.
    workspace : str or None
        Comet workspace; None is the account's default.
    project : str
        Comet project.
    name : str
        Name shown for the experiment.
    key : str
        From :func:`~fraudlab.tracking.experiment.new_key`; the jobs write to the same one.
    folder : Path
        Where archives are, the jobs' too; made if it is missing.
    tags : sequence of str
        Shown beside the name.
    decision : TrackingDecision, optional
        What jobs were told, after :func:`prepare`; by default both happen now.

    Raises
    ------
    TrackingError
        ``online`` was asked for and is impossible.
    StorageError
        The folder cannot be written.
    """
    if decision is None:
        prepare(mode, folder)
        decision = decide(mode, key=key)
    if decision.mode == "off":
        untracked = Experiment()
        untracked.problems += filter(None, [decision.problem])
        return untracked
    from fraudlab.tracking.comet.start import start

    return start(
        decision,
        insists=mode == "online",
        workspace=workspace,
        project=project,
        name=name,
        key=key,
        folder=folder,
        tags=tags,
    )
