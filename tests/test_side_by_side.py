"""Runs beside each other and beside `fraudlab clean`, and runs whose launcher is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.runs import list_runs

FRAUDLAB = [sys.executable, "-m", "fraudlab"]
SMALL = ["backend=process", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4"]
#: `make stress-runs` asks for more
RUNS = int(os.environ.get("FRAUDLAB_STRESS_RUNS", "4"))
KILLS = int(os.environ.get("FRAUDLAB_STRESS_KILLS", "5"))
SEED = int(os.environ.get("FRAUDLAB_STRESS_SEED", "7"))


def start(*words: str, **more) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FRAUDLAB, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def working_in(folder: Path) -> list[str]:
    """The command lines of processes that work below a folder, or hold it in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            words, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            if os.fsencode(folder) in words + environment:
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [words for words in found if words]


def wait_until(condition, *, seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.slow
def test_runs_that_begin_together_all_complete_beside_a_clean_in_a_loop(in_tmp):
    """Cold: all of them make the same table, the same preparation, and ids of the same second."""
    runs = [start("train", *SMALL, "tracking=off") for _ in range(RUNS)]
    cleaned = 0
    while any(run.poll() is None for run in runs):
        done = subprocess.run([*FRAUDLAB, "clean"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        cleaned += 1
    ended = [(run.returncode, *run.communicate()) for run in runs]
    assert [end for end in ended if end[0] != 0] == []
    assert cleaned >= 2
    found = list_runs(in_tmp / "runs")
    assert [run.status for run in found] == ["completed"] * RUNS
    assert len({(run.folder / "model" / "model.ubj").read_bytes() for run in found}) == 1
    assert main(["clean"]) == 0
    assert [path for path in (in_tmp / "runs" / ".cache").rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_runs_of_one_id_in_two_folders_share_a_cache(in_tmp):
    shared = [*SMALL, "tracking=off", "run.id=same", f"paths.cache={in_tmp}/cache"]
    runs = [start("train", *shared, f"paths.runs={in_tmp}/{folder}") for folder in ("a", "b")]
    assert [(run.wait(), run.communicate()[1]) for run in runs] == [(0, ""), (0, "")]


#: what is there when a run has got so far; a kill comes a little later
MOMENTS = {
    "at the start": "runs/.cache",
    "once it is recorded": "runs/*/run.json",
    "while it prepares": "runs/*/logs/process.log",
    "while it trains": "runs/*/logs/train.log",
    "while it scores": "runs/*/logs/serve.log",
    "while it measures": "runs/*/evaluation/importance.json",
}


def kill_launcher(folder: Path, sign: str, *, later: float) -> None:
    """Start a run and kill its launcher once something new is there."""
    known = set(folder.glob(sign)) if "*" in sign else set()
    run = start("train", *SMALL, "tracking=off", "force=true")
    wait_until(lambda: set(folder.glob(sign)) - known or run.poll() is not None)
    time.sleep(later)
    run.send_signal(signal.SIGKILL)
    run.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_launcher_leaves_no_process_and_a_run_that_says_dead(in_tmp, capsys):
    draw = random.Random(SEED)
    moments = list(MOMENTS)
    for moment in [moments[-1 - number] if number < 6 else draw.choice(moments) for number in range(KILLS)]:
        kill_launcher(in_tmp, MOMENTS[moment], later=draw.random() * 0.2)
        wait_until(lambda: not working_in(in_tmp), seconds=30)
    statuses = {found.status for found in list_runs(in_tmp / "runs")}
    assert statuses <= {"dead", "completed"}
    assert "dead" in statuses
    assert main(["clean"]) == 0
    assert list((in_tmp / "runs" / ".cache" / "jobs").iterdir()) == []
    assert main(["train", *SMALL, "tracking=off", "run.id=after"]) == 0
    assert main(["runs", "list"]) == 0
    assert "  dead  " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_endpoint_ends_with_the_launcher_that_is_killed(in_tmp):
    """With workers of its own, too: a server nobody asks any more would serve for ever."""
    run = start("train", *SMALL, "tracking=off", "run.id=cut", "data.rows=20000", "serving.workers=2")
    wait_until(lambda: list(in_tmp.glob("runs/cut/logs/serve.log")) or run.poll() is not None)
    wait_until(lambda: any("serve" in words for words in working_in(in_tmp)) or run.poll() is not None)
    run.send_signal(signal.SIGKILL)
    _, error = run.communicate()
    assert run.returncode == -signal.SIGKILL, error
    wait_until(lambda: not working_in(in_tmp), seconds=30)
    assert json.loads((in_tmp / "runs" / "cut" / "run.json").read_text())["status"] == "running"
    assert main(["runs", "show", "cut"]) == 0


@pytest.mark.slow
def test_a_terminal_that_closes_interrupts_a_run(in_tmp):
    long = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=cut"]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it
    run = start("train", *SMALL, "tracking=off", *long)
    signal.signal(signal.SIGHUP, before)
    wait_until(lambda: list(in_tmp.glob("runs/cut/logs/train.log")) or run.poll() is not None)
    run.send_signal(signal.SIGHUP)
    _, error = run.communicate(timeout=60)
    assert run.returncode == 130
    assert error.startswith("error: Interrupted by SIGHUP")
    assert json.loads((in_tmp / "runs" / "cut" / "run.json").read_text())["status"] == "interrupted"


@pytest.mark.slow
def test_nohup_keeps_a_run_from_being_interrupted(in_tmp):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which children inherit
    run = start("train", *SMALL, "tracking=off", "run.id=kept")
    signal.signal(signal.SIGHUP, before)
    wait_until(lambda: list(in_tmp.glob("runs/kept/run.json")) or run.poll() is not None)
    run.send_signal(signal.SIGHUP)
    _, error = run.communicate(timeout=120)
    assert run.returncode == 0, error
