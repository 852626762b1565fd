"""The check of an endpoint's scores, and the length of a test period."""

from types import SimpleNamespace

import numpy as np
import pytest

from fraudlab.config import RunConfig, Via
from fraudlab.errors import ConfigError, EndpointError
from fraudlab.evaluation.budgets import Traffic, are_dates
from fraudlab.report.recorded.run_record import days_of
from fraudlab.stages.score import largest_difference, require_possible


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
    with pytest.raises(EndpointError, match=r"^The transform job scored test row 1 "):
        largest_difference(score, own, by="The transform job")


@pytest.mark.parametrize(
    ("start", "end", "days"), [(0.0, 86_400.0 * 3, 3.0), (None, None, None), (5.0, 5.0, None)]
)
def test_the_length_of_a_split(start, end, days):
    assert days_of({"splits": {"test": {"time_start": start, "time_end": end}}}) == days


@pytest.mark.parametrize("dates", [1, 2, 4])
def test_dates_without_an_hour_count_whole(dates):
    """As many days as the threshold's budget counts on validation."""
    times = np.arange(dates) * 86_400.0
    manifest = {"splits": {"test": {"time_start": times[0], "time_end": times[-1]}}}
    assert days_of(manifest, dates=are_dates(times)) == dates == Traffic.of(times).days


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


@pytest.mark.parametrize(("spot", "rounds", "said"), [(True, 0, True), (True, 100, False), (False, 0, False)])
def test_spot_without_checkpoints_is_said_before_the_first_job(spot, rounds, said):
    config = RunConfig()
    config.sagemaker.spot, config.model.checkpoint_rounds = spot, rounds
    heard = []
    context = SimpleNamespace(
        config=config, run_id="r", backend=SimpleNamespace(name="rehearsal"),
        terminal=SimpleNamespace(say=lambda text, style: heard.append(text)),
    )  # fmt: skip
    require_possible(context)
    assert [("writes no checkpoint" in text) for text in heard] == [True] * said


def test_what_aws_refuses_is_refused_before_the_first_job():
    config = RunConfig()
    config.compute.process.instance_count = 2
    context = SimpleNamespace(config=config, run_id="r", backend=SimpleNamespace(name="rehearsal"))
    with pytest.raises(ConfigError, match="each host would prepare the whole table"):
        require_possible(context)


def test_a_backend_that_nobody_asked_for_may_run_no_transform_jobs():
    config = RunConfig()
    config.evaluation.via = Via.transform
    context = SimpleNamespace(config=config, run_id="r", backend=SimpleNamespace(name="process"))
    with pytest.raises(ConfigError, match="backend=process runs none"):
        require_possible(context)
