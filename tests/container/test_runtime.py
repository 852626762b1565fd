import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fraudlab
from fraudlab.container.runtime import (
    Stages,
    StoppedTooEarly,
    StopRequest,
    cpu_count,
    end_with_launcher,
    lean_xgboost,
    peak_memory_mb,
    without,
)


def test_hidden_modules_cannot_be_imported_meanwhile() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ModuleNotFoundError, match="No module named 'colorsys'"):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv


def test_a_part_of_a_package_can_be_hidden_and_the_rest_not() -> None:
    for name in ("wsgiref.handlers", "wsgiref.headers"):
        sys.modules.pop(name, None)
    hidden = pytest.raises(ModuleNotFoundError, match=r"No module named 'wsgiref\.headers'")
    with without("wsgiref.headers"):
        assert importlib.import_module("wsgiref.util")
        with hidden:
            importlib.import_module("wsgiref.handlers")
    assert importlib.import_module("wsgiref.handlers").BaseHandler


def test_what_is_imported_already_stays() -> None:
    import json

    with without("json"):
        assert importlib.import_module("json") is json


def test_xgboost_comes_without_pandas_and_scikit_learn() -> None:
    code = (
        "import sys\n"
        "import fraudlab.container.training.boosting, fraudlab.container.scorer\n"
        "assert 'xgboost' in sys.modules\n"
        "assert not {'pandas', 'sklearn', 'scipy.special', 'xgboost.sklearn'} & set(sys.modules)\n"
        "import pandas\n"
    )
    path = str(Path(fraudlab.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True)


def test_threads_spin_shortly_unless_the_person_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "1")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    with lean_xgboost():
        assert os.environ["GOMP_SPINCOUNT"] == "10000"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with lean_xgboost():
        assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), ("junk", 64)]
)
def test_cpus_are_those_of_the_container(monkeypatch: pytest.MonkeyPatch, quota: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: quota)
    assert cpu_count() == expected


def test_peak_memory_is_in_megabytes() -> None:
    assert 20 < peak_memory_mb() < 100_000


def test_stages_are_timed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    stages = Stages()
    with stages.stage("read"):
        pass
    stages.end()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"stage=read seconds={stages.seconds['read']:.3f}"
    assert lines[1].startswith("total seconds=0.0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_becomes_a_wish(number: signal.Signals) -> None:
    stop, before = StopRequest(), signal.getsignal(number)
    with stop.listening():
        assert not stop.made
        os.kill(os.getpid(), number)
        assert stop.made
    assert signal.getsignal(number) is before


def test_a_stop_at_once_ends_the_block() -> None:
    stop, reached = StopRequest(), []
    with stop.listening():
        with stop.at_once():
            reached.append("before")
        with pytest.raises(StoppedTooEarly), stop.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("after")
        with pytest.raises(StoppedTooEarly), stop.at_once():
            reached.append("a block that begins too late")
        os.kill(os.getpid(), signal.SIGTERM)
    assert reached == ["before"]


LAUNCHER = """
import os, subprocess, sys
script = '''
import signal, sys, time
from fraudlab.container import runtime
if sys.argv[1] == "watching":
    runtime._ask_for_signal = lambda number: False
runtime.end_with_launcher(signal.SIGKILL)
print("ready", flush=True)
time.sleep(600)
'''
environment = {**os.environ, "FRAUDLAB_LAUNCHER": str(os.getpid())}
job = subprocess.Popen([sys.executable, "-c", script, sys.argv[1]], env=environment)
job.wait()
"""


@pytest.mark.parametrize("how", ["told by the kernel", "watching"])
def test_a_job_ends_with_its_launcher(how):
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, how], stdout=subprocess.PIPE, text=True)
    with launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "ready\n"
        launcher.kill()
        # the job holds the other end of the pipe for as long as it lives
        assert launcher.stdout.read() == ""


def test_a_job_without_a_launcher_is_left_alone(monkeypatch):
    monkeypatch.delenv("FRAUDLAB_LAUNCHER", raising=False)
    end_with_launcher(signal.SIGKILL)
