"""Save a model as the official container's archives hold it; every XGBoost from 1.0 on reads it alike.

``python -m fraudlab.container.exchange.export FOLDER``. From 3.1 on XGBoost writes ``base_score`` as a list,
which older ones take for 0 without a word (measured: 1.7 to 3.0 score up to 0.32 otherwise). So the file is
JSON with one number there, and the older spelling of what readers before 1.6 insist on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fraudlab.container.contract import Fields, read_json, write_json
from fraudlab.container.exchange import work
from fraudlab.container.exchange.content import probe_rows, trees_of
from fraudlab.container.failure import JobError, listing
from fraudlab.container.features import Features
from fraudlab.container.model_files.model_file import OFFICIAL, read_model
from fraudlab.container.runtime import lean_xgboost
from fraudlab.container.scorer import Scorer


def export(folder: Path) -> None:
    """Write ``xgboost-model``, and what its rows have to be like.

    Raises
    ------
    ConfigError
        If the model cannot be used.
    JobError
        If the file scores otherwise than the model.
    """
    request = Fields(read_json(folder / work.REQUEST), source=work.REQUEST)
    model = read_model(Path(request.get("model", str)))
    with lean_xgboost():
        import xgboost
    xgboost.set_config(verbosity=0)
    booster = xgboost.Booster({"nthread": 1}, model_file=model.booster)
    content = json.loads(booster.save_raw("json"))
    features = model.features
    rows = probe_rows(content, [len(column.categories or ()) for column in features.columns])
    data = json.dumps(official(content), separators=(",", ":")).encode()
    written = xgboost.Booster({"nthread": 1}, model_file=bytearray(data))
    found = written.predict(xgboost.DMatrix(rows, nthread=1), validate_features=False)
    if found.tobytes() != Scorer(model).score(rows).tobytes():
        raise JobError(
            "the exported booster scores otherwise than the model", fix="report it, with the model"
        )
    (folder / OFFICIAL).write_bytes(data)
    write_json(folder / work.FACTS, {"lines": _lines(features, int(np.unique(found).size), len(rows))})


def official(content: dict[str, Any]) -> dict[str, Any]:
    """The content as readers from XGBoost 1.0 on understand it, without names; it is changed."""
    learner, model = content["learner"], trees_of(content)
    learner["feature_names"], learner["feature_types"], learner["attributes"] = [], [], {}
    parameters = learner["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    del model["cats"]
    # Readers before 1.5 would take a split on categories for one on a number: those are to fail.
    if not any(any(tree["split_type"]) for tree in model["trees"]):
        for tree in model["trees"]:
            tree["default_left"] = [bool(value) for value in tree["default_left"]]
            tree["leaf_child_counts"] = [0] * len(tree["parents"])
    return content


def _lines(features: Features, distinct: int, rows: int) -> list[str]:
    lines = [
        f"checked: {rows:,} random rows get the same scores, to the last bit ({distinct:,} different ones)",
        f"columns, in this order and without names: {listing(features.names)}",
    ]
    for position in features.categorical:
        column = features.columns[position]
        codes = [f"{text} {code}" for code, text in enumerate(column.categories or ())]
        what = f"column {position + 1}, {column.name}, is a code"
        lines.append(f"{what}: {listing(codes, limit=10)}; any other is missing")
    if features.scaling is not None:
        lines.append("numbers are scaled first, (x - mean) / std, by `preprocessing` in model.json")
    if features.codes:
        lines.append("XGBoost 1.6 or newer reads it, as it splits on categories")
    return lines


if __name__ == "__main__":
    sys.exit(work.carry_out(export))
