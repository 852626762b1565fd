"""Two models in each slice: the paired difference of average precision, and whether it is chance.

Within a slice both models rank the same rows, so their average precision can be compared, as it cannot be
across slices. The interval is the paired bootstrap's. Its p value is Student's, of the difference in standard
errors with as many degrees of freedom as there are frauds (or cards that have one) less one: percentiles of
resamples could not tell the small p values that are needed where many slices are looked at. It is never below
that of a sign test in which one model ranks all frauds better: so few frauds cannot say more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fraudlab.evaluation.beyond_chance import holm, student_p
from fraudlab.evaluation.card_intervals import paired_card_bootstrap
from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.evaluation.intervals import PairedDifference, paired_bootstrap
from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.ranking import BoolArray, rank
from fraudlab.evaluation.slices import FALSE_MARKS, Verdict

RESAMPLES = 500
#: what sums of many shares differ by although they are the same
_NO_ERROR = 1e-12


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """Two models on the rows of one slice.

    Attributes
    ----------
    group : int
    rows, frauds : int
    a, b : float or None
        Average precision of each; None of too few frauds, or where all rows are fraud.
    found : PairedDifference or None
        Of b minus a.
    p_value : float or None
        Of there being no difference, before any correction; None where nothing was compared, and of a slice
        that has all rows, which is the comparison of the two models itself.
    adjusted : float or None
        The same for how many were compared.
    """

    group: int
    rows: int
    frauds: int
    a: float | None = None
    b: float | None = None
    found: PairedDifference | None = None
    p_value: float | None = None
    adjusted: float | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What b is beside a, beyond chance; None where they were not compared."""
        if self.adjusted is None or self.found is None:
            return None
        if self.adjusted > FALSE_MARKS:
            return "same"
        return "lower" if self.found.difference < 0 else "higher"


def slice_differences(
    frauds: BoolArray,
    score_a: NDArray[np.floating],
    score_b: NDArray[np.floating],
    group: NDArray[np.integer],
    *,
    card: NDArray[np.integer] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[SliceDifference]:
    """Compare two models in each slice of one column that has rows, by rising group.

    Parameters
    ----------
    frauds : ndarray of bool, shape (n,)
    score_a, score_b : ndarray of float, shape (n,)
        Row i of both is the same transaction.
    group : ndarray of int, shape (n,)
        0 or more.
    card : ndarray of int, shape (n,), optional
        The same number for the same card; then cards are resampled.
    resamples, seed : int
        As in :func:`fraudlab.evaluation.intervals.paired_bootstrap`.

    Raises
    ------
    ValueError
        If there is not one of each for each row.
    """
    if not frauds.shape == score_a.shape == score_b.shape == group.shape:
        raise ValueError(f"there are {group.size} groups and {score_b.size} scores for {frauds.size} rows")
    compared = []
    for place in np.unique(group).tolist():
        rows = np.flatnonzero(group == place)
        own = None if card is None else card[rows]
        one = SliceDifference(place, rows.size, int(frauds[rows].sum()))
        one = _compared(one, frauds[rows], (score_a[rows], score_b[rows]), own, resamples, seed)
        compared.append(replace(one, p_value=None) if rows.size == frauds.size else one)
    return compared


def corrected_differences(columns: Sequence[Sequence[SliceDifference]]) -> list[list[SliceDifference]]:
    """The slices of all columns, with the p values of all comparisons adjusted for how many there are."""
    p_values = [one.p_value for found in columns for one in found if one.p_value is not None]
    adjusted = iter(holm(p_values))
    return [
        [one if one.p_value is None else replace(one, adjusted=next(adjusted)) for one in found]
        for found in columns
    ]


def _compared(
    one: SliceDifference,
    frauds: BoolArray,
    scores: tuple[NDArray[np.floating], NDArray[np.floating]],
    card: NDArray[np.integer] | None,
    resamples: int,
    seed: int,
) -> SliceDifference:
    units = one.frauds if card is None else int(np.unique(card[frauds]).size)
    if units < FEW_FRAUDS or one.frauds == one.rows:
        return one
    a, b = scores
    if card is None:
        found = paired_bootstrap(frauds, b, a, resamples=resamples, seed=seed)
    else:
        found = paired_card_bootstrap(frauds, b, a, card, resamples=resamples, seed=seed)
    values = [average_precision_of(rank(frauds, score)) for score in scores]
    return replace(one, a=values[0], b=values[1], found=found, p_value=_p_value(found, units))


def _p_value(found: PairedDifference, units: int) -> float:
    size = abs(found.difference)
    if size <= _NO_ERROR:
        return 1.0
    t = size / found.standard_error if found.standard_error > _NO_ERROR else math.inf
    return max(student_p(t, units - 1), 2.0 ** (1 - units))
