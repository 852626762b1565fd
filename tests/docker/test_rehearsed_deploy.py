"""An endpoint that stays, on a rehearsal: deployed, asked, updated, asked again, and taken away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docker.test_rehearsed_run import PLANTED, asked, runs, train
from tests.trained import served

from fraudlab.runs import find_run

pytestmark = [pytest.mark.docker, pytest.mark.slow]
__all__ = ["asked", "runs"]

NAME = "fraudlab-scoring"


class Commands:
    """Commands on one folder of runs, its rehearsal and a table; each has to succeed."""

    def __init__(self, runs: Path) -> None:
        self.runs, self.table = runs, runs.parent / "table.csv"
        self.rehearsed = ["backend=rehearsal", f"paths.runs={runs}"]

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "fraudlab", *words],
            env={**os.environ, **PLANTED}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def deploy(self, run: str) -> str:
        words = ("--to", "rehearsal", "--name", NAME, "--runs", str(self.runs))
        return self("deploy", run, *words, f"paths.runs={self.runs}")

    def undeploy(self) -> str:
        return self("deploy", "--to", "rehearsal", "--name", NAME, "--undeploy", f"paths.runs={self.runs}")

    def local_scores(self, run: str) -> bytes:
        """Those of the same serving on this machine."""
        with served(find_run(self.runs, run)) as port:
            return self.scores(f"http://127.0.0.1:{port}")

    def scores(self, endpoint: str, *words: str) -> bytes:
        target = self.runs.parent / "scores.csv"
        self("predict", "--output", str(target), "--endpoint", endpoint, str(self.table), *words)
        return target.read_bytes()


@pytest.fixture(scope="module")
def commands(runs: Path) -> Commands:
    """Two models, neither of which was made in the rehearsal, and a table."""
    train(runs, "one", "backend=process")
    train(runs, "two", "backend=process", "model.num_round=6")
    made = Commands(runs)
    made("data", "generate", str(made.table), "--rows", "1000")
    return made


def test_an_endpoint_is_deployed_asked_updated_and_taken_away(commands: Commands) -> None:
    local = [commands.local_scores(run) for run in ("one", "two")]
    assert local[0] != local[1]

    said = commands.deploy("one")
    assert "rehearsed: costs nothing" in said
    assert f"endpoint {NAME} is in service" in said
    assert "REHEARSED, COSTS NOTHING" in said
    assert commands.scores(NAME, *commands.rehearsed) == local[0]
    assert "has this model already" in commands.deploy("one")

    assert f"endpoint {NAME} answers with the new model" in commands.deploy("two")
    assert commands.scores(NAME, *commands.rehearsed) == local[1]

    said = commands("clean", "--cloud", *commands.rehearsed)
    assert f"endpoint {NAME} InService" in said
    assert "account 000000000000, region us-east-1" in said

    said = commands.undeploy()
    assert [line.split()[1] for line in said.splitlines() if line.startswith("removed: ")] == [
        "endpoint", "endpoint", "model",
    ]  # fmt: skip
    assert "nothing to remove in account 000000000000" in commands("clean", "--cloud", *commands.rehearsed)
