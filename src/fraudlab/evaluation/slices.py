"""Slices: the figures of each value of a column, and which values differ from all other rows beyond chance.

Recall and precision at the threshold are compared, not average precision, which rises with the share of fraud
and so says little across slices. Where cards are known, cases of one card count as fewer than they are:
counts are divided by the design effect of Rao & Scott 1992, "A simple method for the analysis of clustered
binary data": how much further apart shares lie than those of independent cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.beyond_chance import fisher_p, holm
from fraudlab.evaluation.card_intervals import card_intervals_of
from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.evaluation.intervals import Interval, interval_of
from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.operating import alerts
from fraudlab.evaluation.ranking import BoolArray, Ranking, rank
from fraudlab.evaluation.shares import wilson

#: how often a slice is marked, at most, where none differs: of all slices that were looked at together
FALSE_MARKS = 0.05

Verdict: TypeAlias = Literal["lower", "higher", "same"]


@dataclass(frozen=True, slots=True)
class SliceShare:
    """Recall or precision of a slice.

    Attributes
    ----------
    part, whole : int
        Frauds among the alerts, and of how many frauds or alerts.
    low, high : float or None
        95 % interval; None of too few.
    p_value : float or None
        Of being the same as in all other rows, before any correction; None where it was not compared.
    adjusted : float or None
        The same for how many were compared.
    rest : float or None
        The share in all other rows.
    """

    part: int
    whole: int
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    adjusted: float | None = None
    rest: float | None = None

    @property
    def enough(self) -> bool:
        """Whether there are cases enough to give a figure."""
        return self.low is not None

    @property
    def value(self) -> float | None:
        """The share; None of too few."""
        return self.part / self.whole if self.enough else None

    @property
    def verdict(self) -> Verdict | None:
        """What is beyond chance; None where it was not compared."""
        if self.adjusted is None or self.rest is None:
            return None
        if self.adjusted > FALSE_MARKS:
            return "same"
        return "lower" if self.part / self.whole < self.rest else "higher"


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """What the model does in the rows of one slice.

    Attributes
    ----------
    group : int
    rows, frauds, alerts, caught : int
        Rows, frauds among them, alerts among them, and frauds among the alerts.
    average_precision : float or None
    interval : Interval or None
        Of average precision. Both are None of too few frauds, or where all rows are fraud.
    recall, precision : SliceShare
    """

    group: int
    rows: int
    frauds: int
    alerts: int
    caught: int
    average_precision: float | None
    interval: Interval | None
    recall: SliceShare
    precision: SliceShare


def slice_figures(
    ranking: Ranking,
    group: ArrayLike,
    *,
    threshold: float,
    card: NDArray[np.integer] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> list[SliceFigures]:
    """The figures of each slice of one column that has rows, by rising group.

    Of fewer than :data:`~fraudlab.evaluation.groups.FEW_FRAUDS` frauds (or cards that have one, where there
    are cards) there is no average precision and no recall, and of so few alerts no precision.

    Parameters
    ----------
    ranking : Ranking
    group : array_like of int, shape (n,)
        0 or more, in the order of the ranking's rows.
    threshold : float
        An alert is ``score >= threshold``.
    card : ndarray of int, shape (n,), optional
        The same number for the same card.
    resamples, seed : int
        As in :func:`fraudlab.evaluation.intervals.bootstrap_interval`.

    Raises
    ------
    ValueError
        If there is not one group of 0 or more for each row.
    """
    number = np.asarray(group)
    if number.shape != ranking.score.shape:
        raise ValueError(f"there are {number.size} groups for {ranking.score.size} rows")
    if number.min() < 0:
        raise ValueError("groups are numbers of 0 or more")
    frauds, alerted = ranking.frauds, alerts(ranking.score, threshold)
    size = int(number.max()) + 1
    recall = list(_shares(frauds, alerted, number, card, size))
    precision = list(_shares(alerted, frauds, number, card, size))
    found = []
    for place in np.flatnonzero(np.bincount(number, minlength=size)).tolist():
        rows = np.flatnonzero(number == place)
        value, interval = None, None
        if recall[place].enough and recall[place].whole < rows.size:
            own = rank(frauds[rows], ranking.score[rows])
            value = average_precision_of(own)
            interval = _interval(own, None if card is None else card[rows], resamples, seed)
        found.append(
            SliceFigures(
                place,
                rows.size,
                recall[place].whole,
                precision[place].whole,
                recall[place].part,
                value,
                interval,
                recall[place],
                precision[place],
            )
        )
    return found


def corrected(columns: Sequence[Sequence[SliceFigures]]) -> list[list[SliceFigures]]:
    """The slices of all columns, with the p values of all comparisons adjusted for how many there are."""
    shares = [share for found in columns for one in found for share in (one.recall, one.precision)]
    adjusted = iter(holm([share.p_value for share in shares if share.p_value is not None]))

    def adjust(share: SliceShare) -> SliceShare:
        return share if share.p_value is None else replace(share, adjusted=next(adjusted))

    return [
        [replace(one, recall=adjust(one.recall), precision=adjust(one.precision)) for one in found]
        for found in columns
    ]


def _interval(ranking: Ranking, card: NDArray[np.integer] | None, resamples: int, seed: int) -> Interval:
    if card is None:
        return interval_of(ranking, resamples=resamples, seed=seed)
    return card_intervals_of(ranking, card, resamples=resamples, seed=seed)[0]


def _shares(
    among: BoolArray,
    hit: BoolArray,
    group: NDArray[np.integer],
    card: NDArray[np.integer] | None,
    size: int,
) -> Iterator[SliceShare]:
    """The share of hits among some rows, for each group, against that of all other groups."""
    rows = np.flatnonzero(among)
    group, hits = group[rows], hit[rows].astype(np.float64)
    unit = None if card is None else np.unique(card[rows], return_inverse=True)[1]
    whole, part = np.bincount(group, minlength=size), np.bincount(group[hits > 0], minlength=size)
    difference = hits - hits.mean() if rows.size else hits
    least = _design_effect(difference, unit)

    def look(mask: BoolArray) -> tuple[bool, float]:
        """Whether some cases are enough, and their design effect: their own where it is above that of all."""
        if unit is None:
            return bool(np.count_nonzero(mask) >= FEW_FRAUDS), 1.0
        own = unit[mask]
        enough = np.unique(own).size >= FEW_FRAUDS
        return enough, max(least, _design_effect(difference[mask], own)) if enough else least

    for place in range(size):
        share = SliceShare(int(part[place]), int(whole[place]))
        enough, effect = look(group == place)
        if enough:
            ends = wilson(share.part / effect, share.whole / effect)
            assert ends is not None
            share = replace(share, low=ends[0], high=ends[1])
            compared, of_rest = look(group != place)
            if compared:
                parts, cases = int(part.sum()) - share.part, int(whole.sum()) - share.whole
                counts = *_effective(share.part, share.whole, effect), *_effective(parts, cases, of_rest)
                share = replace(share, p_value=fisher_p(*counts), rest=parts / cases)
        yield share


def _design_effect(difference: NDArray[np.float64], unit: NDArray[np.integer] | None) -> float:
    """How many times as far a share varies with cards as units as it would with cases; at least 1.

    Parameters
    ----------
    difference : ndarray of float64, shape (n,)
        Of each case from the share of all.
    unit : ndarray of int, shape (n,), or None
        The card of each case.
    """
    if unit is None or not difference.size:
        return 1.0
    single = float(np.square(difference).sum())
    if single == 0:  # all hit, or none: as if each card had but one answer
        sizes = np.bincount(unit).astype(np.float64)
        return float(np.square(sizes).sum() / sizes.sum())
    together = float(np.square(np.bincount(unit, weights=difference)).sum())
    return max(1.0, together / single)


def _effective(part: int, whole: int, effect: float) -> tuple[int, int]:
    """So many independent cases say as much."""
    cases = max(1, int(whole / effect))
    return round(cases * part / whole), cases
