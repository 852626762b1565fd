"""What XGBoost is given: binned matrices, threads and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import Hyperparameters
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import cpu_count, lean_xgboost

with lean_xgboost():
    import xgboost

_MAX_SEED = 2**31 - 1


def train_matrix(
    split: Prepared,
    features: Features,
    parameters: Hyperparameters,
    *,
    ref: Any = None,
    hosts: Hosts | None = None,
) -> Any:
    """The binned form of a split that XGBoost trains on.

    Parameters
    ----------
    split : Prepared
    features : Features
    parameters : Hyperparameters
    ref : xgboost.QuantileDMatrix, optional
        The train matrix, whose bins a validation matrix shares.
    hosts : Hosts, optional
        Those that hold the other rows of the split.
    """
    categorical = set(features.categorical)
    options: dict[str, Any] = {
        "label": split.label,
        "feature_names": features.booster_names,
        "nthread": threads(parameters),
    }
    if categorical:
        # Not where all are numbers: boosting is then slower by a tenth, for nothing.
        options["feature_types"] = [
            "c" if at in categorical else "float" for at in range(len(features.inputs))
        ]
    method = parameters.booster["tree_method"]
    if method == "exact" and categorical:
        raise ConfigError(
            "tree_method=exact cannot learn from categories",
            fix="use tree_method=hist, or drop data.categorical",
        )
    if method != "hist":
        return xgboost.DMatrix(split.matrix, weight=split.weight, **options)
    bins = parameters.booster.get("max_bin", 256)
    if ref is not None or not parameters.fraud_bins:
        return xgboost.QuantileDMatrix(split.matrix, max_bin=bins, ref=ref, weight=split.weight, **options)
    weight = bin_weights(split, parameters.fraud_bins, hosts or Hosts())
    binned = xgboost.QuantileDMatrix(split.matrix, max_bin=bins, weight=weight, **options)
    binned.set_weight(np.ones_like(weight) if split.weight is None else split.weight)
    return binned


def bin_weights(split: Prepared, fraud_bins: float, hosts: Hosts) -> NDArray[np.float32]:
    """Weights that decide where histogram bins end, and are taken back before training.

    Bins are quantiles of weighted values. Of a table with one fraud in 600 rows, 256 bins of equal rows put
    all that sets frauds apart, such as the tail of an amount, into one or two.

    Parameters
    ----------
    split : Prepared
        Weights of its own are kept in proportion within each class.
    fraud_bins : float
        Share of the weight all frauds have together, above 0 and below 1.
    hosts : Hosts
        Those that hold the other rows.

    Returns
    -------
    ndarray of float32, shape (rows,)
    """
    if split.weight is None:
        own: list[float] = [split.frauds, len(split) - split.frauds]
    else:
        weighed = split.weight.astype(np.float64)
        own = [float(weighed[split.label == 1].sum()), float(weighed[split.label == 0].sum())]
    frauds, legitimate = hosts.total(own)
    odds = np.float32(fraud_bins / (1.0 - fraud_bins) * legitimate / frauds)
    weight = np.where(split.label, odds, np.float32(1.0))
    return weight if split.weight is None else weight * split.weight


def threads(parameters: Hyperparameters) -> int:
    """Threads to train with: their number does not change the model."""
    return min(cpu_count(), parameters.nthread or cpu_count())


def segment_seed(seed: int, segment: int) -> int:
    """The seed of a segment of rounds: `seed` itself for the first, a number drawn from both after it."""
    if segment == 0:
        return seed
    return int(np.random.SeedSequence([seed, segment]).generate_state(1)[0]) % _MAX_SEED
