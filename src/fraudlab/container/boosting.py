"""Training one booster: matrices, rounds, early stopping, a stop on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError, JobError
from fraudlab.container.features import Features
from fraudlab.container.hyperparameters import Hyperparameters
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StopRequest, cpu_count, lean_xgboost

with lean_xgboost():
    import xgboost

#: characters XGBoost keeps for its own text format
_FORBIDDEN = str.maketrans({"[": "(", "]": ")", "<": "‹"})

OnRound = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained booster and how it got there.

    Attributes
    ----------
    booster : xgboost.Booster
        Cut after the best round.
    metric : str
        The one early stopping watches.
    validation : list of float
        Its value after each round trained.
    best_round : int
        The last round that is kept, counted from 0.
    """

    booster: Any
    metric: str
    validation: list[float]
    best_round: int


class _Rounds(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # xgboost publishes no types
    def __init__(self, on_round: OnRound, stop: StopRequest) -> None:
        super().__init__()
        self._on_round = on_round
        self._stop = stop

    def after_iteration(
        self, _model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[float]]]
    ) -> bool:
        self._on_round(epoch, {name: values[-1] for name, values in evals_log["validation"].items()})
        return self._stop.made


def train_matrix(split: Prepared, features: Features, parameters: Hyperparameters, *, ref: Any = None) -> Any:
    """The binned form of a split that XGBoost trains on.

    Parameters
    ----------
    split : Prepared
    features : Features
    parameters : Hyperparameters
    ref : xgboost.QuantileDMatrix, optional
        The train matrix, whose bins a validation matrix shares.
    """
    categorical = set(features.categorical)
    options = {
        "label": split.label,
        "feature_names": _names(features),
        "feature_types": ["c" if position in categorical else "float" for position in range(len(features))],
        "nthread": cpu_count(),
    }
    method = parameters.booster["tree_method"]
    if method == "hist":
        bins = parameters.booster.get("max_bin", 256)
        if ref is not None or not parameters.fraud_bins:
            return xgboost.QuantileDMatrix(split.matrix, max_bin=bins, ref=ref, **options)
        weight = bin_weights(split.label, parameters.fraud_bins)
        binned = xgboost.QuantileDMatrix(split.matrix, max_bin=bins, weight=weight, **options)
        binned.set_weight(np.ones_like(weight))
        return binned
    if method == "exact" and categorical:
        raise ConfigError(
            "tree_method=exact cannot learn from categories",
            fix="use tree_method=hist, or drop data.categorical",
        )
    return xgboost.DMatrix(split.matrix, **options)


def bin_weights(label: NDArray[np.uint8], fraud_bins: float) -> NDArray[np.float32]:
    """Weights that decide where histogram bins end, and are taken back before training.

    Bins are quantiles of weighted values. Of a table with one fraud in 600 rows, 256 bins of equal rows put
    all that sets frauds apart, such as the tail of an amount, into one or two.

    Parameters
    ----------
    label : ndarray of {0, 1}, shape (rows,)
    fraud_bins : float
        Share of the weight all frauds have together, above 0 and below 1.

    Returns
    -------
    ndarray of float32, shape (rows,)
    """
    frauds = int(label.sum())
    odds = fraud_bins / (1.0 - fraud_bins) * (label.size - frauds) / frauds
    return np.where(label, np.float32(odds), np.float32(1.0))


def _names(features: Features) -> list[str]:
    """Names for the booster; numbered ones where leaving out forbidden characters makes two the same."""
    names = [name.translate(_FORBIDDEN) for name in features.names]
    return names if len(set(names)) == len(names) else [f"f{position}" for position in range(len(names))]


def fit(
    train: Any, validation: Any, parameters: Hyperparameters, *, on_round: OnRound, stop: StopRequest
) -> Fitted:
    """Train until the last round, the early stop, or a request to stop, whichever comes first.

    Parameters
    ----------
    train, validation : xgboost.DMatrix
        Metrics are computed on validation only: on train they would double the cost of a round.
    parameters : Hyperparameters
    on_round : callable
        Receives the round, counted from 0, and the validation metrics after it.
    stop : StopRequest

    Raises
    ------
    JobError
        If the job was asked to stop before its first round.
    """
    metric = parameters.eval_metric[-1]
    callbacks = [_Rounds(on_round, stop)]
    early = parameters.early_stopping_rounds
    if early:
        callbacks.append(
            xgboost.callback.EarlyStopping(rounds=early, metric_name=metric, data_name="validation")
        )
    if stop.made:
        raise JobError("the job was told to stop before its first round", fix="start it again")
    history: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        {
            **parameters.booster,
            "eval_metric": list(parameters.eval_metric),
            "nthread": cpu_count(),
            "verbosity": 1,
        },
        train,
        parameters.num_round,
        evals=[(validation, "validation")],
        evals_result=history,
        verbose_eval=False,
        callbacks=callbacks,
    )
    values = history["validation"][metric]
    best = booster.best_iteration if early else len(values) - 1
    return Fitted(booster[: best + 1], metric, values, best)
