"""The schema of ``conf/model/``: the parameters of a training job, with the launcher's defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class ModelConfig:
    """XGBoost's parameters by XGBoost's names; null leaves one to it. See ``docs/hyperparameters.md``."""

    #: of the model, in the run's id and report
    name: str = "baseline"
    #: what trees are grown for; or hook:NAME, a function of `hooks`
    objective: str = "binary:logistic"
    #: of validation, after every round; one or a list, also hook:NAME; early stopping watches the last;
    #: null is [aucpr, logloss], and with class weights [aucpr, unweighted_logloss]
    eval_metric: Any = None
    #: path of a hooks.py with objectives and metrics of your own, docs/hooks.md
    hooks: str | None = None
    #: most rounds of boosting
    num_round: int = 2_000
    #: stop after this many rounds without improvement; 0 trains every round
    early_stopping_rounds: int = 30
    #: with early stopping, cut the model after its best round; false keeps the rounds until the stop
    save_best: bool = True
    #: train once more, on train and validation, with the rounds and the threshold that validation chose; auto
    #: does so where the split is by time and there is no `k_fold`
    refit: Any = "auto"
    #: makes chances of scores, fitted on validation: none, beta, platt or isotonic; auto is beta
    #: where validation supports it
    calibration: str = "auto"
    #: write a checkpoint every so many rounds and at the end, for killed jobs to go on from; 0 writes none
    checkpoint_rounds: int = 100
    #: train so many models of different seeds, and ship their average; or a list of what each has for itself,
    #: as [{max_depth: 3}, {max_depth: 6, learning_rate: 0.05}]
    members: Any = None
    #: folds of a cross-validation with out-of-fold metrics; 0 makes none
    k_fold: int = 0
    #: how often the folds are drawn
    k_fold_repeats: int = 1
    #: gbtree, or dart: drop trees out while training
    booster: str | None = None
    #: how splits are found; exact has no bins, and no categories
    tree_method: str = "hist"
    #: how much of each tree is added
    learning_rate: float = 0.1
    #: deepest a tree may grow; auto is 4 to 8, by the frauds and columns of the train split; 0 is no limit,
    #: and needs `max_leaves`
    max_depth: Any = "auto"
    #: most leaves of a tree; 0 is no limit
    max_leaves: int = 0
    #: lossguide splits where the loss falls most, depthwise level by level
    grow_policy: str = "depthwise"
    #: least sum of hessians in a leaf
    min_child_weight: float = 1.0
    #: least gain of a split
    gamma: float = 0.0
    #: share of the rows a round grows its tree from
    subsample: float = 1.0
    #: share of the columns a tree may use
    colsample_bytree: float = 1.0
    #: share of the tree's columns a level may use
    colsample_bylevel: float | None = None
    #: share of the level's columns a split may use
    colsample_bynode: float | None = None
    #: seed the sampling of every round by its number
    seed_per_iteration: bool | None = None
    #: L2 penalty on leaves
    reg_lambda: float = 1.0
    #: L1 penalty on leaves
    reg_alpha: float = 0.0
    #: largest leaf; 0 is no limit. 1 to 10 helps where classes are far from equal
    max_delta_step: float = 0.0
    #: weight of a fraud, where a legitimate row has 1
    scale_pos_weight: float = 1.0
    #: trees grown in each round; with more than 1, and sampling, each round is a random forest
    num_parallel_tree: int | None = None
    #: histogram bins of a feature; more place splits more finely, and take longer
    max_bin: int = 512
    #: share of a feature's bins placed by the frauds' values (hist only); 0 places bins by all rows alike
    fraud_bins: float = 0.9
    #: starting probability; null starts from the prevalence, which starves small leaves of a rare class
    base_score: float | None = 0.5
    #: fewer categories than this are split one against all others
    max_cat_to_onehot: int = 4
    #: most categories on one side of a split
    max_cat_threshold: int | None = None
    #: direction per column: 1 rising, -1 falling, as {amount: 1}
    monotone_constraints: Any = None
    #: groups of columns that may stand in one branch, as [[amount, hour], [age]]
    interaction_constraints: Any = None
    #: booster=dart: share of the trees dropped in a round
    rate_drop: float | None = None
    #: booster=dart: chance of a round that drops none
    skip_drop: float | None = None
    #: booster=dart: drop at least one tree in a round
    one_drop: bool | None = None
    #: booster=dart: whether heavy trees are dropped more often
    sample_type: str | None = None
    #: booster=dart: whether a new tree weighs as one of the dropped ones, or as all of them
    normalize_type: str | None = None
