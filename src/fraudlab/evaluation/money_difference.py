"""What one set of alerts costs less than another on the same rows, and whether that is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.cards import check_cards
from fraudlab.evaluation.intervals import MIN_RESAMPLES, check_resampling, interval_from
from fraudlab.evaluation.ranking import BoolArray, FloatArray

Verdict = Literal["saves", "loses", "same", "undecided", "too few frauds"]

#: with five frauds it is not rare that one of two equal models is luckier with all of them
MIN_FRAUDS = 6
#: numbers drawn in all resamples together
_DRAWN = 40_000_000


@dataclass(frozen=True, slots=True)
class MoneyDifference:
    """What the first alerts save against the second.

    Attributes
    ----------
    saving : float
        Below 0 where they cost more.
    low, high : float
        Percentile interval over resamples.
    cases : int
        Frauds; where cards are drawn, cards with a fraud.
    needed : int or None
        Frauds that it would take to tell a saving of this size; None where it is told, or there is none.
    verdict : {"saves", "loses", "same", "undecided", "too few frauds"}
        ``same`` where no resample could differ: both alert the same rows, or what costs the same.
    """

    saving: float
    low: float
    high: float
    cases: int
    needed: int | None
    verdict: Verdict


def saved_per_row(
    frauds: BoolArray,
    alerted: BoolArray,
    other: BoolArray,
    missed_price: FloatArray,
    alert_cost: float,
) -> NDArray[np.float64]:
    """What the alerts save against others, row by row; exactly 0 where both alert a row, or neither does.

    Parameters
    ----------
    frauds, alerted, other : ndarray of bool, shape (n,)
        Which rows are frauds, and which are alerted by the one and by the other.
    missed_price : ndarray of float64, shape (frauds,)
        What each fraud costs where it is missed, in the order of the rows.
    alert_cost : float

    Examples
    --------
    >>> import numpy as np
    >>> frauds, alerted, other = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], bool)
    >>> saved_per_row(frauds, alerted, other, np.array([100.0, 30.0]), 5.0).tolist()
    [95.0, 0.0, 5.0]
    """
    more = alerted.astype(np.float64) - other
    saved = -alert_cost * more
    saved[frauds] += missed_price * more[frauds]
    return np.asarray(saved + 0.0)  # no -0.0


def money_difference(
    saved: ArrayLike,
    frauds: BoolArray,
    card: ArrayLike | None = None,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> MoneyDifference:
    """The sum of what is saved, with its interval under resampling of rows, or of whole cards.

    Frauds and legitimate rows are drawn apart, as many as there are, with replacement; of cards, those with
    a fraud and those without. Rows that cost alike are drawn together: only how often counts. Fewer resamples
    are drawn, at least 100, where very many differ.

    Parameters
    ----------
    saved : array_like of float, shape (n,)
        As :func:`saved_per_row` gives it.
    frauds : ndarray of bool, shape (n,)
    card : array_like of int, shape (n,), optional
        0 or more, the same number for the same card.
    resamples, level, seed
        As in :func:`fraudlab.evaluation.intervals.bootstrap_interval`.

    Raises
    ------
    ValueError
        As there, and for cards that are no whole numbers of 0 or more, one for each row.
    """
    check_resampling(resamples, level)
    each = np.asarray(saved, np.float64)
    total = math.fsum(each.tolist()) if each.size < 1_000_000 else float(each.sum())
    strata = _strata(each, frauds, card)
    cells = [np.unique(part, return_counts=True) for part in strata]
    many = min(resamples, max(MIN_RESAMPLES, _DRAWN // max(1, sum(value.size for value, _ in cells))))
    rng = np.random.default_rng(seed)
    values = np.zeros(many)
    for value, count in cells:
        if value.size > 1:  # else every draw has the same sum, which is in `total`
            rows = int(count.sum())
            share, step = count / rows, max(1, 2_000_000 // value.size)
            for start in range(0, many, step):
                drawn = rng.multinomial(rows, share, size=min(step, many - start))
                values[start : start + step] += drawn @ value
        elif value.size:
            values += float(value[0] * count[0])
    interval = interval_from(values, level)
    low, high = interval.low, interval.high
    cases = strata[0].size
    verdict = _verdict(low, high, cases, differs=bool(np.any(each)))
    needed = _needed(total, low, high, int(frauds.sum())) if verdict == "undecided" else None
    return MoneyDifference(total, low, high, cases, needed, verdict)


def _strata(
    each: NDArray[np.float64], frauds: BoolArray, card: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is drawn: frauds, and the others; of cards, those with a fraud, and the others."""
    if card is None:
        return each[frauds], each[~frauds]
    _, number = np.unique(check_cards(card, each.size), return_inverse=True)
    sums: NDArray[np.float64] = np.bincount(number, weights=each).astype(np.float64)
    fraudulent = np.bincount(number, weights=frauds) > 0
    return sums[fraudulent], sums[~fraudulent]


def _verdict(low: float, high: float, cases: int, *, differs: bool) -> Verdict:
    if not differs:
        return "same"
    if cases < MIN_FRAUDS:
        return "too few frauds"
    if low > 0 or high < 0:
        return "saves" if low > 0 else "loses"
    return "undecided"


def _needed(saving: float, low: float, high: float, frauds: int) -> int | None:
    """Frauds with which the interval, which shrinks with their square root, would leave 0 out."""
    if saving == 0:
        return None
    toward_zero = saving - low if saving > 0 else high - saving
    needed = max(frauds + 1.0, frauds * (toward_zero / abs(saving)) ** 2)
    digits = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return int(math.ceil(needed / digits) * digits)
