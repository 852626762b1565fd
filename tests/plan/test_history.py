"""How long earlier runs took is read from their folders."""

import json
import os

import pytest
from tests.plan.test_billed_jobs import RECORD

from fraudlab.backend_registry import describe
from fraudlab.plan.expectation import EarlierStep, expected
from fraudlab.plan.history import earlier_steps
from fraudlab.plan.steps import Step

BASE = {"id": "r", "status": "completed", "metrics": {}, "error": None, "started": None, "ended": None}
STAGES = {"prepare": {"seconds": 3.5}, "train": {"seconds": 20.0}, "score": {"seconds": 2}}
SAGEMAKER, PROCESS = describe("sagemaker"), describe("process")


def write(runs, name, *, age=0, **fields):
    folder = runs / name
    folder.mkdir()
    record = {**BASE, "stages": STAGES, "data": {"rows": 1000}, **fields}
    (folder / "run.json").write_text(json.dumps(record))
    os.utime(folder, (1_800_000_000 - age, 1_800_000_000 - age))


def test_what_was_billed_is_what_is_expected_of_rented_machines(tmp_path):
    write(tmp_path, "r", backend="sagemaker", **RECORD)
    found = earlier_steps(tmp_path, backend=SAGEMAKER)
    assert EarlierStep("train", "ml.m5.2xlarge", 2, 1000, 180.0, spot=True) in found
    assert [one.name for one in found] == ["process", "train", "transform", "endpoint"]


def test_stages_say_nothing_of_rented_machines(tmp_path):
    write(tmp_path, "r", backend="sagemaker")
    assert earlier_steps(tmp_path, backend=SAGEMAKER) == []


def test_where_nothing_is_rented_the_stages_say_how_long(tmp_path):
    write(tmp_path, "r", backend="process")
    found = earlier_steps(tmp_path, backend=PROCESS)
    assert found == [
        EarlierStep("process", None, 1, 1000, 3.5),
        EarlierStep("train", None, 1, 1000, 20.0),
        EarlierStep("endpoint", None, 1, 1000, 2.0),
    ]


def test_a_cached_stage_took_no_time_that_counts(tmp_path):
    write(tmp_path, "r", backend="process", stages={**STAGES, "prepare": {"seconds": 0.1, "cached": True}})
    assert [one.name for one in earlier_steps(tmp_path, backend=PROCESS)] == ["train", "endpoint"]


@pytest.mark.parametrize(
    "odd",
    [{"backend": "rehearsal"}, {"backend": "local"}, {"status": "failed"}, {"status": "detached"},
     {"data": None}, {"data": {}}, {"data": {"rows": "many"}}],
)  # fmt: skip
def test_other_runs_say_nothing(tmp_path, odd):
    write(tmp_path, "r", **{"backend": "sagemaker", **RECORD, **odd})
    assert earlier_steps(tmp_path, backend=SAGEMAKER) == []


def test_the_newest_come_first_and_what_cannot_be_read_is_left_out(tmp_path):
    for age, name in enumerate(("c", "a", "b")):
        write(tmp_path, name, age=age, backend="process", data={"rows": age + 1})
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("{")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "latest").symlink_to("c")
    rows = [one.rows for one in earlier_steps(tmp_path, backend=PROCESS) if one.name == "train"]
    assert rows == [1, 2, 3]
    assert earlier_steps(tmp_path / "none", backend=PROCESS) == []


def step(**fields):
    base = {"name": "train", "instance_type": "ml.m5.2xlarge", "instance_count": 2, "volume_gb": 30}
    return Step(**{**base, "max_seconds": 3600, "spot": True, **fields})


EARLIER = [
    EarlierStep("train", "ml.m5.2xlarge", 2, 1000, seconds, spot=True) for seconds in (9, 1, 5, 7, 3, 999)
]


def test_the_middle_of_the_five_newest_is_expected():
    found = expected(step(), EARLIER, rows=1000)
    assert (found.seconds, found.runs) == (5, 5)


@pytest.mark.parametrize(("rows", "known"), [(1000, True), (3100, True), (330, True), (3200, False),
                                             (310, False), (None, False), (0, False)])  # fmt: skip
def test_a_table_of_another_size_is_another_shape(rows, known):
    assert (expected(step(), EARLIER, rows=rows) is not None) is known


@pytest.mark.parametrize(
    "other",
    [{"name": "process"}, {"instance_type": "ml.m5.xlarge"}, {"instance_count": 1}, {"spot": False}],
)
def test_other_machines_are_another_shape(other):
    assert expected(step(**other), EARLIER, rows=1000) is None


def test_this_machine_is_the_same_whatever_is_asked_for():
    here = [EarlierStep("train", None, 1, 1000, 4.0)]
    assert expected(step(), here, rows=1000).seconds == 4.0
