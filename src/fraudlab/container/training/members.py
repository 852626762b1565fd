"""Averages: members trained one after the other, and one booster that scores as their mean.

Each member stops where validation says that it should, as a model alone would. The mean is of raw scores: the
trees of all members in one booster, each leaf divided by their number. So whatever reads, serves or explains
a booster does so with an average, and scoring costs its trees and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import Hyperparameters
from fraudlab.container.model_files.averaging import average, without_dropout
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StoppedTooEarly, StopRequest, lean_xgboost
from fraudlab.container.training.boosting import threads, train_matrix
from fraudlab.container.training.checkpoint_files import Checkpoint, Fit
from fraudlab.container.training.checkpoints import CheckpointKeeper, Checkpoints, share
from fraudlab.container.training.inputs import Inputs
from fraudlab.container.training.job import Job
from fraudlab.container.training.progress import as_printed, round_line
from fraudlab.container.training.rounds import Fitted, OnRound, Training, fit, set_up
from fraudlab.container.training.tracking import Archive

with lean_xgboost():
    import xgboost

#: receives the member, counted from 1 (0 where the model is no average), the round and its metrics
OnMemberRound = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Fits:
    """What the trainings of a job came to.

    Attributes
    ----------
    booster : xgboost.Booster
        The one member's, or one that scores as their average.
    members : tuple of Fitted
        One where the model is no average, or the job was told to stop within the first.
    asked : int
        How many members there should be; 0 where the model is no average.
    """

    booster: Any
    members: tuple[Fitted, ...]
    asked: int = 0

    @property
    def rounds(self) -> list[int]:
        """How many rounds of each member are kept."""
        return [member.booster.num_boosted_rounds() for member in self.members]

    @property
    def complete(self) -> bool:
        """Whether every member that was asked for ended of itself."""
        return len(self.members) == max(1, self.asked) and all(member.complete for member in self.members)


class Trainings:
    """The trainings of a job, one for each member, on rows that are binned as seldom as can be.

    Parameters
    ----------
    job : Job
    rows : Prepared or sequence of Prepared
        Let go where all members have them in the same bins.
    inputs : Inputs
    hosts : Hosts
    """

    def __init__(self, job: Job, rows: Prepared | Sequence[Prepared], inputs: Inputs, hosts: Hosts) -> None:
        self.hosts, self.inputs = hosts, inputs
        self.parameters = job.parameters
        self._jobs = [replace(job, parameters=member) for member in job.parameters.every]
        self._rows = rows if len({_binning(member) for member in job.parameters.every}) > 1 else None
        self._last = set_up(self._jobs[0], rows, inputs, hosts)

    def make(self, number: int) -> Training:
        """The training of a member, counted from 0; they are asked for in this order."""
        job = self._jobs[number]
        if number:
            same = self._rows is None or _binning(job.parameters) == _binning(self._last.parameters)
            like = self._last if same else None
            self._last = set_up(job, self._rows or (), self.inputs, self.hosts, like=like)
        return self._last


def _binning(parameters: Hyperparameters) -> tuple[Any, ...]:
    """What the form of the rows depends on."""
    method = parameters.booster["tree_method"]
    return method, parameters.booster.get("max_bin"), parameters.fraud_bins if method == "hist" else None


def fit_all(
    trainings: Trainings,
    *,
    stop: StopRequest,
    on_round: OnMemberRound | None = None,
    keeper: CheckpointKeeper | None = None,
    kind: Fit = "rounds",
    described: Hyperparameters | None = None,
) -> Fits:
    """Train every member, and make one booster of them.

    A job that is told to stop keeps the members that have all their rounds: one of a few would pull the
    average towards where it began. Where none has, it keeps the first as it is.

    Parameters
    ----------
    trainings : Trainings
    stop : StopRequest
    on_round : callable, optional
    keeper : CheckpointKeeper, optional
        On the first host; None where no checkpoints are kept.
    kind : {"rounds", "refit"}
        Of which fit the checkpoints are.
    described : Hyperparameters, optional
        What the job asks for, where the rounds are said otherwise.

    Raises
    ------
    StoppedTooEarly
        If the job was asked to stop before its first round.
    ConfigError
        As :func:`~fraudlab.container.training.rounds.fit`, and if a checkpoint is of another training.
    StorageError
        If a checkpoint cannot be written.
    """
    hosts, parameters = trainings.hosts, trainings.parameters
    asked = len(parameters.each)
    done: list[Fitted] = []
    for number, told in enumerate((described or parameters).every):
        training, member = trainings.make(number), number + 1 if asked else 0
        checkpoints = None if keeper is None else keeper.of(told, kind, member)
        with hosts.together():
            start = _latest(checkpoints, training, trainings.inputs)
        try:
            fitted = fit(
                training,
                stop=stop,
                on_round=on_round and _of_member(on_round, member),
                start=share(start, hosts),
                checkpoints=checkpoints,
            )
        except StoppedTooEarly:
            if not done:
                raise
            break
        if done and not fitted.complete:
            break
        done.append(fitted)
    boosters = [fitted.booster for fitted in done]
    if on_round is not None and hosts.first:
        _say_outcome(boosters, asked)
    return Fits(mean_booster(boosters, threads(parameters)), tuple(done), asked)


def tell_rounds(job: Job, archive: Archive) -> OnMemberRound:
    """What prints each round, and records it where the job is to.

    Parameters
    ----------
    job : Job
    archive : Archive
    """

    def tell(member: int, number: int, metrics: Mapping[str, float]) -> None:
        # Two members have a round of this number: each has metrics of its own name.
        named = {f"member{member}_{name}" if member else name: value for name, value in metrics.items()}
        print(round_line(number, named))
        if job.request.log_rounds:
            printed = as_printed(named)
            archive.log_metrics({f"validation_{name}": printed[name] for name in printed}, step=number)

    return tell


def _latest(checkpoints: Checkpoints | None, training: Training, inputs: Inputs) -> Checkpoint | None:
    return None if checkpoints is None else checkpoints.latest(training.parameters, inputs.features)


def _of_member(on_round: OnMemberRound, member: int) -> OnRound:
    return lambda number, metrics: on_round(member, number, metrics)


def _say_outcome(boosters: Sequence[Any], asked: int) -> None:
    """Say what the model is the average of, where that is not what it looks like."""
    if len(boosters) < asked:
        print(f"told to stop: the model is the average of {len(boosters)} of {asked} members")
    first: dict[bytes, int] = {}
    for number, booster in enumerate(boosters, start=1):
        same = first.setdefault(bytes(booster.save_raw("ubj")), number)
        if same != number:
            print(f"member {number} is the same model as member {same}: averaging them brings nothing")


def mean_booster(boosters: Sequence[Any], nthread: int) -> Any:
    """One booster whose raw score is the mean of theirs; the booster itself where there is one.

    Parameters
    ----------
    boosters : sequence of xgboost.Booster
        Of the same columns.
    nthread : int
        Threads that it scores with here.
    """
    if len(boosters) == 1:
        return boosters[0]
    contents = [without_dropout(json.loads(booster.save_raw("json"))) for booster in boosters]
    content = json.dumps(average(contents)).encode()
    whole = xgboost.Booster({"nthread": nthread}, model_file=bytearray(content))
    # XGBoost's reader of JSON knows no \u00d8, and leaves it as six letters of the name.
    whole.feature_names = boosters[0].feature_names
    return whole


def measure_mean(job: Job, booster: Any, rows: Prepared, inputs: Inputs) -> dict[str, float]:
    """The metrics of a round, of an average: of values as they are, as its members may have had other bins.

    Parameters
    ----------
    job : Job
    booster : xgboost.Booster
    rows : Prepared
        That have not trained it.
    inputs : Inputs
    """
    parameters, features = job.parameters, inputs.features
    names = [features.names[at] for at in features.categorical]
    told = parameters.for_xgboost(features.input_names, cpus=threads(parameters), categorical=names)
    measuring = {"eval_metric", "disable_default_eval_metric", "nthread", "verbosity"}
    own = {name: value for name, value in told.items() if name in measuring}
    unbinned = replace(parameters, booster={**parameters.booster, "tree_method": "approx"})
    matrix = train_matrix(rows, features, unbinned)
    training = Training(parameters, told, train=None, validation=matrix, hooks=job.hooks)
    copied = xgboost.Booster(own, model_file=bytearray(booster.save_raw("ubj")))
    rounds = booster.num_boosted_rounds()
    return training.metrics(rounds)(copied, rounds)
