from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from fraudlab.report.recorded.run_prices import prices_of
from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.recorded.scores import read_scores
from fraudlab.report.run.threshold_stops import OperatingPoint, operating_range

from ..example_run import build_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_run(tmp_path_factory.mktemp("runs") / "a")


def test_every_stop_is_a_row_of_the_threshold_table(folder: Path) -> None:
    reach = operating_range(read_run(folder), read_scores(folder))
    assert reach is not None
    table = json.loads((folder / "evaluation" / "curves.json").read_text())["thresholds"]
    rows = set(zip(*(table[name] for name in ("threshold", "tp", "fp", "fn", "tn")), strict=True))
    assert {(s.threshold, s.tp, s.fp, s.fn, s.tn) for s in reach.stops} <= rows


def test_stops_run_from_every_row_to_none_and_are_fine_where_a_team_can_work(folder: Path) -> None:
    reach = operating_range(read_run(folder), read_scores(folder))
    assert reach is not None
    alerts = [stop.alerts for stop in reach.stops]
    assert alerts[0] == 42_000
    assert alerts[-1] == 0
    assert all(more >= fewer for more, fewer in pairwise(alerts))
    assert len(alerts) < 300
    workable = [count for count in alerts if 40 <= count <= 300]
    assert all(more <= fewer * 1.06 + 1 for more, fewer in pairwise(workable))


def test_the_chosen_threshold_is_a_stop_with_the_recorded_counts(folder: Path) -> None:
    record = read_run(folder)
    reach = operating_range(record, read_scores(folder))
    assert reach is not None
    assert reach.point.threshold == record.metrics["threshold"]
    assert reach.point.tp == record.metrics["true_positives"]
    assert reach.point.precision == pytest.approx(record.metrics["precision"])
    assert reach.point.recall == pytest.approx(record.metrics["recall"])
    assert reach.point.f1 == pytest.approx(record.metrics["f1"])


def test_money_caught_is_the_recorded_share_of_the_money_at_stake(folder: Path) -> None:
    record = read_run(folder)
    reach = operating_range(record, read_scores(folder))
    assert reach is not None
    assert reach.total_value is not None
    assert reach.point.value == pytest.approx(record.metrics["value_recall"] * reach.total_value)
    assert reach.stops[0].value == pytest.approx(reach.total_value)
    assert reach.stops[-1].value == 0


def test_without_amounts_there_is_no_money(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a", amount=False)
    reach = operating_range(read_run(folder), read_scores(folder))
    assert reach is not None
    assert reach.total_value is None
    assert reach.point.value is None


def test_a_run_that_was_not_evaluated_has_no_operating_points(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    (folder / "evaluation" / "metrics.json").unlink()
    assert operating_range(read_run(folder), read_scores(folder)) is None


def test_ratios_of_nothing_are_nothing() -> None:
    none = OperatingPoint(threshold=1.0, tp=0, fp=0, fn=0, tn=0)
    assert (none.precision, none.recall, none.f1, none.false_positive_rate) == (None, None, None, None)


def test_what_a_stop_costs_is_missed_amounts_and_its_alerts(folder: Path) -> None:
    record, scores = read_run(folder), read_scores(folder)
    reach = operating_range(record, scores, prices_of(record))
    assert scores is not None
    assert scores.amount is not None
    assert reach is not None
    assert reach.costs is not None
    fraud = scores.label == 1
    assert reach.without_model == pytest.approx(scores.amount[fraud].sum())
    for stop, cost in zip(reach.stops[::20], reach.costs[::20], strict=True):
        missed = scores.amount[fraud & (scores.score < stop.threshold)].sum()
        assert cost == pytest.approx(missed + 5 * stop.alerts)
    assert reach.cost == reach.costs[reach.chosen]


def test_a_run_without_amounts_has_no_cost(tmp_path: Path) -> None:
    record = read_run(build_run(tmp_path / "a", amount=False))
    reach = operating_range(record, read_scores(record.folder), prices_of(record))
    assert reach is not None
    assert reach.costs is None
    assert reach.cost is None


@pytest.mark.parametrize(
    ("decision", "overrides", "sentence", "assumption"),
    [
        (
            {"alert_cost": 5.0, "missed_fraud_cost": 100.0},
            {},
            "A missed fraud costs 100; an alert costs 5.",
            "Assumed, not given: what a missed fraud costs (100), what an alert costs (5), that all of a ",
        ),
        (
            {"alert_cost": 7.0, "loss_share": 0.4, "missed_fraud_fee": 15.0, "currency": "EUR"},
            {},
            "A missed fraud costs 40\u00a0% of its amount and 15 more; an alert costs 7, in EUR.",
            None,
        ),
        (
            {"alert_cost": 5.0, "loss_share": 0.4, "missed_fraud_fee": 15.0},
            {"evaluation.alert_cost": 5},
            "A missed fraud costs 40\u00a0% of its amount and 15 more; an alert costs 5.",
            None,
        ),
    ],
    ids=["defaults", "all given", "the default, given"],
)
def test_prices_in_words(
    tmp_path: Path,
    decision: dict[str, object],
    overrides: dict[str, object],
    sentence: str,
    assumption: str | None,
) -> None:
    folder = build_run(tmp_path / "a", overrides=overrides)
    model = json.loads((folder / "model" / "model.json").read_text())
    model["decision"] = {"policy": "cost", **decision}
    (folder / "model" / "model.json").write_text(json.dumps(model))
    prices = prices_of(read_run(folder))
    assert prices is not None
    assert prices.sentence() == sentence
    said = prices.assumption()
    assert said is None if assumption is None else (said or "").startswith(assumption)


@pytest.mark.parametrize("broken", [{"alert_cost": -1}, {"alert_cost": 5, "loss_share": "all"}, {}])
def test_broken_prices_are_none(tmp_path: Path, broken: dict[str, object]) -> None:
    folder = build_run(tmp_path / "a")
    model = json.loads((folder / "model" / "model.json").read_text())
    model["decision"] = broken
    (folder / "model" / "model.json").write_text(json.dumps(model))
    assert prices_of(read_run(folder)) is None
