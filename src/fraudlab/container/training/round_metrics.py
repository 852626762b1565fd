"""Metrics of a round that XGBoost does not have, under the names the official container's tuning jobs use.

Rows count by their weights, as in XGBoost's own metrics. A share of nothing (precision where nothing is
alerted) is 0, as scikit-learn has it: a tuning job needs a number, and such a round is no good one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.hyperparameters import OF_ALERTS, UNWEIGHTED
from fraudlab.evaluation.operating import alerts

_Floats = NDArray[np.float64]
#: weights of the rows that are alerted (frauds, others) and of those that are not (frauds, others)
_Counts = tuple[float, float, float, float]

THRESHOLD = 0.5


def measure(names: Sequence[str], booster: Any, rows: Any, *, class_weight: float) -> dict[str, float]:
    """Values of some of ``hyperparameters.COMPUTED``.

    Parameters
    ----------
    names : sequence of str
    booster : xgboost.Booster
    rows : xgboost.DMatrix
        With labels; their own weights count. Where the booster has them in its cache, predicting is free.
    class_weight : float
        ``scale_pos_weight``, which :func:`unweighted_log_loss` takes back.
    """
    found: dict[str, float] = {}
    if UNWEIGHTED in names:
        found[UNWEIGHTED] = unweighted_log_loss(booster, rows, class_weight)
    others = [name for name in names if name != UNWEIGHTED]
    if others:
        weight = rows.get_weight().astype(np.float64)
        given = weight if weight.size else None
        found |= of_scores(others, rows.get_label(), booster.predict(rows), weight=given)
    return found


def of_scores(
    names: Sequence[str],
    label: NDArray[Any],
    score: NDArray[np.float32],
    *,
    weight: _Floats | None = None,
) -> dict[str, float]:
    """Metrics of scores.

    Parameters
    ----------
    names : sequence of str
        Of ``hyperparameters.OF_ALERTS`` and ``OF_SCORES``.
    label : ndarray of {0, 1}, shape (rows,)
    score : ndarray of float32, shape (rows,)
        Probabilities.
    weight : ndarray of float64, shape (rows,), optional
    """
    found: dict[str, float] = {}
    if asked := [name for name in names if name in OF_ALERTS]:
        counts = _counts(label == 1, alerts(score, THRESHOLD), weight)
        found |= {name: _OF_ALERTS[name](*counts) for name in asked}
    if asked := [name for name in names if name not in OF_ALERTS]:
        truth, guess = label.astype(np.float64), score.astype(np.float64)
        found |= {name: _OF_SCORES[name](truth, guess, weight) for name in asked}
    return found


def unweighted_log_loss(booster: Any, rows: Any, class_weight: float) -> float:
    """Log-loss of the scores from which the frauds' weight is taken back.

    A weight w on the frauds adds log(w) to the log-odds of a model that has learned all there is (Elkan 2001,
    "The foundations of cost-sensitive learning", theorem 2), and log-loss then rewards every round that makes
    scores more extreme.

    Parameters
    ----------
    booster : xgboost.Booster
    rows : xgboost.DMatrix
        With labels; their own weights count.
    class_weight : float
        ``scale_pos_weight``; with 1 this is XGBoost's ``logloss``.

    Returns
    -------
    float
        In nats per row.
    """
    margin = booster.predict(rows, output_margin=True).astype(np.float64) - np.log(class_weight)
    wrong = np.where(rows.get_label() == 1, -margin, margin)
    weight = rows.get_weight()
    return float(np.average(np.logaddexp(0.0, wrong), weights=weight if weight.size else None))


def _counts(fraud: NDArray[np.bool_], alerted: NDArray[np.bool_], weight: _Floats | None) -> _Counts:
    def total(rows: NDArray[np.bool_]) -> float:
        return float(np.count_nonzero(rows) if weight is None else weight[rows].sum())

    return total(fraud & alerted), total(~fraud & alerted), total(fraud & ~alerted), total(~fraud & ~alerted)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _accuracy(tp: float, fp: float, fn: float, tn: float) -> float:
    return _share(tp + tn, tp + fp + fn + tn)


def _precision(tp: float, fp: float, _fn: float, _tn: float) -> float:
    return _share(tp, tp + fp)


def _recall(tp: float, _fp: float, fn: float, _tn: float) -> float:
    return _share(tp, tp + fn)


def _f1(tp: float, fp: float, fn: float, _tn: float) -> float:
    return _share(2 * tp, 2 * tp + fp + fn)


def _of_both_classes(of_frauds: Callable[..., float]) -> Callable[..., float]:
    """The mean of a share of the frauds and the same of the legitimate rows, of those classes there are."""

    def both(tp: float, fp: float, fn: float, tn: float) -> float:
        shares = [of_frauds(tp, fp, fn, tn)] if tp + fp + fn else []
        shares += [of_frauds(tn, fn, fp, tp)] if tn + fn + fp else []
        return sum(shares) / len(shares)

    return both


def _balanced_accuracy(tp: float, fp: float, fn: float, tn: float) -> float:
    shares = [_share(part, whole) for part, whole in ((tp, tp + fn), (tn, tn + fp)) if whole]
    return sum(shares) / len(shares)


#: of two classes, averaging over rows ("micro") is accuracy, whatever is averaged
_OF_ALERTS: Mapping[str, Callable[..., float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "f1_binary": _f1,
    "f1_macro": _of_both_classes(_f1),
    "precision": _precision,
    "precision_macro": _of_both_classes(_precision),
    "precision_micro": _accuracy,
    "recall": _recall,
    "recall_macro": _of_both_classes(_recall),
    "recall_micro": _accuracy,
}


def _mae(truth: _Floats, guess: _Floats, weight: _Floats | None) -> float:
    return float(np.average(np.abs(guess - truth), weights=weight))


def _mse(truth: _Floats, guess: _Floats, weight: _Floats | None) -> float:
    return float(np.average((guess - truth) ** 2, weights=weight))


def _rmsle(truth: _Floats, guess: _Floats, weight: _Floats | None) -> float:
    return float(np.sqrt(_mse(np.log1p(truth), np.log1p(guess), weight)))


def _r2(truth: _Floats, guess: _Floats, weight: _Floats | None) -> float:
    """Share of the labels' variance that scores explain: the Brier skill score against the prevalence."""
    variance = _mse(truth, np.full_like(truth, np.average(truth, weights=weight)), weight)
    return 1.0 - _mse(truth, guess, weight) / variance if variance else 0.0


_OF_SCORES: Mapping[str, Callable[[_Floats, _Floats, _Floats | None], float]] = {
    "mae": _mae,
    "mse": _mse,
    "rmsle": _rmsle,
    "r2": _r2,
}
