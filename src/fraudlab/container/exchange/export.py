"""Save a model as the official container's archives hold it.

``python -m fraudlab.container.exchange.export FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from fraudlab.container.contract import Fields, read_json, write_json
from fraudlab.container.exchange import work
from fraudlab.container.exchange.content import probe_rows
from fraudlab.container.failure import JobError, listing
from fraudlab.container.features import Features
from fraudlab.container.model_files.model_file import OFFICIAL, read_model
from fraudlab.container.model_files.official import official_bytes
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
    raw = booster.save_raw("json")
    features = model.features
    rows = probe_rows(json.loads(raw), [len(column.categories or ()) for column in features.inputs])
    data = official_bytes(raw)
    written = xgboost.Booster({"nthread": 1}, model_file=bytearray(data))
    scorer = Scorer(model)
    found = written.predict(xgboost.DMatrix(rows, nthread=1), validate_features=False)
    if found.tobytes() != scorer.booster_score(rows).tobytes():
        raise JobError(
            "the exported booster scores otherwise than the model", fix="report it, with the model"
        )
    (folder / OFFICIAL).write_bytes(data)
    write_json(
        folder / work.FACTS,
        {"lines": _lines(features, int(np.unique(found).size), len(rows)) + _uncalibrated(scorer)},
    )


def _uncalibrated(scorer: Scorer) -> list[str]:
    """What is not in the file: the calibration, and the threshold that goes with it."""
    if scorer.calibration is None:
        return []
    least = scorer.calibration.least_score(scorer.threshold)
    same = f"at least {least!r} here" if least <= 1.0 else "one that no score here reaches"
    own = "the file has no calibration: its scores are the booster's own"
    return [f"{own}, and a score of at least {scorer.threshold!r} of the model is {same}"]


def _lines(features: Features, distinct: int, rows: int) -> list[str]:
    lines = [
        f"checked: {rows:,} random rows get the same scores, to the last bit ({distinct:,} different ones)",
        f"columns, in this order and without names: {listing(features.input_names)}",
    ]
    for position in features.categorical:
        column = features.columns[position]
        codes = [f"{text} {code}" for code, text in enumerate(column.categories or ())]
        what = f"column {position + 1}, {column.name}, is a code"
        lines.append(f"{what}: {listing(codes, limit=10)}; any other is missing")
    if features.scaling is not None:
        lines.append("numbers are scaled first, (x - mean) / std, by `preprocessing` in model.json")
    lines += [
        f"column {one.name} is computed of numbers before scaling: {one.text}" for one in features.derived
    ]
    if features.clocks:
        lines.append(
            "hour and weekday are those of the time in UTC, as it stands where it has no zone; Monday is 0"
        )
    if features.codes:
        lines.append("XGBoost 1.7 or newer reads it, as it splits on categories")
    return lines


if __name__ == "__main__":
    sys.exit(work.carry_out(export))
