"""What hyperparameters cannot be together. Each rule was checked against XGBoost 3.2.0, by the tests too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
#: about trees that are dropped out, with the value that drops none, or is as good as any other then
_DART: Values = {
    "rate_drop": 0.0,
    "skip_drop": 0.0,
    "one_drop": False,
    "sample_type": "uniform",
    "normalize_type": "tree",
}
#: what draws rows or columns, below 1
SHARES = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")


#: the updaters of each tree method, as a list somebody may bring
_UPDATERS = {
    "hist": ("grow_quantile_histmaker",),
    "approx": ("grow_histmaker",),
    "exact": ("grow_colmaker", "grow_colmaker,prune"),
}
#: the parameters a conflict is about, and the error
Conflict = tuple[tuple[str, ...], ConfigError]


def without_idle(values: Values) -> dict[str, Any]:
    """The values, but for those about dropped trees that drop none, where no tree is dropped anyway."""
    if values.get("booster") == "dart":
        return dict(values)
    return {name: value for name, value in values.items() if name not in _DART or value != _DART[name]}


def conflicts(values: Values, prefix: str) -> Iterator[Conflict]:
    """Values that contradict each other, or of which one would silently do nothing.

    Parameters
    ----------
    values : mapping
        Those that are set, under their canonical names.
    prefix : str
        What stands before every name where the person writes it.
    """
    yield from _of_trees(values, prefix)
    yield from _of_method(values, prefix)
    yield from _of_dart(values, prefix)
    yield from _of_learning(values, prefix)
    yield from _of_metrics(values, prefix)
    yield from _of_members(values, prefix)


def _of_trees(values: Values, p: str) -> Iterator[Conflict]:
    if values.get("max_depth") == 0:
        if values.get("tree_method") == "exact":
            yield (
                ("max_depth", "tree_method"),
                ConfigError(
                    f"{p}max_depth=0 is no limit, which {p}tree_method=exact needs", fix=f"set {p}max_depth"
                ),
            )
        elif not values.get("max_leaves"):
            yield (
                ("max_depth", "max_leaves", "tree_method"),
                ConfigError(
                    f"{p}max_depth=0 grows without limit",
                    fix=f"set {p}max_leaves as well, or a {p}max_depth",
                ),
            )
    trees = values.get("num_parallel_tree", 1)
    if trees > 1 and all(values.get(name, 1.0) == 1.0 for name in SHARES):
        yield (
            ("num_parallel_tree", *SHARES),
            ConfigError(
                f"{p}num_parallel_tree={trees} without sampling grows the same tree {trees} times",
                fix=f"set {p}subsample or {p}colsample_bynode below 1",
            ),
        )


def _of_method(values: Values, p: str) -> Iterator[Conflict]:
    method = values.get("tree_method", "hist")
    idle = _IDLE.get(method, {})
    asked = [name for name, nothing in idle.items() if values.get(name, nothing) != nothing]
    if values.get("max_depth") == 0 and "max_leaves" in asked:  # said with max_depth
        asked.remove("max_leaves")
    if asked:
        yield (
            ("tree_method", *asked),
            ConfigError(
                f"{p}tree_method={method} cannot use "
                + ", ".join(f"{p}{name}={values[name]}" for name in asked),
                fix=f"choose {p}tree_method=hist, or set "
                + " ".join(f"{p}{name}={idle[name]}" for name in asked),
            ),
        )
    updater = values.get("updater")
    if updater is not None and updater not in _UPDATERS[method]:
        meant = next(name for name, updaters in _UPDATERS.items() if updater in updaters)
        yield (
            ("tree_method", "updater"),
            ConfigError(
                f"{p}updater={updater} is not that of {p}tree_method={method}",
                fix=f"set {p}tree_method={meant}, or leave {p}updater out",
            ),
        )


def _of_dart(values: Values, p: str) -> Iterator[Conflict]:
    if values.get("booster") != "dart":
        for stray in _DART:
            if stray in values:
                yield (
                    ("booster", stray),
                    ConfigError(
                        f"{p}{stray} is about trees that are dropped out, which only {p}booster=dart does",
                        fix=f"set {p}booster=dart, or leave {p}{stray} out",
                    ),
                )
        return
    if not values.get("rate_drop") and not values.get("one_drop"):
        yield (
            ("booster", "rate_drop", "one_drop"),
            ConfigError(
                f"{p}booster=dart without {p}rate_drop drops no tree",
                fix=f"set {p}rate_drop, for example to 0.1, or leave {p}booster out",
            ),
        )
    if values.get("early_stopping_rounds") and values.get("save_best", True):
        yield (
            ("booster", "early_stopping_rounds", "save_best"),
            ConfigError(
                f"{p}booster=dart cannot be cut after its best round, as later rounds reweight earlier trees",
                fix=f"set {p}save_best=false to keep every round until the stop, or"
                f" {p}early_stopping_rounds=0",
            ),
        )


def _of_learning(values: Values, p: str) -> Iterator[Conflict]:
    objective = values.get("objective", "binary:logistic")
    if objective != "binary:logistic" and values.get("scale_pos_weight", 1.0) != 1.0:
        yield (
            ("objective", "scale_pos_weight"),
            ConfigError(
                f"{p}scale_pos_weight is part of XGBoost's own objective, and {p}objective is {objective}",
                fix=f"weigh frauds inside the hook, and leave {p}scale_pos_weight out",
            ),
        )
    if values.get("k_fold_repeats", 1) > 1 and not values.get("k_fold"):
        yield (
            ("k_fold", "k_fold_repeats"),
            ConfigError(
                f"{p}k_fold_repeats={values['k_fold_repeats']} repeats folds, and there are none",
                fix=f"set {p}k_fold, for example to 5",
            ),
        )


def _of_metrics(values: Values, p: str) -> Iterator[Conflict]:
    metrics = values.get("eval_metric", ())
    if metrics and values.get("early_stopping_rounds") and (why := misleads(metrics[-1])):
        first = ",".join(metric for metric in metrics if metric != "logloss")
        yield (
            ("eval_metric", "early_stopping_rounds"),
            ConfigError(
                f"early stopping watches the last of {p}eval_metric, and {metrics[-1]} {why}",
                fix=f"put one that can guide it last, such as {p}eval_metric={first},logloss, or set"
                f" {p}early_stopping_rounds=0",
            ),
        )
    if values.get("csv_weights"):
        try:
            check_weighted(metrics)
        except ConfigError as error:
            yield ("eval_metric", "csv_weights"), error


def _samples(values: Values) -> bool:
    """Whether rounds draw random numbers."""
    return values.get("booster") == "dart" or any(values.get(name, 1.0) < 1.0 for name in SHARES)


def _of_members(values: Values, p: str) -> Iterator[Conflict]:
    members = values.get("members")
    if isinstance(members, int) and not _samples(values):
        yield (
            ("members", "booster", *SHARES),
            ConfigError(
                f"{p}members={members} without sampling trains the same model {members} times",
                fix=f"set {p}subsample or {p}colsample_bytree below 1, leave them out, or list what sets each"
                " member apart",
            ),
        )


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
