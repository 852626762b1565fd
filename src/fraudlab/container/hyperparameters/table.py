"""The hyperparameters of a training job, as data: names, aliases, kinds, and what is refused and why.

Names are XGBoost's where XGBoost has the parameter. ``docs/hyperparameters.md`` is this table for people; a
test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fraudlab.container.hyperparameters.kinds import (
    Kind,
    flag,
    interactions,
    metrics,
    monotone,
    number,
    objective,
    one_of,
    tuned,
    whole,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hyperparameter.

    Attributes
    ----------
    kind : Kind
    aliases : tuple of str
        Other names for it.
    fixed : bool
        The valid value is what happens anyway: it is accepted from those who bring it, and goes nowhere.
    """

    kind: Kind
    aliases: tuple[str, ...] = ()
    fixed: bool = False


_OBJECTIVES = {
    "binary:logitraw": "it gives no probability; the endpoint answers raw scores on request",
    "binary:hinge": "it gives labels without a probability, so no threshold could be chosen",
    "reg:*": "it predicts an amount, and a score is a probability",
    "count:*": "it predicts a count, and a score is a probability",
    "multi:*": "there are two classes here",
    "rank:*": "it orders the rows of queries, and a score is a probability",
    "survival:*": "it predicts a time, and a score is a probability",
}
_AMOUNTS = "it is a metric of amounts or counts, and a score is a probability"
_METRICS = {
    "merror": "there are two classes here, for which this is error",
    "mlogloss": "there are two classes here, for which this is logloss",
    "pre": "it needs the number of alerts, such as pre@100",
    "mape": "it divides by the label, which is 0 of every legitimate row",
    **dict.fromkeys(("map*", "ndcg*"), "it is a metric of rankings, for which aucpr stands here"),
    **dict.fromkeys(("mphe", "poisson-*", "gamma-*", "tweedie-*", "quantile", "expectile"), _AMOUNTS),
    **dict.fromkeys(
        ("aft-*", "cox-*", "interval-*"), "it is a metric of survival models, and frauds are two classes"
    ),
    "*": "XGBoost has none of that name for two classes; a function of your own is hook:NAME",
}
_NO_GPU = "the image trains on CPUs"
_SHARE = number(0, 1, above=True)
_PENALTY = number(0)

PARAMETERS: Mapping[str, Parameter] = {
    # rounds
    "num_round": Parameter(whole(1, 100_000), ("num_boost_round", "n_estimators", "num_rounds")),
    "early_stopping_rounds": Parameter(whole(0)),
    "save_best": Parameter(flag()),
    "checkpoint_rounds": Parameter(whole(0)),
    "learning_rate": Parameter(_SHARE, ("eta",)),
    "objective": Parameter(objective(_OBJECTIVES)),
    "eval_metric": Parameter(metrics(_METRICS)),
    "scale_pos_weight": Parameter(number(0, above=True)),
    "base_score": Parameter(number(0, 1, above=True, below=True)),
    # trees
    "booster": Parameter(
        one_of(
            "gbtree",
            "dart",
            why={"gblinear": "it has no bins for frauds to place, and no trees to explain a score by"},
        )
    ),
    "tree_method": Parameter(
        one_of("hist", "approx", "exact", same={"auto": "hist"}, why={"gpu_*": f"{_NO_GPU}; use hist"})
    ),
    "max_depth": Parameter(whole(0, 64)),
    "max_leaves": Parameter(whole(0, but=1)),
    "grow_policy": Parameter(one_of("depthwise", "lossguide")),
    "min_child_weight": Parameter(_PENALTY),
    "gamma": Parameter(_PENALTY, ("min_split_loss",)),
    "reg_lambda": Parameter(_PENALTY, ("lambda",)),
    "reg_alpha": Parameter(_PENALTY, ("alpha",)),
    "max_delta_step": Parameter(_PENALTY),
    "num_parallel_tree": Parameter(whole(1, 1_000)),
    # sampling
    "subsample": Parameter(_SHARE),
    "sampling_method": Parameter(
        one_of(
            "uniform",
            why={"gradient_based": "on CPUs the rows it draws depend on the number of threads"},
        ),
        fixed=True,
    ),
    "colsample_bytree": Parameter(_SHARE),
    "colsample_bylevel": Parameter(_SHARE),
    "colsample_bynode": Parameter(_SHARE),
    "seed": Parameter(whole(0), ("random_state",)),
    "seed_per_iteration": Parameter(flag()),
    # bins and categories
    "max_bin": Parameter(whole(2, 65_535)),
    "fraud_bins": Parameter(number(0, 0.99)),
    "max_cat_to_onehot": Parameter(whole(1)),
    "max_cat_threshold": Parameter(whole(1)),
    # constraints
    "monotone_constraints": Parameter(monotone()),
    "interaction_constraints": Parameter(interactions()),
    # trees that are dropped out (booster=dart)
    "rate_drop": Parameter(number(0, 1)),
    "skip_drop": Parameter(number(0, 1)),
    "one_drop": Parameter(flag()),
    "sample_type": Parameter(one_of("uniform", "weighted")),
    "normalize_type": Parameter(one_of("tree", "forest")),
    # beside the model
    "k_fold": Parameter(whole(0, 50, but=1), ("_kfold", "nfold")),
    "k_fold_repeats": Parameter(whole(1, 100), ("_num_cv_round",)),
    "csv_weights": Parameter(flag()),
    "keep_counter": Parameter(flag()),
    "decision_threshold": Parameter(number(0, 1)),
    "_tuning_objective_metric": Parameter(tuned()),
    # the machine: these do not change the model
    "nthread": Parameter(whole(0), ("n_jobs",)),
    "verbosity": Parameter(whole(0, 3)),
    "max_cached_hist_node": Parameter(whole(1)),
    "device": Parameter(one_of("cpu", why={"cuda*": _NO_GPU, "gpu*": _NO_GPU, "sycl*": _NO_GPU}), fixed=True),
    # what the official container accepts, and is so here anyway
    "save_model_on_termination": Parameter(
        one_of("true", why={"false": "a job that is stopped always saves the rounds so far"}), fixed=True
    ),
    "num_class": Parameter(one_of("2", "1", why={"*": "there are two classes here"}), fixed=True),
    "process_type": Parameter(
        one_of("default", why={"update": "a model is trained from its data, not from another model"}),
        fixed=True,
    ),
    "predictor": Parameter(one_of("auto", "cpu_predictor", why={"gpu_*": _NO_GPU}), fixed=True),
    "dsplit": Parameter(one_of("row", why={"col": "hosts share rows, not columns"}), fixed=True),
    "deterministic_histogram": Parameter(
        one_of("true", why={"false": "the same inputs always give the same bytes"}), fixed=True
    ),
    "single_precision_histogram": Parameter(
        one_of("false", why={"true": "XGBoost 3 always adds gradients up in double precision"}), fixed=True
    ),
    "validate_parameters": Parameter(one_of("true", "1", why={"*": "names are always checked"}), fixed=True),
    "multi_strategy": Parameter(
        one_of("one_output_per_tree", why={"*": "there is one output here"}), fixed=True
    ),
    # what the SageMaker SDK writes into every job of its own estimators and tuners
    **{
        f"sagemaker_{name}": Parameter(Kind("any text", str), fixed=True)
        for name in (
            "container_log_level",
            "enable_cloudwatch_metrics",
            "estimator_class_name",
            "estimator_module",
            "job_name",
            "region",
        )
    },
}

_LINEAR = ("it is a parameter of booster=gblinear, which is not offered", "leave it out")
_RANKING = ("it is a parameter of rankings, and frauds are two classes", "leave it out")
_REGRESSION = ("it is a parameter of regression, and frauds are two classes", "leave it out")
_SURVIVAL = ("it is a parameter of survival models, and frauds are two classes", "leave it out")
_GPU = (_NO_GPU, "leave it out")
_SCRIPT = (
    "this image runs no script of yours",
    "put objectives and metrics into hooks.py, and name them as hook:NAME",
)

#: names that are known and refused: why, and what to do
REFUSED: Mapping[str, tuple[str, str]] = {
    "updater": ("tree_method chooses the updaters", "set tree_method to hist, approx or exact"),
    "refresh_leaf": ("it updates a model that is there, and a job trains a new one", "leave it out"),
    "sketch_eps": ("XGBoost 3 has no sketch_eps", "set max_bin, of which it was about the inverse"),
    "prob_buffer_row": ("XGBoost 3 has no prob_buffer_row", "leave it out"),
    "silent": ("XGBoost 3 has no silent", "set verbosity, from 0 (silent) to 3"),
    "maximize": (
        "the direction of every metric is known",
        "give a metric of your own the attribute maximize",
    ),
    "disable_default_eval_metric": ("eval_metric says which metrics there are", "set eval_metric"),
    "missing": (
        "an empty field and NaN are missing, and nothing else is",
        "write missing values as empty fields",
    ),
    "enable_categorical": (
        "the columns' types come with the data",
        "list the categories in data.categorical",
    ),
    "feature_types": ("the columns' types come with the data", "list the categories in data.categorical"),
    "lambda_bias": _LINEAR,
    "feature_selector": _LINEAR,
    "top_k": _LINEAR,
    "gpu_id": _GPU,
    "use_dask_gpu_training": _GPU,
    "tweedie_variance_power": _REGRESSION,
    "huber_slope": _REGRESSION,
    "quantile_alpha": _REGRESSION,
    "expectile_alpha": _REGRESSION,
    "aft_loss_distribution": _SURVIVAL,
    "aft_loss_distribution_scale": _SURVIVAL,
    "lambdarank_num_pair_per_sample": _RANKING,
    "lambdarank_pair_method": _RANKING,
    "lambdarank_normalization": _RANKING,
    "lambdarank_score_normalization": _RANKING,
    "lambdarank_unbiased": _RANKING,
    "lambdarank_bias_norm": _RANKING,
    "ndcg_exp_gain": _RANKING,
    "sagemaker_program": _SCRIPT,
    "sagemaker_submit_directory": _SCRIPT,
}

#: every accepted spelling, and the name it stands for
NAMES: Mapping[str, str] = {name: name for name in PARAMETERS} | {
    alias: name for name, parameter in PARAMETERS.items() for alias in parameter.aliases
}
