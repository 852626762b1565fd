"""What becomes of the trials of a study that ends early, where their jobs go on without it."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from fraudlab import workflow
from fraudlab.errors import BackendError, DataError, Detached, Interrupted
from fraudlab.interruption import Leavable
from fraudlab.studies import left_trials
from fraudlab.studies.left_trials import leavable_trials, stopped_on_error
from fraudlab.studies.study_runs import left_run, read_standing
from fraudlab.studies.tuning_request import read_request
from fraudlab.terminal import Terminal

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1", "data.rows=1000", "tune.name=mine"]


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, in_tmp):
    return in_tmp


def write_run(folder, run_id, status, *, backend="sagemaker", role="trial", trial=0, params=None, at=0):
    (folder / "runs" / run_id).mkdir(parents=True)
    record = {
        "id": run_id, "status": status, "metrics": {}, "stages": {}, "error": None, "ended": None,
        "started": f"2026-11-28T04:00:{at:02d}Z", "backend": backend,
        "study": {"name": "mine", "role": role, "trial": trial, "params": params or {}},
    }  # fmt: skip
    (folder / "runs" / run_id / "run.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("backend", "going", "work"),
    [
        ("sagemaker", ["a"], "work of a trial"),
        ("rehearsal", ["a", "b", "c"], "work of 3 trials"),
        ("sagemaker", [], None),
        ("process", ["a"], None),  # its jobs end with it
        ("local", ["a", "b"], None),
    ],
)
def test_what_can_be_left_is_what_goes_on(backend, going, work):
    request = read_request([*CLOUD[1:], f"backend={backend}"])
    expected = None if work is None else Leavable("mine", work, study=True)
    assert leavable_trials(request, going) == expected


def test_a_study_is_come_back_to_by_its_own_command():
    left = Leavable("mine", "work of 3 trials", study=True)
    assert left.name == "study mine"
    assert left.come_back == (
        "the same command goes on with it; until it ends, the work of 3 trials costs what it costs"
    )
    assert "fraudlab runs attach r" in Leavable("r", "train job").come_back


@pytest.fixture
def stopped(monkeypatch):
    """The runs that were taken up, each with what ended it."""
    found = []

    @contextmanager
    def taken_up(folder, *, terminal):
        try:
            yield
        except Interrupted as error:
            found.append((folder.name, error.message))
            raise

    monkeypatch.setattr(left_trials, "run_taken_up", taken_up)
    return found


ENDINGS = {
    "somebody said stop": (Interrupted("Interrupted by SIGINT.", fix="-"), True),
    "the study failed": (DataError("The table is another.", fix="-"), True),
    "ended at once": (KeyboardInterrupt(), True),
    "left": (Detached("Study mine was left.", fix="-"), False),
}


@pytest.mark.parametrize(("error", "stops"), ENDINGS.values(), ids=list(ENDINGS))
def test_trials_that_go_on_are_stopped_unless_they_are_left(own_folder, stopped, error, stops):
    write_run(own_folder, "mine-t000", "completed")
    write_run(own_folder, "mine-t001", "detached", trial=1)
    write_run(own_folder, "mine-t002", "dead", trial=2)
    write_run(own_folder, "mine-t003", "dead", trial=3, backend="process")
    going = ["mine-t000", "mine-t001", "mine-t002", "mine-t003", "mine-t004"]  # the last has not begun
    with (
        pytest.raises(type(error)) as caught,
        stopped_on_error(read_request(CLOUD), lambda: going, Terminal()),
    ):
        raise error
    assert caught.value is error
    assert [run for run, _ in stopped] == (["mine-t001", "mine-t002"] if stops else [])


def test_one_that_cannot_be_stopped_is_named_and_hides_no_error(own_folder, monkeypatch, capsys):
    @contextmanager
    def refused(folder, *, terminal):
        raise BackendError("AWS does not answer.", fix="sign in")
        yield

    monkeypatch.setattr(left_trials, "run_taken_up", refused)
    write_run(own_folder, "mine-t001", "detached", trial=1)
    request = read_request(CLOUD)
    with (
        pytest.raises(DataError, match="is another"),
        stopped_on_error(request, lambda: ["mine-t001"], Terminal()),
    ):
        raise DataError("The table is another.", fix="-")
    said = " ".join(capsys.readouterr().out.split())
    assert "trial mine-t001 may be going on: AWS does not answer. sign in" in said


@pytest.mark.parametrize(
    ("newest", "taken"),
    [
        (("detached", "sagemaker", {}), True),
        (("dead", "sagemaker", {}), True),
        (("dead", "process", {}), False),
        (("interrupted", "sagemaker", {}), False),
        (("failed", "sagemaker", {}), False),
        (("detached", "sagemaker", {"max_depth": 3}), False),  # of other settings
    ],
    ids=str,
)
def test_a_full_run_that_was_left_is_taken_up_and_not_begun_again(own_folder, newest, taken):
    status, backend, params = newest
    write_run(own_folder, "mine-start", "interrupted", role="start")
    write_run(own_folder, "mine-start-2", status, role="start", backend=backend, params=params, at=1)
    request = read_request(CLOUD)
    found = left_run(request, "start", {})
    assert (None if found is None else found.id) == ("mine-start-2" if taken else None)
    outlives = backend == "sagemaker" and status in ("detached", "dead")
    assert read_standing(request).left == ({"mine-start-2"} if outlives else set())


def test_a_trial_that_is_taken_up_is_read_once_it_has_ended(own_folder, monkeypatch):
    """Read before, it said that it was running, and the study could not tell what came of it."""
    write_run(own_folder, "mine-t000", "detached")
    folder = own_folder / "runs" / "mine-t000"

    @contextmanager
    def taken_up(path, **_):
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**record, "status": "running"}))
        yield SimpleNamespace(folder=SimpleNamespace(record=record)), None
        (folder / "run.json").write_text(json.dumps({**record, "status": "completed"}))

    monkeypatch.setattr(workflow, "run_taken_up", taken_up)
    monkeypatch.setattr(workflow, "_carry_out_trial", lambda *_: None)
    assert workflow.finish_run(folder).status == "completed"
