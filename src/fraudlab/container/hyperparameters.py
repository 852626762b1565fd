"""The parameters of a training job: names, types and ranges, from the strings SageMaker delivers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from fraudlab.container.failure import ConfigError, near

_METRICS = ("aucpr", "auc", "logloss", "error")


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """A training job's parameters.

    Attributes
    ----------
    num_round : int
    early_stopping_rounds : int
        0 trains every round.
    save_best : bool
        With early stopping: cut the model after its best round. False keeps every round that was trained.
    checkpoint_rounds : int
        Rounds of a segment; a checkpoint is written after each. Where rounds draw random numbers (`samples`),
        a segment also begins with a fresh booster and a seed of its own, so that an interrupted job and one
        that was not end with the same bytes. 0 writes none.
    k_fold : int
        Folds of a cross-validation beside the model; 0 makes none.
    k_fold_repeats : int
        How often the folds are drawn.
    csv_weights : bool
        The second column of a label-first CSV file is the row's weight.
    keep_counter : bool
        A first column that only counts the rows is a feature, not a mistake.
    fraud_bins : float
        Share of a feature's histogram bins placed by the frauds' values; 0 places bins by all rows alike.
    decision_threshold : float or None
        Of a job without ``train.json``: an alert is a score of at least this; None chooses by F1.
    eval_metric : tuple of str
        Early stopping watches the last; ``hook:NAME`` is a function of ``hooks.py``.
    objective_hook : str or None
        Name of the function of ``hooks.py`` that gives gradients; the booster stays ``binary:logistic``.
    monotone_constraints : dict of {str or int: int} or None
        Direction a feature, by column name or position: 1 rising, -1 falling.
    interaction_constraints : tuple of tuples or None
        Groups of features, by column name or position, that may stand in one branch.
    booster : dict
        What goes to XGBoost, under its names; what is absent has XGBoost's default.
    """

    num_round: int = 100
    early_stopping_rounds: int = 0
    save_best: bool = True
    checkpoint_rounds: int = 100
    k_fold: int = 0
    k_fold_repeats: int = 1
    csv_weights: bool = False
    keep_counter: bool = False
    fraud_bins: float = 0.0
    decision_threshold: float | None = None
    eval_metric: tuple[str, ...] = ("aucpr",)
    objective_hook: str | None = None
    monotone_constraints: Mapping[str | int, int] | None = None
    interaction_constraints: tuple[tuple[str | int, ...], ...] | None = None
    booster: Mapping[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> bool:
        """Whether rounds draw random numbers, so that continuing a booster is not the same as not stopping."""
        shares = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")
        return self.booster.get("booster") == "dart" or any(
            self.booster.get(name, 1.0) < 1 for name in shares
        )

    def as_json(self) -> dict[str, Any]:
        """Everything that made the model, in one object: what XGBoost is given beside what is fraudlab's own."""
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "booster"}
        given = {name: value for name, value in own.items() if value is not None}
        return {**given, "eval_metric": list(self.eval_metric), **self.booster}


def direction(metric: str) -> Literal["maximize", "minimize"]:
    """Whether more of one of XGBoost's metrics is better; a hook says it itself (``Hooks.direction``)."""
    return "maximize" if metric in ("auc", "aucpr") else "minimize"


def read_hyperparameters(texts: Mapping[str, Any]) -> Hyperparameters:
    """Understand ``hyperparameters.json``.

    Parameters
    ----------
    texts : mapping of str
        Values are strings, plain or JSON-encoded. ``None``, ``null`` and the empty string mean "not set".

    Raises
    ------
    ConfigError
        If a name is unknown, or a value is not of its type or out of its range.
    """
    values: dict[str, Any] = {}
    for name, given in texts.items():
        if name not in _PARAMETERS:
            raise ConfigError(
                f"unknown hyperparameter {name!r}{near(name, _PARAMETERS)}",
                fix=f"use one of: {', '.join(sorted(_PARAMETERS))}",
            )
        plain = _plain(given)
        if plain is not None:
            values[name] = _PARAMETERS[name](name, plain)
    own = {name: values.pop(name) for name in _OWN if name in values}
    return Hyperparameters(
        **own, booster={"objective": "binary:logistic", "tree_method": "hist", "seed": 0} | values
    )


def _plain(given: Any) -> str | None:
    """The text of a value, whether it was JSON-encoded or not; None where it is not set."""
    if isinstance(given, str):
        text = given.strip()
        if text.startswith('"'):
            try:
                given = json.loads(text)
            except ValueError:
                return text
            text = str(given)
        return None if text in ("", "None", "null") else text
    return None if given is None else json.dumps(given)


def _number(
    minimum: float, maximum: float = math.inf, *, open_minimum: bool = False
) -> Callable[[str, str], float]:
    def parse(name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = minimum <= value <= maximum and math.isfinite(value)
        if not inside or (open_minimum and value == minimum):
            raise _refused(name, text, f"a number {_range(minimum, maximum, open_minimum)}")
        return value

    return parse


def _whole(minimum: int, maximum: int = 2**31 - 1) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (minimum <= value <= maximum and value == int(value)):
            raise _refused(name, text, f"a whole number {_range(minimum, maximum, False)}")
        return int(value)

    return parse


def _flag(name: str, text: str) -> bool:
    flags = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in flags:
        raise _refused(name, text, "true or false")
    return flags[text.lower()]


def _one_of(*valid: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in valid:
            raise _refused(name, text, f"one of {', '.join(valid)}")
        return text

    return parse


def _metrics(name: str, text: str) -> tuple[str, ...]:
    try:
        given = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError:
        given = [text]
    metrics = tuple(str(metric).strip() for metric in given)
    if not metrics or len(set(metrics)) != len(metrics) or not set(metrics) <= set(_METRICS):
        raise _refused(name, text, f"one or more of {', '.join(_METRICS)}")
    return metrics


def _range(minimum: float, maximum: float, open_minimum: bool) -> str:
    lower = f"above {minimum:g}" if open_minimum else f"of at least {minimum:g}"
    return lower if maximum in (math.inf, 2**31 - 1) else f"{lower} and at most {maximum:g}"


def _refused(name: str, text: str, wanted: str) -> ConfigError:
    return ConfigError(f"hyperparameter {name!r} is {text!r}, not {wanted}", fix=f"set {name} to {wanted}")


_PARAMETERS: dict[str, Callable[[str, str], Any]] = {
    "num_round": _whole(1),
    "early_stopping_rounds": _whole(0),
    "save_best": _flag,
    "checkpoint_rounds": _whole(0),
    "k_fold": _whole(0, 50),
    "k_fold_repeats": _whole(1, 100),
    "csv_weights": _flag,
    "keep_counter": _flag,
    "decision_threshold": _number(0, 1),
    "eval_metric": _metrics,
    "objective": _one_of("binary:logistic"),
    "tree_method": _one_of("hist", "approx", "exact"),
    "grow_policy": _one_of("depthwise", "lossguide"),
    "learning_rate": _number(0, 1, open_minimum=True),
    "max_depth": _whole(0, 64),
    "max_leaves": _whole(0),
    "max_bin": _whole(2, 65_535),
    "fraud_bins": _number(0, 0.99),
    "max_cat_to_onehot": _whole(1),
    "min_child_weight": _number(0),
    "max_delta_step": _number(0),
    "gamma": _number(0),
    "subsample": _number(0, 1, open_minimum=True),
    "colsample_bytree": _number(0, 1, open_minimum=True),
    "reg_lambda": _number(0),
    "reg_alpha": _number(0),
    "scale_pos_weight": _number(0, open_minimum=True),
    "base_score": _number(0, 1, open_minimum=True),
    "seed": _whole(0),
}
_OWN = tuple(item.name for item in fields(Hyperparameters) if item.name != "booster")
