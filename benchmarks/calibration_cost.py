"""What calibration adds to scoring, in batches and row by row, against the same model without it.

``python -m benchmarks.calibration_cost --rows 200000``
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks.reasons import cpu, train
from fraudlab.container.calibrated import Calibration, Curve, LogOddsCurve
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import Model
from fraudlab.container.scorer import Scorer
from fraudlab.container.training.calibration_fits import counted, fit_curve

_ALONE = 2000
#: nanoseconds of a score in batches, and of one row
_TARGETS = (20, 2000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of a batch")
    rows = parser.parse_args().rows
    booster, inputs = train(4, 300)
    inputs = np.ascontiguousarray(np.resize(inputs, (rows, inputs.shape[1])))
    content = booster.save_raw("ubj")
    score = _scorer(content, None).score(inputs)
    label = (np.random.default_rng(1).random(rows) < score).astype(np.uint8)
    print(f"targets: {_TARGETS[0]} ns a score in batches, {_TARGETS[1]} ns of one row")
    for curve in (LogOddsCurve("beta", 1.1, 0.9, -0.5), fit_curve("isotonic", counted(score, label))):
        print(measured(content, curve, inputs, score), flush=True)


def measured(content: bytearray, curve: Curve, inputs: Any, score: Any) -> str:
    """What one calibration takes by itself, and beside the trees."""
    calibration, plain, scorer = Calibration(curve), _scorer(content, None), _scorer(content, curve)
    rows = len(inputs)
    single = [inputs[at : at + 1].copy() for at in range(_ALONE)]
    alone = [score[at : at + 1] for at in range(_ALONE)]
    batch = cpu(lambda: calibration(score)) / rows * 1e9
    one = cpu(lambda: [calibration(row) for row in alone]) / _ALONE * 1e9
    together = cpu(lambda: scorer.score(inputs)) / cpu(lambda: plain.score(inputs))
    by_one = cpu(lambda: [scorer.score(row) for row in single])
    by_one /= cpu(lambda: [plain.score(row) for row in single])
    made = cpu(lambda: Calibration(curve)) * 1e3
    return (
        f"{curve.kind}: {batch:.1f} ns a score in batches, {one:.0f} of one row; {made:.0f} ms a model; "
        f"scoring takes {together:.3f} times as long in batches, {by_one:.2f} row by row"
    )


def _scorer(content: bytearray, curve: Curve | None) -> Scorer:
    features = Features([Column(f"f{number}") for number in range(30)])
    return Scorer(Model(content, "0" * 64, features, 0.5, {}, calibration=curve))


if __name__ == "__main__":
    main()
