"""Boosters of all kinds XGBoost trains, and the same ones with something in them changed."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.booster_trees import ARRAYS
from fraudlab.container.runtime import lean_xgboost

with lean_xgboost():
    import xgboost

_ARRAYS = {**ARRAYS, "feature_segments": "l", "sorted_idx": "l"}
_FORMATS = {"U": "B", "l": "i", "L": "q", "d": "f"}


def features(*categories: int) -> Features:
    """Four numbers, and columns of so many categories."""
    numbers = [Column(f"n{i}") for i in range(4)]
    return Features(
        [*numbers, *(Column(f"c{i}", tuple(map(str, range(n)))) for i, n in enumerate(categories))]
    )


def rows(given: Features, count: int = 300, seed: int = 0) -> tuple[Any, Any]:
    """Inputs with gaps, and labels that depend on them."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, len(given.inputs))).astype(np.float32)
    fraud = matrix[:, 0] + random.normal(size=count) > 0.8
    for position in given.categorical:
        codes = random.integers(0, len(given.columns[position].categories or ()), count)
        matrix[:, position] = codes
        fraud |= (codes % 3 == 0) & (random.random(count) < 0.3)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    return matrix, fraud.astype(int)


def train(given: Features, *, rounds: int = 4, count: int = 300, again: Any = None, **parameters: Any) -> Any:
    """A booster as the train job makes one."""
    matrix, label = rows(given, count)
    data = xgboost.DMatrix(
        matrix,
        label=label,
        feature_names=given.booster_names,
        feature_types=["float" if column.categories is None else "c" for column in given.inputs],
    )
    defaults = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3}
    return xgboost.train(defaults | parameters, data, rounds, xgb_model=again)


def decoded(booster: Any) -> dict[str, Any]:
    """A booster as the object it is written from."""
    content: dict[str, Any] = json.loads(booster.save_raw("json"))
    return content


def encoded(value: Any, name: str = "") -> bytes:
    """The object as XGBoost writes it, whatever is in it."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        inner = b"".join(_text(key) + encoded(item, key) for key, item in value.items())
        return b"{" + inner + b"}"
    if isinstance(value, str):
        return b"S" + _text(value)
    if isinstance(value, list):
        head = b"#L" + struct.pack(">q", len(value))
        if marker := _ARRAYS.get(name):
            return b"[$" + marker.encode() + head + struct.pack(f">{len(value)}{_FORMATS[marker]}", *value)
        return b"[" + head + b"".join(encoded(item, name) for item in value)
    if isinstance(value, float) or name == "weight_drop":
        return b"d" + struct.pack(">f", value)
    for marker, form, limit in (("i", "b", 127), ("I", "h", 2**15 - 1), ("l", "i", 2**31 - 1)):
        if -limit - 1 < value < limit:
            return marker.encode() + struct.pack(f">{form}", value)
    return b"L" + struct.pack(">q", value)


def _text(content: str) -> bytes:
    raw = content.encode()
    return b"L" + struct.pack(">q", len(raw)) + raw


Forge = Callable[[dict[str, Any]], Any]


def forged(booster: Any, change: Forge) -> bytes:
    """The booster's bytes after a change to its object."""
    content = decoded(booster)
    change(content)
    return encoded(content)
