"""Figures of folds are the metrics of their rows, and what they say together is over all or not at all."""

import numpy as np

from fraudlab.evaluation.cards import card_precision_per_day
from fraudlab.evaluation.fold_figures import figures_over_folds, fold_figures, over_folds
from fraudlab.evaluation.metrics import average_precision, roc_auc


def test_figures_of_a_fold_are_the_metrics_of_its_rows():
    random = np.random.default_rng(1)
    label = (random.random(600) < 0.2).astype(np.uint8)
    score = random.permutation(600) / 600
    card, time = random.integers(0, 40, 600), random.integers(0, 5, 600) * 86_400
    found = fold_figures(label, score, card=card, time=time)
    assert found == {
        "rows": 600,
        "positives": label.sum(),
        "average_precision": average_precision(label, score),
        "roc_auc": roc_auc(label, score),
        "card_precision_at_100_per_day": card_precision_per_day(label, score, time, card, per_day=100),
    }
    assert fold_figures(label, score, card=None, time=time)["card_precision_at_100_per_day"] is None


def test_as_many_cards_are_looked_at_as_is_said():
    random = np.random.default_rng(2)
    label = (random.random(600) < 0.2).astype(np.uint8)
    card, time = random.integers(0, 40, 600), random.integers(0, 5, 600) * 86_400
    found = fold_figures(label, random.random(600), card=card, time=time, cards_per_day=7)
    assert [name for name in found if name.startswith("card")] == ["card_precision_at_7_per_day"]
    metrics = over_folds([found, found])
    assert metrics["card_precision_at_7_per_day_std"] == 0
    assert figures_over_folds(metrics) == {
        "average_precision": "average precision",
        "roc_auc": "ROC AUC",
        "card_precision_at_7_per_day": "card precision@7",
    }


def test_mean_and_spread_are_over_all_folds_or_not_at_all():
    folds = [
        {"roc_auc": 0.5, "card_precision_at_100_per_day": None},
        {"roc_auc": 0.75, "card_precision_at_100_per_day": 0.2},
    ]
    assert over_folds(folds) == {
        "roc_auc_mean": 0.625, "roc_auc_std": 0.125, "roc_auc_fold_1": 0.5, "roc_auc_fold_2": 0.75,
    }  # fmt: skip
