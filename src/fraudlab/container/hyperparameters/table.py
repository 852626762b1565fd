"""The hyperparameters of a training job, as data: names, aliases, kinds, and what is refused and why.

Names are XGBoost's where XGBoost has the parameter. ``docs/hyperparameters.md`` is this table for people; a
test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

from fraudlab.container.hyperparameters.kinds import (
    flag,
    interactions,
    members,
    metrics,
    monotone,
    number,
    objective,
    one_of,
    or_auto,
    tuned,
    whole,
)
from fraudlab.container.hyperparameters.legacy import ANYWAY, ELSEWHERE, NO_GPU, REFUSED, SDK, Parameter

__all__ = ["NAMES", "OF_A_MEMBER", "PARAMETERS", "REFUSED"]

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
_SHARE = number(0, 1, above=True)
_PENALTY = number(0)

PARAMETERS: Mapping[str, Parameter] = {
    # rounds
    "num_round": Parameter(whole(1, 100_000), ("num_boost_round", "n_estimators", "num_rounds")),
    "early_stopping_rounds": Parameter(whole(0)),
    "save_best": Parameter(flag()),
    "refit": Parameter(flag()),
    "calibration": Parameter(one_of("auto", "none", "beta", "platt", "isotonic")),
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
        one_of("hist", "approx", "exact", same={"auto": "hist"}, why={"gpu_*": f"{NO_GPU}; use hist"})
    ),
    "max_depth": Parameter(or_auto(whole(0, 64))),
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
    # averages
    "members": Parameter(members(50)),
    # beside the model
    "k_fold": Parameter(whole(0, 50, but=1), ("_kfold", "nfold")),
    "k_fold_repeats": Parameter(whole(1, 100), ("_num_cv_round",)),
    "csv_weights": Parameter(flag()),
    "keep_counter": Parameter(flag()),
    "decision_threshold": Parameter(number(0, 1)),
    "_tuning_objective_metric": Parameter(tuned()),
    # the machine: these do not change the model
    "nthread": Parameter(whole(0, same={-1: 0}), ("n_jobs",)),
    "verbosity": Parameter(whole(0, 3)),
    "max_cached_hist_node": Parameter(whole(1)),
    **ANYWAY,
    **ELSEWHERE,
    **SDK,
}

#: every accepted spelling, and the name it stands for
NAMES: Mapping[str, str] = {name: name for name in PARAMETERS} | {
    alias: name for name, parameter in PARAMETERS.items() for alias in parameter.aliases
}

#: what a member of an average may have for itself. The rest is of the job, of the columns, or of how rounds
#: are measured: constraints hold for an average only where they hold for each member.
OF_A_MEMBER = (
    "num_round", "early_stopping_rounds", "learning_rate", "scale_pos_weight", "base_score",
    "booster", "tree_method", "max_depth", "max_leaves", "grow_policy", "min_child_weight", "gamma",
    "reg_lambda", "reg_alpha", "max_delta_step", "num_parallel_tree",
    "subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode", "seed", "seed_per_iteration",
    "max_bin", "fraud_bins", "max_cat_to_onehot", "max_cat_threshold",
    "rate_drop", "skip_drop", "one_drop", "sample_type", "normalize_type",
)  # fmt: skip
