"""The comparator of a training job: Parquet, a QuantileDMatrix, ``xgboost.train``, a model file.

As a person writes it who knows XGBoost: float32, one pass to a matrix, bins shared with validation, the
table let go of. No checks, no threshold, no metrics beside the watched one, no contract.

    python -m benchmarks.bare_train TRAIN VALIDATION model.ubj '{"max_depth": 4}' 100 [--lean]

``--lean`` keeps XGBoost from importing pandas, scikit-learn and what it has for them, as fraudlab's jobs do.
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from typing import Any

import numpy as np
from pyarrow import parquet

from fraudlab.container.runtime import without

LABEL = "fraudlab.label"


def main(train: str, validation: str, model: str, parameters: str, rounds: str, *flags: str) -> None:
    unused = ("pandas", "sklearn", "xgboost.plotting", "xgboost.sklearn")
    with without(*unused) if "--lean" in flags else nullcontext():
        train_model(train, validation, model, parameters, rounds)


def train_model(train: str, validation: str, model: str, parameters: str, rounds: str) -> None:
    import xgboost

    chosen = json.loads(parameters)
    bins = chosen.get("max_bin", 256)
    rows, label = read(train)
    binned = xgboost.QuantileDMatrix(rows, label, max_bin=bins)
    del rows
    rows, label = read(validation)
    held_out = xgboost.QuantileDMatrix(rows, label, max_bin=bins, ref=binned)
    del rows
    booster = xgboost.train(chosen, binned, int(rounds), evals=[(held_out, "validation")], verbose_eval=False)
    booster.save_model(model)


def read(path: str) -> tuple[Any, Any]:
    """The features, shape (rows, columns), and the label."""
    names = [name for name in parquet.read_schema(path).names if not name.startswith("fraudlab.")]
    table = parquet.read_table(path, columns=[*names, LABEL])
    return np.column_stack([table[name].to_numpy() for name in names]), table[LABEL].to_numpy()


if __name__ == "__main__":
    main(*sys.argv[1:])
