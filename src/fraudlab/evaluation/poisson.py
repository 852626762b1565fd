"""Legitimate rows, each drawn a Poisson number of times, counted in the bins of two models at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraudlab.evaluation.ranking import IntArray

# Poisson(1) in 65,536 equally likely places, one for each number of 16 bits: mean 1, variance 1.0002.
POISSON = np.repeat(np.arange(9, dtype=np.uint8), [24_110, 24_109, 12_055, 4_017, 1_005, 201, 33, 5, 1])


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Legitimate rows one by one, in the order of one model's bins and, by position there, of the other's.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Where the n-th row in the second model's order stands in the first's.
    bins, starts : tuple of ndarray of int64
        For each model, the bins that have rows, and where the rows of each begin.
    fixed : tuple of ndarray of int64, shape (1, bins)
        For each model, rows that are counted once in every resample.
    """

    order: NDArray[np.integer]
    bins: tuple[IntArray, IntArray]
    starts: tuple[IntArray, IntArray]
    fixed: tuple[IntArray, IntArray]

    @classmethod
    def sort(cls, a: IntArray, b: IntArray, sizes: tuple[int, int], cuts: tuple[int, int]) -> DrawnRows:
        drawn = (a <= cuts[0]) | (b <= cuts[1])
        fixed = (
            np.bincount(a[~drawn], minlength=sizes[0])[None],
            np.bincount(b[~drawn], minlength=sizes[1])[None],
        )
        key = np.sort(a[drawn] * sizes[1] + b[drawn])
        first, second = np.divmod(key, sizes[1])
        order = np.argsort(second.astype(np.min_scalar_type(sizes[1])), kind="stable")
        found = [_begins(first), _begins(second[order])]
        if order.size < 2**31:
            order = order.astype(np.int32)  # half the memory to read in every draw
        return cls(order, (found[0][0], found[1][0]), (found[0][1], found[1][1]), fixed)

    def draw(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Counts of one resample in each model's bins, two arrays of shape (1, bins)."""
        times = POISSON[rng.integers(POISSON.size, size=self.order.size, dtype=np.uint16)]
        counts = self.fixed[0].copy(), self.fixed[1].copy()
        for model, drawn in enumerate((times, times[self.order])):
            sums = np.add.reduceat(drawn, self.starts[model], dtype=np.int64)
            counts[model][0, self.bins[model]] += sums
        return counts


def _begins(ordered: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct values of a sorted array, and where each begins."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[starts], starts
