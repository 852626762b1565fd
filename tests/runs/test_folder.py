"""The run folder: never half-written, never complete when it is not."""

import errno
import json
import os
import string
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fraudlab.errors import DataError, Interrupted, RunError, StorageError
from fraudlab.files import write_json
from fraudlab.runs import RunFolder, find_run, list_runs, new_run_id, remove_unbegun
from fraudlab.runs.record import flatten

NOW = datetime(2026, 11, 23, 14, 25, 1, tzinfo=UTC)


def test_a_run_says_running_until_it_is_complete(tmp_path):
    folder = RunFolder.create(tmp_path, "one", name="baseline")
    assert find_run(tmp_path, "one").status == "running"
    assert not (tmp_path / "latest").exists()
    folder.complete()
    assert find_run(tmp_path, "latest").id == "one"
    assert find_run(tmp_path, "one").status == "completed"


def test_latest_is_the_newest_that_completed(tmp_path):
    for name in ("one", "two"):
        RunFolder.create(tmp_path, name).complete()
        time.sleep(0.002)  # a run's start is written down in milliseconds
    RunFolder.create(tmp_path, "three").fail(DataError("bad", fix="good"))
    assert find_run(tmp_path, "latest").id == "two"
    assert [run.id for run in list_runs(tmp_path)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DataError("no frauds", fix="add some"), "failed", 3),
        (Interrupted("Interrupted by SIGTERM.", fix="repeat it"), "interrupted", 130),
        (KeyboardInterrupt(), "interrupted", 130),
        (ZeroDivisionError("division by zero"), "failed", 1),
        (AssertionError(), "failed", 1),
    ],
    ids=["data", "sigterm", "ctrl-c", "bug", "bug without a word"],
)
def test_a_run_that_ends_early_says_why(tmp_path, error, status, code):
    folder = RunFolder.create(tmp_path, "one")
    folder.fail(error)
    record = find_run(tmp_path, "one").record
    assert (record["status"], record["error"]["exit_code"]) == (status, code)
    assert record["error"]["type"] == type(error).__name__
    assert record["error"]["message"]
    assert record["error"]["fix"]
    if isinstance(error, DataError):
        assert (record["error"]["message"], record["error"]["fix"]) == ("no frauds", "add some")


def test_an_existing_run_is_not_touched(tmp_path):
    RunFolder.create(tmp_path, "one").complete()
    before = (tmp_path / "one" / "run.json").read_bytes()
    with pytest.raises(RunError, match="Run one exists") as caught:
        RunFolder.create(tmp_path, "one")
    assert caught.value.fix == "choose another run.id, or remove that folder"
    assert caught.value.exit_code == 7
    assert (tmp_path / "one" / "run.json").read_bytes() == before


def test_a_full_disk_leaves_the_old_file_and_no_half_of_a_new_one(tmp_path, monkeypatch):
    target = tmp_path / "run.json"
    write_json(target, {"old": True})

    def full(self, text, encoding, errors):
        with self.open("w", encoding=encoding) as file:
            file.write(text[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        write_json(target, {"new": True})
    assert "free some space" in (caught.value.fix or "")
    assert caught.value.exit_code == 8
    assert json.loads(target.read_bytes()) == {"old": True}
    assert list(tmp_path.iterdir()) == [target]


def test_a_number_json_does_not_have_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"nan": float("nan")})


def test_a_missing_run_lists_those_that_are(tmp_path):
    RunFolder.create(tmp_path, "20261123-142501-baseline").complete()
    with pytest.raises(RunError, match="no run '20261123-142501-baselin'") as caught:
        find_run(tmp_path, "20261123-142501-baselin")
    assert "did you mean '20261123-142501-baseline'?" in (caught.value.fix or "")


def test_a_broken_record_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json is not JSON"):
        find_run(tmp_path, "one")


def test_run_ids_fit_into_job_names(tmp_path):
    made = new_run_id("a_very long/model-name that goes on and on", tmp_path, now=NOW)
    assert made == "20261123-142501-a-very-long-model-name-t"
    assert len(made) == 40


def test_runs_of_one_second_have_ids_of_their_own(tmp_path):
    made = []
    for _ in range(3):
        made.append(new_run_id("x" * 40, tmp_path, now=NOW))
        (tmp_path / made[-1]).mkdir()
    assert len(set(made)) == 3
    assert all(len(name) <= 40 for name in made)
    assert made[2].endswith("-3")


def test_a_stage_is_recorded_with_its_facts(tmp_path):
    folder = RunFolder.create(tmp_path, "one")
    with folder.stage("prepare") as facts:
        facts["cached"] = True
    stage = find_run(tmp_path, "one").record["stages"]["prepare"]
    assert stage["cached"] is True
    assert stage["seconds"] >= 0


def test_flatten_joins_keys_with_dots():
    assert flatten({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {"a.b": 1, "a.c.d": [2], "e": None}


def test_a_run_folder_is_its_owners_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        folder = RunFolder.create(tmp_path / "runs", "one")
    finally:
        os.umask(before)
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_whoever_makes_the_folder_has_the_id(tmp_path):
    """Many at once, in one second and of one name, as processes would be."""
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: RunFolder.reserve(tmp_path, name="baseline"), range(48)))
    ids = {folder.id for folder in made}
    assert len(ids) == 48
    assert all(
        len(name) <= 40 and set(name) <= set(string.ascii_letters + string.digits + "-") for name in ids
    )


def test_a_folder_whose_record_cannot_be_written_is_not_left(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError):
        RunFolder.create(tmp_path, "one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["complete", "fail"])
def test_the_last_record_needs_no_room(tmp_path, monkeypatch, ending):
    """No new file can be made and none can grow; what was reserved is enough."""
    folder = RunFolder.create(tmp_path, "one", padding="x" * 20_000)
    monkeypatch.setattr("fraudlab.files.write_text", None)
    monkeypatch.setattr("fraudlab.runs.folder.write_json", None)
    before = {path: path.stat().st_blocks for path in folder.path.iterdir()}
    folder.complete() if ending == "complete" else folder.fail(DataError("bad", fix="good"))
    assert sum(path.stat().st_blocks for path in folder.path.iterdir()) <= sum(before.values())
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]
    assert find_run(tmp_path, "one").status == {"complete": "completed", "fail": "failed"}[ending]


def test_a_folder_that_was_never_begun_goes_once_nobody_holds_it(tmp_path):
    folder = RunFolder.reserve(tmp_path, "one")
    RunFolder.create(tmp_path, "begun").complete()
    (tmp_path / "empty").mkdir()
    remove_unbegun(tmp_path)
    assert folder.path.is_dir()
    folder._owner.release()  # what the launcher's death does
    remove_unbegun(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "empty", "latest"]
