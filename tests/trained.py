"""Small tables of tests/inputs trained on, and their models behind an endpoint."""

from __future__ import annotations

import csv
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from fraudlab.cli import main
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.scorer import load_scorer

from .container.wire import Running

INPUTS = Path(__file__).with_name("inputs")
FIXED = [
    "backend=process", "tracking=off", "model.num_round=5", "evaluation.resamples=100", "run.id=r",
    "data=table", "data.label=is_fraud", "data.id=[tx_id]", "data.time=ts", "split.gap=2d",
    "data.categorical=[category]",
]  # fmt: skip


def train(file: Path | str, *overrides: str) -> int:
    return main(["train", *FIXED, f"data.path={INPUTS / file}", *overrides])


class Trained:
    """A completed run, by its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "runs" / "r"
        self.manifest = json.loads((self.folder / "data" / "manifest.json").read_text())
        self.metrics = json.loads((self.folder / "evaluation" / "metrics.json").read_text())
        self.model = (self.folder / "model" / "model.ubj").read_bytes()
        self.scores = pq.read_table(self.folder / "evaluation" / "scores.parquet")

    def tested(self, scores: list[np.float32]) -> list[np.float32]:
        """Of the scores of a whole input, those of the rows of test."""
        return [scores[int(row)] for row in self.scores["tx_id"].to_pylist()]

    def same_as(self, other: Trained) -> bool:
        """Whether the splits, the model and the scores are; ids of CSV are text, those of Parquet numbers."""
        found = []
        for run in (self, other):
            splits = {name: {**split, "sha256": ""} for name, split in run.manifest["splits"].items()}
            found.append([splits, run.manifest["split"], run.model, run.scores.drop(["tx_id"])])
        return found[0] == found[1]


@contextmanager
def served(run: Trained, **environment: str) -> Iterator[int]:
    settings = read_settings({"FRAUDLAB_MODEL_DIR": str(run.folder / "model"), **environment})
    made = []

    def server() -> Any:
        made.append(Application(settings, load_scorer(settings.model)))
        return made[-1].server

    running = Running(server)
    try:
        yield running.port
    finally:
        running.close()
        made[0].close()


def predict(run: Trained, file: Path | str, *options: str, code: int = 0, **environment: str) -> Any:
    """The scores and the alerts of a file, or nothing where `code` is another than 0."""
    output = run.folder / "scores.csv"
    output.unlink(missing_ok=True)
    with served(run, **environment) as port:
        words = ["predict", "--endpoint", f"http://127.0.0.1:{port}", "--output", str(output), *options]
        assert main([*words, str(INPUTS / file)]) == code
    if code:
        assert not output.exists()
        return [], []
    with output.open() as opened:
        rows = list(csv.DictReader(opened))
    return [np.float32(row["score"]) for row in rows], [row["alert"] for row in rows]


def ask(run: Trained, body: bytes, kind: str, **headers: str) -> tuple[int, str]:
    with served(run) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/invocations", body, {"Content-Type": kind, **headers})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
    return found
