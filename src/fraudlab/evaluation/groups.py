"""The same figures for every group of rows: each day, each hour of the day, each value of a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.operating import alerts
from fraudlab.evaluation.ranking import Ranking, checked, rank

#: frauds below which a group's figures say little: half of them is anything from a quarter to three quarters
FEW_FRAUDS = 10


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What a threshold and the order of the scores do in one group.

    Attributes
    ----------
    group : int
    rows, frauds, alerts, caught : int
        Rows, frauds among them, alerts among them, and frauds among the alerts.
    average_precision : float or None
        None where the group has only one class.
    """

    group: int
    rows: int
    frauds: int
    alerts: int
    caught: int
    average_precision: float | None

    @property
    def precision(self) -> float | None:
        """Share of alerts that are fraud; None where nothing is alerted."""
        return self.caught / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """Share of frauds that are alerted; None where there are none."""
        return self.caught / self.frauds if self.frauds else None


def figures_by_group(
    y: ArrayLike, score: ArrayLike, group: ArrayLike, *, threshold: float
) -> list[GroupFigures]:
    """Figures of each group that has rows, by rising group.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    group : array_like of int, shape (n,)
        0 or more; few groups are fast.
    threshold : float
        An alert is ``score >= threshold``.

    Raises
    ------
    ValueError
        As :func:`fraudlab.evaluation.ranking.checked`, and for groups below 0 or of another number of rows.

    Examples
    --------
    >>> first, second = figures_by_group([1, 0, 0, 1], [0.9, 0.2, 0.6, 0.4], [0, 0, 3, 3], threshold=0.5)
    >>> second.group, second.alerts, second.recall, second.average_precision
    (3, 1, 0.0, 0.5)
    """
    frauds, scores = checked(y, score)
    number = np.asarray(group)
    if number.shape != scores.shape:
        raise ValueError(f"there are {number.size} groups for {scores.size} rows")
    if number.min() < 0:
        raise ValueError("groups are numbers of 0 or more")
    alerted = alerts(scores, threshold)
    size = int(number.max()) + 1
    rows, positives, raised, caught = (
        np.bincount(number if mask is None else number[mask], minlength=size).tolist()
        for mask in (None, frauds, alerted, frauds & alerted)
    )
    rankings = rankings_by_group(frauds, scores, number)
    return [
        GroupFigures(
            place, rows[place], positives[place], raised[place], caught[place], _average_precision(ranking)
        )
        for place, ranking in rankings.items()
    ]


def rankings_by_group(
    frauds: NDArray[np.bool_], score: NDArray[np.floating], group: NDArray[np.integer]
) -> dict[int, Ranking]:
    """The ranking of each group that has rows, by rising group."""
    small = group.astype(np.min_scalar_type(int(group.max())))
    order = np.argsort(small, kind="stable")  # by digits: one pass for each byte
    ordered = small[order]
    frauds, score = frauds[order], score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, ordered.size)
    return {
        int(ordered[end - 1]): rank(frauds[start:end], score[start:end])
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    }


def _average_precision(ranking: Ranking) -> float | None:
    return average_precision_of(ranking) if ranking.positives and ranking.negatives else None
