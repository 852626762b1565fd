"""Intervals with cards as units: the rows of one card are no independent witnesses.

A card's frauds come in bursts that a model finds or misses together. Resampling rows takes each for a case of
its own and gives intervals that are too narrow; resampling cards, with all their rows, does not (Field &
Welsh 2007, "Bootstrapping clustered data"). The same cards are drawn for two models that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.cards import check_cards
from fraudlab.evaluation.intervals import (
    MIN_RESAMPLES,
    Interval,
    PairedDifference,
    bins_of,
    check_resampling,
    figures_of,
    interval_from,
    paired_from,
)
from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.poisson import POISSON
from fraudlab.evaluation.ranking import IntArray, Ranking, rank, require_both_classes

#: rows drawn in all resamples together
DRAWN = 100_000_000
#: legitimate rows above which none is drawn, at least, and for each fraud
DEEP, DEEP_PER_FRAUD = 50_000, 30


def card_intervals_of(
    ranking: Ranking,
    card: ArrayLike,
    rates: Sequence[float] = (),
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Interval]:
    """:func:`fraudlab.evaluation.intervals.intervals_of` under resampling of cards.

    Cards with a fraud are drawn with replacement, as many as there are; each other card a Poisson number of
    times, which is almost the same (Chamandy et al. 2012, "Estimating uncertainty for massive data streams").
    Rows that lie below thirty legitimate rows for each fraud hardly move a figure and are counted once in
    every resample. Of very many rows fewer resamples are drawn, at least 100.

    Parameters
    ----------
    ranking : Ranking
    card : array_like of int, shape (n,)
        0 or more, the same number for the same card, in the order of the ranking's rows.
    rates, resamples, level, seed
        As in :func:`fraudlab.evaluation.intervals.intervals_of`.

    Raises
    ------
    ValueError
        As there, and for cards that are no whole numbers of 0 or more, one for each row.
    """
    check_resampling(resamples, level)
    require_both_classes(ranking.positives, ranking.negatives)
    cards = _CardRows.sort(ranking, check_cards(card, ranking.score.size))
    rng = np.random.default_rng(seed)
    many = min(resamples, max(MIN_RESAMPLES, DRAWN // cards.work))
    drawn = [figures_of(*cards.counted(cards.draw(rng)), rates) for _ in range(many)]
    return [interval_from(values, level) for values in np.concatenate(drawn, axis=1)]


def paired_card_bootstrap(
    y: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    card: ArrayLike,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """:func:`fraudlab.evaluation.intervals.paired_bootstrap` under resampling of cards, as above.

    Two models that find, or miss, the bursts of other cards differ by less than their rows seem to say.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score_a, score_b : array_like of float, shape (n,)
        Row i of both is the same transaction.
    card : array_like of int, shape (n,)
        0 or more, the same number for the same card.
    resamples, level, seed
        As in :func:`fraudlab.evaluation.intervals.bootstrap_interval`.

    Raises
    ------
    ValueError
        As there, and for cards that are no whole numbers of 0 or more, one for each row.
    """
    check_resampling(resamples, level)
    rankings = rank(y, score_a), rank(y, score_b)
    require_both_classes(rankings[0].positives, rankings[0].negatives)
    difference = average_precision_of(rankings[0]) - average_precision_of(rankings[1])
    number = check_cards(card, rankings[0].score.size)
    a, b = (_CardRows.sort(ranking, number) for ranking in rankings)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(min(resamples, max(MIN_RESAMPLES, DRAWN // (a.work + b.work)))):
        times = a.draw(rng)  # how often each card, which both number alike
        first, second = (figures_of(*rows.counted(times), ()) for rows in (a, b))
        values.append(first[0] - second[0])
    return paired_from(difference, np.concatenate(values), level)


@dataclass(frozen=True, slots=True)
class _CardRows:
    """Rows in the order of their bins, each with its card; cards with a fraud have the lowest numbers.

    Attributes
    ----------
    fraudulent, cards : int
        How many cards have a fraud, and how many there are.
    frauds, legitimate : tuple of ndarray
        The card of each row, and where the rows of each bin begin.
    bins : ndarray of int64
        The bins that have legitimate rows which are drawn.
    fixed : ndarray of int64, shape (k + 1,)
        Legitimate rows of each bin that are counted once in every resample.
    """

    fraudulent: int
    cards: int
    frauds: tuple[NDArray[np.integer], IntArray]
    legitimate: tuple[NDArray[np.integer], IntArray]
    bins: IntArray
    fixed: IntArray

    @property
    def work(self) -> int:
        """Numbers that a resample reads or draws."""
        return self.cards + self.frauds[0].size + self.legitimate[0].size

    @classmethod
    def sort(cls, ranking: Ranking, card: NDArray[np.integer]) -> _CardRows:
        number, fraudulent, cards = _renumbered(card, ranking.frauds)
        steps = ranking.steps
        cut = int(np.searchsorted(steps.fp, max(DEEP, DEEP_PER_FRAUD * ranking.positives)))
        fixed = np.diff(steps.fp, prepend=0, append=ranking.negatives)
        lowest = steps.threshold[min(cut, steps.threshold.size - 1)]
        ordered = {}
        for fraud in (True, False):
            rows = np.flatnonzero((ranking.frauds == fraud) & (fraud | (ranking.score >= lowest)))
            bins = bins_of(ranking, rows)
            order = np.argsort(bins, kind="stable")
            bins = bins[order]
            starts = np.flatnonzero(np.append(True, bins[1:] != bins[:-1])) if bins.size else np.empty(0, int)
            ordered[fraud] = number[rows[order]], starts, bins[starts]
        drawn = ordered[False][2]
        fixed[drawn] = 0
        return cls(fraudulent, cards, ordered[True][:2], ordered[False][:2], drawn, fixed)

    def draw(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """How often each card is in one resample, by its number."""
        times = np.empty(self.cards, dtype=np.uint8)
        drawn = rng.integers(self.fraudulent, size=self.fraudulent)
        times[: self.fraudulent] = np.bincount(drawn, minlength=self.fraudulent)
        others = rng.integers(POISSON.size, size=self.cards - self.fraudulent, dtype=np.uint16)
        times[self.fraudulent :] = POISSON[others]
        return times

    def counted(self, times: NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
        """Frauds, shape (1, k), and legitimate rows, shape (1, k + 1), with so many of each card."""
        frauds = np.add.reduceat(times[self.frauds[0]], self.frauds[1], dtype=np.int64)
        legitimate = self.fixed.copy()
        if self.bins.size:
            rows, starts = self.legitimate
            legitimate[self.bins] = np.add.reduceat(times[rows], starts, dtype=np.int64)
        return frauds[None], legitimate[None]


def _renumbered(card: NDArray[np.integer], frauds: NDArray[np.bool_]) -> tuple[NDArray[np.integer], int, int]:
    """The cards from 0 without gaps, those with a fraud first; how many have one, and how many there are."""
    size = int(card.max()) + 1
    seen, has_fraud = np.zeros((2, size), dtype=bool)
    seen[card] = True
    has_fraud[card[frauds]] = True
    number = np.empty(size, dtype=np.int32)
    fraudulent = int(has_fraud.sum())
    number[has_fraud] = np.arange(fraudulent)
    others = seen & ~has_fraud
    number[others] = np.arange(fraudulent, fraudulent + int(others.sum()))
    return number[card], fraudulent, int(seen.sum())
