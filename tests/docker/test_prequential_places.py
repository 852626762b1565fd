"""A prequential run where its jobs are containers: the folds, the model and the page of plain processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

TABLE = ["data=table", "data.label=y", "data.time=ts", "data.time_unit=s", "data.card=card"]
TABLE += ["data.amount=amount", "data.categorical=[country]", "data.derive={r: a / amount}"]
FOLDS = ["split=prequential", "split.folds=3", "split.train_length=6d", "split.validation_length=4d"]
FOLDS += ["split.test_length=3d", "data.delay=1d", "evaluation.slices=[country]"]
MODEL = ["model.num_round=8", "model.members=2", "evaluation.resamples=100", "tracking=off", "yes=true"]
#: what a run's folder must have to the byte, wherever its jobs were carried out
SAME = ("model/model.ubj", "training/prequential.json", "data/manifest.json")
SAME += tuple(f"evaluation/{name}.json" for name in ("folds", "metrics", "slices", "curves"))
SAME += ("evaluation/scores.parquet",)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs; the rehearsal of one of them ends with the test."""
    folder = tmp_path / "runs"
    yield folder
    announced = folder / ".cache" / "rehearsal" / "announced.json"
    if announced.exists():
        os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)


def write_table(path: Path) -> None:
    random = np.random.default_rng(3)
    size = 3000
    strength = random.normal(size=size)
    columns = {
        "ts": np.arange(size) * 800,
        "a": strength,
        "amount": np.round(random.gamma(1.0, 50.0, size) + 1, 2),
        "country": random.choice(["FR", "DE", "NL"], size),
        "card": random.integers(0, 1000, size),
        "y": (strength + random.normal(size=size) > 2.0).astype(int),
    }
    parquet.write_table(pa.table(columns), path)


def sections(folder: Path) -> str:
    """The words of the page's parts that say what the folds and the slices are, without its markup."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    found = [re.search(f"<h2>{name}</h2>.*?</section>", page, re.DOTALL) for name in ("Folds", "Slices")]
    return " ".join(re.sub(r"<[^>]+>", " ", match[0]) for match in found if match is not None)


def test_containers_and_a_rehearsal_have_the_folds_of_plain_processes(tmp_path: Path, runs: Path) -> None:
    table = tmp_path / "t.parquet"
    write_table(table)
    for place in ("process", "local", "rehearsal"):
        where = [f"backend={place}", f"run.id={place}", f"paths.runs={runs}", f"data.path={table}"]
        where += ["backend.fallback=error"] if place == "local" else []
        words = [sys.executable, "-m", "fraudlab", "train", *TABLE, *FOLDS, *MODEL, *where]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert json.loads((runs / place / "run.json").read_text())["backend"] == place
        assert "over 3 folds average precision" in done.stdout
    for name in SAME:
        expected = (runs / "process" / name).read_bytes()
        for place in ("local", "rehearsal"):
            assert (runs / place / name).read_bytes() == expected, (place, name)
    folds = json.loads((runs / "process" / "evaluation" / "folds.json").read_text())
    assert [fold["fold"] for fold in folds] == [1, 2, 3]
    said = sections(runs / "process")
    assert "Mean ± standard deviation" in said
    assert "country" in said
    assert sections(runs / "local") == sections(runs / "rehearsal") == said
