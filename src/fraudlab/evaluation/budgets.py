"""What a fixed share of false alarms, or a fixed number of alerts per day, would catch.

A threshold is chosen once; these say what a model gives to a team of another size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import fraud_amounts
from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.evaluation.ranking import FloatArray, IntArray, Ranking, checked, rank, require_both_classes

DAY = 86_400.0
#: shares of legitimate rows at which recall is measured: few teams can look at more than one in a hundred
FALSE_POSITIVE_RATES = (0.001, 0.01)


def recall_at_fpr(y: ArrayLike, score: ArrayLike, *, rate: float) -> float:
    """Share of frauds above the lowest threshold at which at most this share of legitimate rows is alerted.

    A point of the ROC curve, without interpolation: equal scores are alerted together or not at all. The
    largest ``tpr`` of ``sklearn.metrics.roc_curve`` whose ``fpr`` is at most `rate`.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    rate : float
        0.01 is one legitimate row in a hundred.

    Raises
    ------
    ValueError
        If one class is absent, a label is not 0 or 1, or a score is not finite.

    Examples
    --------
    >>> recall_at_fpr([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], rate=0.5)
    1.0
    >>> recall_at_fpr([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], rate=0.1)
    0.5
    """
    return float(point_at_fpr(rank(y, score), rate).recall or 0.0)


def point_at_fpr(ranking: Ranking, rate: float) -> OperatingPoint:
    """The operating point of :func:`recall_at_fpr`; its threshold is the score of a fraud, or above all."""
    require_both_classes(ranking.positives, ranking.negatives)
    steps = ranking.steps
    reached = int(np.searchsorted(steps.false_positive_rate, rate, side="right"))
    if reached:
        return steps[reached - 1]
    above = float(np.nextafter(float(ranking.ascending[-1]), np.inf))
    return OperatingPoint(above, 0, 0, ranking.positives, ranking.negatives)


@dataclass(frozen=True, slots=True)
class Caught:
    """What so many alerts per day catch.

    Attributes
    ----------
    per_day : int
        Alerts on a whole day.
    alerts : int
        On all days of the rows.
    frauds : float
        Among the alerts; no whole number where equal scores share the last places.
    positives : int
        Frauds among all rows.
    value : float or None
        Share of the frauds' money; None where amounts are not known.
    """

    per_day: int
    alerts: int
    frauds: float
    positives: int
    value: float | None

    @property
    def precision(self) -> float:
        """Share of alerts that are fraud."""
        return self.frauds / self.alerts

    @property
    def recall(self) -> float | None:
        """Share of frauds that are alerted; None where there are none."""
        return self.frauds / self.positives if self.positives else None


def caught_per_day(
    y: ArrayLike,
    score: ArrayLike,
    time: ArrayLike,
    amount: ArrayLike | None = None,
    *,
    per_day: list[int],
    sampled: float = 1.0,
) -> list[Caught]:
    """What a team catches that looks at the rows with the highest scores of each day.

    Of equal scores that share the last places of a day, each is as likely to be looked at: the number of
    frauds is the expected one (McSherry & Najork 2008, "Computing information retrieval performance measures
    efficiently in the presence of tied scores"), so the order of rows decides nothing. A day that the rows
    cover in part, as the first and the last may, has the same part of the alerts, and at least one.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score, time : array_like of float, shape (n,)
        Times in seconds; a day is a whole number of 86,400 s.
    amount : array_like of float, shape (n,), optional
        As in :func:`~fraudlab.evaluation.metrics.fraud_amounts`.
    per_day : list of int
        Alerts on a whole day, each at least 1.
    sampled : float
        Which share of the transactions of their days the rows are.

    Returns
    -------
    list of Caught
        One for each of `per_day`.

    Raises
    ------
    ValueError
        If there are no rows, lengths differ, or a number is out of range.

    Examples
    --------
    >>> found = caught_per_day([1, 0, 0, 1], [0.9, 0.8, 0.7, 0.6], [0, 50_000, 90_000, 172_799], per_day=[1])
    >>> found[0].alerts, found[0].frauds, found[0].recall
    (2, 1.0, 0.5)
    """
    frauds, scores = checked(y, score)
    times = np.asarray(time, dtype=np.float64)
    if times.shape != scores.shape:
        raise ValueError(f"there are {times.size} times for {scores.size} rows")
    if not per_day or min(per_day) < 1:
        raise ValueError("a day has at least one alert")
    if not 0 < sampled <= 1:
        raise ValueError(f"rows are a share of all between 0 and 1, not {sampled}")
    lost = None
    if amount is not None:
        lost = np.zeros(scores.size)
        lost[frauds] = fraud_amounts(frauds, amount)
    days = Days.of(times)
    budgets = [days.budgets(most, sampled=sampled) for most in per_day]
    totals = np.zeros((len(per_day), 3))
    for index, rows in enumerate(days.rows()):
        most = [int(budget[index]) for budget in budgets]
        totals += _of_one_day(scores[rows], frauds[rows], None if lost is None else lost[rows], most)
    whole = float(lost.sum()) if lost is not None else 0.0
    return [
        Caught(
            each,
            int(alerts),
            float(found),
            int(frauds.sum()),
            None if lost is None else float(money / whole) if whole else 0.0,
        )
        for each, (alerts, found, money) in zip(per_day, totals, strict=True)
    ]


@dataclass(frozen=True)
class Days:
    """Rows grouped by the day of their time.

    Attributes
    ----------
    day : ndarray of int64, shape (d,)
        Days that have rows, rising, each as a number of 86,400 s.
    share : ndarray of float64, shape (d,)
        How much of each lies between the first and the last row.
    order : ndarray of int or None
        The rows by rising day; None where they are so already.
    ends : ndarray of int64, shape (d,)
        Where in `order` each day ends.
    """

    day: IntArray
    share: NDArray[np.float64]
    order: NDArray[np.integer] | None
    ends: IntArray

    @classmethod
    def of(cls, time: NDArray[np.float64]) -> Days:
        """Group times, in seconds, shape (n,)."""
        number = np.floor(time / DAY).astype(np.int64)
        first, last = float(time.min()), float(time.max())
        order = None
        if np.any(number[1:] < number[:-1]):
            offset = number - number.min()
            order = np.argsort(offset.astype(np.min_scalar_type(int(offset.max()))), kind="stable")
            number = number[order]
        ends = np.append(np.flatnonzero(number[1:] != number[:-1]) + 1, number.size)
        day = number[ends - 1]
        share = (np.minimum(last, (day + 1) * DAY) - np.maximum(first, day * DAY)) / DAY
        if are_dates(time):
            share = np.ones(day.size)
        return cls(day, share, order, ends)

    def budgets(self, per_day: int, *, sampled: float = 1.0) -> IntArray:
        """Alerts of each day, of so many on a whole one: at least 1, and at most its rows."""
        return np.minimum(self.places(per_day, sampled=sampled), np.diff(self.ends, prepend=0))

    def places(self, per_day: int, *, sampled: float = 1.0) -> IntArray:
        """Alerts that a team has time for on each day, of so many on a whole one: at least 1."""
        return np.maximum(np.floor(per_day * sampled * self.share + 0.5).astype(np.int64), 1)

    def rows(self) -> list[slice | NDArray[np.integer]]:
        """The rows of each day, in the order they were given."""
        parts = [
            slice(int(start), int(end)) for start, end in zip([0, *self.ends[:-1]], self.ends, strict=True)
        ]
        return [part if self.order is None else self.order[part] for part in parts]


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many days some rows are the traffic of.

    Attributes
    ----------
    day : ndarray of int32, shape (n,)
        Of each row, as a number of 86,400 s.
    days : float
        Above 0.
    """

    day: NDArray[np.int32]
    days: float

    @classmethod
    def of(cls, time: NDArray[np.float64], *, sampled: float = 1.0) -> Traffic:
        """Count the days from the first row to the last; dates count whole, the last one too.

        Parameters
        ----------
        time : ndarray of float64, shape (n,)
            In seconds.
        sampled : float
            Which share of the transactions of their days the rows are: a tenth of the rows of ten days is
            the traffic of one.
        """
        first, last = float(time.min()), float(time.max())
        days = (last - first) / DAY + (1.0 if are_dates(time) else 0.0)
        return cls(np.floor(time / DAY).astype(np.int32), days * sampled)


def are_dates(time: NDArray[np.float64]) -> bool:
    """Whether times, in seconds, are days without an hour: then no day is cut."""
    first, last = float(time.min()), float(time.max())
    return (last - first) % DAY == 0 and not np.any((time - first) % DAY)


def _of_one_day(
    score: FloatArray, frauds: NDArray[np.bool_], lost: NDArray[np.float64] | None, most: list[int]
) -> NDArray[np.float64]:
    """Alerts, frauds and money of each budget, shape (budgets, 3)."""
    lowest = np.partition(score, score.size - max(most))[score.size - max(most)]
    kept = np.flatnonzero(score >= lowest)
    kept = kept[np.argsort(-score[kept], kind="stable")]
    ordered = score[kept]
    money = np.zeros(kept.size) if lost is None else lost[kept]
    sums = np.vstack([np.zeros(2), np.cumsum(np.column_stack([frauds[kept], money]), axis=0)])
    found = np.empty((len(most), 3))
    for row, alerts in enumerate(most):
        # falling scores: those above the last alert's, and those equal to it
        above, reached = (
            int(np.searchsorted(-ordered, -ordered[alerts - 1], side=side)) for side in ("left", "right")
        )
        part = (alerts - above) / (reached - above)
        found[row] = (alerts, *(sums[above] + part * (sums[reached] - sums[above])))
    return found
