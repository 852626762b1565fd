"""Boosting round by round: segments, metrics, early stopping, checkpoints, a stop on request.

Rounds are trained in segments of ``checkpoint_rounds``. Where they draw random numbers, every segment begins
with a fresh booster, made of the bytes of the one before it, and a seed of its own: a booster's generator
cannot be saved, and so an interrupted training would go on with other draws. It is done whether or not
anything is interrupted or saved, so that the bytes of a model depend on its parameters and data only. Where
nothing is drawn, a booster that is continued from its bytes and one that never stopped are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from fraudlab.container.boosting import booster_parameters, segment_seed, train_matrix
from fraudlab.container.checkpoints import Checkpoint, Checkpoints
from fraudlab.container.failure import ConfigError
from fraudlab.container.hooks import Hooks
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import Hyperparameters, direction
from fraudlab.container.inputs import Inputs
from fraudlab.container.job import HOOK, Job
from fraudlab.container.prepared import Prepared
from fraudlab.container.progress import Progress
from fraudlab.container.runtime import StoppedTooEarly, StopRequest, lean_xgboost

with lean_xgboost():
    import xgboost

OnRound = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained booster and how it got there.

    Attributes
    ----------
    booster : xgboost.Booster
        Cut after the last round that is kept.
    progress : Progress
        Of all rounds that were trained.
    metric : str or None
        The one early stopping watches; None without validation.
    best_round : int
        With early stopping the best one, else the last, counted from 0.
    """

    booster: Any
    progress: Progress
    metric: str | None
    best_round: int


@dataclass(frozen=True, slots=True)
class Training:
    """One training, as its parameters and data describe it.

    Attributes
    ----------
    parameters : Hyperparameters
    booster : mapping
        What XGBoost is told.
    train, validation : xgboost.DMatrix
        Metrics are computed on validation only: on train they would double the cost of a round for nothing.
        Validation is None where there is none, and on all hosts but the first.
    watched : str or None
        The metric early stopping watches; None where there is no validation.
    hooks : Hooks, optional
    hosts : Hosts
    """

    parameters: Hyperparameters
    booster: Mapping[str, Any]
    train: Any
    validation: Any = None
    watched: str | None = None
    hooks: Hooks | None = None
    hosts: Hosts = field(default_factory=Hosts)

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Whether more of the watched metric is better."""
        watched = self.watched or ""
        if self.hooks is not None and watched.startswith(HOOK):
            return self.hooks.direction(watched.removeprefix(HOOK))
        return direction(watched)

    def begin(self, segment: int, content: bytes | bytearray | None) -> Any:
        """A booster for a segment, from the bytes of the one before it."""
        seed = segment_seed(self.booster["seed"], segment)
        matrices = [self.train] if self.validation is None else [self.train, self.validation]
        given = None if content is None else bytearray(content)
        return xgboost.Booster({**self.booster, "seed": seed}, matrices, model_file=given)

    def measure(self, booster: Any, number: int) -> dict[str, float]:
        """The metrics after a round, in the order they were asked for."""
        if self.validation is None:
            return {}
        hooked = [name for name in self.parameters.eval_metric if name.startswith(HOOK)]
        own = [name for name in self.parameters.eval_metric if name not in hooked]
        # "[3]\tvalidation-auc:0.9\tvalidation-aucpr:0.5", in the order asked for, with all digits of a double
        words = booster.eval_set([(self.validation, "validation")], number).split("\t")[1:]
        found = {name: float(word.rpartition(":")[2]) for name, word in zip(own, words, strict=True)}
        if hooked and self.hooks is not None:
            measure = self.hooks.metrics([name.removeprefix(HOOK) for name in hooked], margins=False)
            values = measure(booster.predict(self.validation), self.validation)
            found |= {name: float(value) for name, (_, value) in zip(hooked, values, strict=True)}
        for name, value in found.items():
            if not math.isfinite(value):
                raise ConfigError(
                    f"metric {name} is {value} after round {number}",
                    fix="leave it out of eval_metric, or mend it",
                )
        return {name: found[name] for name in self.parameters.eval_metric}


def set_up(job: Job, train: Prepared, inputs: Inputs, hosts: Hosts) -> Training:
    """Bin the rows, and put everything together that the rounds need.

    Parameters
    ----------
    job : Job
    train : Prepared
        Needed no more when this returns.
    inputs : Inputs
    hosts : Hosts
    """
    parameters, features, validation = job.parameters, inputs.features, inputs.validation
    bins = train_matrix(train, features, parameters, hosts=hosts)
    return Training(
        parameters,
        booster_parameters(parameters, features),
        bins,
        # Told of the others, XGBoost would wait for them to bin theirs.
        hosts.on_first(lambda: validation and train_matrix(validation, features, parameters, ref=bins)),
        parameters.eval_metric[-1] if "validation" in job.channels else None,
        job.hooks,
        hosts,
    )


def fit(
    training: Training,
    *,
    stop: StopRequest,
    on_round: OnRound | None = None,
    start: Checkpoint | None = None,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train until the last round, the early stop, or a request to stop, whichever comes first.

    Parameters
    ----------
    training : Training
    stop : StopRequest
    on_round : callable
        Receives the round, counted from 0, and the validation metrics after it.
    start : Checkpoint, optional
        Where an interrupted training goes on.
    checkpoints : Checkpoints, optional
        Receives the booster after each segment.

    Raises
    ------
    JobError
        If the job was asked to stop before its first round, or a metric is not a number.
    """
    parameters, hosts = training.parameters, training.hosts
    length = parameters.checkpoint_rounds
    progress = Progress() if start is None else start.progress
    objective = None
    if parameters.objective_hook is not None and training.hooks is not None:
        objective = training.hooks.objective(parameters.objective_hook)
    booster = training.begin(progress.rounds // length if length else 0, start.booster if start else None)
    stopping = hosts.any(stop.made)
    while progress.rounds < parameters.num_round and not stopping:
        if progress.patience_lost(parameters.early_stopping_rounds):
            break
        number = progress.rounds
        booster.update(training.train, number, fobj=objective)
        with hosts.together():
            metrics = hosts.on_first(partial(training.measure, booster, number))
        metrics = hosts.share(metrics)
        progress.add(metrics, watched=training.watched, direction=training.direction)
        if hosts.first and on_round is not None:
            on_round(number, metrics)
        if length and progress.rounds % length == 0:
            booster = _end_segment(training, booster, progress, checkpoints)
        stopping = hosts.any(stop.made)
    if not progress.rounds:
        raise StoppedTooEarly
    last = progress.rounds - 1
    best = (
        last if not parameters.early_stopping_rounds or progress.best_round is None else progress.best_round
    )
    kept = best + 1 if parameters.save_best else progress.rounds
    return Fitted(booster[:kept], progress, training.watched, best)


def _end_segment(
    training: Training, booster: Any, progress: Progress, checkpoints: Checkpoints | None
) -> Any:
    """Save what there is, and return the booster that goes on."""
    parameters = training.parameters
    if checkpoints is None and not parameters.samples:
        return booster
    content = booster.save_raw("ubj")
    if checkpoints is not None:
        checkpoints.write(Checkpoint(progress, content))
    if not parameters.samples or progress.rounds >= parameters.num_round:
        return booster
    return training.begin(progress.rounds // parameters.checkpoint_rounds, content)
