"""What is saved against other alerts: by trying each row, and whether its interval keeps what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.cost_model import CostModel
from fraudlab.evaluation.money_difference import MIN_FRAUDS, money_difference, saved_per_row

rows = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 50)), min_size=1, max_size=30
)


def by_hand(fraud, alerted, amount, alert_cost):
    """The cost of one row."""
    return alert_cost if alerted else amount if fraud else 0


@given(rows, st.sampled_from([0.0, 1.0, 7.0]))
def test_the_saving_is_the_difference_of_what_each_row_costs(table, alert_cost):
    fraud, own, other, amount = (np.array(column) for column in zip(*table, strict=True))
    price = CostModel(alert_cost).of_frauds(fraud, amount.astype(float))
    price = np.zeros(0) if price is None else price
    expected = [
        by_hand(f, o, a, alert_cost) - by_hand(f, s, a, alert_cost)
        for f, s, o, a in zip(fraud, own, other, amount, strict=True)
    ]
    saved = saved_per_row(fraud, own, other, price, alert_cost)
    assert saved.tolist() == expected
    found = money_difference(saved, fraud, resamples=100)
    assert found.saving == sum(expected)
    assert found.low <= found.high
    assert found.cases == fraud.sum()


@pytest.mark.parametrize("card", [None, np.arange(60) // 3])
def test_the_same_alerts_save_exactly_nothing(card):
    fraud = np.arange(60) % 3 == 0
    alerted = np.arange(60) % 2 == 0
    saved = saved_per_row(fraud, alerted, alerted, np.full(20, 0.1), 0.3)
    found = money_difference(saved, fraud, card)
    assert (found.saving, found.low, found.high, found.needed, found.verdict) == (0.0, 0.0, 0.0, None, "same")
    assert math.copysign(1, found.saving) == 1


@pytest.mark.parametrize(
    ("frauds", "better", "worse", "verdict"),
    [
        (MIN_FRAUDS - 1, MIN_FRAUDS - 1, 0, "too few frauds"),
        (40, 20, 0, "saves"),
        (40, 0, 20, "loses"),
        (40, 11, 9, "undecided"),
        (40, 10, 10, "undecided"),
    ],
)
def test_a_verdict_needs_frauds_that_differ(frauds, better, worse, verdict):
    saved = np.zeros(1000)
    saved[:better], saved[better : better + worse] = 100, -100
    found = money_difference(saved, np.arange(1000) < frauds)
    assert found.verdict == verdict
    is_needed = verdict == "undecided" and better != worse
    assert (found.needed is not None) == is_needed
    if is_needed:  # four times the frauds, in the same shares, would not be enough; as many as it says are
        times = math.ceil(found.needed / frauds)
        many = np.tile(saved, times + 4)
        assert money_difference(many, np.tile(np.arange(1000) < frauds, times + 4)).verdict == "saves"
        assert (
            money_difference(np.tile(saved, 4), np.tile(np.arange(1000) < frauds, 4)).verdict == "undecided"
        )


def test_a_card_with_all_of_it_is_one_case():
    saved, fraud = np.zeros(1000), np.arange(1000) < 40
    saved[:10] = 100
    card = np.arange(1000)
    card[:10] = 0
    rows, cards = money_difference(saved, fraud), money_difference(saved, fraud, card)
    assert rows.verdict == "saves"
    assert cards.verdict == "undecided"
    assert cards.cases == 31
    assert cards.low == 0


def test_the_interval_holds_what_is_true_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        saved = np.zeros(2000)
        saved[:150] = rng.choice([0, 60, -40], p=[0.6, 0.2, 0.2], size=150)
        saved[150:] = rng.choice([0, 5, -5], p=[0.9, 0.05, 0.05], size=1850)
        found = money_difference(saved, np.arange(2000) < 150, resamples=300, seed=seed)
        held += found.low <= 150 * 0.2 * 20 <= found.high
    assert 0.90 <= held / 200 <= 0.99
