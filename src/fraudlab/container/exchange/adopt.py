"""Check the booster that the converting process left, and make a model of it: in a process that trusts
nothing.

``python -m fraudlab.container.exchange.adopt FOLDER`` reads ``booster.ubj`` byte by byte before XGBoost does,
writes ``model/``, loads it as an endpoint does, and compares its scores with those of the loaded file.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fraudlab._version import __version__
from fraudlab.container.contract import Fields, read_json, write_json
from fraudlab.container.described_features import read_features
from fraudlab.container.exchange import work
from fraudlab.container.failure import JobError
from fraudlab.container.model_files.booster_file import check_booster
from fraudlab.container.model_files.model_file import write_model


def adopt(folder: Path) -> None:
    """Write the model folder, and ``result.json``.

    Raises
    ------
    ConfigError
        If the booster is none that may be loaded.
    JobError
        If the model scores otherwise than the file.
    """
    request, facts = read_json(folder / work.REQUEST), read_json(folder / work.FACTS)
    given = {
        "columns": facts["columns"],
        "preprocessing": {"scale": request["scale"]},
        "libsvm_base": request["libsvm_base"],
    }
    features = read_features(Fields(given, source=work.FACTS))
    booster = (folder / work.BOOSTER).read_bytes()
    check_booster(booster, features)
    write_model(folder / work.MODEL, booster, _contract(given, request, facts))
    from fraudlab.container.scorer import load_scorer

    rows = np.load(folder / work.ROWS, allow_pickle=False)
    scores = np.load(folder / work.SCORES, allow_pickle=False)
    found = load_scorer(folder / work.MODEL).score(np.ascontiguousarray(rows, np.float32))
    if found.tobytes() != scores.astype(np.float32).tobytes():
        raise JobError(
            f"{np.count_nonzero(found != scores)} of {scores.size} rows get other scores than from the file",
            fix="report it, with the file",
        )
    write_json(folder / work.RESULT, {"rows": int(scores.size), "distinct": int(np.unique(scores).size)})


def _contract(given: dict[str, Any], request: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    import xgboost

    threshold = request["threshold"]
    return {
        "run_id": "imported",
        "label": None,
        **given,
        "threshold": threshold,
        "decision": {"policy": "fixed", "threshold": threshold, "measured_on": None, "validation": None},
        "calibration": None,
        "uncalibrated": "an XGBoost file has none",
        "hyperparameters": {"objective": "binary:logistic", "booster": facts["booster"]},
        "rounds": facts["rounds"],
        "versions": {
            "fraudlab": __version__,
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "imported": {
            "files": _files(request, facts),
            "notes": facts["notes"],
            "difference": facts["difference"],
        },
        "hashes": {},
    }


def _files(request: dict[str, Any], facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**source, "xgboost": version}
        for source, version in zip(request["sources"], facts["versions"], strict=False)
    ]


if __name__ == "__main__":
    sys.exit(work.carry_out(adopt))
