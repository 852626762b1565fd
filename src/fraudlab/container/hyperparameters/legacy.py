"""Hyperparameters that people bring from elsewhere and that change nothing here, and which values of them.

A value that is what happens anyway goes nowhere. One that is about other objectives, other boosters or other
versions of XGBoost does nothing for two classes either, and the log says so in a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fraudlab.container.hyperparameters.kinds import Kind, flag, number, one_of, only, whole


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hyperparameter.

    Attributes
    ----------
    kind : Kind
    aliases : tuple of str
        Other names for it.
    fixed : bool
        A valid value changes nothing: it is accepted from those who bring it, and goes nowhere.
    note : str
        Why it changes nothing, for the log of those who set it; empty where that goes without saying.
    anyway : object
        The value that is what happens anyway, and is not worth a line.
    """

    kind: Kind
    aliases: tuple[str, ...] = ()
    fixed: bool = False
    note: str = ""
    anyway: object = None


NO_GPU = "the image trains on CPUs"
_LINEAR = "it is a parameter of booster=gblinear"
_RANKING = "it is a parameter of rankings, and frauds are two classes"
_REGRESSION = "it is a parameter of regression, and frauds are two classes"
_SURVIVAL = "it is a parameter of survival models, and frauds are two classes"
_TEXT = Kind("any text", str)


def _idle(kind: Kind, note: str, anyway: object = None) -> Parameter:
    return Parameter(kind, fixed=True, note=note, anyway=anyway)


#: what XGBoost, the official container or its SDK has, and is so here anyway
ANYWAY: Mapping[str, Parameter] = {
    "device": Parameter(one_of("cpu", why={"cuda*": NO_GPU, "gpu*": NO_GPU, "sycl*": NO_GPU}), fixed=True),
    "num_class": Parameter(
        one_of("2", "1", same={"0": "1", "2.0": "2", "1.0": "1"}, why={"*": "there are two classes here"}),
        fixed=True,
    ),
    "process_type": Parameter(
        one_of("default", why={"update": "a model is trained from its data, not from another model"}),
        fixed=True,
    ),
    "predictor": Parameter(one_of("auto", "cpu_predictor", why={"gpu_*": NO_GPU}), fixed=True),
    "dsplit": Parameter(one_of("row", why={"col": "hosts share rows, not columns"}), fixed=True),
    "updater": Parameter(
        one_of("grow_quantile_histmaker", "grow_histmaker", "grow_colmaker", "grow_colmaker,prune"),
        fixed=True,
    ),
    "multi_strategy": Parameter(
        one_of("one_output_per_tree", why={"*": "there is one output here"}), fixed=True
    ),
    "use_dask_gpu_training": Parameter(only(False, why=NO_GPU), fixed=True),
    "disable_default_eval_metric": Parameter(
        only(False, why="eval_metric says which metrics there are"), fixed=True
    ),
    "enable_categorical": Parameter(
        only(False, why="the columns' types come with the data; list the categories in data.categorical"),
        fixed=True,
    ),
    "save_model_on_termination": _idle(flag(), "a job that is stopped always saves the rounds so far", True),
    "deterministic_histogram": _idle(flag(), "the same inputs always give the same bytes", True),
    "single_precision_histogram": _idle(
        flag(), "XGBoost 3 always adds gradients up in double precision", False
    ),
    "validate_parameters": _idle(flag(), "names are always checked", True),
}

#: about something else than two classes, trees and XGBoost 3
ELSEWHERE: Mapping[str, Parameter] = {
    "sketch_eps": _idle(
        number(0, 1, above=True, below=True), "XGBoost 3 has none; max_bin is about its inverse"
    ),
    "prob_buffer_row": _idle(number(0), "XGBoost 3 has none"),
    "silent": _idle(whole(0), "XGBoost 3 has none; verbosity=0 is silent"),
    "refresh_leaf": _idle(flag(), "it updates a model that is there, and a job trains a new one", True),
    "lambda_bias": _idle(number(0), _LINEAR, 0.0),
    "feature_selector": _idle(one_of("cyclic", "shuffle", "random", "greedy", "thrifty"), _LINEAR),
    "top_k": _idle(whole(0), _LINEAR, 0),
    "tweedie_variance_power": _idle(number(1, 2), _REGRESSION),
    "huber_slope": _idle(number(0, above=True), _REGRESSION),
    "quantile_alpha": _idle(_TEXT, _REGRESSION),
    "expectile_alpha": _idle(_TEXT, _REGRESSION),
    "aft_loss_distribution": _idle(one_of("normal", "logistic", "extreme"), _SURVIVAL),
    "aft_loss_distribution_scale": _idle(number(0, above=True), _SURVIVAL),
    "lambdarank_num_pair_per_sample": _idle(whole(1), _RANKING),
    "lambdarank_pair_method": _idle(one_of("mean", "topk"), _RANKING),
    "lambdarank_normalization": _idle(flag(), _RANKING),
    "lambdarank_score_normalization": _idle(flag(), _RANKING),
    "lambdarank_unbiased": _idle(flag(), _RANKING),
    "lambdarank_bias_norm": _idle(number(0), _RANKING),
    "ndcg_exp_gain": _idle(flag(), _RANKING),
}

#: what the SageMaker SDK writes into every job of its own estimators and tuners
SDK: Mapping[str, Parameter] = {
    f"sagemaker_{name}": Parameter(_TEXT, fixed=True)
    for name in (
        "container_log_level",
        "enable_cloudwatch_metrics",
        "estimator_class_name",
        "estimator_module",
        "job_name",
        "region",
    )
}

_GPU = (NO_GPU, "leave it out")
_SCRIPT = (
    "this image runs no script of yours",
    "put objectives and metrics into hooks.py, and name them as hook:NAME",
)

#: names that are known and refused: why, and what to do
REFUSED: Mapping[str, tuple[str, str]] = {
    "maximize": (
        "the direction of every metric is known",
        "give a metric of your own the attribute maximize",
    ),
    "missing": (
        "an empty field and NaN are missing, and nothing else is",
        "write missing values as empty fields",
    ),
    "feature_types": ("the columns' types come with the data", "list the categories in data.categorical"),
    "gpu_id": _GPU,
    "n_gpus": _GPU,
    "sagemaker_program": _SCRIPT,
    "sagemaker_submit_directory": _SCRIPT,
}
#: values of those names that are what happens anyway, and are accepted
HARMLESS: Mapping[str, tuple[str, ...]] = {"gpu_id": ("-1",), "n_gpus": ("0",), "missing": ("nan",)}
