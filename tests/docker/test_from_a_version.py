"""A run that starts from a version of data in Comet, in containers: the bytes of plain processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.comet_server import KEY, CometServer, comet_server

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("docker_engine")]

SMALL = ["model.num_round=4", "evaluation.resamples=100", "backend.fallback=error", "yes=true"]
TABLE = ["data.rows=3000", "data.fraud_rate=0.05"]


@pytest.fixture
def server(in_tmp: Path) -> Iterator[CometServer]:
    """A strict Comet server; a rehearsal that a run began ends with it."""
    with comet_server() as found:
        yield found
    for announced in in_tmp.glob("*/rehearsal/announced.json"):
        os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)


def train(server: CometServer, run: str, *words: str) -> Path:
    """Train with a cache of its own, so that nothing but the version can be what a run began with."""
    account = {"COMET_API_KEY": KEY, "COMET_URL_OVERRIDE": server.url, "COMET_CONFIG": "none"}
    own = ["tracking=online", f"run.id={run}", f"paths.cache=cache-{run}"]
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, *own, *words],
        env={**os.environ, **account}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    return Path("runs", run)


def test_containers_start_from_a_version_of_comet_as_processes_do(server: CometServer) -> None:
    first = train(server, "first", "backend=process", *TABLE)
    for run, version in (("local", "preprocessed"), ("rehearsal", "preprocessed")):
        made = train(server, run, f"backend={run}", "data=artifact", f"data.artifact=fraud-dataset:{version}")
        record = json.loads((made / "run.json").read_text())
        assert record["backend"] == run
        assert record["data"]["version"]["number"] == "2.0.0"
        assert not (made / "logs" / "process.log").exists()
        for name in ("model/model.ubj", "evaluation/scores.parquet"):
            assert (made / name).read_bytes() == (first / name).read_bytes(), (run, name)
        (used,) = [one for one in server.artifacts if one["version"] == "2.0.0"]
        assert record["experiment"]["key"] in used["consumers"]
    assert len(server.artifacts) == 2, "identical data makes no new version"
