"""What is recorded of budgets, days and hours."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.prepared import card_numbers
from fraudlab.evaluation.intervals import Interval
from fraudlab.evaluation.ranking import rank
from fraudlab.stages.evaluate import point_metrics
from fraudlab.stages.team_figures import (
    TestRows,
    budget_figures,
    sampled_share,
    stability_figures,
)

ENDS = [Interval(0.1, 0.2, 0.01), Interval(0.3, 0.4, 0.01)]


def rows_over(days, *, amount=True, time=True, step=3600):
    size = int(days * 86_400 / step)
    rng = np.random.default_rng(0)
    label = np.zeros(size, np.uint8)
    label[:: max(2, size // 50)] = 1
    score = rng.random(size).astype(np.float32)
    times = 1_534_291_200.0 + np.arange(size) * step if time else None
    return TestRows(rank(label, score), rng.random(size) if amount else None, times, 1.0)


def test_metrics_are_named_by_their_budgets():
    budgets, metrics = budget_figures(rows_over(3), recalls=ENDS, per_day=[5, 10])
    assert set(metrics) == {
        *(f"recall_at_fpr_{rate}{end}" for rate in ("0.001", "0.01") for end in ("", "_low", "_high")),
        *(f"{what}_at_{k}_per_day" for k in (5, 10) for what in ("precision", "recall", "value_recall")),
    }
    assert [found["per_day"] for found in budgets["per_day"]] == [5, 10]
    assert [found["rate"] for found in budgets["false_positive_rates"]] == [0.001, 0.01]


@pytest.mark.parametrize(
    ("rows", "gone"),
    [(rows_over(3, amount=False), "value_recall"), (rows_over(3, time=False), "per_day")],
    ids=["no amount", "no time"],
)
def test_what_the_table_does_not_have_is_not_measured(rows, gone):
    _, metrics = budget_figures(rows, recalls=ENDS, per_day=[5])
    assert not any(gone in name for name in metrics)
    assert "recall_at_fpr_0.01" in metrics


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_frauds_without_a_known_amount_have_no_value(unknown):
    """A table of few frauds may have none whose amount is known; the other figures are as ever."""
    rows = rows_over(3)
    amount = np.where(rows.ranking.frauds, unknown, rows.amount)
    _, metrics = budget_figures(replace(rows, amount=amount), recalls=ENDS, per_day=[5])
    _, without = budget_figures(replace(rows, amount=None), recalls=ENDS, per_day=[5])
    assert metrics == without
    label = rows.ranking.frauds.astype(np.uint8)
    found = point_metrics(rows.ranking, label, amount, threshold=0.5, days=3.0)
    assert "value_recall" not in found
    assert found == point_metrics(rows.ranking, label, None, threshold=0.5, days=3.0)


@pytest.mark.parametrize(
    ("days", "together", "groups"), [(3, 1, 3), (62, 1, 62), (63, 7, 9), (1800, 91, 20), (40_000, 646, 62)]
)
def test_more_days_than_can_be_read_are_put_together(days, together, groups):
    found = stability_figures(rows_over(days, step=43_200), threshold=0.5)
    assert (found["days_together"], len(found["days"])) == (together, groups)
    assert sum(day["rows"] for day in found["days"]) == 2 * days
    assert found["days"][0]["day"] == 17_758
    assert [hour["hour"] for hour in found["hours"]] == [0, 12]


def test_cards_are_numbered_and_a_missing_one_is_its_own():
    column = pa.chunked_array([["a", None, "b"], ["a", None]])
    numbers = card_numbers(column).tolist()
    assert numbers[0] == numbers[3] != numbers[2]
    assert len({*numbers}) == 4


@pytest.mark.parametrize("sampled", [1.0, 0.5])
def test_cards_are_looked_at_where_all_their_rows_are_there(sampled):
    rows = replace(rows_over(3), card=np.arange(72) % 9, sampled=sampled)
    _, metrics = budget_figures(rows, recalls=ENDS, per_day=[5])
    assert metrics["cards"] == 9
    assert ("card_precision_at_5_per_day" in metrics) == (sampled == 1.0)


def test_a_table_without_times_has_no_days():
    assert stability_figures(rows_over(3, time=False), threshold=0.5) is None


def test_rows_dealt_at_random_are_a_share_of_their_days():
    splits = {"train": {"rows": 60}, "validation": {"rows": 20}, "test": {"rows": 20}}
    assert sampled_share({"split": {"kind": "stratified"}, "splits": splits}) == 0.2
    assert sampled_share({"split": {"kind": "time"}, "splits": splits}) == 1.0
