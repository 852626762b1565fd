"""CPU time of exact reason codes on one thread, against XGBoost's ``pred_contribs`` in the same run.

``python -m benchmarks.reasons --rows 500``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost

from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import Model
from fraudlab.container.scorer import Scorer

_COLUMNS = 30
#: depth and rounds of the models
_MODELS = ((3, 100), (4, 100), (4, 500), (6, 100), (6, 300))
_REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500, help="rows to explain")
    rows = parser.parse_args().rows
    print(
        "depth rounds leaves | µs a row: pred_contribs, alone, together | times as fast | tables s | differs"
    )
    for depth, rounds in _MODELS:
        print(measured(depth, rounds, rows), flush=True)


def measured(depth: int, rounds: int, rows: int) -> str:
    """A line of the table for one model."""
    booster, inputs = train(depth, rounds)
    inputs = np.ascontiguousarray(inputs[:rows])
    columns = [Column(f"f{number}") for number in range(_COLUMNS)]
    scorer = Scorer(Model(booster.save_raw("ubj"), "0" * 64, Features(columns), 0.5, {}))
    booster.set_param({"nthread": 1})
    data = xgboost.DMatrix(inputs, nthread=1)
    expected = booster.predict(data, pred_contribs=True)[:, :-1]
    began = time.process_time()
    found = scorer.contributions(inputs)
    first = time.process_time() - began
    single = [inputs[at : at + 1] for at in range(rows)]
    theirs = cpu(lambda: booster.predict(data, pred_contribs=True)) / rows * 1e6
    alone = cpu(lambda: [scorer.contributions(row) for row in single]) / rows * 1e6
    together = cpu(lambda: scorer.contributions(inputs)) / rows * 1e6
    leaves = sum(dump.count("leaf=") for dump in booster.get_dump())
    return (
        f"{depth} {rounds} {leaves:,} | {theirs:.0f}, {alone:.0f}, {together:.1f} | "
        f"{theirs / alone:.0f} alone, {theirs / together:.0f} together | "
        f"{first - together * rows / 1e6:.2f} | {np.abs(found - expected).max():.1e}"
    )


def train(depth: int, rounds: int, rows: int = 60_000) -> tuple[xgboost.Booster, Any]:
    """A booster and rows in which a few of every hundred values are missing."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(rows, _COLUMNS)).astype(np.float32)
    odds = inputs[:, 0] * inputs[:, 1] + np.sin(2 * inputs[:, 2]) + 0.3 * inputs[:, 3:14].sum(axis=1) - 4
    label = random.random(rows) < 1 / (1 + np.exp(-odds))
    inputs[random.random(inputs.shape) < 0.03] = np.nan
    told = {
        "objective": "binary:logistic",
        "max_depth": depth,
        "eta": 0.1,
        "max_bin": 512,
        "base_score": 0.5,
        "nthread": 2,
    }
    return xgboost.train(told, xgboost.DMatrix(inputs, label), rounds), inputs


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the best of some turns."""
    best = np.inf
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return float(best)


if __name__ == "__main__":
    main()
