"""Figures of groups are those of the groups' rows alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from fraudlab.evaluation.groups import figures_by_group


@given(st.integers(1, 60), st.integers(1, 300), st.integers(0, 2**31), st.sampled_from([0.0, 0.4, 2.0]))
def test_figures_of_a_group_are_those_of_its_rows(size, groups, seed, threshold):
    rng = np.random.default_rng(seed)
    y, score = rng.integers(0, 2, size), (rng.integers(0, 8, size) / 7).astype(np.float32)
    group = rng.integers(0, groups, size)
    found = figures_by_group(y, score, group, threshold=threshold)
    assert [each.group for each in found] == np.unique(group).tolist()
    for each in found:
        of_group, alerted = group == each.group, score >= threshold
        labels = y[of_group]
        assert each.rows == of_group.sum()
        assert each.frauds == labels.sum()
        assert each.alerts == (of_group & alerted).sum()
        assert each.caught == (labels & alerted[of_group]).sum()
        if 0 < labels.sum() < labels.size:
            expected = average_precision_score(labels, score[of_group])
            assert each.average_precision == pytest.approx(expected, abs=1e-12)
        else:
            assert each.average_precision is None


@pytest.mark.parametrize(
    ("group", "sentence"), [([0], "1 groups for 2 rows"), ([0, -1], "numbers of 0 or more")]
)
def test_what_is_no_grouping_says_why(group, sentence):
    with pytest.raises(ValueError, match=sentence):
        figures_by_group([0, 1], [0.1, 0.2], group, threshold=0.5)
