"""What a run records, and the choice between a live experiment, an archive and nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fraudlab.errors import TrackingError
from fraudlab.tracking.datasets import DatasetVersion

Mode = Literal["auto", "online", "offline", "off"]
Status = Literal["completed", "failed", "interrupted"]


def new_key() -> str:
    """Return an experiment key Comet accepts: 32 hexadecimal digits."""
    return uuid.uuid4().hex


class Experiment:
    """An experiment nobody asked for: it takes everything and keeps nothing.

    :class:`~fraudlab.tracking.comet.CometExperiment` keeps it. No method ever raises: a run does not fail
    because of its diary. What could not be kept is in `problems`, complete once the experiment has ended.

    Attributes
    ----------
    key : str or None
        Experiment key for the jobs; None means that nothing is tracked.
    mode : {"online", "offline", "off"}
        What was decided.
    url : str or None
        Page of a live experiment.
    note : str
        One line on why it is not online, or empty.
    streams_rounds : bool
        Whether the launcher logs each training round. Comet keeps both copies of a metric logged twice,
        so the train job logs its rounds exactly when this is false.
    problems : list of str
        One line for each thing that was not recorded as asked.
    """

    key: str | None = None
    mode: Literal["online", "offline", "off"] = "off"
    url: str | None = None
    note: str = ""
    streams_rounds: bool = False

    def __init__(self) -> None:
        self.problems: list[str] = []

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Keep parameters; nested names are joined by dots."""

    def log_metric(self, name: str, value: float, step: int | None = None) -> None:
        """Keep one number, at a training round where `step` says so."""
        self.log_metrics({name: value}, step=step)

    def log_metrics(self, metrics: Mapping[str, Any], *, step: int | None = None) -> None:
        """Keep the finite numbers in `metrics`; texts, nulls and NaN are left out."""

    def log_curve(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Keep a curve, such as ``precision-recall``."""

    def log_confusion_matrix(self, matrix: Sequence[Sequence[int]], *, labels: Sequence[str]) -> None:
        """Keep counts; rows are what a transaction was, columns what it was taken for."""

    def log_dataset(self, version: DatasetVersion) -> None:
        """Keep which data was used: as an artifact online, and always in the asset ``datasets.json``."""

    def log_model(self, name: str, folder: Path) -> None:
        """Keep ``model.ubj`` and ``model.json`` of `folder` as the model of that name."""

    def log_asset(self, path: Path) -> None:
        """Keep a file under its own name; known secrets are taken out of a text."""

    def log_others(self, values: Mapping[str, Any]) -> None:
        """Keep facts that are neither parameter nor metric, such as git commit and image id."""

    def end(self, status: Status | None = None, error: str | None = None) -> list[Path]:  # noqa: ARG002
        """Close the experiment, and upload what jobs wrote for it where it is live. Safe to call again.

        Parameters
        ----------
        status : {"completed", "failed", "interrupted"}, optional
            How the run ended.
        error : str, optional
            The sentence of the error it ended with.

        Returns
        -------
        list of Path
            Every archive of this experiment in its folder, those of the jobs included.
        """
        return []


def open_experiment(
    *,
    mode: Mode,
    workspace: str | None,
    project: str,
    name: str,
    key: str,
    folder: Path,
    tags: Sequence[str] = (),
) -> Experiment:
    """Start a run's experiment, deciding by a short probe whether it is live.

    Parameters
    ----------
    mode : {"auto", "online", "offline", "off"}
        ``auto`` is online where a key is configured and the server answers, an archive otherwise, with the
        reason in `note`. ``online`` refuses to be anything else.
    workspace : str or None
        Comet workspace; None is the account's default.
    project : str
        Comet project.
    name : str
        Name shown for the experiment.
    key : str
        From :func:`new_key`; the jobs write to the same one.
    folder : Path
        Where archives are, the jobs' too; made if it is missing.
    tags : sequence of str
        Shown beside the name.

    Raises
    ------
    TrackingError
        ``online`` was asked for and is impossible.
    StorageError
        The folder cannot be written.
    """
    if mode == "off":
        return Experiment()
    from fraudlab.tracking.configuration import unreadable
    from fraudlab.tracking.session import start

    if broken := unreadable():
        if mode == "online":
            raise TrackingError(
                f"tracking=online is not possible: {broken}", fix="mend it, or use tracking=auto"
            )
        untracked = Experiment()
        untracked.problems.append(f"Comet: {broken}; nothing is kept")
        return untracked
    return start(
        mode=mode, workspace=workspace, project=project, name=name, key=key, folder=folder, tags=tags
    )
