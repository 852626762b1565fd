"""Standardisation of a model's numbers, fitted on train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scaling:
    """Standardisation of the numbers; a category has mean 0 and deviation 1, which changes nothing."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def fit_scaling(numbers: Sequence[NDArray[np.float32] | None]) -> Scaling:
    """Mean and standard deviation of each column, as scikit-learn's ``StandardScaler`` fits them.

    Missing values are left out. A column that does not vary keeps deviation 1, and one that is all missing
    mean 0.

    Parameters
    ----------
    numbers : sequence of ndarray of float32, shape (rows,)
        The train rows of each column; None for a category.
    """
    mean, std = np.zeros(len(numbers)), np.ones(len(numbers))
    for position, column in enumerate(numbers):
        if column is None:
            continue
        values = column[~np.isnan(column)].astype(np.float64)
        if not values.size:
            continue
        mean[position] = values.mean()
        variance = values.var()
        # Rounding alone makes the variance of a constant column this large (Chan, Golub & LeVeque 1983).
        noise = values.size * np.finfo(np.float64).eps
        if variance > noise * variance + (noise * mean[position]) ** 2:
            std[position] = np.sqrt(variance)
    return Scaling(mean, std)
