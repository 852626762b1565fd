"""The rows worth looking at one by one: the dearest frauds that were missed, the surest false alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.operating import alerts
from fraudlab.evaluation.ranking import checked

#: rows of each kind
LISTED = 10


def missed_frauds(
    y: ArrayLike, score: ArrayLike, amount: ArrayLike | None = None, *, threshold: float, most: int = LISTED
) -> NDArray[np.int64]:
    """Frauds that are no alert, the largest amount first.

    Of equal amounts, and where none are known, the lowest score comes first: that is where the model was
    surest. An amount counts by its magnitude; a missing one comes last.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    amount : array_like of float, shape (n,), optional
    threshold : float
        An alert is ``score >= threshold``.
    most : int

    Returns
    -------
    ndarray of int64, shape (most or fewer,)
        Positions of rows.

    Examples
    --------
    >>> missed_frauds([1, 1, 0, 1], [0.9, 0.2, 0.8, 0.1], [9.0, 50.0, 5.0, 70.0], threshold=0.5).tolist()
    [3, 1]
    """
    frauds, scores = checked(y, score)
    rows = np.flatnonzero(frauds & ~alerts(scores, threshold))
    size = np.zeros(rows.size)
    if amount is not None:
        amounts = np.asarray(amount, dtype=np.float64)
        if amounts.shape != scores.shape:
            raise ValueError(f"there are {amounts.size} amounts for {scores.size} rows")
        size = np.nan_to_num(np.abs(amounts[rows]), nan=-1.0)
    found: NDArray[np.int64] = rows[np.lexsort((rows, scores[rows], -size))][:most]
    return found


def false_alarms(
    y: ArrayLike, score: ArrayLike, *, threshold: float, most: int = LISTED
) -> NDArray[np.int64]:
    """Legitimate rows that are alerts, the highest score first; of equal ones, the earlier row.

    Arguments and result as :func:`missed_frauds`.

    Examples
    --------
    >>> false_alarms([0, 0, 1, 0], [0.9, 0.2, 0.8, 0.95], threshold=0.5).tolist()
    [3, 0]
    """
    frauds, scores = checked(y, score)
    rows = np.flatnonzero(~frauds & alerts(scores, threshold))
    if rows.size > most:
        highest = np.partition(scores[rows], rows.size - most)[rows.size - most]
        rows = rows[scores[rows] >= highest]
    return rows[np.argsort(-scores[rows], kind="stable")][:most]
