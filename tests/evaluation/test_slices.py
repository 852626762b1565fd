"""Figures of slices, and which of them are marked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from fraudlab.evaluation.beyond_chance import fisher_p
from fraudlab.evaluation.ranking import rank
from fraudlab.evaluation.slices import corrected, slice_figures

FEW = 10


def rows_of(rng, rows, *, rate=0.1, recall=0.6, lift=0.02):
    """Labels, and scores that reach .5 for a share `recall` of the frauds."""
    fraud = rng.random(rows) < rate
    high = rng.random(rows) < np.where(fraud, recall, lift)
    return fraud, np.where(high, 0.5, 0.0) + 0.5 * rng.random(rows)


@given(st.integers(2, 400), st.integers(1, 9), st.booleans(), st.integers(0, 2**31))
def test_figures_of_a_slice_are_those_of_its_rows(size, slices, ties, seed):
    rng = np.random.default_rng(seed)
    fraud, score = rows_of(rng, size, rate=0.4)
    score = np.round(score, 1) if ties else score
    group = rng.integers(slices, size=size)
    found = slice_figures(rank(fraud, score), group, threshold=0.5, resamples=2)
    assert [one.group for one in found] == sorted(set(group.tolist()))
    for one in found:
        own, others = group == one.group, group != one.group
        alert = score >= 0.5
        counts = [own, own & fraud, own & alert, own & fraud & alert]
        assert [one.rows, one.frauds, one.alerts, one.caught] == [int(mask.sum()) for mask in counts]
        frauds, alerts, caught = one.frauds, one.alerts, one.caught
        assert one.recall.value == (caught / frauds if frauds >= FEW else None)
        assert one.precision.value == (caught / alerts if alerts >= FEW else None)
        if frauds >= FEW and frauds < one.rows:
            assert one.average_precision == pytest.approx(average_precision_score(fraud[own], score[own]))
            assert one.interval.low <= one.interval.high
        else:
            assert one.average_precision is None
            assert one.interval is None
        if one.recall.p_value is not None:
            rest = int((others & fraud & alert).sum()), int((others & fraud).sum())
            assert one.recall.p_value == pytest.approx(fisher_p(caught, frauds, *rest))


def test_a_slice_of_all_rows_is_compared_with_none():
    fraud, score = rows_of(np.random.default_rng(0), 500)
    (only,) = corrected([slice_figures(rank(fraud, score), np.zeros(500, int), threshold=0.5)])[0]
    assert only.recall.enough
    assert only.recall.verdict is None


def test_a_slice_that_is_worse_is_marked_and_its_neighbours_are_not():
    rng = np.random.default_rng(3)
    group = rng.integers(10, size=20_000)
    fraud, score = rows_of(rng, 20_000, recall=np.where(group == 4, 0.3, 0.7))
    found = corrected([slice_figures(rank(fraud, score), group, threshold=0.5, resamples=2)])[0]
    assert [one.recall.verdict for one in found] == ["lower" if one.group == 4 else "same" for one in found]
    better = np.where(group == 4, 0.95, 0.5)
    fraud, score = rows_of(rng, 20_000, recall=better)
    found = corrected([slice_figures(rank(fraud, score), group, threshold=0.5, resamples=2)])[0]
    assert found[4].recall.verdict == "higher"


def test_looking_at_more_columns_makes_each_mark_harder():
    rng = np.random.default_rng(5)
    group = rng.integers(2, size=4000)
    fraud, score = rows_of(rng, 4000, recall=np.where(group == 0, 0.5, 0.66))
    ranking = rank(fraud, score)
    one = slice_figures(ranking, group, threshold=0.5, resamples=2)
    others = [
        slice_figures(ranking, rng.integers(12, size=4000), threshold=0.5, resamples=2) for _ in range(3)
    ]
    alone, among = corrected([one])[0][0].recall, corrected([one, *others])[0][0].recall
    assert alone.p_value == among.p_value
    assert alone.adjusted < among.adjusted


def bursts(rng, cards, *, recall=0.6, slices=12):
    """Frauds that come in bursts of a card, all found or none, of cards that lie in one slice each."""
    card = np.repeat(np.arange(cards), 10)
    fraud = (rng.random(cards) < 0.15)[card] & (rng.random(card.size) < 0.4)
    found = (rng.random(cards) < recall)[card]
    high = np.where(fraud, found, rng.random(card.size) < 0.01)
    score = np.where(high, 0.5, 0.0) + 0.5 * rng.random(card.size)
    return fraud, score, rng.integers(slices, size=cards)[card], card


def marks(fraud, score, group, card=None):
    slices = corrected([slice_figures(rank(fraud, score), group, threshold=0.5, card=card, resamples=2)])[0]
    verdicts = [share.verdict for one in slices for share in (one.recall, one.precision)]
    return [verdict for verdict in verdicts if verdict in ("lower", "higher")]


def test_bursts_of_a_card_are_one_witness():
    """Forty frauds of two cards say no more than two; each alone would be marked."""
    rng = np.random.default_rng(1)
    fraud = np.ones(240, bool)
    score = np.r_[np.zeros(40), np.where(rng.random(200) < 0.6, 0.9, 0.1)]
    group = np.r_[np.zeros(40, int), np.ones(200, int)]
    card = np.r_[np.repeat([0, 1], 20), np.arange(2, 202)]
    fraud, score, group, card = (np.r_[part, more] for part, more in
                                 ((fraud, [False]), (score, [0.0]), (group, [1]), (card, [202])))  # fmt: skip
    assert marks(fraud, score, group) != []
    assert marks(fraud, score, group, card) == []
    two = slice_figures(rank(fraud, score), group, threshold=0.5, card=card, resamples=2)[0]
    assert (two.frauds, two.recall.value, two.interval) == (40, None, None)


def test_an_interval_is_wider_where_cards_are_units():
    fraud, score, group, card = bursts(np.random.default_rng(2), 3000, slices=3)
    ranking = rank(fraud, score)
    by_row = slice_figures(ranking, group, threshold=0.5, resamples=100)
    by_card = slice_figures(ranking, group, threshold=0.5, card=card, resamples=100)
    for row, one in zip(by_row, by_card, strict=True):
        assert row.recall.value == one.recall.value
        assert one.recall.low < row.recall.low < row.recall.high < one.recall.high


@pytest.mark.parametrize("recall", [0.0, 1.0], ids=["none found", "all found"])
def test_slices_without_any_difference_have_intervals_too(recall):
    fraud, score, group, card = bursts(np.random.default_rng(4), 3000, recall=recall, slices=3)
    for units in (None, card):
        slices = slice_figures(rank(fraud, score), group, threshold=0.5, card=units, resamples=2)
        assert {one.recall.value for one in slices} == {recall}
        assert {one.recall.p_value for one in slices} == {1.0}
        assert all(one.recall.low < one.recall.high for one in slices)


@pytest.mark.parametrize(
    ("group", "sentence"), [([0, 1], "2 groups for 3 rows"), ([0, -1, 0], "numbers of 0 or more")]
)
def test_what_are_no_slices_says_why(group, sentence):
    with pytest.raises(ValueError, match=sentence):
        slice_figures(rank([0, 1, 0], [0.1, 0.2, 0.3]), group, threshold=0.5)


#: how rows are made in which no slice differs, and whether their cards are given
NO_DIFFERENCE = {
    "rows": lambda rng: (*rows_of(rng, 8000, rate=0.05), rng.integers(12, size=8000), None),
    "rows, nearly all found": lambda rng: (
        *rows_of(rng, 8000, rate=0.05, recall=0.95), rng.integers(12, size=8000), None,
    ),
    "small slices": lambda rng: (*rows_of(rng, 8000, rate=0.05), rng.integers(30, size=8000), None),
    "bursts of cards": lambda rng: bursts(rng, 1500),
    "bursts of few cards": lambda rng: bursts(rng, 500, slices=4),
    "bursts, nearly all found": lambda rng: bursts(rng, 1500, recall=0.9),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("made", NO_DIFFERENCE)
def test_where_no_slice_differs_a_page_has_a_mark_one_time_in_twenty_at_most(made):
    """200 pages: more than 19 with a mark would be seen once in 600 tries were they one in twenty."""
    pages = [bool(marks(*NO_DIFFERENCE[made](np.random.default_rng(seed)))) for seed in range(200)]
    assert sum(pages) <= 19


@pytest.mark.slow
def test_rows_as_units_would_mark_slices_that_do_not_differ():
    """What the correction for cards is for: without it most pages have a mark."""
    pages = [bool(marks(*bursts(np.random.default_rng(seed), 1500)[:3])) for seed in range(60)]
    assert sum(pages) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("cards", [False, True])
def test_intervals_of_a_slice_cover(cards):
    """Recall of a slice, of independent rows or of bursts, lies within its interval 95 times in 100."""
    covered = many = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        if cards:
            fraud, score, group, card = bursts(rng, 3000, recall=0.6, slices=4)
        else:
            (fraud, score), group, card = rows_of(rng, 4000), rng.integers(4, size=4000), None
        for one in slice_figures(rank(fraud, score), group, threshold=0.5, card=card, resamples=2):
            covered += one.recall.low <= 0.6 <= one.recall.high
            many += 1
    assert many == 600
    assert covered >= 552  # 92 %: of 600 at 95 %, fewer would be seen once in 500 tries
