"""What hyperparameters cannot be together. Each rule was checked against XGBoost 3.2.0, by the tests too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fraudlab.container.failure import ConfigError
from fraudlab.container.hyperparameters.eval_metrics import misleads

Values = Mapping[str, Any]

#: what a tree method does not look at, or cannot do, with the value that asks for nothing
_IDLE: Mapping[str, Values] = {
    "exact": {
        "max_bin": 256,
        "fraud_bins": 0.0,
        "max_leaves": 0,
        "grow_policy": "depthwise",
        "colsample_bynode": 1.0,
        "max_cat_to_onehot": 4,
        "max_cat_threshold": 64,
        "max_cached_hist_node": None,
    },
    "approx": {"fraud_bins": 0.0},
}
_DART = ("rate_drop", "skip_drop", "one_drop", "sample_type", "normalize_type")
_SHARES = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")


def check_together(values: Values, prefix: str) -> None:
    """Refuse values that contradict each other, or of which one would silently do nothing.

    Parameters
    ----------
    values : mapping
        Those that are set, under their canonical names.
    prefix : str
        What stands before every name where the person writes it.

    Raises
    ------
    ConfigError
    """
    _check_trees(values, prefix)
    _check_method(values, prefix)
    _check_dart(values, prefix)
    _check_learning(values, prefix)


def _check_trees(values: Values, p: str) -> None:
    if values.get("max_depth") == 0:
        if values.get("tree_method") == "exact":
            raise ConfigError(
                f"{p}max_depth=0 is no limit, which {p}tree_method=exact needs", fix=f"set {p}max_depth"
            )
        if not values.get("max_leaves"):
            raise ConfigError(
                f"{p}max_depth=0 grows without limit",
                fix=f"set {p}max_leaves as well, or a {p}max_depth",
            )
    trees = values.get("num_parallel_tree", 1)
    if trees > 1 and all(values.get(name, 1.0) == 1.0 for name in _SHARES):
        raise ConfigError(
            f"{p}num_parallel_tree={trees} without sampling grows the same tree {trees} times",
            fix=f"set {p}subsample or {p}colsample_bynode below 1",
        )


def _check_method(values: Values, p: str) -> None:
    method = values.get("tree_method", "hist")
    idle = _IDLE.get(method, {})
    asked = [name for name, nothing in idle.items() if values.get(name, nothing) != nothing]
    if asked:
        raise ConfigError(
            f"{p}tree_method={method} cannot use " + ", ".join(f"{p}{name}={values[name]}" for name in asked),
            fix=f"choose {p}tree_method=hist, or set "
            + " ".join(f"{p}{name}={idle[name]}" for name in asked),
        )


def _check_dart(values: Values, p: str) -> None:
    if values.get("booster") != "dart":
        stray = [name for name in _DART if name in values]
        if stray:
            raise ConfigError(
                f"{p}{stray[0]} is about trees that are dropped out, which only {p}booster=dart does",
                fix=f"set {p}booster=dart, or leave {p}{stray[0]} out",
            )
        return
    if not values.get("rate_drop") and not values.get("one_drop"):
        raise ConfigError(
            f"{p}booster=dart without {p}rate_drop drops no tree",
            fix=f"set {p}rate_drop, for example to 0.1, or leave {p}booster out",
        )
    if values.get("early_stopping_rounds") and values.get("save_best", True):
        raise ConfigError(
            f"{p}booster=dart cannot be cut after its best round, as later rounds reweight earlier trees",
            fix=f"set {p}save_best=false to keep every round until the stop, or {p}early_stopping_rounds=0",
        )


def _check_learning(values: Values, p: str) -> None:
    objective = values.get("objective", "binary:logistic")
    if objective != "binary:logistic" and values.get("scale_pos_weight", 1.0) != 1.0:
        raise ConfigError(
            f"{p}scale_pos_weight is part of XGBoost's own objective, and {p}objective is {objective}",
            fix=f"weigh frauds inside the hook, and leave {p}scale_pos_weight out",
        )
    if values.get("k_fold_repeats", 1) > 1 and not values.get("k_fold"):
        raise ConfigError(
            f"{p}k_fold_repeats={values['k_fold_repeats']} repeats folds, and there are none",
            fix=f"set {p}k_fold, for example to 5",
        )
    watched = values.get("eval_metric", ("logloss",))[-1]
    if values.get("early_stopping_rounds") and (why := misleads(watched)):
        first = ",".join(metric for metric in values["eval_metric"] if metric != "logloss")
        raise ConfigError(
            f"early stopping watches the last of {p}eval_metric, and {watched} {why}",
            fix=f"put one that can guide it last, such as {p}eval_metric={first},logloss, or set"
            f" {p}early_stopping_rounds=0",
        )
    if values.get("csv_weights"):
        check_weighted(values.get("eval_metric", ()))


def check_weighted(metrics: Sequence[str]) -> None:
    """Refuse metrics that XGBoost cannot compute of rows with weights.

    Raises
    ------
    ConfigError
    """
    for metric in metrics:
        if metric.startswith("pre@"):
            raise ConfigError(
                f"eval_metric={metric} counts alerts, and the rows have weights",
                fix="leave the weights out, or choose another metric",
            )
