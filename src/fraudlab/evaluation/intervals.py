"""How far average precision and recall would move on other rows of the same kind: bootstrap intervals.

Frauds and legitimate rows are resampled separately, with replacement (Efron & Tibshirani 1993, chapter 16.2),
so that a resample has as many frauds as the split. The ends are percentiles; Boyd, Eng & Page 2013,
"Area under the precision-recall curve", compare this with the alternatives.

Average precision depends on a legitimate row only through the frauds it outranks. So rows are first counted
in bins between the frauds' scores, and a resample draws the bins' counts, which is the same distribution as
drawing rows and then counting: with P frauds, a resample costs O(P) however many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.poisson import DrawnRows
from fraudlab.evaluation.ranking import (
    FloatArray,
    IntArray,
    Ranking,
    distinct,
    rank,
    require_both_classes,
)

Counts = IntArray | FloatArray
Pair = tuple[FloatArray, FloatArray]

# Numbers held at a time (8 bytes each, in a handful of arrays) and numbers drawn in all.
CHUNK = 1_000_000
DRAWS = 20_000_000
MIN_RESAMPLES = 100
# Legitimate rows from which on two models are compared by Poisson counts, and numbers drawn for that in all.
MANY_ROWS = 1_000_000
POISSON_DRAWS = 400_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure of other samples of the same size."""

    low: float
    high: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Average precision of model a minus that of model b, on the same rows.

    Attributes
    ----------
    difference : float
        On the rows as they are.
    low, high : float
        Percentile interval over resamples.
    probability_a_better : float
        Share of resamples in which a is ahead, ties counting half.
    standard_error : float
    """

    difference: float
    low: float
    high: float
    probability_a_better: float
    standard_error: float = 0.0


def bootstrap_interval(
    y: ArrayLike, score: ArrayLike, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile interval of average precision under the stratified bootstrap.

    Equal scores stay equal in every resample. Above 20,000 distinct scores among frauds fewer resamples
    are drawn, at least 100: there the interval is narrower than the noise that is added to its ends.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    resamples : int
    level : float
        Coverage aimed at, between 0 and 1.
    seed : int
        The same seed gives the same interval.

    Raises
    ------
    ValueError
        If one class is absent, a label is not 0 or 1, a score is not finite, or an argument is out of range.
    """
    return interval_of(rank(y, score), resamples=resamples, level=level, seed=seed)


def interval_of(ranking: Ranking, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Interval:
    """:func:`bootstrap_interval` of scores that are sorted already."""
    return intervals_of(ranking, resamples=resamples, level=level, seed=seed)[0]


def intervals_of(
    ranking: Ranking,
    rates: Sequence[float] = (),
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Interval]:
    """Intervals of average precision, and of recall at false positive rates, from the same resamples.

    Parameters
    ----------
    ranking : Ranking
    rates : sequence of float
        As in :func:`fraudlab.evaluation.budgets.recall_at_fpr`.
    resamples, level, seed
        As in :func:`bootstrap_interval`.

    Returns
    -------
    list of Interval
        Of average precision, then of recall at each rate.
    """
    check_resampling(resamples, level)
    require_both_classes(ranking.positives, ranking.negatives)
    frauds = np.diff(ranking.steps.tp, prepend=0)
    legitimate = np.diff(ranking.steps.fp, prepend=0, append=ranking.negatives)
    rng = np.random.default_rng(seed)
    drawn = [
        figures_of(_resample(rng, frauds, rows), _resample(rng, legitimate, rows), rates)
        for rows in _chunks(resamples, legitimate.size)
    ]
    return [interval_from(values, level) for values in np.concatenate(drawn, axis=1)]


def figures_of(frauds: Counts, legitimate: Counts, rates: Sequence[float]) -> FloatArray:
    """Average precision, and recall at each rate, of resamples: shape (1 + rates, resamples).

    Parameters
    ----------
    frauds : ndarray, shape (resamples, k)
        How many frauds have each of k scores, highest first.
    legitimate : ndarray, shape (resamples, k + 1)
        Legitimate rows from that score up to the one before, and last those below all.
    rates : sequence of float
    """
    found = [_average_precision(frauds, legitimate)]
    if rates:
        caught = np.cumsum(frauds, axis=1)
        false = np.cumsum(legitimate, axis=1)
        share = false[:, :-1] / np.maximum(false[:, -1:], 1)
        for rate in rates:  # shares rise: so many scores are within the rate
            within = np.count_nonzero(share <= rate, axis=1)
            reached = np.take_along_axis(caught, np.maximum(within - 1, 0)[:, None], axis=1)[:, 0]
            found.append(np.where(within > 0, reached / caught[:, -1], 0.0))
    return np.stack(found)


def paired_bootstrap(
    y: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Difference of two models' average precision, both on the same resampled rows.

    What makes a split easy or hard moves both models alike, so this tells models apart whose own intervals
    overlap widely. Fewer resamples are drawn, at least 100, where the two models place rows in very many
    different combinations of bins. From a million legitimate rows on each is drawn a Poisson number of
    times, as drawing them together would almost exactly do.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score_a, score_b : array_like of float, shape (n,)
        Row i of both is the same transaction.
    resamples, level, seed
        As in :func:`bootstrap_interval`.

    Raises
    ------
    ValueError
        As :func:`bootstrap_interval`, and if the scores differ in length.
    """
    check_resampling(resamples, level)
    rankings = rank(y, score_a), rank(y, score_b)
    difference = average_precision_of(rankings[0]) - average_precision_of(rankings[1])
    rng = np.random.default_rng(seed)
    draw = _paired_by_poisson if rankings[0].negatives >= MANY_ROWS else _paired_by_cells
    values = np.concatenate([a - b for a, b in draw(*rankings, resamples, rng)])
    return paired_from(difference, values, level)


def _paired_by_cells(a: Ranking, b: Ranking, resamples: int, rng: np.random.Generator) -> Iterator[Pair]:
    """Average precision of both models, from counts of every pair of bins."""
    bins = bins_of(a), bins_of(b)
    frauds = a.frauds
    sizes = a.steps.tp.size + 1, b.steps.tp.size + 1
    of_frauds = _Cells.count(bins[0][frauds], bins[1][frauds])
    of_legitimate = _Cells.count(bins[0][~frauds], bins[1][~frauds])
    for rows in _chunks(resamples, max(of_legitimate.counts.size, of_frauds.counts.size)):
        caught = _resample(rng, of_frauds.counts, rows)
        raised = _resample(rng, of_legitimate.counts, rows)
        first, second = (
            _average_precision(
                of_frauds.marginal(caught, model, size - 1), of_legitimate.marginal(raised, model, size)
            )
            for model, size in enumerate(sizes)
        )
        yield first, second


def _paired_by_poisson(a: Ranking, b: Ranking, resamples: int, rng: np.random.Generator) -> Iterator[Pair]:
    """:func:`_paired_by_cells` of very many rows: each legitimate one is drawn a Poisson number of times.

    Drawing n of n rows draws each of them about Poisson(1) times, and these numbers depend on one another
    only through their sum, which varies by 1 / sqrt(n): 0.1 % of a million rows, spread over all thresholds
    (Chamandy et al. 2012, "Estimating uncertainty for massive data streams"). Frauds are drawn as ever.

    A row that both models place below so many false alarms that drawing them moves their number by less than
    a tenth of what drawing the frauds does, 100 for each fraud, is counted once in every resample.
    """
    frauds, size = a.frauds, (a.steps.tp.size + 1, b.steps.tp.size + 1)
    bins = bins_of(a), bins_of(b)
    of_frauds = _Cells.count(bins[0][frauds], bins[1][frauds])
    deep = max(MANY_ROWS, 100 * a.positives)
    cuts = [int(np.searchsorted(ranking.steps.fp, deep)) for ranking in (a, b)]
    rows = DrawnRows.sort(bins[0][~frauds], bins[1][~frauds], size, (cuts[0], cuts[1]))
    left = min(resamples, max(MIN_RESAMPLES, POISSON_DRAWS // max(rows.order.size, 1)))
    for _ in range(left):
        caught = _resample(rng, of_frauds.counts, 1)
        raised = rows.draw(rng)
        yield (
            _average_precision(of_frauds.marginal(caught, 0, size[0] - 1), raised[0]),
            _average_precision(of_frauds.marginal(caught, 1, size[1] - 1), raised[1]),
        )


def _average_precision(frauds: Counts, legitimate: Counts) -> NDArray[np.float64]:
    """Average precision of each resample; counts as in :func:`figures_of`."""
    caught = np.cumsum(frauds, axis=1)
    alerts = caught + np.cumsum(legitimate[:, :-1], axis=1)
    precision = caught / np.maximum(alerts, 1)
    return np.asarray(np.einsum("rk,rk->r", frauds, precision) / caught[:, -1])


def _resample(rng: np.random.Generator, counts: IntArray, rows: int) -> IntArray:
    """Counts in each bin, shape (rows, k), after drawing ``counts.sum()`` members with replacement."""
    total = int(counts.sum())
    if counts.size * 8 < total:
        return rng.multinomial(total, counts / total, size=rows)
    # With few members per bin, drawing members is faster than drawing one binomial number per bin.
    member = np.repeat(np.arange(counts.size), counts)
    drawn = [np.bincount(member[rng.integers(total, size=total)], minlength=counts.size) for _ in range(rows)]
    return np.stack(drawn)


def bins_of(ranking: Ranking, rows: NDArray[np.integer] | None = None) -> IntArray:
    """For each row, the position of the highest fraud score it reaches, highest first; k below all."""
    ascending = distinct(ranking.caught)
    score = ranking.score if rows is None else ranking.score[rows]
    return ascending.size - np.searchsorted(ascending, score, side="right")


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows counted by the pair of bins that the two models put them in."""

    counts: IntArray
    bins: tuple[IntArray, IntArray]

    @classmethod
    def count(cls, a: IntArray, b: IntArray) -> _Cells:
        width = int(b.max()) + 1
        cells, counts = np.unique(a * width + b, return_counts=True)
        return cls(counts, (cells // width, cells % width))

    def marginal(self, counts: IntArray, model: int, size: int) -> FloatArray:
        """Counts (resamples, cells) summed over the other model's bins: (resamples, size)."""
        return np.stack([np.bincount(self.bins[model], weights=row, minlength=size) for row in counts])


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Split the resamples so that one chunk stays in memory, and cut them where they would take minutes."""
    left = min(resamples, max(MIN_RESAMPLES, DRAWS // width))
    while left > 0:
        rows = min(left, max(1, CHUNK // width))
        yield rows
        left -= rows


def interval_from(values: FloatArray, level: float) -> Interval:
    """The percentile interval of a figure of many resamples, shape (resamples,)."""
    low, high = _percentiles(values, level)
    return Interval(low, high, float(values.std(ddof=1)))


def paired_from(difference: float, values: FloatArray, level: float) -> PairedDifference:
    """A difference as measured, with what many resamples say of it, shape (resamples,)."""
    low, high = _percentiles(values, level)
    better = float(np.mean(values > 0) + np.mean(values == 0) / 2)
    return PairedDifference(difference, low, high, better, float(values.std(ddof=1)))


def _percentiles(values: FloatArray, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_resampling(resamples: int, level: float) -> None:
    """Raise the sentence for a number of resamples, or a level, that gives no interval."""
    if resamples < 2:
        raise ValueError(f"an interval needs at least 2 resamples, not {resamples}")
    if not 0 < level < 1:
        raise ValueError(f"the level lies between 0 and 1, not {level}")
