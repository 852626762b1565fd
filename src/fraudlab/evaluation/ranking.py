"""Rows ordered once by score: what every rank statistic is read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Alerts at every distinct threshold, highest threshold first.

    Attributes
    ----------
    threshold : ndarray of float64, shape (k,)
        The distinct scores, descending.
    true_positives, false_positives : ndarray of int64, shape (k,)
        Frauds and legitimate rows whose score is at least the threshold: ties are always on one side.
    """

    threshold: NDArray[np.float64]
    true_positives: IntArray
    false_positives: IntArray

    @property
    def positives(self) -> int:
        """Frauds among all rows."""
        return int(self.true_positives[-1])

    @property
    def negatives(self) -> int:
        """Legitimate rows among all."""
        return int(self.false_positives[-1])

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of alerts that are fraud at each threshold, shape (k,)."""
        return self.true_positives / (self.true_positives + self.false_positives)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of frauds that are alerted at each threshold, shape (k,)."""
        return self.true_positives / self.positives


def checked(y: ArrayLike, score: ArrayLike) -> tuple[BoolArray, FloatArray]:
    """Labels as booleans and scores as floats, or the sentence that says why they are not.

    Parameters
    ----------
    y : array_like, shape (n,)
        0 or 1 (or False and True).
    score : array_like, shape (n,)
        Any finite numbers, larger meaning more suspicious.

    Raises
    ------
    ValueError
        For no rows, different lengths, labels other than 0 and 1, and scores that are not finite.
    """
    labels = np.asarray(y)
    scores = np.asarray(score)
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(
            f"labels and scores must be two columns of one length, not {labels.shape} and {scores.shape}"
        )
    if not labels.size:
        raise ValueError("there are no rows to evaluate")
    frauds = labels == 1
    if not np.all(frauds | (labels == 0)):
        raise ValueError("labels must be 0 or 1")
    if not np.isfinite(scores).all():
        broken = int((~np.isfinite(scores)).sum())
        raise ValueError(f"{broken} of {scores.size} scores are not finite numbers")
    return frauds, scores


def require_both_classes(positives: int, negatives: int) -> None:
    """Raise the sentence for a split in which nothing can be ranked."""
    if not positives:
        raise ValueError("there are no frauds among the labels, so nothing can be measured on them")
    if not negatives:
        raise ValueError("every label is fraud, so nothing can be measured on them")


def descending(score: FloatArray) -> IntArray:
    """Row order by falling score.

    The sort is stable, so that sums over ties come out with the same last bit on every processor.
    """
    return np.argsort(-score, kind="stable")


def rank(y: ArrayLike, score: ArrayLike) -> Ranking:
    """Sort the rows once and count both classes at every distinct threshold.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)

    Returns
    -------
    Ranking

    Raises
    ------
    ValueError
        As :func:`checked`.
    """
    frauds, scores = checked(y, score)
    order = descending(scores)
    ordered = scores[order]
    last = last_of_ties(ordered)
    true_positives = np.cumsum(frauds[order], dtype=np.int64)[last]
    return Ranking(ordered[last].astype(np.float64), true_positives, last + 1 - true_positives)


def last_of_ties(ordered: FloatArray) -> IntArray:
    """Position of the last row of each group of equal values in a sorted array."""
    return np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)


def spread(ranking: Ranking, *, limit: int) -> IntArray:
    """Which thresholds to keep so that a plot through them cannot be told from one through all.

    Half are evenly spaced in recall and half in the logarithm of the number of alerts: the first
    carries the precision-recall curve, the second the corner where an alert budget lies. Both ends are kept.

    Parameters
    ----------
    ranking : Ranking
        With k thresholds.
    limit : int
        Keep at most this many, at least 2.

    Returns
    -------
    ndarray of int64, shape (min(k, limit) or fewer,)
        Ascending positions.
    """
    size = ranking.threshold.size
    if size <= limit:
        return np.arange(size)
    half = limit // 2
    alerts = ranking.true_positives + ranking.false_positives
    by_recall = np.searchsorted(ranking.true_positives, np.linspace(0, ranking.positives, half))
    by_alerts = np.searchsorted(alerts, np.geomspace(alerts[0], alerts[-1], limit - half))
    ends = np.array([0, size - 1])
    return np.unique(np.concatenate([by_recall[1:], by_alerts[1:-1], ends])).astype(np.int64)
