"""What was logged is on the server after `fraudlab sync`, once, however the run or an upload ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from benchmarks.kill import doubled, finish_sync, kill_run, kill_sync, missing, start_run
from tests.comet_server import KEY, Fault, comet_server

from fraudlab.errors import TrackingError
from fraudlab.runs import Run
from fraudlab.syncing import recover, sync, sync_run
from fraudlab.tracking.comet.sdk import load_sdk

SMALL = ["backend=process", "data.rows=20000", "data.fraud_rate=0.01", "tracking.project=cards"]
ROUNDS = "model.num_round=5000", "model.early_stopping_rounds=0"


@pytest.fixture(autouse=True)
def no_account(in_tmp, monkeypatch):
    monkeypatch.setenv("HOME", str(in_tmp))
    monkeypatch.setenv("COMET_CONFIG", str(in_tmp / "none"))


@pytest.fixture
def server(monkeypatch):
    with comet_server() as running:
        monkeypatch.setenv("COMET_URL_OVERRIDE", running.url)
        monkeypatch.setenv("COMET_API_KEY", KEY)
        yield running


def started(*words, run="r"):
    return subprocess.Popen(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, f"run.id={run}", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": os.environ["HOME"]},
    )


def trained(*words, run="r"):
    launcher = started("model.num_round=6", *words, run=run)
    assert launcher.wait(300) == 0
    return Run(Path("runs", run))


def wait_for_round(number, run="r"):
    log, patience = Path("runs", run, "logs/train.log"), time.monotonic() + 120
    while not (log.exists() and f"[{number}]\t" in log.read_text()):
        assert time.monotonic() < patience, "no such round"
        time.sleep(0.02)


def require_once(server):
    """Nothing is on the server twice."""
    assert doubled(server) == {}


def require_rounds(server, run="r"):
    assert server.points("validation_aucpr")
    assert missing(server, Path("runs", run)) == set()


def require_load(server, run="r"):
    """Each look at the machine that is in an archive is on the server, with its moment."""
    there = {(one["metricName"], one["timestamp"], float(one["metricValue"])) for one in server.metrics}
    looks = set()
    for archive in Path("runs", run, "comet").glob("*-*.zip"):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as content:
                lines = content.read("messages.json").splitlines()
            for payload in (json.loads(line)["payload"] for line in lines):
                metric = payload.get("metric", {"metricName": ""})
                if metric["metricName"].startswith("sys."):
                    looks.add((metric["metricName"], payload["local_timestamp"], metric["metricValue"]))
    assert {name for name, _, _ in looks} >= {"sys.cpu.percent.avg", "sys.ram.used", "sys.disk.root.used"}
    assert looks <= there


@pytest.mark.parametrize("mode", ["offline", "auto"])
def test_every_round_that_a_killed_run_printed_is_recovered(server, mode):
    launcher = started(f"tracking={mode}", *ROUNDS)
    wait_for_round(150)
    launcher.kill()
    launcher.wait(60)

    assert sync(["r"], runs=None, settle=0) == 0
    require_rounds(server)
    require_load(server)
    require_once(server)
    assert next(iter(server.runs.values()))["project"] == "cards"
    before = len(server.paths)
    assert sync_run(Run(Path("runs/r")), settle=0).sent == {}
    assert len(server.paths) == before
    assert recover(["r"], runs=None) == 0
    record = json.loads(Path("runs/r/run.json").read_text())
    assert (record["status"], record["ended"] is None) == ("failed", False)


def test_a_train_process_that_is_killed_alone_loses_no_round(server):
    launcher = started("tracking=offline", *ROUNDS)
    wait_for_round(100)
    job = subprocess.run(["pgrep", "-P", str(launcher.pid)], capture_output=True, text=True, check=False)
    for child in job.stdout.split():
        os.kill(int(child), signal.SIGKILL)
    assert launcher.wait(120) != 0

    assert len(list(Path("runs/r/comet").glob("*.zip"))) == 2
    sync(["r"], runs=None, settle=0)
    require_rounds(server)
    require_once(server)
    assert server.other("status") == "failed"


def test_the_next_run_that_tidies_up_takes_nothing_away(server):
    launcher = started("tracking=offline", *ROUNDS)
    wait_for_round(100)
    launcher.kill()
    launcher.wait(60)
    trained("tracking=off", run="next")

    assert not list(Path("runs/.cache/jobs").iterdir())
    Path("runs/r/logs/train.log").rename("train.log")  # the pieces are enough
    sync(["r"], runs=None, settle=0)
    assert len(server.points("validation_aucpr")) > 90
    Path("train.log").rename("runs/r/logs/train.log")  # the last of it was printed, and not yet written
    sync(["r"], runs=None, settle=0)
    require_rounds(server)
    require_once(server)


def test_one_round_that_comes_late_is_sent(server, copied):
    """The server has other rounds of that metric, and not this one."""
    sync(["r"], runs=None, settle=0)
    log = copied.folder / "logs/train.log"
    last = [line for line in log.read_text().splitlines() if "[5]\t" in line][-1]
    with log.open("a") as file:
        file.write(last.replace("[5]\t", "[6]\t") + "\n")

    sync(["r"], runs=None, settle=0)
    assert ("validation_aucpr", 6) in {(metric["metricName"], metric["step"]) for metric in server.metrics}
    require_rounds(server)
    require_once(server)


def test_what_the_machine_forgets_is_in_no_run(server, in_tmp):
    """A reboot empties the temporary folder."""
    launcher = started("tracking=offline", *ROUNDS)
    wait_for_round(20)
    while not Path("runs/r/comet/open.json").exists():
        time.sleep(0.05)
    launcher.kill()
    launcher.wait(60)
    data = json.loads(Path("runs/r/comet/open.json").read_text())["data"]

    assert (Path("runs/r/comet") / data / "messages.json").is_file()
    assert not list(in_tmp.glob("tmp*/messages.json"))


def test_an_empty_archive_stops_no_upload(server):
    run = trained("tracking=offline")
    key = run.record["experiment"]["key"]
    (run.folder / "comet" / f"{key}-aaaaaa.zip").write_bytes(b"")

    sync_run(run, settle=0)
    require_rounds(server)


FAULTS = {
    "the answer to the metrics is lost": [Fault("lost", "experiment/metric")],
    "the metrics are refused": [Fault("refused", "experiment/metric", status=503)],
    "the connection ends at the metrics": [Fault("cut", "experiment/metric")],
    "the answer to a file is lost": [Fault("lost", "asset/upload", skip=2)],
    "a file is refused": [Fault("refused", "asset/upload", skip=3)],
    "the server dies halfway": [Fault("cut", "", skip=30, times=400)],
    "the server is not to be asked": [Fault("refused", "experiment/metadata", status=500)],
    "artifacts are refused": [Fault("refused", "artifacts/upsert", status=500)],
    "an artifact is left open": [Fault("refused", "artifacts/state", status=500)],
}


@pytest.fixture(scope="module")
def offline_run(tmp_path_factory):
    """A run's folder of archives, which each test copies."""
    folder = tmp_path_factory.mktemp("offline")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMET_")}
    subprocess.run(
        [
            sys.executable,
            "-m",
            "fraudlab",
            "train",
            *SMALL,
            "run.id=r",
            "model.num_round=6",
            "tracking=offline",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**environment, "HOME": str(folder)},
    )
    return folder / "runs"


@pytest.fixture
def copied(offline_run, in_tmp):
    import shutil

    shutil.copytree(offline_run, "runs", symlinks=True, ignore=shutil.ignore_patterns(".cache"))
    return Run(Path("runs/r"))


@pytest.mark.parametrize("what", FAULTS)
def test_an_upload_that_went_wrong_is_finished_by_the_next(server, copied, what, capsys):
    server.faults += FAULTS[what]
    with pytest.raises(TrackingError, match="could not be uploaded whole"):
        sync(["r"], runs=None, settle=0)
    server.faults.clear()
    sync(["r"], runs=None, settle=0)

    require_rounds(server)
    require_load(server)
    require_once(server)
    whole = [artifact for artifact in server.artifacts if artifact["state"] == "CLOSED"]
    assert [artifact["artifactName"] for artifact in whole] == ["fraud-dataset"] * 2
    assert {"raw", "preprocessed"} <= {alias for artifact in whole for alias in artifact["alias"]}
    assert KEY not in "".join(capsys.readouterr())


def test_what_somebody_sent_with_comets_own_command_is_not_sent_again(server, copied):
    load_sdk()
    from comet_ml.offline import main_upload

    key = copied.record["experiment"]["key"]
    own, *_ = sorted(copied.folder.glob(f"comet/{key}-*.zip"))
    main_upload([str(own)], force_upload=False)
    assert server.runs[key]["project"] == "cards"
    counted = sync_run(copied, settle=0).sent

    assert counted
    require_rounds(server)
    require_once(server)


def test_every_archive_names_the_project_of_its_run(server, copied):
    """So that the order in which they are sent, and by whom, does not matter."""
    load_sdk()
    from comet_ml.offline import main_upload

    key = copied.record["experiment"]["key"]
    for archive in sorted(copied.folder.glob(f"comet/{key}-*.zip")):
        server.runs.clear()
        main_upload([str(archive)], force_upload=False)
        assert server.runs[key]["project"] == "cards"


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(server, copied, capsys):
    sync([], runs=None, dry_run=True)

    assert "r: would send " in capsys.readouterr().out
    assert not [path for path in server.paths if path.startswith("POST")]
    sync([], runs=None, settle=0)
    assert "r: sent " in capsys.readouterr().out
    sync([], runs=None, dry_run=True)
    assert "r: the server has all of it" in capsys.readouterr().out


def test_without_a_server_nothing_is_lost_and_it_says_so(copied, capsys):
    with pytest.raises(TrackingError):
        sync([], runs=None)
    assert "r: nothing was uploaded: no COMET_API_KEY" in capsys.readouterr().out


def test_two_syncs_at_once_send_nothing_twice(server, copied):
    server.faults.append(Fault("slow", "experiment/metric", seconds=1.0))
    command = [sys.executable, "-m", "fraudlab", "sync"]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    codes = [one.wait(120) for one in both]

    assert 0 in codes
    require_rounds(server)
    require_once(server)


def test_runs_that_are_not_tracked_or_not_there(server, capsys, copied):
    record = json.loads((copied.folder / "run.json").read_text())
    (copied.folder / "run.json").write_text(json.dumps({**record, "experiment": None}))
    assert sync(["r"], runs=None) == 0
    assert capsys.readouterr().out == "r: it was not tracked\n"


@pytest.mark.parametrize("seed", range(3))
def test_uploads_that_are_killed_at_drawn_moments_lose_and_double_nothing(server, copied, seed):
    """`make bench-kill` draws more of them."""
    here, chosen = Path.cwd(), random.Random(seed)
    for _ in range(2):
        kill_sync(here, "r", os.environ, server, chosen, comet_server)
    finish_sync(here, "r", os.environ)
    require_rounds(server)
    require_once(server)
    closed = [alias for one in server.artifacts if one["state"] == "CLOSED" for alias in one["alias"]]
    assert {"raw", "preprocessed"} <= set(closed)


@pytest.mark.parametrize("seed", [1])
def test_runs_and_their_uploads_that_are_killed_at_drawn_moments(server, seed):
    here, chosen = Path.cwd(), random.Random(seed)
    launcher = start_run(here, "r", os.environ, "tracking=auto" if seed else "tracking=offline")
    kill_run(launcher, Path("runs/r/logs/train.log"), chosen)
    kill_sync(here, "r", os.environ, server, chosen, comet_server)
    finish_sync(here, "r", os.environ)
    require_rounds(server)
    require_once(server)
