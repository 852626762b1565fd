"""Reliability of scores as chances, against sums done by hand."""

import numpy as np
import pytest

from fraudlab.evaluation.calibration import reliability


def test_groups_expect_as_many_frauds_each_and_lose_no_row():
    rng = np.random.default_rng(3)
    score = rng.beta(0.1, 8, 50_000)
    label = rng.random(50_000) < score
    found = reliability(label, score)
    assert sum(found["rows"]) == 50_000
    expected = np.array(found["rows"]) * found["score"]
    assert expected.sum() == pytest.approx(score.sum())
    assert expected.max() < 1.1 * expected.min()
    frauds = np.array(found["rows"]) * found["share"]
    assert frauds.sum() == pytest.approx(label.sum())
    assert found["score"] == sorted(found["score"])
    # scores that are chances lie on the diagonal, within four standard errors
    error = np.sqrt(np.array(found["score"]) / found["rows"])
    assert np.all(np.abs(np.array(found["share"]) - found["score"]) < 4 * error)


def test_scores_twice_too_high_lie_below_the_diagonal():
    rng = np.random.default_rng(4)
    chance = rng.beta(0.3, 20, 50_000)
    found = reliability(rng.random(50_000) < chance, np.minimum(2 * chance, 1))
    assert np.array(found["share"]) / found["score"] == pytest.approx(0.5, abs=0.2)


def test_equal_scores_stay_together_whatever_the_order_of_rows():
    label, score = np.array([1, 0, 0, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.5, 0.9, 0.1])
    found = reliability(label, score, groups=4)
    assert found == reliability(label[::-1], score[::-1], groups=4)
    assert sum(found["rows"]) == 6
    assert 0.25 in found["share"] or len(found["share"]) == 1


@pytest.mark.parametrize("score", [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
def test_scores_at_the_ends_are_groups_too(score):
    found = reliability([0, 1], score)
    assert sum(found["rows"]) == 2


@pytest.mark.parametrize("score", [[0.5, 1.5], [-0.1, 0.5], [np.nan, 0.5]])
def test_what_is_no_chance_is_refused(score):
    with pytest.raises(ValueError, match="no chance"):
        reliability([0, 1], score)
