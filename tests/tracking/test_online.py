"""With an account and a server that answers the run is live; nothing arrives twice, nothing is lost."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest
from tests.comet_server import KEY, Fault

from fraudlab.errors import TrackingError
from fraudlab.tracking import DatasetVersion, new_key, upload

RAW = DatasetVersion(name="synthetic-raw", hashes={"table.csv": "ab" * 32}, facts={"rows": 10})


@pytest.fixture
def job_archive(opened, monkeypatch, tmp_path):
    """What the train job writes for an experiment: an archive made without account or network."""

    def write(key, metrics=(0.5, 0.75)):
        with monkeypatch.context() as job:
            job.delenv("COMET_API_KEY", raising=False)
            experiment = opened("offline", key=key, folder=tmp_path / "job")
            for number, value in enumerate(metrics):
                experiment.log_metric("validation_logloss", value, step=number)
            (path,) = experiment.end()
        return path

    return write


def test_everything_logged_arrives(opened, server, monkeypatch, tmp_path, capfd):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.ubj").write_bytes(b"trees")
    (model / "model.json").write_text("{}")

    experiment = opened("auto", key=(key := new_key()))
    assert (experiment.mode, experiment.note, experiment.streams_rounds) == ("online", "", True)
    assert experiment.url == f"{server.url.removesuffix('clientlib/')}ws/proj/{key}"
    experiment.log_parameters({"model": {"max_depth": 6}})
    for number, value in enumerate([0.5, 0.75]):
        experiment.log_metric("validation_aucpr", value, step=number)
    experiment.log_curve("roc", [0.0, 1.0], [0.0, 1.0])
    experiment.log_dataset(RAW)
    experiment.log_model("fraudlab-weighted", model)
    experiment.log_others({"git.commit": "abc123"})
    (archive,) = experiment.end("completed")

    assert experiment.problems == []
    assert server.points("validation_aucpr") == [(0, 0.5), (1, 0.75)]
    assert {p["parameterName"]: p["parameterValue"] for p in server.parameters}["model.max_depth"] == 6
    assert json.loads(server.asset("roc"))["x"] == [0.0, 1.0]
    assert server.asset("model.ubj") == b"trees"
    assert json.loads(server.asset("datasets.json")) == [RAW.as_dict()]
    assert server.other("git.commit") == "abc123"
    assert server.other("status") == "completed"
    assert server.other("Name") == "run-1"
    assert server.tags == ["nightly"]
    # The archive beside it has the same and is known to have arrived.
    ledger = archive.parent / "uploaded.json"
    assert [entry["archive"] for entry in json.loads(ledger.read_text()).values()] == [archive.name]
    assert upload([archive], ledger) == []
    assert capfd.readouterr() == ("", "")
    assert list(temporary.iterdir()) == []
    assert not any(KEY.encode() in file.read_bytes() for file in archive.parent.iterdir())


def test_rounds_arrive_while_the_job_runs(opened, server, monkeypatch):
    monkeypatch.setenv("COMET_MESSAGE_BATCH_METRIC_INTERVAL", "0")
    experiment = opened("online")
    experiment.log_metric("validation_aucpr", 0.5, step=0)

    patience = time.monotonic() + 5
    while not server.points("validation_aucpr") and time.monotonic() < patience:
        time.sleep(0.02)

    assert server.points("validation_aucpr") == [(0, 0.5)]


def test_a_dataset_is_a_new_version_only_when_its_content_is_new(opened, server):
    for _ in range(2):
        experiment = opened("online")
        experiment.log_dataset(RAW)
        experiment.end()
        assert experiment.problems == []

    (made,) = server.artifacts
    assert (made["artifactName"], made["alias"]) == ("synthetic-raw", [RAW.alias])
    assert json.loads(server.asset("dataset.json")) == RAW.as_dict()


def test_the_archive_of_a_job_joins_the_live_experiment_once(opened, server, job_archive, tmp_path):
    written = job_archive(key := new_key())
    experiment = opened("online", key=key)
    experiment.log_metric("validation_aucpr", 0.9, step=0)
    arrived = Path(shutil.copy(written, tmp_path / "comet"))
    kept = experiment.end()

    assert experiment.problems == []
    assert server.points("validation_logloss") == [(0, 0.5), (1, 0.75)]
    assert server.points("validation_aucpr") == [(0, 0.9)]
    assert server.experiments == {key}
    assert arrived in kept
    assert len(kept) == 2
    assert upload(kept, tmp_path / "comet" / "uploaded.json") == []
    assert len(server.points("validation_logloss")) == 2


@pytest.mark.parametrize("others", [1, 6])
def test_a_job_that_ended_before_the_sdk_was_there_doubles_nothing(
    opened, server, job_archive, tmp_path, others
):
    """Its archive is no part of what the experiment itself wrote."""
    written = job_archive(key := new_key())
    (tmp_path / "comet").mkdir()
    for number in range(others):
        shutil.copy(written, tmp_path / "comet" / f"{key}-job{number}.zip")
    experiment = opened("online", key=key)
    experiment.log_metric("validation_aucpr", 0.9, step=0)
    kept = experiment.end()

    assert experiment.problems == []
    assert len(kept) == others + 1
    assert server.points("validation_aucpr") == [(0, 0.9)]
    assert server.points("validation_logloss") == [(0, 0.5), (1, 0.75)]


def test_what_a_launcher_before_has_uploaded_is_not_sent_again(opened, server, job_archive, tmp_path):
    """A run that was left is finished by another launcher, under the same key."""
    written = job_archive(key := new_key())
    for step in range(2):
        experiment = opened("online", key=key)
        if step == 0:
            shutil.copy(written, tmp_path / "comet" / f"{key}-job.zip")
        experiment.log_metric("validation_aucpr", 0.9, step=step)
        kept = experiment.end()
        assert experiment.problems == []

    assert len(kept) == 3
    assert server.points("validation_aucpr") == [(0, 0.9), (1, 0.9)]
    assert server.points("validation_logloss") == [(0, 0.5), (1, 0.75)]


def test_an_archive_of_another_experiment_is_not_uploaded(opened, server, job_archive, tmp_path):
    written = job_archive(new_key())
    experiment = opened("online", key=(key := new_key()))
    shutil.copy(written, tmp_path / "comet" / f"{key}-abcdef.zip")
    experiment.end()

    assert server.points("validation_logloss") == []
    assert len(experiment.problems) == 1
    assert f"not to {key}" in experiment.problems[0]


def test_an_archive_a_killed_job_left_is_told_and_does_no_harm(opened, server, tmp_path):
    experiment = opened("online", key=(key := new_key()))
    experiment.log_metric("average_precision", 0.8)
    (tmp_path / "comet" / f"{key}-abcdef.zip").write_bytes(b"")
    experiment.end()

    assert "not a complete Comet archive" in experiment.problems[0]
    assert len(experiment.problems) == 1
    assert server.points("average_precision")


def test_archives_of_several_runs_are_uploaded_later(server, job_archive, tmp_path):
    archives = [job_archive(new_key(), [0.1]), job_archive(new_key(), [0.2])]
    ledger = tmp_path / "uploaded.json"

    assert upload(archives, ledger) == archives
    assert upload(archives, ledger) == []
    assert [value for _, value in server.points("validation_logloss")] == [0.1, 0.2]


def test_a_refused_upload_is_not_in_the_ledger(server, job_archive, monkeypatch, tmp_path):
    archive = job_archive(new_key())
    ledger = tmp_path / "uploaded.json"
    monkeypatch.setenv("COMET_API_KEY", "not-the-key-of-anybody")

    with pytest.raises(TrackingError, match="refused the API key") as caught:
        upload([archive], ledger)

    assert caught.value.exit_code == 9
    assert not ledger.exists()
    monkeypatch.setenv("COMET_API_KEY", KEY)
    assert upload([archive], ledger) == [archive]


def test_uploading_without_a_key_says_so(job_archive, tmp_path):
    with pytest.raises(TrackingError, match="nothing was uploaded: no COMET_API_KEY"):
        upload([job_archive(new_key())], tmp_path / "uploaded.json")


def test_what_a_lost_connection_swallowed_is_in_an_archive_that_can_join_later(
    opened, server, monkeypatch, read_archive
):
    monkeypatch.setenv("COMET_MESSAGE_BATCH_METRIC_INTERVAL", "0")
    experiment = opened("online", key=(key := new_key()))
    experiment.log_metric("validation_aucpr", 0.5, step=0)
    server.gone = True
    experiment.log_metric("validation_aucpr", 0.75, step=1)
    began = time.perf_counter()
    (archive,) = experiment.end()
    assert time.perf_counter() - began < 10

    assert any("not everything reached the server" in problem for problem in experiment.problems)
    assert read_archive(archive).points("validation_aucpr") == [(0, 0.5), (1, 0.75)]
    server.gone = False
    assert upload([archive], archive.parent / "uploaded.json") == [archive]
    assert (1, 0.75) in server.points("validation_aucpr")
    assert server.experiments == {key}


def test_what_came_just_after_the_sdk_looked_is_in_the_archive_too(opened, server, monkeypatch, read_archive):
    """The SDK's flush() takes the end of a look for the end of all messages, also of those after the look."""
    from comet_ml.streamer.fallback import FallbackStreamer

    look, looked = FallbackStreamer._process_buffered_messages, threading.Event()

    def look_and_linger(streamer):
        look(streamer)
        looked.set()
        time.sleep(0.3)

    monkeypatch.setattr(FallbackStreamer, "_process_buffered_messages", look_and_linger)
    experiment = opened("online")
    looked.clear()
    assert looked.wait(10)
    experiment.log_metric("average_precision", 0.75)
    (archive,) = experiment.end("completed")

    written = read_archive(archive)
    assert written.points("average_precision") == [(None, 0.75)]
    assert written.others["status"] == "completed"
    assert [value for _, value in server.points("average_precision")] == [0.75]
    assert experiment.problems == []


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_what_had_no_answer_is_left_to_an_upload_and_never_sent_twice(opened, server, monkeypatch, kind):
    """The SDK itself sends it again when it reaches the server, whether it had arrived or not."""
    monkeypatch.setenv("COMET_MESSAGE_BATCH_METRIC_INTERVAL", "0")
    monkeypatch.setenv("COMET_FALLBACK_STREAMER_CONNECTION_CHECK_INTERVAL", "1")
    experiment = opened("online")
    monitor = experiment._live.streamer.server_connection_monitor
    server.faults.append(Fault(kind, path="experiment/metric"))
    experiment.log_metric("validation_aucpr", 0.5, step=0)
    until(lambda: server.faults[0].times == 0)
    pings = number_of_pings(server)
    # the ping under way may be from before the fault, the one after the next is answered wholly after it
    until(lambda: number_of_pings(server) >= pings + 2 and monitor.has_server_connection)
    experiment.log_metric("validation_aucpr", 0.75, step=1)
    (archive,) = experiment.end("completed")

    assert [problem for problem in experiment.problems if archive.name in problem]
    steps = [step for step, _ in server.points("validation_aucpr")]
    assert steps == ([0, 1] if kind == "lost" else [1])
    assert upload([archive], archive.parent / "uploaded.json", settle=0) == [archive]
    assert sorted(server.points("validation_aucpr")) == [(0, 0.5), (1, 0.75)]


def number_of_pings(server):
    return sum(path.endswith("/ping") for path in server.paths)


def until(holds, seconds=60):
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)
