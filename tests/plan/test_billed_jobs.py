"""The machines of a run, and for how long they are paid, out of records that nobody vouches for."""

import pytest

from fraudlab.plan.billed_jobs import BilledJob, billed_jobs

XLARGE = {"instance_type": "ml.m5.xlarge", "instance_count": 1}
RECORD = {
    "jobs": {
        "process": {**XLARGE, "name": "fraudlab-r-process", "started": "2026-11-27T10:00:00Z"},
        "train": {"instance_type": "ml.m5.2xlarge", "instance_count": 2, "spot": True},
        "transform": XLARGE,
    },
    "billed_seconds": {"process": 120, "train": 360, "transform": 108},
    "endpoint_use": {"instance_type": "ml.m5.large", "instance_count": 2, "seconds": 600},
}


def test_every_job_and_the_endpoint_are_found_with_the_seconds_of_each_machine():
    assert list(billed_jobs(RECORD)) == [
        BilledJob("process", "ml.m5.xlarge", 1, 120.0),
        BilledJob("train", "ml.m5.2xlarge", 2, 180.0, spot=True),
        BilledJob("transform", "ml.m5.xlarge", 1, 108.0),
        BilledJob("endpoint", "ml.m5.large", 2, 600.0),
    ]


def test_a_job_that_has_not_ended_and_one_of_another_machine_are_left_out():
    """Its seconds are not known until it has ended; a skipped one has no handle."""
    record = {"jobs": {"train": XLARGE}, "billed_seconds": {"process": 60}}
    assert list(billed_jobs(record)) == []


@pytest.mark.parametrize("odd", [None, "60", True, -1, float("nan"), float("inf"), 1e12, [], {}])
def test_seconds_that_are_none_count_for_nothing(odd):
    assert list(billed_jobs({"jobs": {"train": XLARGE}, "billed_seconds": {"train": odd}})) == []
    assert list(billed_jobs({"endpoint_use": {**XLARGE, "seconds": odd}})) == []


@pytest.mark.parametrize("odd", [None, [], "train", 7, {"train": None}, {"train": {"instance_type": 5}},
                                 {"train": {"instance_type": "ml.m5.large"}},
                                 {"train": {**XLARGE, "instance_count": 0}}])  # fmt: skip
def test_machines_that_are_none_count_for_nothing(odd):
    assert list(billed_jobs({"jobs": odd, "billed_seconds": {"train": 60}, "endpoint_use": odd})) == []


@pytest.mark.parametrize("odd", [None, [], "x", 7])
def test_a_record_without_either_has_none(odd):
    assert list(billed_jobs({"jobs": odd, "billed_seconds": odd, "endpoint_use": odd})) == []
