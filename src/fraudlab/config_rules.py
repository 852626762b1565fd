"""What the types of the schema cannot say: ranges, and combinations that cannot work."""

from __future__ import annotations

import re

from fraudlab.config import DataKind, RunConfig, SplitKind, ThresholdPolicy
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError

#: A run id becomes part of job names, which SageMaker limits to 63 letters, digits and hyphens.
RUN_ID = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,38}[a-zA-Z0-9])?")
OBJECTIVES = ("binary:logistic",)
METRICS = ("aucpr", "auc", "logloss", "error")
TREE_METHODS = ("hist", "approx", "exact")


def check(config: RunConfig) -> None:
    """Check a composed configuration; the first thing that cannot work is raised.

    Raises
    ------
    ConfigError
        With the key, its value, and what would work.
    """
    _check_data(config)
    _check_split(config)
    _check_model(config)
    _check_rest(config)


def gap_seconds(config: RunConfig) -> float:
    """The time left out before validation and before test, in seconds."""
    return seconds(config.split.gap, key="split.gap")


def split_kind(config: RunConfig) -> SplitKind:
    """The split that will be made: ``auto`` is by time where there is a time column."""
    if config.split.kind is not SplitKind.auto:
        return config.split.kind
    return SplitKind.time if config.data.time else SplitKind.stratified


def _check_data(config: RunConfig) -> None:
    data = config.data
    _need(data.rows >= 1_000, "data.rows", data.rows, "1000 or more")
    _need(0.0 < data.fraud_rate <= 0.5, "data.fraud_rate", data.fraud_rate, "above 0 and at most 0.5")
    seconds(data.delay, key="data.delay")
    roles = {"data.label": [data.label], "data.id": data.id, "data.drop": data.drop}
    roles |= {"data.time": [data.time] if data.time else [], "data.card": [data.card] if data.card else []}
    seen: dict[str, str] = {}
    for key, columns in roles.items():
        for column in columns:
            if column in seen:
                raise ConfigError(
                    f"column {column!r} is both {seen[column]} and {key}.",
                    fix="a column has one role: remove it from one",
                )
            seen[column] = key
    for key, columns in (("data.features", data.features), ("data.categorical", data.categorical)):
        for column in columns:
            if column in seen and not (seen[column] == "data.card" and column in data.features):
                raise ConfigError(
                    f"column {column!r} is both {seen[column]} and {key}.",
                    fix=f"remove {column!r} from {key}",
                )
    unused = [c for c in data.categorical if data.features and c not in data.features]
    if unused:
        raise ConfigError(
            f"data.categorical names {unused[0]!r}, which data.features leaves out.",
            fix=f"add {unused[0]!r} to data.features, or remove it from data.categorical",
        )
    if data.kind is not DataKind.synthetic and not data.path:
        raise ConfigError(f"data.path must be given for data={data.kind.value}.", fix="add data.path=FILE")
    if data.kind is DataKind.synthetic and data.path:
        raise ConfigError(
            f"data.path={data.path} is given, but data=synthetic makes its own table.",
            fix=f"add data=table data.path={data.path} data.label=COLUMN",
        )


def _check_split(config: RunConfig) -> None:
    split = config.split
    for name in ("train", "validation", "test"):
        share: float = getattr(split, name)
        _need(0.0 < share < 1.0, f"split.{name}", share, "between 0 and 1")
    total = split.train + split.validation + split.test
    if abs(total - 1.0) > 1e-6:
        raise ConfigError(
            f"split.train + split.validation + split.test is {total:g}, not 1.",
            fix="for example split.train=0.6 split.validation=0.2 split.test=0.2",
        )
    gap_seconds(config)
    if split.kind is SplitKind.time and not config.data.time:
        raise ConfigError(
            "split=time needs a time column, and data.time is not set.",
            fix="add data.time=COLUMN, or choose split=stratified",
        )


def _check_model(config: RunConfig) -> None:
    model = config.model
    one_of("model.objective", model.objective, OBJECTIVES)
    one_of("model.eval_metric", model.eval_metric, METRICS)
    one_of("model.tree_method", model.tree_method, TREE_METHODS)
    one_of("model.grow_policy", model.grow_policy, ("depthwise", "lossguide"))
    _need(1 <= model.num_round <= 100_000, "model.num_round", model.num_round, "1 to 100000")
    _need(
        0.0 < model.learning_rate <= 1.0, "model.learning_rate", model.learning_rate, "above 0 and at most 1"
    )
    _need(
        0 <= model.max_depth <= 64, "model.max_depth", model.max_depth, "0 (no limit, with max_leaves) to 64"
    )
    _need(2 <= model.max_bin <= 65_535, "model.max_bin", model.max_bin, "2 to 65535")
    _need(0.0 <= model.fraud_bins <= 0.99, "model.fraud_bins", model.fraud_bins, "0 to 0.99")
    _need(model.max_cat_to_onehot >= 1, "model.max_cat_to_onehot", model.max_cat_to_onehot, "1 or more")
    for name in ("subsample", "colsample_bytree"):
        share: float = getattr(model, name)
        _need(0.0 < share <= 1.0, f"model.{name}", share, "above 0 and at most 1")
    for name in ("early_stopping_rounds", "max_leaves"):
        _need(getattr(model, name) >= 0, f"model.{name}", getattr(model, name), "0 or more")
    for name in ("min_child_weight", "gamma", "reg_lambda", "reg_alpha", "max_delta_step"):
        _need(getattr(model, name) >= 0.0, f"model.{name}", getattr(model, name), "0 or more")
    _need(model.scale_pos_weight > 0.0, "model.scale_pos_weight", model.scale_pos_weight, "above 0")
    if model.base_score is not None:
        _need(0.0 < model.base_score < 1.0, "model.base_score", model.base_score, "between 0 and 1, or null")
    if model.max_depth == 0 and model.max_leaves == 0:
        raise ConfigError(
            "model.max_depth=0 grows without limit.", fix="set model.max_leaves as well, or a max_depth"
        )
    if config.data.categorical and model.tree_method == "exact":
        raise ConfigError(
            "model.tree_method=exact cannot use data.categorical.",
            fix="choose model.tree_method=hist or approx",
        )


def _check_rest(config: RunConfig) -> None:
    evaluation = config.evaluation
    if evaluation.policy is ThresholdPolicy.fixed:
        if evaluation.threshold is None:
            raise ConfigError(
                "evaluation.policy=fixed needs evaluation.threshold.", fix="add evaluation.threshold=0.5"
            )
        _need(0.0 <= evaluation.threshold <= 1.0, "evaluation.threshold", evaluation.threshold, "0 to 1")
    elif evaluation.threshold is not None:
        raise ConfigError(
            f"evaluation.threshold is set, but evaluation.policy={evaluation.policy.value} chooses its own.",
            fix="choose evaluation.policy=fixed, or leave the threshold out",
        )
    _need(evaluation.alert_cost >= 0.0, "evaluation.alert_cost", evaluation.alert_cost, "0 or more")
    _need(
        evaluation.missed_fraud_cost > 0.0,
        "evaluation.missed_fraud_cost",
        evaluation.missed_fraud_cost,
        "above 0",
    )
    _need(evaluation.resamples >= 100, "evaluation.resamples", evaluation.resamples, "100 or more")
    _need(evaluation.batch_rows >= 1, "evaluation.batch_rows", evaluation.batch_rows, "1 or more")
    _need(1 <= config.serving.workers <= 64, "serving.workers", config.serving.workers, "1 to 64")
    _need(
        1 <= config.serving.max_body_mib <= 1024,
        "serving.max_body_mib",
        config.serving.max_body_mib,
        "1 to 1024",
    )
    _need(0 <= config.seed < 2**31, "seed", config.seed, "0 to 2147483647")
    if config.run.id == "latest":
        raise ConfigError("run.id='latest' is the link to the newest run.", fix="choose another run.id")
    if config.run.id is not None and not RUN_ID.fullmatch(config.run.id):
        raise ConfigError(
            f"run.id={config.run.id!r} cannot be part of a job's name.",
            fix="use up to 40 letters, digits and hyphens, beginning and ending with a letter or digit",
        )


def _need(holds: bool, key: str, value: object, valid: str) -> None:
    if not holds:
        raise ConfigError(f"{key}={value} is out of range.", fix=f"valid: {valid}")


def one_of(key: str, value: str, valid: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the valid ones, and list them."""
    if value not in valid:
        raise ConfigError(f"{key}={value!r} is not known.", fix="valid: " + ", ".join(valid))
