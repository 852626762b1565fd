"""Costs, budgets and what would follow from other prices, each against trying everything."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.budgets import DAY, Traffic
from fraudlab.evaluation.cost_model import CostModel
from fraudlab.evaluation.decisions import DecisionRequest, decide_on, request_of
from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.evaluation.ranking import rank
from fraudlab.evaluation.thresholds import choose_threshold

# (label, score tick, amount, hour): ticks of a ninth make ties common; amounts are known, negative or missing
amounts = st.one_of(st.integers(0, 40), st.integers(-40, -1), st.just(math.nan))
tables = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 9), amounts, st.integers(0, 80)), min_size=2, max_size=40
).filter(lambda table: {label for label, *_ in table} == {0, 1})
prices = st.builds(
    CostModel,
    alert_cost=st.sampled_from([0.0, 1.0, 4.0, 30.0]),
    missed_fraud_cost=st.sampled_from([None, 0.0, 16.0]),
    loss_share=st.sampled_from([0.0, 0.25, 1.0]),
    missed_fraud_fee=st.sampled_from([0.0, 2.0]),
)
POLICIES = ("cost", "f1")


def columns(table):
    y, tick, amount, hour = (np.array(column) for column in zip(*table, strict=True))
    return y, (tick / 9).astype(np.float32), amount.astype(np.float64), hour * 3600.0


def missed_price(model, y, amount):
    """What each row costs where it is a fraud and is missed, by the letter of the docs."""
    lost = np.abs(amount)
    known = lost[(y == 1) & ~np.isnan(lost)]
    if model.missed_fraud_cost is None and not known.size:
        return None
    filled = np.where(np.isnan(lost), known.mean() if known.size else 0.0, lost)
    if model.missed_fraud_cost is not None:
        filled = np.full(y.size, model.missed_fraud_cost)
    return np.where(y == 1, filled * model.loss_share + model.missed_fraud_fee, 0.0)


def tried(y, score, price, alert_cost):
    """Every threshold there is, highest first: how many alerts, what it costs, its F1."""
    for threshold in [NO_ALERTS, *sorted({float(s) for s in score}, reverse=True)]:
        alerted = score.astype(np.float64) >= threshold
        cost = None if price is None else price[~alerted].sum() + alert_cost * alerted.sum()
        yield threshold, int(alerted.sum()), cost, 2 * (y[alerted] == 1).sum() / (alerted.sum() + y.sum())


@given(tables, prices, st.sampled_from(POLICIES), st.sampled_from([0.1, 0.5, 1.0, 2.5, 1000.0]))
def test_a_budget_gives_the_best_of_what_it_allows(table, model, policy, per_day):
    y, score, amount, time = columns(table)
    price = missed_price(model, y, amount)
    request = DecisionRequest(
        policy, None, model.missed_fraud_cost, model.alert_cost, model.loss_share, model.missed_fraud_fee,
        alert_budget=per_day,
    )  # fmt: skip
    traffic = Traffic.of(time)
    given_amount = amount if price is not None else None
    if policy == "cost" and price is None:
        with pytest.raises(ValueError, match="needs the amount of each row"):
            decide_on(request, rank(y, score), given_amount, traffic)
        return
    chosen = decide_on(request, rank(y, score), given_amount, traffic)
    most = math.floor(round(per_day * traffic.days, 9))
    allowed = [found for found in tried(y, score, price, model.alert_cost) if found[1] <= most]
    if policy == "cost":
        best = min(cost for _, _, cost, _ in allowed)
        assert chosen.measured["cost"] == pytest.approx(best, abs=1e-9)
    else:
        best = max(f1 for *_, f1 in allowed)
        assert (chosen.measured["f1"] or 0.0) == pytest.approx(best)
    at = next(found for found in allowed if found[0] == chosen.decision.threshold)
    assert at[1] == chosen.measured["true_positives"] + chosen.measured["false_positives"] <= most
    assert chosen.measured["alerts_per_day"] <= per_day + 1e-9
    assert chosen.alerts_nothing == (at[0] >= NO_ALERTS)
    assert json.loads(json.dumps([chosen.measured, chosen.budget, chosen.sensitivity], allow_nan=False))


@given(tables, prices)
def test_money_is_what_summing_rows_gives(table, model):
    y, score, amount, _ = columns(table)
    price = missed_price(model, y, amount)
    if price is None:
        assert model.of(rank(y, score), amount) is None
        return
    costs = model.of(rank(y, score), amount)
    assert costs.without_model == pytest.approx(price.sum())
    for threshold, _, cost, _ in tried(y, score, price, model.alert_cost):
        assert costs.at(rank(y, score), threshold) == pytest.approx(cost, abs=1e-9)


@given(tables, prices)
def test_sensitivity_is_what_other_prices_would_have_chosen(table, model):
    y, score, amount, _ = columns(table)
    if missed_price(model, y, amount) is None:
        return
    arguments = {name: getattr(model, name) for name in CostModel.__dataclass_fields__}
    chosen = decide_on(DecisionRequest("cost", **arguments), rank(y, score), amount)
    for row in chosen.sensitivity:
        scaled = {
            **arguments,
            "alert_cost": model.alert_cost * row["alert"],
            "missed_fraud_fee": model.missed_fraud_fee * row["loss"],
        }
        if model.missed_fraud_cost is not None:
            scaled["missed_fraud_cost"] = model.missed_fraud_cost * row["loss"]
        other = choose_threshold(y, score, amount * row["loss"], policy="cost", **scaled)
        assert row["cost"] == pytest.approx(other.cost, abs=1e-9)
        assert row["cost_as_chosen"] >= row["cost"] - 1e-9
    if chosen.sensitivity:
        first = chosen.sensitivity[0]
        assert (first["loss"], first["alert"]) == (1.0, 1.0)
        assert first["threshold"] == chosen.decision.threshold


@given(tables, st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.0]))
def test_recall_is_reached_by_no_higher_threshold(table, recall):
    y, score, *_ = columns(table)
    chosen = choose_threshold(y, score, policy="recall", recall=recall)
    caught = {t: (score[y == 1].astype(np.float64) >= t).sum() for t in {float(s) for s in score}}
    reached = [t for t, found in caught.items() if found >= recall * (y == 1).sum() - 1e-9]
    assert chosen.threshold == max(reached)


@pytest.mark.parametrize(
    ("times", "sampled", "days"),
    [
        ([0.0, 43_200.0], 1.0, 0.5),
        ([0.0, DAY, 2 * DAY], 1.0, 3.0),
        ([5 * DAY], 1.0, 1.0),
        ([100.0, 100.0 + 10 * DAY, 200.0], 0.1, 1.0),
    ],
    ids=["half a day", "dates count whole", "one date", "a tenth of ten days"],
)
def test_days_of_traffic(times, sampled, days):
    found = Traffic.of(np.array(times), sampled=sampled)
    assert found.days == pytest.approx(days, rel=1e-3)


def test_the_first_score_shared_by_too_many_alerts_nothing():
    y, score = [1, 0, 0, 0, 1], [0.9, 0.9, 0.9, 0.1, 0.1]
    traffic = Traffic.of(np.arange(5) * DAY)
    request = DecisionRequest("cost", missed_fraud_cost=100.0, alert_cost=1.0, alert_budget=0.4)
    chosen = decide_on(request, rank(y, score), None, traffic)
    assert chosen.decision.threshold == NO_ALERTS
    assert chosen.budget["most_alerts"] == 2
    assert chosen.budget["without"]["alerts"] == 5
    assert chosen.why_nothing.endswith("with at most 2 alerts")


@pytest.mark.parametrize("policy", ["f1", "recall", "fixed", "cost"])
def test_frauds_without_a_known_amount_stop_only_the_policy_that_needs_one(policy):
    request = DecisionRequest(
        policy,
        threshold=0.5 if policy == "fixed" else None,
        recall=0.5 if policy == "recall" else None,
        alert_cost=5.0,
    )
    y, score, amount = [0, 1, 1], [0.1, 0.6, 0.9], [7.0, math.nan, math.nan]
    if policy == "cost":
        with pytest.raises(ValueError, match="no fraud has a known amount"):
            decide_on(request, rank(y, score), amount)
        return
    chosen = decide_on(request, rank(y, score), amount)
    assert chosen.decision == decide_on(request, rank(y, score)).decision
    assert chosen.measured["cost"] is None
    assert chosen.sensitivity == []


@pytest.mark.parametrize(
    ("budget", "price", "why", "held_back"),
    [
        (0.1, 100.0, "the budget allows less than one alert in 5 days", True),
        (0.2, 100.0, "no threshold catches a fraud with at most 1 alert", True),
        (0.4, 100.0, "no threshold catches a fraud with at most 2 alerts", True),
        (0.4, 0.1, "alerting nothing is cheapest", False),
        (None, 0.1, "alerting nothing is cheapest", False),
    ],
)
def test_why_nothing_is_alerted(budget, price, why, held_back):
    y, score = [1, 0, 0, 0, 1], [0.9, 0.9, 0.9, 0.1, 0.1]
    request = DecisionRequest("cost", missed_fraud_cost=price, alert_cost=1.0, alert_budget=budget)
    chosen = decide_on(request, rank(y, score), None, Traffic.of(np.arange(5) * DAY))
    assert chosen.alerts_nothing
    assert (chosen.why_nothing, chosen.held_back) == (why, held_back)


@pytest.mark.parametrize("budget", [0.0, -1.0, math.nan, math.inf])
def test_no_number_of_alerts(budget):
    request = DecisionRequest("f1", alert_budget=budget)
    with pytest.raises(ValueError, match="the alerts of a day must be a number above 0"):
        decide_on(request, rank([0, 1], [0.1, 0.2]), None, Traffic.of(np.zeros(2)))


def test_a_budget_needs_days():
    with pytest.raises(ValueError, match="needs the time of each row"):
        decide_on(DecisionRequest("f1", alert_budget=5.0), rank([0, 1], [0.1, 0.2]))


def test_an_older_decision_has_the_prices_it_had():
    old = {
        "policy": "cost",
        "threshold": None,
        "missed_fraud_cost": None,
        "alert_cost": 7,
        "measured_on": "x",
    }
    assert request_of(old) == DecisionRequest("cost", alert_cost=7)
    assert CostModel.of_decision(old) == CostModel(alert_cost=7)
    with pytest.raises(ValueError, match="alert_cost"):
        request_of({**old, "alert_cost": "5"})
