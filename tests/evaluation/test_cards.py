"""Card precision is the handbook's, and intervals with cards as units see what rows hide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.budgets import DAY
from fraudlab.evaluation.card_intervals import card_intervals_of, paired_card_bootstrap
from fraudlab.evaluation.cards import card_precision_per_day
from fraudlab.evaluation.intervals import intervals_of, paired_bootstrap
from fraudlab.evaluation.metrics import average_precision
from fraudlab.evaluation.ranking import rank


def handbook(y, score, day, card, top_k):
    """``card_precision_top_k`` as the handbook has it, without its counts of compromised cards."""
    import pandas as pd

    rows = pd.DataFrame({"day": day, "card": card, "score": score, "fraud": y})
    detected, shares = [], []
    for today in sorted(rows["day"].unique()):
        of_day = rows[rows["day"] == today][["score", "card", "fraud"]]
        of_day = of_day[~of_day["card"].isin(detected)]
        of_day = of_day.groupby("card").max().sort_values(by="score", ascending=False).reset_index()
        top = of_day.head(top_k)
        found = list(top[top["fraud"] == 1]["card"])
        shares.append(len(found) / top_k)
        detected.extend(found)
    return np.array(shares).mean()


@given(st.integers(2, 200), st.integers(1, 30), st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**31))
def test_card_precision_is_the_handbooks_where_scores_differ(rows, cards, days, places, seed):
    rng = np.random.default_rng(seed)
    y, score = rng.integers(0, 2, rows), rng.permutation(rows).astype(np.float32)
    day, card = rng.integers(0, days, rows), rng.integers(0, cards, rows)
    found = card_precision_per_day(y, score, day * DAY, card, per_day=places)
    assert found == pytest.approx(handbook(y, score, day, card, places), abs=1e-12)


@given(st.integers(2, 60), st.integers(1, 9), st.integers(1, 3), st.integers(1, 5), st.integers(0, 2**31))
def test_equal_scores_flatter_in_no_order(rows, cards, levels, places, seed):
    """On one day, breaking ties in any way finds at least as much."""
    rng = np.random.default_rng(seed)
    y, score, card = rng.integers(0, 2, rows), rng.integers(0, levels, rows), rng.integers(0, cards, rows)
    time = np.zeros(rows)
    found = card_precision_per_day(y, score, time, card, per_day=places)
    order = rng.permutation(rows)
    assert card_precision_per_day(y[order], score[order], time, card[order], per_day=places) == found
    for _ in range(10):
        noise = rng.permutation(cards)[card] / cards / 2
        assert found <= card_precision_per_day(y, score + noise, time, card, per_day=places) + 1e-12


def test_a_cut_day_has_its_part_of_the_places():
    time = [DAY * 0.75, DAY * 0.9, DAY, 2 * DAY - 1]
    found = card_precision_per_day([1, 0, 1, 0], [0.9, 0.1, 0.9, 0.1], time, [0, 1, 2, 3], per_day=4)
    assert found == np.mean([1 / 1, 1 / 4])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"card": [1]}, "1 cards for 2 rows"),
        ({"card": [1, -1]}, "whole numbers of 0 or more"),
        ({"card": [0.5, 1.0]}, "whole numbers of 0 or more"),
        ({"time": [1]}, "1 times for 2 rows"),
        ({"per_day": 0}, "at least one place"),
    ],
)
def test_what_are_no_cards_says_why(change, sentence):
    asked = {"y": [0, 1], "score": [0.1, 0.2], "time": [0, 1], "card": [0, 1], "per_day": 1} | change
    with pytest.raises(ValueError, match=sentence):
        card_precision_per_day(**asked)


def bursts(cards, *, seed=0, levels=None):
    """Cards with one to nine rows; some have a burst of frauds that is found or missed together."""
    rng = np.random.default_rng(seed)
    card = np.repeat(rng.permutation(cards), rng.integers(1, 10, cards))
    fraudulent, found = rng.random(cards) < 0.1, rng.normal(1.5, 1.5, cards)
    y = (fraudulent[card] & (rng.random(card.size) < 0.8)).astype(np.uint8)
    margin = np.where(y == 1, found[card], 0) + rng.normal(0, 0.7, card.size)
    score = margin if levels is None else np.round(margin * levels) / levels
    order = rng.permutation(card.size)
    return y[order], score[order].astype(np.float32), card[order]


def resampled_by_card(y, score, card, resamples):
    """Average precision after drawing whole cards the plain way, those with and without fraud apart."""
    rng = np.random.default_rng(5)
    has_fraud = np.zeros(card.max() + 1, bool)
    has_fraud[card[y == 1]] = True
    strata = [np.flatnonzero(has_fraud), np.setdiff1d(card, np.flatnonzero(has_fraud))]
    rows_of = {number: np.flatnonzero(card == number) for number in np.unique(card)}
    found = []
    for _ in range(resamples):
        drawn = np.concatenate([rng.choice(cards, cards.size) for cards in strata])
        rows = np.concatenate([rows_of[number] for number in drawn])
        found.append(average_precision(y[rows], score[rows]))
    return np.array(found)


@pytest.mark.parametrize("levels", [None, 2])
def test_intervals_are_those_of_resampling_whole_cards(levels):
    y, score, card = bursts(400, levels=levels)
    plain = resampled_by_card(y, score, card, 1500)
    found, recall = card_intervals_of(rank(y, score), card, [0.01], resamples=4000)
    spread = plain.std()
    assert found.standard_error == pytest.approx(spread, rel=0.08)
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.2 * spread)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.2 * spread)
    assert 0 <= recall.low < recall.high <= 1
    by_row = intervals_of(rank(y, score), resamples=4000)[0]
    assert found.standard_error > 1.3 * by_row.standard_error


def test_rows_that_are_cards_of_their_own_give_the_interval_of_rows():
    y, score, _ = bursts(400)
    ranking = rank(y, score)
    by_card = card_intervals_of(ranking, np.arange(y.size)[::-1], [0.01], resamples=4000)
    by_row = intervals_of(ranking, [0.01], resamples=4000)
    for card, row in zip(by_card, by_row, strict=True):
        assert card.standard_error == pytest.approx(row.standard_error, rel=0.08)
        assert card.low == pytest.approx(row.low, abs=0.25 * row.standard_error)


def test_rows_that_hardly_matter_need_not_be_drawn(monkeypatch):
    y, score, card = bursts(3000, seed=2)
    whole = card_intervals_of(rank(y, score), card, resamples=1500)[0]
    monkeypatch.setattr("fraudlab.evaluation.card_intervals.DEEP", 0)
    monkeypatch.setattr("fraudlab.evaluation.card_intervals.DEEP_PER_FRAUD", 3)
    cut = card_intervals_of(rank(y, score), card, resamples=1500)[0]
    assert (cut.low, cut.high) != (whole.low, whole.high)
    assert cut.standard_error == pytest.approx(whole.standard_error, rel=0.1)


def paired(cards, *, seed=0):
    """Two models of equal skill that find the bursts of other cards."""
    rng = np.random.default_rng(100_000 + seed)  # not the numbers that the cards were drawn by
    y, _, card = bursts(cards, seed=seed)
    margins = []
    for _ in range(2):
        found = rng.normal(1.5, 1.5, cards)
        margins.append(np.where(y == 1, found[card], 0) + rng.normal(0, 0.7, card.size))
    return y, *margins, card


def test_a_paired_difference_is_that_of_resampling_whole_cards():
    y, a, b, card = paired(400)
    plain = resampled_by_card(y, a, card, 1500) - resampled_by_card(y, b, card, 1500)  # the same seed
    found = paired_card_bootstrap(y, a, b, card, resamples=4000)
    spread = plain.std()
    assert found.difference == pytest.approx(average_precision(y, a) - average_precision(y, b))
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.2 * spread)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.2 * spread)
    by_row = paired_bootstrap(y, a, b, resamples=2000)
    assert found.high - found.low > 1.3 * (by_row.high - by_row.low)
    turned = paired_card_bootstrap(y, b, a, card, resamples=4000)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_pairs_of_rows_that_are_cards_of_their_own_are_pairs_of_rows():
    y, a, b, _ = paired(400)
    by_card = paired_card_bootstrap(y, a, b, np.arange(y.size), resamples=4000)
    by_row = paired_bootstrap(y, a, b, resamples=4000)
    width = by_row.high - by_row.low
    assert by_card.low == pytest.approx(by_row.low, abs=0.08 * width)
    assert by_card.high == pytest.approx(by_row.high, abs=0.08 * width)


def test_a_model_is_no_better_than_itself_with_cards():
    y, a, _, card = paired(100)
    found = paired_card_bootstrap(y, a, 2 * a, card, resamples=100)
    assert (found.difference, found.low, found.high, found.probability_a_better) == (0.0, 0.0, 0.0, 0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"card": [0, 1]}, "2 cards for 3 rows"),
        ({"card": [0, -1, 2]}, "whole numbers of 0 or more"),
        ({"y": [1, 1, 1]}, "every label is fraud"),
        ({"score_b": [0.1, 0.2]}, "2"),
        ({"resamples": 1}, "at least 2 resamples"),
    ],
)
def test_what_cannot_be_paired_says_why(change, sentence):
    asked = {"y": [0, 1, 0], "score_a": [0.1, 0.2, 0.3], "score_b": [0.3, 0.2, 0.1], "card": [0, 1, 2]}
    with pytest.raises(ValueError, match=sentence):
        paired_card_bootstrap(**asked | change)


@pytest.mark.slow
def test_verdicts_on_equal_models_err_one_time_in_twenty_with_cards_and_more_often_with_rows():
    """Of 120 pairs at most 13 by cards, which at 5 % would be exceeded once in 300 tries; by rows more."""
    by_card = by_row = 0
    for seed in range(120):
        y, a, b, card = paired(2000, seed=seed)
        found = paired_card_bootstrap(y, a, b, card, resamples=300, seed=seed)
        by_card += not found.low <= 0 <= found.high
        found = paired_bootstrap(y, a, b, resamples=300, seed=seed)
        by_row += not found.low <= 0 <= found.high
    assert by_card <= 13
    assert by_row >= 20


@pytest.mark.slow
def test_intervals_with_cards_as_units_cover_and_those_of_rows_do_not():
    """The average precision of very many cards lies in the interval of few: 95 times in 100 with cards."""
    y, score, _ = bursts(60_000, seed=10_000)
    truth = average_precision(y, score)
    by_card = by_row = 0
    for seed in range(200):
        y, score, card = bursts(700, seed=seed)
        interval = card_intervals_of(rank(y, score), card, resamples=300, seed=seed)[0]
        by_card += interval.low <= truth <= interval.high
        interval = intervals_of(rank(y, score), resamples=300, seed=seed)[0]
        by_row += interval.low <= truth <= interval.high
    assert by_card >= 180
    assert by_row <= 175


def test_a_seed_gives_one_interval():
    y, score, card = bursts(200)
    assert card_intervals_of(rank(y, score), card, [0.1], seed=3) == card_intervals_of(
        rank(y, score), card, [0.1], seed=3
    )
