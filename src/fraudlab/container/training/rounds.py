"""Boosting round by round: segments, metrics, early stopping, checkpoints, a stop on request.

Rounds are trained in segments of ``checkpoint_rounds``. Where they draw random numbers, every segment begins
with a fresh booster, made of the bytes of the one before it, and a seed of its own: a booster's generator
cannot be saved, and so an interrupted training would go on with other draws. It is done whether or not
anything is interrupted or saved, so that the bytes of a model depend on its parameters and data only. Where
nothing is drawn, a booster that is continued from its bytes and one that never stopped are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import COMPUTED, Hyperparameters, direction, printed
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StoppedTooEarly, StopRequest, lean_xgboost
from fraudlab.container.training.boosting import segment_seed, threads, train_matrix
from fraudlab.container.training.checkpoint_files import Checkpoint
from fraudlab.container.training.checkpoints import Checkpoints
from fraudlab.container.training.hooks import Hooks
from fraudlab.container.training.inputs import Inputs
from fraudlab.container.training.job import Job
from fraudlab.container.training.progress import Progress, can_go_on, is_over
from fraudlab.container.training.round_metrics import measure as measure_computed

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
    complete : bool
        Whether it ended of itself, and not because the job was told to stop.
    """

    booster: Any
    progress: Progress
    metric: str | None
    best_round: int
    complete: bool


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
        if self.hooks is not None and watched in self.parameters.metric_hooks:
            return self.hooks.direction(watched)
        return direction(watched)

    def begin(self, segment: int, content: bytes | bytearray | None) -> Any:
        """A booster for a segment, from the bytes of the one before it."""
        seed = segment_seed(self.booster["seed"], segment)
        matrices = [self.train] if self.validation is None else [self.train, self.validation]
        given = None if content is None else bytearray(content)
        return xgboost.Booster({**self.booster, "seed": seed}, matrices, model_file=given)

    def objective(self, first_round: int) -> Callable[[Any, Any], Any] | None:
        """The function of ``hooks.py`` that gives gradients; None for XGBoost's own."""
        name = self.parameters.objective_hook
        if name is None or self.hooks is None:
            return None
        return self.hooks.objective(name, first_round=first_round)

    def metrics(self, first_round: int) -> Callable[[Any, int], dict[str, float]]:
        """What measures a booster after a round: all metrics, in the order they were asked for."""
        hooked = self.parameters.metric_hooks
        names = [printed(metric) for metric in self.parameters.eval_metric]
        computed = [name for name in names if name in COMPUTED]
        own = [name for name in names if name not in hooked and name not in computed]
        weight = float(self.booster.get("scale_pos_weight", 1.0))
        values = None
        if hooked and self.hooks is not None:
            values = self.hooks.metrics(hooked, margins=False, first_round=first_round)

        def measure(booster: Any, number: int) -> dict[str, float]:
            if self.validation is None:
                return {}
            # "[3]\tvalidation-auc:0.9\tvalidation-aucpr:0.5", in the order asked for, all digits of a double
            words = booster.eval_set([(self.validation, "validation")], number).split("\t")[1:] if own else []
            found = {name: float(word.rpartition(":")[2]) for name, word in zip(own, words, strict=True)}
            if values is not None:
                found |= dict(values(booster.predict(self.validation), self.validation))
            if computed:
                found |= measure_computed(computed, booster, self.validation, class_weight=weight)
            return {name: found[name] for name in names}

        return measure


def set_up(
    job: Job,
    train: Prepared | Sequence[Prepared],
    inputs: Inputs,
    hosts: Hosts,
    *,
    like: Training | None = None,
) -> Training:
    """Bin the rows, and put everything together that the rounds need.

    Parameters
    ----------
    job : Job
    train : Prepared or sequence of Prepared
        What is trained on; needed no more when this returns.
    inputs : Inputs
    hosts : Hosts
    like : Training, optional
        One of the same rows in the same bins, which are not made again.
    """
    parameters, features, validation = job.parameters, inputs.features, inputs.validation
    categorical = [features.names[at] for at in features.categorical]
    told = parameters.for_xgboost(features.input_names, cpus=threads(parameters), categorical=categorical)
    if like is None:
        bins = train_matrix(train, features, parameters, hosts=hosts)
        # Told of the others, XGBoost would wait for them to bin theirs.
        held = hosts.on_first(lambda: validation and train_matrix(validation, features, parameters, ref=bins))
    else:
        bins, held = like.train, like.validation
    return Training(
        parameters,
        told,
        bins,
        held,
        printed(parameters.eval_metric[-1]) if "validation" in job.channels else None,
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
        Receives the booster after each segment, and at the end.

    Raises
    ------
    StoppedTooEarly
        If the job was asked to stop before its first round.
    ConfigError
        If a hook fails.
    StorageError
        If a checkpoint cannot be written.
    """
    parameters, hosts = training.parameters, training.hosts
    length = parameters.checkpoint_rounds
    progress = Progress() if start is None else start.progress
    objective, measure = training.objective(progress.rounds), training.metrics(progress.rounds)
    booster = training.begin(progress.rounds // length if length else 0, start.booster if start else None)
    begun, stopping = progress.rounds, hosts.any(stop.made)
    while not stopping and not is_over(progress, parameters):
        number = progress.rounds
        booster.update(training.train, number, fobj=objective)
        with hosts.together():
            metrics = hosts.on_first(partial(measure, booster, number))
        metrics = hosts.share(metrics)
        progress.add(metrics, watched=training.watched, direction=training.direction)
        if hosts.first and on_round is not None:
            on_round(number, metrics)
        if length and progress.rounds % length == 0:
            booster = _end_segment(training, booster, progress, checkpoints)
        stopping = hosts.any(stop.made)
    if not progress.rounds:
        raise StoppedTooEarly
    inside = length and progress.rounds > begun and progress.rounds % length
    if checkpoints is not None and inside and can_go_on(progress, parameters):
        checkpoints.write(Checkpoint(progress, booster.save_raw("ubj")), length=length)
    last = progress.rounds - 1
    best = (
        last if not parameters.early_stopping_rounds or progress.best_round is None else progress.best_round
    )
    kept = best + 1 if parameters.save_best else progress.rounds
    return Fitted(booster[:kept], progress, training.watched, best, is_over(progress, parameters))


def _end_segment(
    training: Training, booster: Any, progress: Progress, checkpoints: Checkpoints | None
) -> Any:
    """Save what there is, and return the booster that goes on."""
    parameters = training.parameters
    if checkpoints is None and not parameters.samples:
        return booster
    content = booster.save_raw("ubj")
    if checkpoints is not None:
        checkpoints.write(Checkpoint(progress, content), length=parameters.checkpoint_rounds)
    if not parameters.samples or progress.rounds >= parameters.num_round:
        return booster
    return training.begin(progress.rounds // parameters.checkpoint_rounds, content)
