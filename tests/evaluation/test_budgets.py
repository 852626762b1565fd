"""What a budget of alerts catches agrees with counting it out, whatever the order of equal scores."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from fraudlab.evaluation.budgets import DAY, caught_per_day, point_at_fpr, recall_at_fpr
from fraudlab.evaluation.metrics import confusion, fraud_amounts
from fraudlab.evaluation.ranking import rank


@st.composite
def splits(draw, most=40):
    """Labels of both classes, and float32 scores that tie heavily or hardly at all."""
    size = draw(st.integers(2, most))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), dtype=np.uint8)
    y[:2] = 0, 1
    top = draw(st.sampled_from([1, 2, 10, 10_000]))
    ticks = draw(st.lists(st.integers(0, top), min_size=size, max_size=size))
    return y, (np.array(ticks) / top).astype(np.float32)


@given(splits(), st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.25, 0.29, 1 / 3, 0.5, 1.0]))
def test_recall_at_a_false_positive_rate_is_that_of_scikit_learns_curve(split, rate):
    y, score = split
    fpr, tpr, _ = roc_curve(y, score, drop_intermediate=False)
    assert recall_at_fpr(y, score, rate=rate) == pytest.approx(tpr[fpr <= rate].max(), abs=1e-15)
    point = point_at_fpr(rank(y, score), rate)
    assert point == confusion(y, score, threshold=point.threshold)
    assert point.false_positive_rate <= rate


def test_a_rate_that_is_reached_exactly_is_within_it():
    """29 of 100: as a product, 0.29 * 100 is below 29."""
    y = np.array([0] * 29 + [1] + [0] * 71)
    score = np.linspace(1, 0, 101)
    assert recall_at_fpr(y, score, rate=0.29) == 1.0
    assert recall_at_fpr(y, score, rate=0.28) == 0.0


@pytest.mark.parametrize(("y", "sentence"), [([0, 0], "no frauds"), ([1, 1], "every label is fraud")])
def test_a_rate_of_one_class_says_why(y, sentence):
    with pytest.raises(ValueError, match=sentence):
        recall_at_fpr(y, [0.1, 0.2], rate=0.1)


def by_every_order(y, score, time, amount, per_day):
    """Alerts, expected frauds and money, over every order in which equal scores might be looked at."""
    totals = np.zeros(3)
    lost = np.zeros(y.size)
    lost[y == 1] = fraud_amounts(y == 1, amount)
    first, last = time.min(), time.max()
    for day in np.unique(time // DAY):
        rows = np.flatnonzero(time // DAY == day)
        part = (min(last, (day + 1) * DAY) - max(first, day * DAY)) / DAY
        most = min(max(int(np.floor(per_day * part + 0.5)), 1), rows.size)
        orders = [
            rows[list(order)][np.argsort(-score[rows[list(order)]], kind="stable")][:most]
            for order in itertools.permutations(range(rows.size))
        ]
        totals += (
            most,
            np.mean([y[taken].sum() for taken in orders]),
            np.mean([lost[taken].sum() for taken in orders]),
        )
    return totals, lost.sum()


@given(st.data(), st.integers(1, 4))
def test_a_daily_budget_catches_what_every_order_of_equal_scores_does_on_average(data, per_day):
    y, score = data.draw(splits(10))
    # at most 5 rows on each of two days, so that all orders can be gone through
    time = np.arange(y.size) % 2 * DAY + np.array(
        data.draw(st.lists(st.integers(1, int(DAY) - 1), min_size=y.size, max_size=y.size))
    )
    time[0] = 0.5  # else all could be dates, whose days are whole
    unknown = data.draw(st.integers(0, 1))
    amount = np.where((np.arange(y.size) % 3 == 2) & (unknown == 1), np.nan, np.arange(y.size) - 3.0)
    (found,) = caught_per_day(y, score, time, amount, per_day=[per_day])
    (alerts, frauds, money), whole = by_every_order(y, score, time, amount, per_day)
    assert found.alerts == alerts
    assert found.frauds == pytest.approx(frauds, abs=1e-9)
    assert found.value == pytest.approx(money / whole if whole else 0.0, abs=1e-9)
    assert found.recall == pytest.approx(frauds / y.sum())
    assert found.precision == pytest.approx(frauds / alerts)


@given(splits(), st.randoms(use_true_random=False))
def test_neither_order_of_rows_nor_other_budgets_matter(split, random):
    y, score = split
    time = np.arange(y.size) * 20_000.0
    order = list(range(y.size))
    random.shuffle(order)
    together = caught_per_day(y, score, time, per_day=[1, 3, 50])
    assert caught_per_day(y[order], score[order], time[order], per_day=[1, 3, 50]) == together
    assert [caught_per_day(y, score, time, per_day=[each])[0] for each in (1, 3, 50)] == together


def test_constant_scores_catch_the_share_of_alerts():
    y = np.array([1, 0, 0, 0] * 25)
    (found,) = caught_per_day(y, np.full(100, 0.5), np.linspace(0, DAY - 1, 100), per_day=[20])
    assert (found.alerts, found.frauds, found.precision) == (20, 5.0, 0.25)


#: times, alerts of a whole day, share of rows, alerts in all
PARTS = {
    "two whole days": ([0, DAY - 1, DAY, 2 * DAY - 1], 2, 1.0, 4),
    "half a day and a whole one": ([DAY / 2, DAY / 2 + 1, DAY + 1, 2 * DAY - 1], 2, 1.0, 3),
    "an hour: at least one": ([0, 60, 1800, 3600], 2, 1.0, 1),
    "dates without an hour are whole days": ([0, 0, DAY, DAY], 2, 1.0, 4),
    "dates of another zone": ([-7200, -7200, DAY - 7200, DAY - 7200], 2, 1.0, 4),
    "one moment is no part of a day": ([5, 5, 5, 5], 2, 1.0, 2),
    "before 1970": ([-DAY, -1, 0, DAY - 1], 2, 1.0, 4),
    "half of the transactions": ([0, DAY - 1, DAY, 2 * DAY - 1], 2, 0.5, 2),
    "more alerts than rows": ([0, DAY - 1, DAY, 2 * DAY - 1], 100, 1.0, 4),
    "a day without rows": ([0, DAY - 1, 9 * DAY, 10 * DAY - 1], 1, 1.0, 2),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_day_has_the_same_part_of_the_alerts(name):
    time, per_day, sampled, alerts = PARTS[name]
    (found,) = caught_per_day([1, 0, 0, 1], [0.4, 0.3, 0.2, 0.1], time, per_day=[per_day], sampled=sampled)
    assert found.alerts == alerts


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"time": [0.0]}, "1 times for 2 rows"),
        ({"amount": [1.0]}, "1 amounts for 2 rows"),
        ({"per_day": [0]}, "at least one alert"),
        ({"per_day": []}, "at least one alert"),
        ({"sampled": 0.0}, "between 0 and 1"),
        ({"score": [0.1, np.nan]}, "not finite"),
    ],
)
def test_what_is_no_budget_says_why(change, sentence):
    given_ = {"y": [0, 1], "score": [0.1, 0.2], "time": [0, 1], "per_day": [1]} | change
    with pytest.raises(ValueError, match=sentence):
        caught_per_day(**given_)
