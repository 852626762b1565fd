"""Jobs never wait for Comet's SDK, and whatever it says in the end, each round is kept once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab.compose import compose
from fraudlab.tracking import new_key
from fraudlab.tracking.run_experiment import track_run

SMALL = ["backend=process", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=8", "run.id=r"]

#: a launcher whose import of comet_ml does not return before the train job has printed a round
BLOCKED = """
import sys, time
from importlib.machinery import PathFinder
from pathlib import Path
from fraudlab.cli import main

class UntilTheJobTrains:
    # not in find_spec() itself, within which Python lets no other thread import anything

    def find_spec(self, name, path=None, target=None):
        if name != "comet_ml":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def blocked(module):
            wait()
            execute(module)
        spec.loader.exec_module = blocked
        return spec

def wait():
    log, give_up = Path("runs/r/logs/train.log"), time.monotonic() + 120
    while not (log.exists() and "[0]\\t" in log.read_text()):
        if time.monotonic() > give_up:
            sys.stderr.write("the train job waits for Comet\\n")
            return
        time.sleep(0.02)
    sys.stderr.write("imported beside the train job\\n")

sys.meta_path.insert(0, UntilTheJobTrains())
sys.exit(main(["train", *sys.argv[1:]]))
"""


def train(*words, code=BLOCKED, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *SMALL, *words],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def rounds_of(archive):
    points = archive.points("validation_aucpr")
    # the summary of a job's archive has no step
    return [point for point in points if point[0] is not None]


def history():
    return json.loads(Path("runs/r/training/history.json").read_text())["validation"]


@pytest.mark.parametrize("mode", ["auto", "offline"])
def test_a_run_that_is_kept_as_archives_needs_nothing_of_the_sdk(in_tmp, read_archive, mode):
    done = train(
        f"tracking={mode}", code=BLOCKED.replace("execute(module)", "raise ImportError('asked for')")
    )

    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(Path("runs/r/run.json").read_text())["experiment"]
    assert (record["mode"], record["problems"]) == ("offline", [])
    assert len(record["archives"]) == 2
    kept = [
        point for name in record["archives"] for point in rounds_of(read_archive(Path("runs/r/comet", name)))
    ]
    assert [step for step, _ in kept] == list(range(len(history())))


def test_a_live_experiment_gets_the_rounds_from_before_it_was_open(in_tmp, server):
    done = train("tracking=auto")

    assert (done.returncode, done.stderr) == (0, "imported beside the train job\n")
    record = json.loads(Path("runs/r/run.json").read_text())["experiment"]
    assert (record["mode"], record["problems"]) == ("online", [])
    points = server.points("validation_aucpr")
    assert [step for step, _ in points] == list(range(len(history())))
    assert server.experiments == {record["key"]}


REFUSALS = {
    "no such workspace": {"sdk_error_code": 10001, "msg": "workspace risk does not exist"},
    "a key that was taken back": {"sdk_error_code": 90212, "msg": "invalid API key"},
    "a server without a reason": {"nothing": "known"},
}


@pytest.mark.parametrize("why", REFUSALS)
def test_a_refusal_after_the_probe_is_an_archive_with_each_round_once(in_tmp, server, read_archive, why):
    server.refuses = REFUSALS[why]
    done = train("tracking=auto")

    assert (done.returncode, done.stderr) == (0, "imported beside the train job\n")
    record = json.loads(Path("runs/r/run.json").read_text())["experiment"]
    assert (record["mode"], record["url"], record["problems"]) == ("offline", None, [])
    assert record["note"].endswith(": offline archive")
    assert f"experiment offline ({record['note']})" in done.stdout
    assert len(record["archives"]) == 2
    kept = [
        point for name in record["archives"] for point in rounds_of(read_archive(Path("runs/r/comet", name)))
    ]
    assert [step for step, _ in kept] == list(range(len(history())))
    assert server.points("validation_aucpr") == []


def test_insisting_refuses_before_any_job_what_the_probe_did_not_see(in_tmp, server):
    server.refuses = REFUSALS["no such workspace"]
    done = train(
        "tracking=online",
        code="import sys\nfrom fraudlab.cli import main\nsys.exit(main(['train', *sys.argv[1:]]))",
    )

    assert done.returncode == 9
    assert "tracking=online is not possible: " in done.stderr
    assert "workspace risk does not exist" in done.stderr
    assert not Path("runs/r/logs").exists()
    assert not Path("runs/r/requests").exists()


def test_a_key_that_cannot_be_read_is_refused_before_any_job(in_tmp):
    done = train("tracking=auto", COMET_API_KEY="malformed*key")

    assert (done.returncode, done.stderr.split("\n")[0]) == (9, "error: COMET_API_KEY is malformed")
    assert json.loads(Path("runs/r/run.json").read_text())["status"] == "failed"
    assert not Path("runs/r/logs").exists()


def test_an_sdk_that_cannot_be_imported_costs_a_line(in_tmp, server):
    """By the time that is known a job may have trained for an hour."""
    broken = BLOCKED.replace("execute(module)", "raise ImportError('it is broken')")
    done = train("tracking=auto", code=broken)

    assert done.returncode == 0, done.stderr
    assert (
        "the experiment is incomplete: Comet: nothing of the launcher's is kept: ImportError: it is broken"
        in done.stdout
    )
    record = json.loads(Path("runs/r/run.json").read_text())
    assert record["status"] == "completed"
    assert (record["experiment"]["mode"], len(record["experiment"]["archives"])) == ("off", 0)


class _Folder:
    id = "r"

    def __init__(self, path, experiment):
        self.path, self.record = path, {"experiment": experiment}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("server_is_there", [True, False])
def test_a_run_that_is_taken_up_goes_on_with_what_its_job_was_told(
    in_tmp, monkeypatch, server, streams, server_is_there
):
    """Who logs the rounds was decided by the launcher that started the job, whoever answers today."""
    if not server_is_there:
        monkeypatch.delenv("COMET_API_KEY")
    told = {"key": new_key(), "mode": "online", "url": None, "note": "", "streams_rounds": streams}
    folder = _Folder(in_tmp, told)
    tracker = track_run(compose(["tracking=auto"]), folder)

    assert (tracker.decision.key, tracker.decision.streams_rounds) == (told["key"], streams)
    assert tracker.decision.mode == ("online" if server_is_there else "offline")
    assert tracker.experiment.streams_rounds is streams
    tracker.close("completed")
    assert folder.record["experiment"]["streams_rounds"] is streams
