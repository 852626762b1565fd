"""Numbers that say how good a ranking, an operating point or a probability is.

Which rows are alerted is in :mod:`fraudlab.evaluation.operating`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.operating import OperatingPoint, alerts
from fraudlab.evaluation.ranking import BoolArray, Ranking, checked, rank, require_both_classes

__all__ = [
    "alerts",
    "average_precision",
    "average_precision_of",
    "brier",
    "confusion",
    "fraud_amounts",
    "known_amounts",
    "log_loss",
    "roc_auc",
    "roc_auc_of",
    "value_recall",
]


def average_precision(y: ArrayLike, score: ArrayLike) -> float:
    """Area under the precision-recall curve as a step sum, without interpolation.

    ``sum((recall[k] - recall[k-1]) * precision[k])`` over the distinct scores, highest first; equal scores
    are one step. The definition of ``sklearn.metrics.average_precision_score``.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)

    Returns
    -------
    float
        Between the prevalence (in expectation, for random scores) and 1.

    Raises
    ------
    ValueError
        If one class is absent, a label is not 0 or 1, or a score is not finite.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return average_precision_of(rank(y, score))


def average_precision_of(ranking: Ranking) -> float:
    """:func:`average_precision` of rows that are sorted already."""
    require_both_classes(ranking.positives, ranking.negatives)
    steps = ranking.steps
    # Precision counts where recall grows, and that is at the frauds' scores.
    return float(np.sum(np.diff(steps.tp, prepend=0) * steps.precision) / ranking.positives)


def roc_auc(y: ArrayLike, score: ArrayLike) -> float:
    """Probability that a fraud scores above a legitimate row, ties counting half.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)

    Raises
    ------
    ValueError
        As :func:`average_precision`.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return roc_auc_of(rank(y, score))


def roc_auc_of(ranking: Ranking) -> float:
    """:func:`roc_auc` of rows that are sorted already."""
    require_both_classes(ranking.positives, ranking.negatives)
    steps = ranking.steps
    frauds = np.diff(steps.tp, prepend=0)
    above = ranking.ascending.size - np.searchsorted(
        ranking.ascending, steps.threshold.astype(ranking.ascending.dtype), side="right"
    )
    # Half pairs, counted in whole numbers: legitimate rows below a fraud twice, those level with it once.
    legitimate_above = above - (steps.tp - frauds)
    won = int(np.sum(frauds * (2 * ranking.negatives - steps.fp - legitimate_above)))
    return won / (2 * ranking.positives * ranking.negatives)


def confusion(y: ArrayLike, score: ArrayLike, *, threshold: float) -> OperatingPoint:
    """Count alerts and misses at one threshold.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    threshold : float
        An alert is ``score >= threshold``.
    """
    frauds, scores = checked(y, score)
    alerted = alerts(scores, threshold)
    positives, raised = int(frauds.sum()), int(alerted.sum())
    tp = int((frauds & alerted).sum())
    return OperatingPoint(
        float(threshold), tp, raised - tp, positives - tp, frauds.size - positives - raised + tp
    )


def brier(y: ArrayLike, score: ArrayLike) -> float:
    """Mean squared difference of probability and outcome (Brier 1950); 0 is perfect.

    Raises
    ------
    ValueError
        Also for scores outside [0, 1].
    """
    frauds, probability = _probabilities(y, score)
    return float(np.mean((probability - frauds) ** 2))


def log_loss(y: ArrayLike, score: ArrayLike) -> float:
    """Mean negative log-likelihood in nats.

    Probabilities of exactly 0 and 1 are moved inwards by the machine epsilon of the scores' own precision,
    as scikit-learn does, so that one certain and wrong row does not make the mean infinite.
    """
    frauds, probability = _probabilities(y, score)
    given = np.asarray(score).dtype
    epsilon = np.finfo(given if given.kind == "f" else np.float64).eps
    inside = np.clip(probability, epsilon, 1 - epsilon)
    caught, passed = np.log(inside[frauds]).sum(), np.log1p(-inside[~frauds]).sum()
    return float(-(caught + passed) / frauds.size)


def value_recall(y: ArrayLike, score: ArrayLike, amount: ArrayLike, *, threshold: float) -> float:
    """Share of the stolen money that is alerted.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score, amount : array_like of float, shape (n,)
        Amounts as in :func:`fraud_amounts`.
    threshold : float
        An alert is ``score >= threshold``.

    Returns
    -------
    float
        0 where the frauds' amounts sum to 0.
    """
    frauds, scores = checked(y, score)
    lost = fraud_amounts(frauds, amount)
    return _share(float(lost[alerts(scores[frauds], threshold)].sum()), float(lost.sum()))


def fraud_amounts(frauds: BoolArray, amount: ArrayLike) -> NDArray[np.float64]:
    """What each fraud costs if it is missed.

    A negative amount (a fraudulent refund) loses its magnitude. A missing amount counts as the mean of the
    known ones, which leaves the expected total unbiased.

    Parameters
    ----------
    frauds : ndarray of bool, shape (n,)
    amount : array_like of float, shape (n,)
        NaN where unknown.

    Returns
    -------
    ndarray of float64, shape (number of frauds,)

    Raises
    ------
    ValueError
        If lengths differ, or no fraud has a finite amount.
    """
    amounts = np.asarray(amount, dtype=np.float64)
    if amounts.shape != frauds.shape:
        raise ValueError(f"there are {amounts.size} amounts for {frauds.size} rows")
    lost = np.abs(amounts[frauds])
    known = np.isfinite(lost)
    if not known.any():
        raise ValueError("no fraud has a known amount, so missed frauds cannot be priced by it")
    return np.where(known, lost, lost[known].mean())


def known_amounts(frauds: BoolArray, amount: ArrayLike | None) -> NDArray[np.float64] | None:
    """The amounts, as :func:`fraud_amounts` takes them; None where not one fraud has one.

    Rows of few frauds may have none whose amount is known: then nothing says what those cost, and what is
    measured in money has no value.

    Examples
    --------
    >>> known_amounts(np.array([True, False]), [5.0, 7.0])
    array([5., 7.])
    >>> known_amounts(np.array([True, False]), [float("nan"), 7.0]) is None
    True
    """
    if amount is None:
        return None
    amounts = np.asarray(amount, dtype=np.float64)
    if amounts.shape == frauds.shape and not np.isfinite(amounts[frauds]).any():
        return None
    return amounts


def _probabilities(y: ArrayLike, score: ArrayLike) -> tuple[BoolArray, NDArray[np.float64]]:
    frauds, scores = checked(y, score)
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(f"scores run from {scores.min():g} to {scores.max():g}; probabilities are needed")
    return frauds, scores.astype(np.float64)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
