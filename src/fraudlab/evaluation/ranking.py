"""The scores sorted once: what every rank statistic is read from.

Average precision, ROC AUC, the cheapest threshold and the bootstrap ask for counts at the frauds' scores
only, and a curve for counts at a thousand places. So the scores are sorted as values, without their rows, and
the frauds' scores are searched in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.operating import OperatingPoints

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """Scores in order, and which of them are frauds'.

    Attributes
    ----------
    frauds : ndarray of bool, shape (n,)
        Which rows are fraud, in the order they were given.
    score : ndarray of float, shape (n,)
        In the order they were given.
    ascending : ndarray of float, shape (n,)
        All scores, sorted.
    caught : ndarray of float, shape (p,)
        The frauds' scores, sorted.
    """

    frauds: BoolArray
    score: FloatArray
    ascending: FloatArray
    caught: FloatArray

    @property
    def positives(self) -> int:
        """Frauds among all rows."""
        return int(self.caught.size)

    @property
    def negatives(self) -> int:
        """Legitimate rows among all."""
        return int(self.ascending.size - self.caught.size)

    @cached_property
    def steps(self) -> OperatingPoints:
        """Every distinct score of a fraud, highest first: between two of them only false alarms come."""
        return self._at(distinct(self.caught)[::-1])

    def at(self, threshold: ArrayLike) -> OperatingPoints:
        """Count alerts at thresholds, shape (k,), falling; compared as float64 whatever the scores are."""
        exact = np.asarray(threshold, dtype=np.float64)
        with np.errstate(over="ignore"):
            stored = exact.astype(self.ascending.dtype)
        # the lowest number of the scores' own precision that reaches the threshold
        below = stored.astype(np.float64) < exact
        stored[below] = np.nextafter(stored[below], np.inf, dtype=stored.dtype)
        return self._at(stored, exact)

    def spread(self, *, limit: int) -> NDArray[np.float64]:
        """A few thresholds whose plot looks the same as a plot of all of them.

        Half are evenly spaced in recall and half in the logarithm of the number of alerts: the first
        carries the precision-recall curve, the second the corner where an alert budget lies. Both ends are
        kept, and where the distinct scores are not more than `limit`, all of them.

        Parameters
        ----------
        limit : int
            Return at most this many, at least 2.

        Returns
        -------
        ndarray of float64, shape (limit or fewer,)
            Distinct scores, falling.
        """
        scores, size = self.ascending, self.ascending.size
        if np.count_nonzero(scores[1:] != scores[:-1]) < limit:
            return distinct(scores)[::-1].astype(np.float64)
        half = limit // 2
        top = size - int(np.searchsorted(scores, scores[-1]))
        raised = np.ceil(np.geomspace(top, size, limit - half)[1:-1]).astype(np.int64)
        chosen = [scores[size - raised], scores[[0, -1]]]
        if self.positives:
            reached = np.ceil(np.linspace(0, self.positives, half)[1:]).astype(np.int64)
            chosen.append(self.caught[self.positives - reached])
        return np.unique(np.concatenate(chosen))[::-1].astype(np.float64)

    def _at(self, stored: FloatArray, exact: NDArray[np.float64] | None = None) -> OperatingPoints:
        tp = self.positives - np.searchsorted(self.caught, stored)
        raised = self.ascending.size - np.searchsorted(self.ascending, stored)
        threshold = stored.astype(np.float64) if exact is None else exact
        return OperatingPoints(threshold, tp, raised - tp, self.positives, self.negatives)


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


def rank(y: ArrayLike, score: ArrayLike) -> Ranking:
    """Sort the scores, once for everything that is measured of them.

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
    return Ranking(frauds, scores, np.sort(scores), np.sort(scores[frauds]))


def distinct(ascending: FloatArray) -> FloatArray:
    """The distinct values of a sorted array, in its order."""
    differs = ascending[1:] != ascending[:-1]
    return np.append(ascending[:1], ascending[1:][differs])
