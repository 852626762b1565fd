"""What each fold of a prequential split is measured by, and what all of them say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fraudlab.evaluation.cards import card_precision_per_day
from fraudlab.evaluation.metrics import average_precision_of, roc_auc_of
from fraudlab.evaluation.ranking import rank

#: how many cards a day are looked at
CARDS = 100
CARD_PRECISION = f"card_precision_at_{CARDS}_per_day"
#: figures that have a mean and a standard deviation over folds, and their names in sentences
FIGURES = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    CARD_PRECISION: f"card precision@{CARDS}",
}


def fold_figures(
    y: ArrayLike, score: ArrayLike, *, card: ArrayLike | None, time: ArrayLike
) -> dict[str, Any]:
    """Rows, frauds, average precision, ROC AUC and, where there are cards, card precision@100 of a fold.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score, time : array_like of float, shape (n,)
    card : array_like of int, shape (n,), optional
        0 or more, the same number for the same card.

    Raises
    ------
    ValueError
        If one class is absent, or the arguments are no rows.
    """
    ranking = rank(y, score)
    found = {
        "rows": ranking.positives + ranking.negatives,
        "positives": ranking.positives,
        "average_precision": average_precision_of(ranking),
        "roc_auc": roc_auc_of(ranking),
        CARD_PRECISION: None,
    }
    if card is not None:
        found[CARD_PRECISION] = card_precision_per_day(y, score, time, card, per_day=CARDS)
    return found


def over_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean and standard deviation of each figure that all folds have, and each fold's own, by name.

    Parameters
    ----------
    folds : sequence of mapping
        As :func:`fold_figures` gives them, the newest first.

    Examples
    --------
    >>> over_folds([{"roc_auc": 0.5}, {"roc_auc": 1.0}])
    {'roc_auc_mean': 0.75, 'roc_auc_std': 0.25, 'roc_auc_fold_1': 0.5, 'roc_auc_fold_2': 1.0}
    """
    found = {}
    for name in FIGURES:
        values = [float(fold[name]) for fold in folds if fold.get(name) is not None]
        if len(values) < len(folds):
            continue
        found[f"{name}_mean"], found[f"{name}_std"] = float(np.mean(values)), float(np.std(values))
        found |= {f"{name}_fold_{number}": value for number, value in enumerate(values, start=1)}
    return found
