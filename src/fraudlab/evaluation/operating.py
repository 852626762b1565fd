"""Operating points: which rows are alerted at a threshold, and what that catches, misses and disturbs.

These are the only definitions there are. Training, endpoint, evaluation and report ask them; the report's
page repeats them in its own language, and a test in a browser holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: a threshold that no probability reaches: nothing is an alert. A number, because JSON has no infinity.
NO_ALERTS = float(np.nextafter(1.0, 2.0))


def alerts(score: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Which rows are alerted: those whose score is at least the threshold, compared as float64.

    In float32 a threshold of 0.7 would silently become 0.69999999, and other rows would be alerted.

    Parameters
    ----------
    score : array_like of float, shape (n,)
    threshold : float

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return np.asarray(score, dtype=np.float64) >= threshold


def is_alert(score: float, threshold: float) -> bool:
    """:func:`alerts` of a single row, for the endpoint's shortest path: a Python float is a float64."""
    return score >= threshold


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold does to some rows.

    A share of nothing is None, in JSON ``null``: precision where nothing is alerted, recall where nothing is
    fraud. It is no 0, which would say that every alert was false, and no 1.

    Attributes
    ----------
    threshold : float
        An alert is ``score >= threshold``.
    tp, fp, fn, tn : int
        Frauds that are alerted, legitimate rows that are, frauds that are not, legitimate rows that are not.
    value : float or None
        Money of the frauds that are alerted; None where amounts are not known.
    """

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int
    value: float | None = None

    @property
    def alerts(self) -> int:
        """Rows that are alerted."""
        return self.tp + self.fp

    @property
    def precision(self) -> float | None:
        """Share of alerts that are fraud; None where nothing is alerted."""
        return _share(self.tp, self.alerts)

    @property
    def recall(self) -> float | None:
        """Share of frauds that are alerted; None where there are none."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is neither a fraud nor an alert."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def false_positive_rate(self) -> float | None:
        """Share of legitimate rows that are alerted; None where there are none."""
        return _share(self.fp, self.fp + self.tn)

    @property
    def accuracy(self) -> float | None:
        """Share of rows on the right side: near 1 for any model where fraud is rare."""
        return _share(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    def as_metrics(self) -> dict[str, Any]:
        """Under the names that ``metrics.json`` and ``validation.json`` have."""
        return {
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "accuracy": self.accuracy,
            "true_positives": self.tp,
            "false_positives": self.fp,
            "false_negatives": self.fn,
            "true_negatives": self.tn,
            "rows": self.tp + self.fp + self.fn + self.tn,
            "positives": self.tp + self.fn,
        }


_RECORDED = ("true_positives", "false_positives", "false_negatives", "true_negatives")


def recorded_point(metrics: Mapping[str, Any]) -> OperatingPoint | None:
    """The point whose :meth:`OperatingPoint.as_metrics` is among `metrics`; None where it is not."""
    threshold, *counts = (metrics.get(name) for name in ("threshold", *_RECORDED))
    if not all(type(number) in (int, float) for number in (threshold, *counts)):
        return None
    return OperatingPoint(float(threshold or 0.0), *(int(count or 0) for count in counts))


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Many operating points of the same rows, highest threshold first.

    Attributes
    ----------
    threshold : ndarray of float64, shape (k,)
        Falling.
    tp, fp : ndarray of int64, shape (k,)
    positives, negatives : int
        Frauds and legitimate rows, whether alerted or not.
    """

    threshold: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    positives: int
    negatives: int

    def __getitem__(self, index: int) -> OperatingPoint:
        tp, fp = int(self.tp[index]), int(self.fp[index])
        return OperatingPoint(float(self.threshold[index]), tp, fp, self.positives - tp, self.negatives - fp)

    def first(self, many: int) -> OperatingPoints:
        """The `many` points with the highest thresholds."""
        return OperatingPoints(
            self.threshold[:many], self.tp[:many], self.fp[:many], self.positives, self.negatives
        )

    @property
    def alerts(self) -> NDArray[np.int64]:
        """Rows that are alerted, shape (k,)."""
        return self.tp + self.fp

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of alerts that are fraud, shape (k,); NaN where nothing is alerted."""
        return _shares(self.tp, self.alerts)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of frauds that are alerted, shape (k,); NaN where there are none."""
        return _shares(self.tp, self.positives)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, shape (k,)."""
        return _shares(2 * self.tp, self.alerts + self.positives)

    @property
    def false_positive_rate(self) -> NDArray[np.float64]:
        """Share of legitimate rows that are alerted, shape (k,); NaN where there are none."""
        return _shares(self.fp, self.negatives)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64] | int) -> NDArray[np.float64]:
    shares = np.full(part.shape, np.nan)
    np.divide(part, whole, out=shares, where=np.asarray(whole) != 0)
    return shares
