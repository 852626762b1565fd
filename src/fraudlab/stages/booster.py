"""What the booster itself says of a split, without an endpoint in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.container.contract import Fields, read_json
from fraudlab.container.features import read_features
from fraudlab.container.prepared import read_split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS = ("gain", "weight", "cover")


def reference_scores(model: Path, split: Path) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Score a prepared split with ``Booster.predict``, and read the booster's feature importance.

    Parameters
    ----------
    model : Path
        Folder with ``model.ubj`` and ``model.json``.
    split : Path
        Folder with the split's Parquet files.

    Returns
    -------
    scores : ndarray of float32, shape (rows,)
    importance : list of dict
        ``column``, ``gain``, ``weight`` and ``cover`` as shares of their totals, largest gain first.
    """
    import xgboost as xgb

    features = read_features(Fields(read_json(model / "model.json"), source="model.json"))
    booster = xgb.Booster(model_file=str(model / "model.ubj"))
    types = ["q" if column.categories is None else "c" for column in features.columns]
    matrix = xgb.DMatrix(read_split(split, features).matrix, feature_types=types, enable_categorical=True)
    return booster.predict(matrix, validate_features=False), _importance(booster, features.names)


def _importance(booster: Any, names: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"column": name} for name in names]
    for kind in _KINDS:
        values = booster.get_score(importance_type="weight" if kind == "weight" else f"total_{kind}")
        # a booster trained on plain arrays numbers its features
        shares = [float(values.get(name, values.get(f"f{i}", 0.0))) for i, name in enumerate(names)]
        total = sum(shares) or 1.0
        for entry, share in zip(found, shares, strict=True):
            entry[kind] = share / total
    return sorted(found, key=lambda entry: -entry["gain"])
