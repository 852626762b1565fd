"""Leaving a rehearsed run and coming back, with real containers: the model is that of a run nobody left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker

SMALL = ["tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4", "force=true"]
SMALL += ["evaluation.resamples=100"]


def fraudlab(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fraudlab", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(*words: str, code: int = 0) -> str:
    process = fraudlab(*words)
    shown, error = process.communicate()
    assert process.returncode == code, (shown, error)
    return shown


#: a launcher that is sent a signal once a job is started and written down, before it is waited for
LEFT = """
import os, sys
from fraudlab.cli import main
from fraudlab.stages.context import Context
job, number, *words = sys.argv[1:]
wait = Context.wait
def left(context, handle, log):
    if handle.job == job:
        os.kill(os.getpid(), int(number))
    wait(context, handle, log)
Context.wait = left
sys.exit(main(words))
"""


@pytest.mark.parametrize(
    ("job", "number"), [("train", signal.SIGTERM), ("train", signal.SIGKILL), ("transform", signal.SIGKILL)]
)
def test_a_rehearsed_run_is_finished_by_another(
    rehearsal: dict[str, Any], in_tmp: Path, job: str, number: signal.Signals
) -> None:
    here = ["backend=rehearsal", f"rehearsal.endpoint={rehearsal['url']}"]
    run_id = f"{job}-{number.name.lower()}-{os.getpid()}"
    done("train", "backend=process", *SMALL, "run.id=plain")
    words = ["train", *here, *SMALL, f"run.id={run_id}", "paths.runs=one"]
    left = subprocess.run(
        [sys.executable, "-c", LEFT, job, str(int(number)), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert left.returncode == (-number if number == signal.SIGKILL else 11), (left.stdout, left.stderr)
    other = "one" if number == signal.SIGKILL else "two"  # a killed launcher's claim holds for two minutes
    done("runs", "attach", run_id, *here, "--runs", other)
    found, plain = in_tmp / other / run_id, in_tmp / "runs" / "plain"
    for name in ("model/model.ubj", "evaluation/metrics.json"):
        assert (found / name).read_bytes() == (plain / name).read_bytes()
