"""The check of an endpoint's scores, and the length of a test period."""

import numpy as np
import pytest

from fraudlab.errors import EndpointError
from fraudlab.report.recorded.run_record import days_of
from fraudlab.stages.evaluate import largest_difference


def test_scores_within_the_tolerance_pass():
    own = np.array([0.1, 0.9], dtype=np.float32)
    assert largest_difference(own, own) == 0.0
    assert 0 < largest_difference(own + np.float32(5e-7), own) <= 1e-6


@pytest.mark.parametrize("wrong", [0.2, float("nan")])
def test_an_endpoint_that_scores_otherwise_is_an_error_that_shows_the_row(wrong):
    own = np.array([0.1, 0.9, 0.5], dtype=np.float32)
    score = own.copy()
    score[1] = wrong
    with pytest.raises(EndpointError, match=rf"scored test row 1 {wrong:.6g}, the booster itself 0.9"):
        largest_difference(score, own)


@pytest.mark.parametrize(
    ("start", "end", "days"), [(0.0, 86_400.0 * 3, 3.0), (None, None, None), (5.0, 5.0, None)]
)
def test_the_length_of_a_split(start, end, days):
    assert days_of({"splits": {"test": {"time_start": start, "time_end": end}}}) == days


def test_rows_dealt_at_random_are_a_share_of_all_days():
    """A tenth of 48 hours is the traffic of 4.8, wherever its own first and last row lie."""
    splits = {
        "train": {"rows": 800, "time_start": 0.0, "time_end": 172_000.0},
        "validation": {"rows": 100, "time_start": 50.0, "time_end": 172_800.0},
        "test": {"rows": 100, "time_start": 900.0, "time_end": 171_000.0},
    }
    manifest = {"split": {"kind": "stratified"}, "splits": splits}
    assert days_of(manifest) == pytest.approx(0.2)
    assert days_of(manifest, "train") == pytest.approx(1.6)
    assert days_of({**manifest, "split": {"kind": "time"}}) == pytest.approx(170_100 / 86_400)
    for facts in splits.values():
        facts |= {"time_start": None, "time_end": None}
    assert days_of(manifest) is None
