"""Mistakes are those that sorting all rows gives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.mistakes import false_alarms, missed_frauds


@given(st.integers(1, 80), st.integers(0, 2**31), st.sampled_from([-1.0, 0.3, 0.5, 2.0]), st.integers(1, 12))
def test_mistakes_are_the_first_of_all_rows_in_order(rows, seed, threshold, most):
    rng = np.random.default_rng(seed)
    y, score = rng.integers(0, 2, rows), (rng.integers(0, 6, rows) / 5).astype(np.float32)
    amount = rng.choice([np.nan, -40.0, 0.0, 5.0, 40.0], rows)
    missed = [i for i in range(rows) if y[i] == 1 and float(score[i]) < threshold]

    def dearest(i):
        return (math.isnan(amount[i]), -abs(amount[i]) if amount[i] == amount[i] else 0, score[i], i)

    found = missed_frauds(y, score, amount, threshold=threshold, most=most)
    assert found.tolist() == sorted(missed, key=dearest)[:most]
    surest = missed_frauds(y, score, threshold=threshold, most=most)
    assert surest.tolist() == sorted(missed, key=lambda i: (score[i], i))[:most]
    raised = [i for i in range(rows) if y[i] == 0 and float(score[i]) >= threshold]
    alarms = false_alarms(y, score, threshold=threshold, most=most)
    assert alarms.tolist() == sorted(raised, key=lambda i: (-score[i], i))[:most]


def test_amounts_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="1 amounts for 2 rows"):
        missed_frauds([0, 1], [0.1, 0.2], [1.0], threshold=0.5)
