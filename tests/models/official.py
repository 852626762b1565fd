"""Artifacts of the official container, as they are and as they might be."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from fraudlab.container.runtime import lean_xgboost

with lean_xgboost():
    import xgboost

INPUTS = Path(__file__).parents[1] / "inputs" / "official-models"
#: what a pickle of a Booster begins with
PICKLE = b"\x80\x04\x95\xc5\x08\x00\x00\x00\x00\x00\x00\x8c\x0cxgboost.core\x94\x8c\x07Booster\x94\x93\x94"
#: XGBoost 1.0's binary format, and that of 1.1 to 2.0
BINARY = b"\x00\x00\x00?\x04" + bytes(131) + b"\x0f\0\0\0\0\0\0\0binary:logistic\x06\0\0\0\0\0\0\0gbtree"
NAMES = ["amount", "hour", "risk", "age"]


def rows(count: int = 300, columns: int = 4, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, columns)).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    return matrix


def train(*, seed: int = 0, rounds: int = 3, names: list[str] | None = None, **parameters: Any) -> Any:
    """A booster of today, as the official container trains one."""
    matrix = rows(seed=seed)
    label = (np.nan_to_num(matrix[:, 0]) + np.random.default_rng(seed).normal(size=len(matrix)) > 0.8).astype(
        int
    )
    data = xgboost.DMatrix(matrix, label=label, feature_names=names)
    defaults = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3}
    return xgboost.train(defaults | parameters, data, rounds)


def load(file: Path) -> Any:
    with xgboost.config_context(verbosity=0):
        return xgboost.Booster({"nthread": 1}, model_file=bytearray(file.read_bytes()))


def save(booster: Any, path: Path, form: str = "ubj") -> Path:
    path.write_bytes(bytes(booster.save_raw(form)))
    return path


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


def scores_of(model: Path, matrix: Any) -> Any:
    """What an endpoint with this model folder says."""
    from fraudlab.container.scorer import load_scorer

    return load_scorer(model).score(np.ascontiguousarray(matrix, np.float32))


def own_scores(booster: Any, matrix: Any, **how: Any) -> Any:
    booster.set_param({"nthread": 1})
    return booster.predict(xgboost.DMatrix(matrix, **how), validate_features=False)


def known(name: str) -> tuple[Any, Any]:
    """Rows, and what the version that wrote a file said of them."""
    given = json.loads((INPUTS / "rows.json").read_text())
    told = json.loads((INPUTS / "scores.json").read_text())[name]
    return np.array(given, np.float32), np.array(told, np.float32)
