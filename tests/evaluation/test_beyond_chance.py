"""Exact tests of two shares, and the correction for many."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from fraudlab.evaluation.beyond_chance import fisher_p, holm


@given(st.data())
def test_fishers_test_is_that_of_scipy(data):
    wholes = [data.draw(st.integers(0, 300)) for _ in range(2)]
    parts = [data.draw(st.integers(0, whole)) for whole in wholes]
    table = [[part, whole - part] for part, whole in zip(parts, wholes, strict=True)]
    expected = fisher_exact(table).pvalue
    assert fisher_p(parts[0], wholes[0], parts[1], wholes[1]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "counts", [(0, 0, 3, 9), (5, 5, 7, 7), (0, 5, 0, 7)], ids=["no cases", "all hit", "none hit"]
)
def test_nothing_to_compare_is_no_difference(counts):
    assert fisher_p(*counts) == 1.0


def test_a_million_cases_are_compared_at_once():
    assert fisher_p(300_000, 500_000, 299_000, 500_000) == pytest.approx(0.0417, abs=0.002)


@pytest.mark.parametrize("counts", [(2, 1, 0, 1), (-1, 3, 0, 1), (0, 1, 5, 4)])
def test_what_is_no_part_is_refused(counts):
    with pytest.raises(ValueError, match="is no part of"):
        fisher_p(*counts)


@given(st.lists(st.floats(0, 1), max_size=7), st.sampled_from([0.01, 0.05, 0.3]))
def test_holm_rejects_what_stepping_down_rejects(p_values, level):
    """By rising p value, while it is at most the level over how many are left; none after one that is not."""
    rejected = set()
    for step, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(place)
    adjusted = holm(p_values)
    assert {place for place, value in enumerate(adjusted) if value <= level} == rejected
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))


def test_holm_does_not_depend_on_the_order():
    p_values = [0.001, 0.02, 0.02, 0.5]
    expected = dict(zip(p_values, holm(p_values), strict=True))
    for order in itertools.permutations(p_values):
        assert holm(order) == [expected[value] for value in order]
