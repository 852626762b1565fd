"""CPU seconds of evaluating very many scores, against scikit-learn in the same run.

``python -m benchmarks.evaluation --rows 10_000_000``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fraudlab.evaluation.budgets import DAY, FALSE_POSITIVE_RATES, caught_per_day, point_at_fpr
from fraudlab.evaluation.card_intervals import card_intervals_of
from fraudlab.evaluation.cards import card_precision_per_day
from fraudlab.evaluation.curves import curves_of
from fraudlab.evaluation.groups import figures_by_group
from fraudlab.evaluation.intervals import intervals_of, paired_bootstrap
from fraudlab.evaluation.metrics import average_precision_of, brier, log_loss, roc_auc_of, value_recall
from fraudlab.evaluation.ranking import rank
from fraudlab.evaluation.thresholds import choose_threshold_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--fraud-rate", type=float, default=0.00173)
    parser.add_argument("--resamples", type=int, default=1000)
    asked = parser.parse_args()
    y, a, b, amount = make_scores(asked.rows, asked.fraud_rate)
    print(f"{asked.rows:,} scores, {int(y.sum()):,} frauds; CPU seconds")

    ours, (precision, auc) = measured(lambda: rank_metrics(y, a))
    theirs, expected = measured(lambda: scikit_learn(y, a))
    difference = max(abs(precision - expected[0]), abs(auc - expected[1]))
    say("average precision and ROC AUC", ours)
    note = f"{theirs / ours:.0f} times as long, differs by {difference:.1e}"
    say("  the same by scikit-learn", theirs, note)
    whole, _ = measured(lambda: evaluate(y, a, amount, asked.resamples))
    say("everything evaluation measures", whole, f"{whole / theirs:.2f} of scikit-learn's two numbers")
    say_team_figures(y, a, amount)
    paired, _ = measured(lambda: paired_bootstrap(y, a, b, resamples=asked.resamples))
    say("paired bootstrap of two models", paired, f"{paired / theirs:.2f} of them")


def make_scores(rows: int, fraud_rate: float) -> tuple[Any, Any, Any, Any]:
    """Labels, the float32 scores of two models, and amounts."""
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < fraud_rate).astype(np.uint8)
    margin = rng.normal(size=rows) - 4 + 3 * y
    a, b = (1 / (1 + np.exp(-odds)) for odds in (margin, margin + 0.4 * rng.normal(size=rows)))
    return y, a.astype(np.float32), b.astype(np.float32), rng.lognormal(3, 1, rows)


def rank_metrics(y: Any, score: Any) -> tuple[float, float]:
    ranking = rank(y, score)
    return average_precision_of(ranking), roc_auc_of(ranking)


def scikit_learn(y: Any, score: Any) -> tuple[float, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return average_precision_score(y, score), roc_auc_score(y, score)


def evaluate(y: Any, score: Any, amount: Any, resamples: int) -> None:
    """What a run's evaluation and its choice of a threshold compute, from one sort."""
    ranking = rank(y, score)
    decision = choose_threshold_of(ranking, amount, policy="cost", alert_cost=5.0)
    average_precision_of(ranking)
    roc_auc_of(ranking)
    ranking.at([decision.threshold])
    brier(y, score)
    log_loss(y, score)
    value_recall(y, score, amount, threshold=decision.threshold)
    curves_of(ranking, threshold=decision.threshold)
    intervals_of(ranking, FALSE_POSITIVE_RATES, resamples=resamples)


def say_team_figures(y: Any, score: Any, amount: Any) -> None:
    """Time what a fraud team reads, on 30 days of rows in the order of time."""
    seconds = np.linspace(0, 30 * DAY, y.size, endpoint=False)
    ranking = rank(y, score)
    card = np.random.default_rng(1).integers(0, y.size // 20, y.size).astype(np.int32)
    day, hour = ((seconds // unit).astype(np.int64) for unit in (DAY, 3600))
    for what, work in (
        (
            "recall at two false positive rates",
            lambda: [point_at_fpr(ranking, r) for r in FALSE_POSITIVE_RATES],
        ),
        (
            "three budgets of alerts per day",
            lambda: caught_per_day(y, score, seconds, amount, per_day=[20, 100, 500]),
        ),
        ("card precision per day", lambda: card_precision_per_day(y, score, seconds, card, per_day=100)),
        ("intervals with cards as units", lambda: card_intervals_of(ranking, card, FALSE_POSITIVE_RATES)),
        ("figures of every day", lambda: figures_by_group(y, score, day, threshold=0.5)),
        ("figures of every hour of the day", lambda: figures_by_group(y, score, hour % 24, threshold=0.5)),
    ):
        say(what, measured(work)[0])


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def say(what: str, seconds: float, note: str = "") -> None:
    print(f"{what:<34}{seconds:8.2f}  {note}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
