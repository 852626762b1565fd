"""Whether scores are chances: the share of fraud among rows of similar score."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

GROUPS = 8


def reliability(y: ArrayLike, score: ArrayLike, *, groups: int = GROUPS) -> dict[str, list[float]]:
    """Mean score and share of fraud of groups of rows, each of which expects as many frauds as the others.

    Groups of equally many rows would say nothing here: below one per cent of fraud, all but the last of them
    have none (DeGroot & Fienberg 1983, "The comparison and evaluation of forecasters", for the diagram).

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
        Within [0, 1].
    groups : int
        At most so many.

    Returns
    -------
    dict
        ``score`` and ``share``, rising scores, and ``rows``, one value per group that has rows.

    Raises
    ------
    ValueError
        If a score lies outside [0, 1], or is not a number.

    Examples
    --------
    >>> reliability([0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25], groups=2)
    {'score': [0.25], 'share': [0.25], 'rows': [4.0]}
    """
    label, exact = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if not np.all((exact >= 0) & (exact <= 1)):
        raise ValueError("a score outside 0 to 1 is no chance")
    order = np.argsort(exact, kind="stable")
    label, exact = label[order], exact[order]
    expected = np.cumsum(exact)
    total = expected[-1] if expected.size else 0.0
    # equal scores stay together, so that the order of rows decides nothing
    starts = np.searchsorted(expected, total * np.arange(1, groups) / groups, side="left")
    cuts = np.unique(np.searchsorted(exact, exact[np.minimum(starts, exact.size - 1)], side="left"))
    found: dict[str, list[float]] = {"score": [], "share": [], "rows": []}
    for first, last in zip([0, *cuts], [*cuts, exact.size], strict=True):
        if last > first:
            found["score"].append(float(exact[first:last].mean()))
            found["share"].append(float(label[first:last].mean()))
            found["rows"].append(float(last - first))
    return found
