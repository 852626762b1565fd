"""Two models in slices: what is compared, by which p value, and how often by chance alone."""

import math

import numpy as np
import pytest

from fraudlab.evaluation.beyond_chance import student_p
from fraudlab.evaluation.intervals import paired_bootstrap
from fraudlab.evaluation.metrics import average_precision
from fraudlab.evaluation.slice_differences import corrected_differences, slice_differences


def rows_of(rng, rows=6000, *, slices=12, noise=0.5, strength=1.8):
    fraud = rng.random(rows) < 0.05
    base = rng.normal(size=rows) + strength * fraud
    a, b = (base + noise * rng.normal(size=rows) for _ in range(2))
    return fraud, a, b, rng.integers(slices, size=rows), None


def bursts(rng, cards=1200, rows=6000):
    card = rng.integers(cards, size=rows)
    fraud = (rng.random(cards) < 0.15)[card] & (rng.random(rows) < 0.5)
    base = rng.normal(size=rows) + 1.8 * fraud
    a, b = (base + rng.normal(size=cards)[card] for _ in range(2))
    return fraud, a, b, card % 8, card


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 10, 51, 399, 400, 5000])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 2.5, 8.0, math.inf])
def test_student_against_the_density_that_is_added_up(freedom, t):
    norm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    at = np.linspace(0, min(t, 60.0), 400_001)
    density = np.exp(norm - (freedom + 1) / 2 * np.log1p(at**2 / freedom))
    expected = 1 - 2 * np.trapezoid(density, at) if t < math.inf else 0.0
    assert student_p(t, freedom) == pytest.approx(expected, abs=1e-8 if freedom < 400 else 1e-3)
    assert student_p(-t, freedom) == student_p(t, freedom)


def test_student_needs_a_degree_of_freedom():
    with pytest.raises(ValueError, match="a degree of freedom"):
        student_p(1.0, 0)


@pytest.mark.parametrize("made", [rows_of, bursts])
def test_each_slice_is_the_comparison_of_its_rows(made):
    fraud, a, b, group, card = made(np.random.default_rng(3))
    found = slice_differences(fraud, a, b, group, card=card, resamples=50)
    assert [one.group for one in found] == sorted(set(group.tolist()))
    for one in found:
        own = group == one.group
        assert (one.rows, one.frauds) == (own.sum(), fraud[own].sum())
        if one.found is not None:
            assert one.a == average_precision(fraud[own], a[own])
            assert one.b == average_precision(fraud[own], b[own])
            assert one.found.difference == pytest.approx(one.b - one.a)
            assert one.found.low < one.found.high
            if card is None:
                assert one.found == paired_bootstrap(fraud[own], b[own], a[own], resamples=50)
        assert one.verdict is None  # before the correction nothing is said


def test_what_has_too_little_is_not_compared_and_does_not_count():
    group = np.repeat([0, 1, 2, 3], [100, 100, 12, 100])
    fraud = np.zeros(312, dtype=bool)
    fraud[:30] = True  # enough
    fraud[100:109] = True  # nine
    fraud[200:212] = True  # fraud alone
    score = np.random.default_rng(1).random((2, 312))
    first, *others = slice_differences(fraud, *score, group, resamples=30)
    assert first.p_value is not None
    assert [(one.frauds, one.found, one.p_value) for one in others] == [(n, None, None) for n in (9, 12, 0)]
    ((alone, *_),) = corrected_differences([[first, *others]])
    assert alone.adjusted == first.p_value
    # thirty frauds of nine cards are no thirty witnesses
    cards = np.arange(312)
    cards[:30] = np.arange(30) % 9
    assert slice_differences(fraud, *score, group, card=cards, resamples=30)[0].found is None


def test_a_slice_of_all_rows_is_the_comparison_itself():
    fraud, a, b, group, _ = rows_of(np.random.default_rng(3), slices=1)
    (one,) = slice_differences(fraud, a, b, group, resamples=30)
    assert one.found is not None
    assert one.p_value is None


def test_the_same_models_do_not_differ_and_a_perfect_one_is_seen_where_there_are_frauds_enough():
    fraud, a, _, group, _ = rows_of(np.random.default_rng(3))
    same = slice_differences(fraud, a, a, group, resamples=30)
    assert {one.p_value for one in same} == {1.0}
    constant = slice_differences(fraud, np.zeros(fraud.size), fraud * 1.0, group, resamples=30)
    for one in constant:
        assert one.p_value == pytest.approx(2.0 ** (1 - one.frauds))  # as a sign test would have it
    ((*marked,),) = corrected_differences([constant])
    assert {one.verdict for one in marked} == {"higher"}
    ((*turned,),) = corrected_differences(
        [slice_differences(fraud, fraud * 1.0, np.zeros(fraud.size), group, resamples=30)]
    )
    assert {one.verdict for one in turned} == {"lower"}


def test_all_columns_are_corrected_together():
    fraud, a, _, group, _ = rows_of(np.random.default_rng(4), slices=3)
    better = np.where(fraud & (group == 1), 9.0, a)
    one = slice_differences(fraud, a, better, group, resamples=60)
    many = slice_differences(fraud, a, better, np.arange(fraud.size) % 9, resamples=60)
    alone, together = corrected_differences([one])[0], corrected_differences([one, many])[0]
    assert [slice_.verdict for slice_ in together] == ["same", "higher", "same"]
    assert together[1].adjusted > alone[1].adjusted


def test_rows_of_other_numbers_are_refused():
    with pytest.raises(ValueError, match="3 groups and 2 scores for 2 rows"):
        slice_differences(np.array([True, False]), np.zeros(2), np.ones(2), np.arange(3))


#: how rows are made in which two models are as good as each other
EQUAL = {
    "nearly the same": lambda rng: rows_of(rng, noise=0.1),
    "far apart": lambda rng: rows_of(rng, noise=1.0),
    "nearly perfect": lambda rng: rows_of(rng, noise=0.5, strength=4.0),
    "few frauds in each": lambda rng: rows_of(rng, slices=25),
    "bursts of cards": bursts,
}


@pytest.mark.slow
@pytest.mark.parametrize("made", EQUAL)
def test_where_models_are_equal_a_page_has_a_mark_one_time_in_twenty_at_most(made):
    """120 pages: more than 13 with a mark would be seen once in 300 tries were they one in twenty."""
    pages = 0
    for seed in range(120):
        *rows, card = EQUAL[made](np.random.default_rng(seed))
        (found,) = corrected_differences([slice_differences(*rows, card=card, resamples=100)])
        pages += any(one.verdict in ("lower", "higher") for one in found)
    assert pages <= 13
