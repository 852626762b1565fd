"""Curves as plain lists, thinned to what a plot can show and exact at both ends.

All run from the highest threshold to the lowest. The first point of each is a threshold just above the
highest score, where nothing is alerted: a number rather than infinity, which JSON cannot carry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.operating import OperatingPoints
from fraudlab.evaluation.ranking import Ranking, rank, require_both_classes

Curve = dict[str, list[float]]
POINTS = 1000
BINS = 50


def precision_recall_curve(y: ArrayLike, score: ArrayLike, *, limit: int = POINTS) -> Curve:
    """Precision and recall at falling thresholds.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    limit : int
        At most this many points besides the first.

    Returns
    -------
    dict
        ``recall``, ``precision`` and ``threshold``. The first point is recall 0 at precision 1, by
        convention; the last is recall 1 at the prevalence. Draw it as steps: the area under straight lines
        is too large (Davis & Goadrich 2006).

    Raises
    ------
    ValueError
        If one class is absent, a label is not 0 or 1, or a score is not finite.
    """
    return _precision_recall(rank(y, score), limit)


def roc_curve(y: ArrayLike, score: ArrayLike, *, limit: int = POINTS) -> Curve:
    """False and true positive rate at falling thresholds, from (0, 0) to (1, 1).

    Arguments and errors as :func:`precision_recall_curve`; the keys are ``fpr``, ``tpr`` and ``threshold``.
    """
    return _roc(rank(y, score), limit)


def threshold_table(
    y: ArrayLike, score: ArrayLike, *, include: float | None = None, limit: int = POINTS
) -> Curve:
    """Confusion matrices at falling thresholds, from no alert to every row an alert.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    include : float, optional
        A threshold that must be in the table, whether or not a row has that score.
    limit : int
        At most this many points besides the first and `include`.

    Returns
    -------
    dict
        ``threshold``, ``tp``, ``fp``, ``fn`` and ``tn``. Between two thresholds of the table the counts lie
        between those of its rows.
    """
    return _table(rank(y, score), include, limit)


def histogram(y: ArrayLike, score: ArrayLike, *, bins: int = BINS) -> Curve:
    """How many rows of each class have which score.

    Returns
    -------
    dict
        ``edges`` (bins + 1) over [0, 1], or from the lowest to the highest score where some lie outside;
        ``legitimate`` and ``fraud`` (bins), which sum to the rows of each class.
    """
    return _histogram(rank(y, score), bins)


def curves(
    y: ArrayLike, score: ArrayLike, *, threshold: float | None = None, days: float | None = None
) -> dict[str, Any]:
    """Everything a report draws of one split, from one sort: the content of ``curves.json``.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    threshold : float, optional
        The chosen threshold, which the threshold table then contains.
    days : float, optional
        Time the rows cover, for alerts per day.

    Returns
    -------
    dict
        ``pr``, ``roc``, ``thresholds`` and ``histogram`` as the functions of this module return them, and
        ``days``.
    """
    return curves_of(rank(y, score), threshold=threshold, days=days)


def curves_of(
    ranking: Ranking, *, threshold: float | None = None, days: float | None = None
) -> dict[str, Any]:
    """:func:`curves` of scores that are sorted already."""
    return {
        "pr": _precision_recall(ranking, POINTS),
        "roc": _roc(ranking, POINTS),
        "thresholds": _table(ranking, threshold, POINTS),
        "histogram": _histogram(ranking, BINS),
        "days": days,
    }


def _precision_recall(ranking: Ranking, limit: int) -> Curve:
    points = _points(ranking, limit)
    return {
        "recall": points.recall.tolist(),
        # 1 where nothing is alerted, by convention
        "precision": [1.0, *points.precision[1:].tolist()],
        "threshold": points.threshold.tolist(),
    }


def _roc(ranking: Ranking, limit: int) -> Curve:
    points = _points(ranking, limit)
    return {
        "fpr": points.false_positive_rate.tolist(),
        "tpr": points.recall.tolist(),
        "threshold": points.threshold.tolist(),
    }


def _points(ranking: Ranking, limit: int) -> OperatingPoints:
    require_both_classes(ranking.positives, ranking.negatives)
    return ranking.at(_from_above(ranking, limit))


def _table(ranking: Ranking, include: float | None, limit: int) -> Curve:
    kept = _from_above(ranking, limit)
    if include is not None:
        kept = np.union1d(kept, [include])[::-1]
    points = ranking.at(kept)
    return {
        "threshold": points.threshold.tolist(),
        "tp": points.tp.tolist(),
        "fp": points.fp.tolist(),
        "fn": (points.positives - points.tp).tolist(),
        "tn": (points.negatives - points.fp).tolist(),
    }


def _from_above(ranking: Ranking, limit: int) -> NDArray[np.float64]:
    """Thresholds worth drawing, after the first number above the highest score."""
    thresholds = ranking.spread(limit=limit)
    return np.insert(thresholds, 0, np.nextafter(thresholds[0], np.inf))


def _histogram(ranking: Ranking, bins: int) -> Curve:
    low, high = (float(ranking.ascending[end]) for end in (0, -1))
    edges = np.linspace(min(0.0, low), max(1.0, high), bins + 1)
    # Falling thresholds; the last bin holds its upper edge too.
    reached = ranking.at(edges[-2::-1])
    fraud, legitimate = (np.diff(counts, prepend=0)[::-1].tolist() for counts in (reached.tp, reached.fp))
    return {"edges": edges.tolist(), "legitimate": legitimate, "fraud": fraud}
