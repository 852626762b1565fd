"""What each fold of a prequential split is measured by, and what all of them say together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fraudlab.evaluation.cards import card_precision_per_day
from fraudlab.evaluation.metrics import average_precision_of, roc_auc_of
from fraudlab.evaluation.ranking import rank

#: how many cards are looked at per day where nobody says it: the handbook's number
CARDS_PER_DAY = 100
_WORDS = {"average_precision": "average precision", "roc_auc": "ROC AUC"}
_CARD_PRECISION = re.compile(r"card_precision_at_([1-9][0-9]*)_per_day")


def figures_over_folds(metrics: Mapping[str, Any]) -> dict[str, str]:
    """The figures that have a mean and a standard deviation over folds, and their names in sentences.

    Parameters
    ----------
    metrics : mapping
        Of a run; of one without folds none is found.

    Examples
    --------
    >>> figures_over_folds({"roc_auc_mean": 0.5, "card_precision_at_50_per_day_mean": 0.2, "roc_auc": 0.5})
    {'roc_auc': 'ROC AUC', 'card_precision_at_50_per_day': 'card precision@50'}
    """
    names = [name.removesuffix("_mean") for name in metrics if name.endswith("_mean")]
    found = {name: words for name, words in _WORDS.items() if name in names}
    of_cards = [(name, _CARD_PRECISION.fullmatch(name)) for name in names]
    return found | {name: f"card precision@{match[1]}" for name, match in of_cards if match}


def fold_figures(
    y: ArrayLike,
    score: ArrayLike,
    *,
    card: ArrayLike | None,
    time: ArrayLike,
    cards_per_day: int = CARDS_PER_DAY,
) -> dict[str, Any]:
    """Rows, frauds, average precision, ROC AUC and, where there are cards, card precision of a fold.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score, time : array_like of float, shape (n,)
    card : array_like of int, shape (n,), optional
        0 or more, the same number for the same card.
    cards_per_day : int
        How many cards are looked at on a whole day.

    Raises
    ------
    ValueError
        If one class is absent, or the arguments are no rows.
    """
    ranking = rank(y, score)
    name = f"card_precision_at_{cards_per_day}_per_day"
    found = {
        "rows": ranking.positives + ranking.negatives,
        "positives": ranking.positives,
        "average_precision": average_precision_of(ranking),
        "roc_auc": roc_auc_of(ranking),
        name: None,
    }
    if card is not None:
        found[name] = card_precision_per_day(y, score, time, card, per_day=cards_per_day)
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
    for name in dict.fromkeys([*_WORDS, *(name for fold in folds for name in fold if _of_cards(name))]):
        values = [float(fold[name]) for fold in folds if fold.get(name) is not None]
        if len(values) < len(folds):
            continue
        found[f"{name}_mean"], found[f"{name}_std"] = float(np.mean(values)), float(np.std(values))
        found |= {f"{name}_fold_{number}": value for number, value in enumerate(values, start=1)}
    return found


def _of_cards(name: str) -> bool:
    return _CARD_PRECISION.fullmatch(name) is not None
