"""The chosen threshold is the best of all, checked by trying all."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.metrics import confusion
from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.evaluation.thresholds import CURVE_POINTS, choose_threshold

# (label, score tick, amount): ticks of a ninth and whole amounts make ties and exact sums common.
rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 40)), min_size=2, max_size=50
).filter(lambda table: {label for label, _, _ in table} == {0, 1})


def columns(table):
    y, tick, amount = (np.array(column) for column in zip(*table, strict=True))
    return y, (tick / 9).astype(np.float32), amount.astype(np.float64)


def cost_at(y, score, price, threshold, alert_cost):
    alerted = score.astype(np.float64) >= threshold
    return price[(y == 1) & ~alerted].sum() + alert_cost * alerted.sum()


def every_threshold(score):
    """All there is to choose among: each score, and the one above which nothing is alerted."""
    return [NO_ALERTS, *(float(t) for t in np.unique(score))]


@given(rows, st.sampled_from([0.0, 1.0, 3.0, 17.0, 1000.0]))
def test_cost_policy_finds_the_cheapest_and_highest_threshold(table, alert_cost):
    y, score, amount = columns(table)
    decision = choose_threshold(y, score, amount, policy="cost", alert_cost=alert_cost)
    costs = {t: cost_at(y, score, amount, t, alert_cost) for t in every_threshold(score)}
    assert decision.cost == min(costs.values()) == costs[decision.threshold]
    assert decision.threshold == max(t for t, cost in costs.items() if cost == decision.cost)
    at = decision.curve["threshold"].index(decision.threshold)
    assert decision.curve["cost"][at] == decision.cost == min(decision.curve["cost"])


@given(rows, st.sampled_from([0.0, 2.0, 7.0, 50.0]))
def test_one_price_for_a_missed_fraud_replaces_the_amount(table, alert_cost):
    y, score, amount = columns(table)
    decision = choose_threshold(y, score, amount, policy="cost", missed_fraud_cost=7.0, alert_cost=alert_cost)
    prices = np.full(len(y), 7.0)
    best = min(cost_at(y, score, prices, t, alert_cost) for t in every_threshold(score))
    assert decision.cost == best == cost_at(y, score, prices, decision.threshold, alert_cost)


@pytest.mark.parametrize(
    ("alert_cost", "threshold", "alerts"),
    [(31.0, NO_ALERTS, 0), (30.0, NO_ALERTS, 0), (29.0, 0.9, 1), (4.0, 0.2, 4), (0.0, 0.2, 4)],
    ids=["nothing is cheapest", "nothing ties", "one alert", "every row", "alerts cost nothing"],
)
def test_both_ends_of_the_range_can_be_chosen(alert_cost, threshold, alerts):
    y, score, amount = [1, 1, 0, 1], [0.9, 0.5, 0.4, 0.2], [30.0, 10.0, 0.0, 9.0]
    decision = choose_threshold(y, score, amount, policy="cost", alert_cost=alert_cost)
    assert decision.threshold == threshold
    at = decision.curve["threshold"].index(threshold)
    assert decision.curve["alerts"][at] == alerts
    assert decision.cost == cost_at(np.array(y), np.array(score), np.array(amount), threshold, alert_cost)
    assert json.loads(json.dumps(decision.curve, allow_nan=False)) == decision.curve


def test_frauds_that_cost_nothing_are_worth_no_alert():
    decision = choose_threshold([1, 0], [0.9, 0.1], [0.0, 5.0], policy="cost", alert_cost=0.0)
    assert (decision.threshold, decision.cost) == (NO_ALERTS, 0.0)


def test_scores_of_exactly_one_are_not_alerted_where_nothing_is():
    decision = choose_threshold([1, 0], np.ones(2, np.float32), [1.0, 1.0], policy="cost", alert_cost=5.0)
    assert (decision.threshold, decision.cost) == (NO_ALERTS, 1.0)


def test_what_is_no_probability_has_its_threshold_above_all_scores():
    decision = choose_threshold([1, 0], [7.5, 3.0], [1.0, 1.0], policy="cost", alert_cost=5.0)
    assert decision.threshold == np.nextafter(7.5, 8)


@given(rows)
def test_f1_policy_finds_the_best_and_highest_threshold(table):
    y, score, _ = columns(table)
    decision = choose_threshold(y, score, policy="f1")
    f1 = {float(t): confusion(y, score, threshold=float(t)).f1 for t in np.unique(score)}
    assert f1[decision.threshold] == pytest.approx(max(f1.values()))
    assert decision.threshold == max(t for t, value in f1.items() if value == max(f1.values()))
    assert decision.cost is None
    assert "cost" not in decision.curve


@given(rows, st.sampled_from([0.0, 0.25, 1 / 9, 0.5, 1.0, 1.25]))
def test_fixed_policy_keeps_the_threshold_and_prices_it(table, threshold):
    y, score, amount = columns(table)
    decision = choose_threshold(y, score, amount, policy="fixed", threshold=threshold, alert_cost=3.0)
    assert decision.threshold == threshold
    assert decision.cost == cost_at(y, score, amount, threshold, 3.0)


def test_fixed_policy_needs_neither_frauds_nor_prices():
    decision = choose_threshold([0, 0], [0.1, 0.9], policy="fixed", threshold=0.5)
    assert (decision.threshold, decision.cost) == (0.5, None)
    assert decision.curve["alerts"] == [1, 2]


def test_an_unknown_amount_counts_as_the_mean_of_the_known():
    known = choose_threshold([1, 1, 0], [0.9, 0.1, 0.5], [10, 30, 0], policy="cost", alert_cost=1.0)
    unknown = choose_threshold(
        [1, 1, 1, 0], [0.9, 0.1, 0.1, 0.5], [10, 30, math.nan, math.nan], policy="cost", alert_cost=1.0
    )
    assert (known.cost, unknown.cost) == (3.0, 4.0)


def test_the_curve_is_short_has_both_ends_and_the_choice():
    rng = np.random.default_rng(1)
    y = (rng.random(50_000) < 0.01).astype(np.uint8)
    score = rng.random(50_000).astype(np.float32) * 0.5 + y * rng.random(50_000).astype(np.float32) * 0.5
    decision = choose_threshold(y, score, policy="cost", missed_fraud_cost=100.0, alert_cost=1.0)
    curve = decision.curve
    at = curve["threshold"].index(decision.threshold)
    assert curve["cost"][at] == decision.cost == min(curve["cost"])
    assert len(curve["threshold"]) <= CURVE_POINTS + 1
    assert curve["threshold"][0] == score.max()
    assert curve["threshold"][-1] == score.min()
    assert (curve["alerts"][-1], curve["missed"][-1]) == (50_000, 0)
    assert json.loads(json.dumps(curve, allow_nan=False)) == curve


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"policy": "cost"}, "needs the amount of each row or one cost for a missed fraud"),
        ({"policy": "fixed"}, "the fixed policy needs a threshold, not None"),
        ({"policy": "fixed", "threshold": math.nan}, "the fixed policy needs a threshold, not nan"),
        ({"policy": "best"}, "the policy is cost, f1, fixed or recall, not 'best'"),
        ({"policy": "cost", "missed_fraud_cost": -1.0}, "the cost of a missed fraud must be a number"),
        ({"policy": "f1", "alert_cost": math.inf}, "the cost of an alert must be a number"),
        ({"policy": "f1", "missed_fraud_fee": -0.5}, "the fee of a missed fraud must be a number"),
        ({"policy": "cost", "loss_share": 1.5}, "the share that is lost must be between 0 and 1, not 1.5"),
        ({"policy": "cost", "loss_share": math.nan}, "the share that is lost must be between 0 and 1"),
        ({"policy": "recall"}, "the recall policy needs a recall above 0 and at most 1, not None"),
        ({"policy": "recall", "recall": 0.0}, "the recall policy needs a recall above 0"),
        ({"policy": "fixed", "threshold": 0.5, "most_alerts": 3}, "the fixed policy chooses nothing"),
        ({"policy": "f1", "most_alerts": -1}, "there cannot be -1 alerts"),
    ],
)
def test_what_a_policy_lacks_is_said(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        choose_threshold([0, 1], [0.1, 0.2], **arguments)


@pytest.mark.parametrize("policy", ["cost", "f1"])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_choose(policy, label):
    with pytest.raises(ValueError, match="nothing can be measured"):
        choose_threshold([label] * 2, [0.1, 0.2], [1, 1], policy=policy, alert_cost=1.0)
