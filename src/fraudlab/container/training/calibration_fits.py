"""The numbers of a calibration, from scores and labels: beta, Platt's, and centred isotonic steps.

Scores are counted in cells a thousandth of themselves wide, so that ten million rows cost what some thousands
do. Sums are of numbers in one order, so that the same rows give the same numbers to the last bit on any
processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.calibrated import CentredSteps, Curve, Kind, LogOddsCurve, cells, lower_end
from fraudlab.container.expressions.exponential import exponential
from fraudlab.container.expressions.logarithm import natural_logarithm

Floats = NDArray[np.float64]

#: a slope of 0 would tie rows that the booster had ordered
LEAST_SLOPE = 1 / 64
#: a prior that the booster is right, as light as a thousandth of a row: numbers stay finite where scores part
#: the labels without a mistake
_PRIOR = 1e-3
_STEPS, _CLOSE = 100, 1e-10
#: a score of 1 in 32 bits is at least that near to it, and none is nearer to 0 than a normal number
_LEAST_DISTANCE, _LEAST_SCORE = 2.0**-25, 2.0**-126


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of nearly equal scores, counted.

    Attributes
    ----------
    score, distance : ndarray of float64, shape (cells,)
        The mean score, rising, and its mean distance from 1.
    rows, frauds : ndarray of float64, shape (cells,)
    """

    score: Floats
    distance: Floats
    rows: Floats
    frauds: Floats


def counted(
    score: NDArray[np.float32], label: NDArray[np.uint8], kept: NDArray[np.bool_] | None = None
) -> Cells:
    """Count rows by their scores.

    Parameters
    ----------
    score : ndarray of float32, shape (rows,)
    label : ndarray of uint8, shape (rows,)
    kept : ndarray of bool, shape (rows,), optional
        The rows that count; all, where it is left out.
    """
    if kept is not None:
        score, label = score[kept], label[kept]
    cell = cells(score)
    rows = np.bincount(cell).astype(np.float64)
    there = np.flatnonzero(rows)
    number: Floats = rows[there]
    exact = score.astype(np.float64)
    return Cells(
        np.bincount(cell, exact)[there] / number,
        np.bincount(cell, 1.0 - exact)[there] / number,
        number,
        np.asarray(np.bincount(cell, label)[there], np.float64),
    )


def fit_curve(kind: Kind, found: Cells) -> Curve:
    """The calibration of a kind that makes the labels most likely.

    Parameters
    ----------
    kind : {"beta", "platt", "isotonic"}
    found : Cells
        With rows of both labels.
    """
    if kind == "isotonic":
        return _isotonic(found)
    near = -natural_logarithm(np.maximum(found.distance, _LEAST_DISTANCE))
    far = natural_logarithm(np.maximum(found.score, _LEAST_SCORE))
    if kind == "platt":
        a, c = _likeliest([far + near], found)
        return LogOddsCurve("platt", a, a, c)
    a, b, c = _likeliest([far, near], found)
    return LogOddsCurve("beta", a, b, c)


def _likeliest(columns: Sequence[Floats], found: Cells) -> list[float]:
    """Slopes of the columns, none below the least, and the constant.

    The likelihood is concave: where the best of all numbers has a slope too small, the best that is allowed
    has some slope at its least.
    """
    best, least = _newton(columns, [], found)
    if min(best[:-1]) >= LEAST_SLOPE:
        return best
    allowed = []
    for count in range(1, len(columns) + 1):
        for held in combinations(range(len(columns)), count):
            best, least = _newton(columns, held, found)
            if min(best[:-1]) >= LEAST_SLOPE:
                allowed.append((least, best))
    return min(allowed)[1]


def _newton(columns: Sequence[Floats], held: Sequence[int], found: Cells) -> tuple[list[float], float]:
    """The numbers with the least loss, where the slopes of some columns are held at the least; and it."""
    free = [number for number in range(len(columns) + 1) if number not in held]
    every = [*columns, np.ones_like(found.rows)]
    prior = [*(1.0 for _ in columns), 0.0]
    numbers = [LEAST_SLOPE if number in held else given for number, given in enumerate(prior)]

    def at(numbers: Sequence[float]) -> tuple[Floats, float]:
        odds = sum((value * column for value, column in zip(numbers, every, strict=True)), 0.0 * every[-1])
        less = exponential(-np.abs(odds))
        each = found.rows * (np.maximum(odds, 0.0) + natural_logarithm(1.0 + less)) - found.frauds * odds
        far = sum((value - given) ** 2 for value, given in zip(numbers, prior, strict=True))
        chance: Floats = np.where(odds < 0.0, less, 1.0) / (1.0 + less)
        return chance, float(each.sum()) + 0.5 * _PRIOR * far

    chance, loss = at(numbers)
    for _ in range(_STEPS):
        miss, weight = found.rows * chance - found.frauds, found.rows * chance * (1.0 - chance)
        slope = [float((miss * every[i]).sum()) + _PRIOR * (numbers[i] - prior[i]) for i in free]
        bend = [
            [float((weight * every[i] * every[j]).sum()) + (_PRIOR if i == j else 0.0) for j in free]
            for i in free
        ]
        step = _solve(bend, slope)
        share = 1.0
        while share > 1e-6:
            tried = list(numbers)
            for i, change in zip(free, step, strict=True):
                tried[i] -= share * change
            chance, nearer = at(tried)
            if nearer <= loss:
                break
            share *= 0.5
        else:
            break  # no step is better: these are the numbers, to the last digits there are
        gained, numbers, loss = loss - nearer, tried, nearer
        if gained <= _CLOSE * max(1.0, abs(loss)) and max(map(abs, step)) < 1e-9:
            break
    return numbers, loss


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve for a positive definite matrix by elimination: LAPACK's last bits differ between processors."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        for j in range(i + 1, size):
            share = rows[j][i] / rows[i][i]
            rows[j] = [below - share * above for below, above in zip(rows[j], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (rows[i][size] - known) / rows[i][i]
    return found


def _isotonic(found: Cells) -> CentredSteps:
    """Pool what falls until shares rise, and put each pool's share at its mean score."""
    # Cells without fraud never end higher than what is before them: they begin no pool, but for the first.
    starts = np.flatnonzero(found.frauds > 0)
    starts = starts if starts.size and starts[0] == 0 else np.concatenate([[0], starts])
    sums = [
        np.add.reduceat(values, starts) for values in (found.rows, found.frauds, found.rows * found.score)
    ]
    pools: list[list[float]] = []
    for pool in np.stack(sums, axis=1).tolist():
        pools.append(pool)
        while len(pools) > 1 and pools[-2][1] * pools[-1][0] >= pools[-1][1] * pools[-2][0]:
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    rows, frauds, total = np.array(pools).T
    share, mean = frauds / rows, total / rows
    # A pool of one label is no proof that the other cannot be: one row in so many, or as the line goes on.
    if share[0] == 0.0:
        share[0] = min(1.0 / (rows[0] + 2.0), share[1] * min(0.5, mean[0] / mean[1]))
    if share[-1] == 1.0:
        onwards = min(0.5, (1.0 - mean[-1]) / (1.0 - mean[-2]))
        share[-1] = 1.0 - min(1.0 / (rows[-1] + 2.0), (1.0 - share[-2]) * onwards)
    score = lower_end(mean)
    inside = (score > 0.0) & (score < 1.0)
    if not inside.any():  # scores of exactly 0 and 1, which stay what they are
        return CentredSteps(np.array([0.5]), np.array([0.5]))
    return CentredSteps(score[inside], share[inside])
