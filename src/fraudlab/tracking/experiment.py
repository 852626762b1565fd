"""What a run tells its experiment, what is decided of one, and the experiment that keeps nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fraudlab.errors import StorageError, TrackingError
from fraudlab.tracking.datasets import DatasetVersion

Mode = Literal["auto", "online", "offline", "off"]
Status = Literal["completed", "failed", "interrupted", "detached", "pruned"]


def new_key() -> str:
    """An experiment key Comet accepts: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class TrackingDecision:
    """What is known of an experiment, and told to jobs, before Comet's SDK is imported.

    Attributes
    ----------
    key : str or None
        Experiment key for the jobs; None means that nothing is tracked.
    mode : {"online", "offline", "off"}
        Online where a key is configured and the server answers. The server may still refuse: then the
        launcher's experiment is an archive, and everything else stays as it was decided.
    note : str
        One line on why it is not online, or empty.
    problem : str
        One line on why nothing is kept though something was asked for, or empty.
    streams_rounds : bool
        Whether the launcher logs each training round, and the train job does not. Comet keeps both copies of
        a metric logged twice, and a job that runs cannot be told any more.
    """

    key: str | None = None
    mode: Literal["online", "offline", "off"] = "off"
    note: str = ""
    problem: str = ""
    streams_rounds: bool = False


def not_online(reason: str) -> TrackingError:
    """The error of somebody who insisted on a live experiment."""
    return TrackingError(
        f"tracking=online is not possible: {reason}",
        fix="check COMET_API_KEY, COMET_WORKSPACE and the network, or use tracking=auto",
    )


def as_archive(reason: str) -> str:
    """The note of an experiment that is an archive for that reason."""
    return f"{reason}: offline archive"


def unwritable(folder: Path, error: OSError) -> StorageError:
    """The error of a folder that takes no archives."""
    return StorageError(
        f"Comet archives cannot be written to {folder}: {error.strerror}",
        fix="free some space, or choose another folder with paths.runs",
    )


class Experiment:
    """An experiment nobody asked for: it takes everything and keeps nothing.

    :class:`~fraudlab.tracking.comet.recording.CometExperiment` keeps it. No method ever raises: a run does
    not fail because it could not be tracked. What could not be kept is in `problems`, complete once the
    experiment has ended.

    Attributes
    ----------
    key : str or None
        Experiment key for the jobs; None means that nothing is tracked.
    mode : {"online", "offline", "off"}
        What it is.
    url : str or None
        Page of a live experiment.
    note : str
        One line on why it is not online, or empty.
    streams_rounds : bool
        Whether the launcher logs each training round; see :class:`TrackingDecision`.
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

    def log_model(self, name: str, folder: Path, *, uri: str | None = None) -> None:
        """Keep ``model.ubj`` and ``model.json`` of `folder` as the model of that name.

        Of a model in a bucket only its address is kept, where `uri` names it.
        """

    def log_asset(self, path: Path) -> None:
        """Keep a file under its own name; known secrets are taken out of a text."""

    def log_others(self, values: Mapping[str, Any]) -> None:
        """Keep facts that are neither parameter nor metric, such as git commit and image id."""

    def log_training_job(self, described: Mapping[str, Any]) -> None:
        """Keep what Comet's own SageMaker integration knows of an ended job, as SageMaker describes it."""

    def end(self, status: Status | None = None, error: str | None = None) -> list[Path]:  # noqa: ARG002
        """Close the experiment, and upload what jobs wrote for it where it is live. Safe to call again.

        Parameters
        ----------
        status : {"completed", "failed", "interrupted", "detached", "pruned"}, optional
            How the run ended.
        error : str, optional
            The sentence of the error it ended with.

        Returns
        -------
        list of Path
            Every archive of this experiment in its folder, those of the jobs included.
        """
        return []
