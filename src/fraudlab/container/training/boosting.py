"""What XGBoost is given: binned matrices, threads and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
_Weights = NDArray[np.float32]


def train_matrix(
    rows: Prepared | Sequence[Prepared],
    features: Features,
    parameters: Hyperparameters,
    *,
    ref: Any = None,
    hosts: Hosts | None = None,
) -> Any:
    """The binned form of rows that XGBoost trains on.

    Parameters
    ----------
    rows : Prepared or sequence of Prepared
        A split, or several that are trained on together: the bytes of a model are those of one split with
        the rows of all.
    features : Features
    parameters : Hyperparameters
    ref : xgboost.QuantileDMatrix, optional
        The train matrix, whose bins a validation matrix shares.
    hosts : Hosts, optional
        Those that hold the other rows.
    """
    given = [rows] if isinstance(rows, Prepared) else list(rows)
    parts = [part for part in given if len(part)] or given[:1]
    categorical = set(features.categorical)
    described: dict[str, Any] = {"feature_names": features.booster_names}
    if categorical:
        # Not where all are numbers: boosting is then slower by a tenth, for nothing.
        described["feature_types"] = [
            "c" if at in categorical else "float" for at in range(len(features.inputs))
        ]
    method = parameters.booster["tree_method"]
    if method == "exact" and categorical:
        raise ConfigError(
            "tree_method=exact cannot learn from categories",
            fix="use tree_method=hist, or drop data.categorical",
        )
    own = _own_weights(parts)
    if method != "hist":
        matrix = _joined([part.matrix for part in parts])
        label, weight = _joined([part.label for part in parts]), None if own is None else _joined(own)
        return xgboost.DMatrix(matrix, label=label, weight=weight, nthread=threads(parameters), **described)
    places = ref is None and parameters.fraud_bins > 0
    weights = bin_weights(parts, parameters.fraud_bins, hosts or Hosts()) if places else own
    binned = xgboost.QuantileDMatrix(
        _Rows(parts, weights, described),
        max_bin=parameters.booster.get("max_bin", 256),
        ref=ref,
        nthread=threads(parameters),
    )
    if places:
        learnt = own or [np.ones(len(part), np.float32) for part in parts]
        binned.set_weight(_joined(learnt))
    return binned


class _Rows(xgboost.DataIter):  # type: ignore[misc]
    """Parts of rows, one after the other: they are binned as if they were one, and never copied into one."""

    def __init__(
        self, parts: Sequence[Prepared], weights: Sequence[_Weights] | None, described: Mapping[str, Any]
    ) -> None:
        self._parts, self._weights, self._described, self._next = parts, weights, described, 0
        super().__init__()

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Hand over the next part; False after the last."""
        at = self._next
        if at == len(self._parts):
            return False
        weight = None if self._weights is None else self._weights[at]
        input_data(data=self._parts[at].matrix, label=self._parts[at].label, weight=weight, **self._described)
        self._next += 1
        return True

    def reset(self) -> None:
        """Begin again with the first part."""
        self._next = 0


def _own_weights(parts: Sequence[Prepared]) -> list[_Weights] | None:
    """The weights that rows came with; where only some parts have any, the rows of others weigh 1."""
    if all(part.weight is None for part in parts):
        return None
    return [np.ones(len(part), np.float32) if part.weight is None else part.weight for part in parts]


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def bin_weights(parts: Sequence[Prepared], fraud_bins: float, hosts: Hosts) -> list[_Weights]:
    """Weights that decide where histogram bins end, and are taken back before training.

    Bins are quantiles of weighted values. Of a table with one fraud in 600 rows, 256 bins of equal rows put
    all that sets frauds apart, such as the tail of an amount, into one or two.

    Parameters
    ----------
    parts : sequence of Prepared
        Rows that are binned together. Weights of their own are kept in proportion within each class.
    fraud_bins : float
        Share of the weight all frauds have together, above 0 and below 1.
    hosts : Hosts
        Those that hold the other rows.

    Returns
    -------
    list of ndarray of float32, shape (rows of the part,)
    """
    sums = np.array([_class_weights(part) for part in parts]).sum(axis=0)
    frauds, legitimate = hosts.total(list(sums))
    odds = np.float32(fraud_bins / (1.0 - fraud_bins) * legitimate / frauds)
    found = []
    for part in parts:
        weight = np.where(part.label, odds, np.float32(1.0))
        found.append(weight if part.weight is None else weight * part.weight)
    return found


def _class_weights(part: Prepared) -> tuple[float, float]:
    """What frauds and legitimate rows weigh together."""
    if part.weight is None:
        return float(part.frauds), float(len(part) - part.frauds)
    weighed = part.weight.astype(np.float64)
    return float(weighed[part.label == 1].sum()), float(weighed[part.label == 0].sum())


def threads(parameters: Hyperparameters) -> int:
    """Threads to train with: their number does not change the model."""
    return min(cpu_count(), parameters.nthread or cpu_count())


def segment_seed(seed: int, segment: int) -> int:
    """The seed of a segment of rounds: `seed` itself for the first, a number drawn from both after it."""
    if segment == 0:
        return seed
    return int(np.random.SeedSequence([seed, segment]).generate_state(1)[0]) % _MAX_SEED
