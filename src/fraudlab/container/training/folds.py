"""Cross-validation beside the model: every row is scored by a booster that has not seen it.

Each fold's booster is fitted as the model is, on the rows of the other folds only: bins are made anew. Early
stopping on the rows that are then measured would choose what flatters them. So a fold stops early only where
there is a validation channel, and by that; without one it trains every round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.container.hosts import Hosts
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StoppedTooEarly, StopRequest
from fraudlab.container.training.boosting import train_matrix
from fraudlab.container.training.decision import Evidence
from fraudlab.container.training.inputs import Inputs
from fraudlab.container.training.job import Job
from fraudlab.container.training.members import Trainings, fit_all, measure_mean
from fraudlab.container.training.progress import round_line
from fraudlab.evaluation.metrics import average_precision, roc_auc


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold that was held out.

    Attributes
    ----------
    repeat, fold : int
        Counted from 0.
    rows : ndarray of int64, shape (held out,)
        Positions in the train channel, ascending.
    score : ndarray of float32, shape (held out,)
    rounds : int
        Of the booster that scored them.
    metrics : dict of float
        Those of ``eval_metric``, where no validation channel has them.
    """

    repeat: int
    fold: int
    rows: NDArray[np.int64]
    score: NDArray[np.float32]
    rounds: int
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """All folds that were held out.

    Attributes
    ----------
    folds : list of Fold
    label : ndarray of uint8, shape (rows of train,)
    amount : ndarray of float64, shape (rows of train,), or None
    complete : bool
        Whether every fold was held out once a repeat; not so where the job was told to stop.
    """

    folds: list[Fold]
    label: NDArray[np.uint8]
    amount: NDArray[np.float64] | None
    complete: bool

    def pooled(self) -> Evidence | None:
        """The rows of all folds together, as often as they were held out; None where none was."""
        if not self.folds:
            return None
        rows = np.concatenate([fold.rows for fold in self.folds])
        score = np.concatenate([fold.score for fold in self.folds])
        amount = None if self.amount is None else self.amount[rows]
        return Evidence("out_of_fold", self.label[rows], score, amount)

    def measures(self, fold: Fold) -> dict[str, Any]:
        """How well a fold was ranked by the booster that had not seen it."""
        label = self.label[fold.rows]
        return {
            "repeat": fold.repeat,
            "fold": fold.fold,
            "rows": int(label.size),
            "positives": int(label.sum()),
            "rounds": fold.rounds,
            "average_precision": average_precision(label, fold.score),
            "roc_auc": roc_auc(label, fold.score),
        }


def cross_validate(job: Job, train: Prepared, inputs: Inputs, stop: StopRequest) -> CrossValidation:
    """Train and score every fold; print one line for each.

    Parameters
    ----------
    job : Job
    train : Prepared
    inputs : Inputs
    stop : StopRequest
        Ends it after the folds so far.

    Raises
    ------
    ConfigError
        If a fold would be without fraud, or with nothing else.
    """
    count, repeats = job.parameters.k_fold, job.parameters.k_fold_repeats
    done: list[Fold] = []
    seed = int(job.parameters.booster["seed"])
    for repeat in range(repeats):
        fold_of = stratified_folds(train.label, count, seed=seed, repeat=repeat)
        for number in range(count):
            fold = None
            if not stop.made:
                fold = _hold_out(job, train, inputs, fold_of == number, stop, (repeat, number))
            if fold is None:
                return CrossValidation(done, train.label, train.amount, complete=False)
            done.append(fold)
            value = average_precision(train.label[fold.rows], fold.score)
            print(f"fold={number + 1}/{count} repeat={repeat + 1}/{repeats}", end=" ")
            print(f"out_of_fold-average_precision={value:.6f}")
    if inputs.validation is None:
        # What a tuning job reads, as the official container prints it: means over the folds, as a round.
        means = {name: float(np.mean([fold.metrics[name] for fold in done])) for name in done[0].metrics}
        print(round_line(job.parameters.num_round, means))
    return CrossValidation(done, train.label, train.amount, complete=True)


def _hold_out(
    job: Job,
    train: Prepared,
    inputs: Inputs,
    held_out: NDArray[np.bool_],
    stop: StopRequest,
    place: tuple[int, int],
) -> Fold | None:
    """One fold; its place is repeat and fold. None where the job is told to stop before its end."""
    trainings = Trainings(job, train.take(~held_out), inputs, Hosts())
    try:
        fitted = fit_all(trainings, stop=stop)
    except StoppedTooEarly:
        return None
    if stop.made:  # it may lack rounds
        return None
    rows, rounds = np.flatnonzero(held_out), fitted.booster.num_boosted_rounds()
    metrics: dict[str, float] = {}
    if inputs.validation is None and fitted.asked:
        metrics = measure_mean(job, fitted.booster, train.take(rows), inputs)
    elif inputs.validation is None:
        training = trainings.make(0)
        matrix = train_matrix(train.take(rows), inputs.features, job.parameters, ref=training.train)
        metrics = replace(training, validation=matrix).metrics(rounds)(fitted.booster, rounds)
    score = fitted.booster.inplace_predict(train.matrix[rows])
    return Fold(*place, rows, score, rounds, metrics)


def require_rows(label: NDArray[np.uint8], count: int) -> None:
    """Refuse folds of which one would be without fraud, or with nothing else.

    Parameters
    ----------
    label : ndarray of {0, 1}, shape (rows,)
    count : int
        Folds; 0 asks for none.

    Raises
    ------
    ConfigError
    """
    frauds = int(label.sum())
    few, what = min((frauds, "frauds"), (label.size - frauds, "legitimate rows"))
    if count > few:
        raise ConfigError(
            f"k_fold={count} needs {count} rows of each label in train, and there are {few:,} {what}",
            fix=f"set k_fold to at most {few}" if few > 1 else "give the train channel more rows",
        )


def stratified_folds(
    label: NDArray[np.uint8], count: int, *, seed: int, repeat: int = 0
) -> NDArray[np.int64]:
    """The fold of each row, with equal shares of both labels as nearly as there can be.

    The rows of each label are shuffled and dealt out in turn; the second label goes on where the first ended,
    so that folds differ by one row at most.

    Parameters
    ----------
    label : ndarray of {0, 1}, shape (rows,)
    count : int
        Folds, at least 2.
    seed, repeat : int
        A shuffle of its own each.

    Returns
    -------
    ndarray of int64, shape (rows,)

    Raises
    ------
    ConfigError
        If there are more folds than rows of a label.
    """
    require_rows(label, count)
    random = np.random.default_rng([seed, repeat])
    shuffled = np.concatenate([random.permutation(np.flatnonzero(label == value)) for value in (1, 0)])
    folds = np.empty(label.size, np.int64)
    folds[shuffled] = np.arange(label.size) % count
    return folds
