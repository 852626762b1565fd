"""What a key may be set to, and in which unit: what types cannot say of one key alone.

:mod:`fraudlab.config_rules` checks it and the reference shows it. The ranges of ``model`` are those of the
training job, in :mod:`fraudlab.container.hyperparameters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fraudlab.backend_registry import BACKENDS
from fraudlab.cloud_config import FAULTS
from fraudlab.container.contract import MAX_FOLDS


@dataclass(frozen=True)
class Range:
    """The values of one number.

    Attributes
    ----------
    valid : str
        What is valid, for people.
    holds : callable
        Whether a value is.
    """

    valid: str
    holds: Callable[[float], bool]


def _from(minimum: int) -> Range:
    return Range(f"{minimum} or more", lambda value: value >= minimum)


def _between(minimum: int, maximum: int) -> Range:
    return Range(f"{minimum} to {maximum}", lambda value: minimum <= value <= maximum)


_SHARE = Range("between 0 and 1", lambda value: 0.0 < value < 1.0)

_JOBS = ("process", "train", "transform", "serve")

RANGES: dict[str, Range] = {
    "backend.pids": _between(64, 4_194_304),
    "data.rows": _from(1_000),
    "data.fraud_rate": Range("above 0 and at most 0.5", lambda value: 0.0 < value <= 0.5),
    "split.train": _SHARE,
    "split.validation": _SHARE,
    "split.test": _SHARE,
    "split.folds": _between(1, MAX_FOLDS),
    "evaluation.threshold": _between(0, 1),
    "evaluation.missed_fraud_cost": Range("above 0", lambda value: value > 0.0),
    "evaluation.recall": Range("above 0 and at most 1", lambda value: 0.0 < value <= 1.0),
    "evaluation.loss_share": _between(0, 1),
    "evaluation.missed_fraud_fee": _from(0),
    "evaluation.alert_cost": _from(0),
    "evaluation.alert_budget": Range("above 0", lambda value: value > 0.0),
    "evaluation.resamples": _from(100),
    "evaluation.cards_per_day": _between(1, 1_000_000),
    "evaluation.batch_rows": _from(1),
    "serving.workers": _between(1, 64),
    "serving.max_body_mib": _between(1, 1024),
    "seed": _between(0, 2**31 - 1),
    "registry.min_frauds": _from(0),
    # what a SageMaker request can say
    **{f"compute.{job}.instance_count": _between(1, 100) for job in _JOBS},
    **{f"compute.{job}.volume_gb": _between(1, 16_384) for job in _JOBS},
    "compute.process.max_minutes": _between(1, 12_960),
    "compute.train.max_minutes": _between(1, 40_320),
    "compute.transform.max_minutes": _between(1, 40_320),
    "compute.serve.max_minutes": _from(1),
    "sagemaker.max_wait_minutes": _between(1, 40_320),
    "sagemaker.warm_pool_minutes": _between(0, 60),
    "sagemaker.max_usd": Range("above 0", lambda value: value > 0.0),
}

#: keys that take one of several names, which are listed elsewhere
CHOICES: dict[str, tuple[str, ...]] = {"backend.kind": tuple(BACKENDS)}

#: what a URL takes, and Comet as the name of an artifact before its version
DATASET_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_COLUMN = "a column of the table"
#: what is valid for a text, as far as it is not any
TEXTS: dict[str, str] = {
    "backend.memory": "256m or more, such as 512m or 4g",
    **{f"compute.{job}.instance_type": "a type that SageMaker has for it" for job in _JOBS},
    "data.path": "a file, a folder or a pattern",
    "data.artifact": "[WORKSPACE/]NAME:ALIAS_OR_VERSION",
    "data.separator": "a word or one character",
    "data.decimal": "`.` or `,`",
    "data.encoding": "an encoding of Python's",
    "data.sha256": "64 hexadecimal digits",
    "data.delay": "0s or more, such as 7d, 12h, 30m",
    "split.gap": "0s or more, such as 7d, 12h, 30m",
    "split.train_length": "1s or more, such as 7d, 12h, 30m",
    "split.validation_length": "0s or more, such as 7d, 12h, 30m",
    "split.test_length": "1s or more, such as 7d, 12h, 30m",
    "split.start": "a date, such as 2018-08-15; where times are a count, its value with a unit, such as 20d",
    **{f"data.{role}": _COLUMN for role in ("label", "time", "label_known", "card", "amount")},
    **{f"data.{role}": "columns of the table" for role in ("id", "features", "drop", "categorical")},
    "evaluation.currency": "up to 12 visible characters, such as EUR",
    "evaluation.incumbent": "auto, a run, a model's folder, a model.tar.gz, or NAME:production",
    "evaluation.slices": "up to 20 columns of the table",
    "evaluation.alerts_per_day": "up to 8 whole numbers from 1 to 1000000",
    "tracking.dataset": "up to 100 letters, digits and `.`, `_`, `-` between them",
    "run.id": "up to 40 letters, digits and hyphens",
    "model.hooks": "a Python file",
    "serving.reasons": "a YAML file, or auto",
    "model.refit": "true, false or auto",
    "model.calibration": "auto, none, beta, platt or isotonic",
    "model.members": "1 to 50, or a list of what each member has for itself",
    "paths.runs": "a folder",
    "data.derive": "up to 100 expressions, by the names of their columns; auto, or auto: true among them",
    "sagemaker.region": "a region's name",
    "sagemaker.profile": "a profile's name",
    "sagemaker.role": "a role's name, or an ARN",
    "sagemaker.bucket": "a bucket's name, as S3 has them",
    "sagemaker.prefix": "up to 200 letters, digits and !-_.*'() in parts with / between them",
    "sagemaker.repository": "a repository's name, as ECR has them",
    "sagemaker.kms": "a key's id, alias/NAME, or the ARN of either",
    "sagemaker.vpc.subnets": "up to 16 ids",
    "sagemaker.vpc.security_groups": "up to 5 ids; both lists or neither",
    "sagemaker.tags": "up to 46 tags, as AWS has them",
    "sagemaker.owner": "up to 256 letters, digits, spaces and _.:/=+-@",
    "rehearsal.endpoint": "a URL of this machine",
    "rehearsal.faults": ", ".join(sorted(FAULTS)),
    "registry.allowed_cautions": "kinds of cautions, or any",
    "registry.needs_approval": "staging, production",
    "paths.cache": "a folder",
}

_ROUNDS, _MINUTES, _MONEY = "rounds", "minutes", "the money of `data.amount`"
UNITS: dict[str, str] = {
    "backend.memory": "m (MiB) or g (GiB)",
    "registry.min_frauds": "frauds",
    "backend.pids": "processes and threads",
    "data.rows": "rows",
    "data.fraud_rate": "share of rows",
    "data.delay": "time, with its unit",
    "split.gap": "time, with its unit",
    "split.train": "share of rows",
    "split.validation": "share of rows",
    "split.test": "share of rows",
    "split.folds": "folds",
    **{f"split.{part}_length": "time, with its unit" for part in ("train", "validation", "test")},
    "split.start": "UTC",
    "model.num_round": _ROUNDS,
    "model.early_stopping_rounds": _ROUNDS,
    "model.checkpoint_rounds": _ROUNDS,
    "model.k_fold": "folds",
    "model.k_fold_repeats": "times",
    "model.max_depth": "levels",
    "model.max_leaves": "leaves",
    "model.min_child_weight": "sum of hessians",
    "model.gamma": "log-loss",
    "model.subsample": "share of rows",
    "model.colsample_bytree": "share of columns",
    "model.colsample_bylevel": "share of columns",
    "model.colsample_bynode": "share of columns",
    "model.max_delta_step": "log-odds",
    "model.scale_pos_weight": "legitimate rows",
    "model.num_parallel_tree": "trees",
    "model.max_bin": "bins",
    "model.fraud_bins": "share of bins",
    "model.base_score": "probability",
    "model.max_cat_to_onehot": "categories",
    "model.max_cat_threshold": "categories",
    "model.rate_drop": "share of trees",
    "model.skip_drop": "probability",
    **{f"compute.{job}.instance_count": "machines" for job in _JOBS},
    **{f"compute.{job}.volume_gb": "GiB" for job in _JOBS},
    **{f"compute.{job}.max_minutes": _MINUTES for job in _JOBS},
    "evaluation.threshold": "probability",
    "evaluation.missed_fraud_cost": _MONEY,
    "evaluation.recall": "share of frauds",
    "evaluation.loss_share": "share of the amount",
    "evaluation.missed_fraud_fee": _MONEY,
    "evaluation.alert_cost": _MONEY,
    "evaluation.alert_budget": "alerts per day",
    "evaluation.alerts_per_day": "alerts per day",
    "evaluation.resamples": "resamples",
    "evaluation.cards_per_day": "cards per day",
    "evaluation.batch_rows": "rows",
    "serving.workers": "processes",
    "serving.max_body_mib": "MiB",
    "sagemaker.max_wait_minutes": _MINUTES,
    "sagemaker.warm_pool_minutes": _MINUTES,
    "sagemaker.max_usd": "US dollars",
}
