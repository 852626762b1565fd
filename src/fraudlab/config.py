"""The schema of ``conf/``: every key with its type, default and unit.

YAML below ``conf/`` only fills these classes in; a key that is not here, or a value of another type, is
refused before anything runs. What types cannot say (ranges, combinations) is in :mod:`fraudlab.config_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING


class BackendKind(Enum):
    process = "process"
    local = "local"


class Fallback(Enum):
    process = "process"
    error = "error"


class DataKind(Enum):
    synthetic = "synthetic"
    creditcard = "creditcard"
    handbook = "handbook"
    table = "table"


class TimeUnit(Enum):
    auto = "auto"
    s = "s"
    ms = "ms"
    us = "us"
    ns = "ns"
    min = "min"
    h = "h"
    d = "d"
    excel = "excel"
    yyyymmddhhmmss = "yyyymmddhhmmss"


class Duplicates(Enum):
    flag = "flag"
    drop = "drop"
    keep = "keep"


class Scale(Enum):
    none = "none"
    standard = "standard"


class SplitKind(Enum):
    auto = "auto"
    time = "time"
    stratified = "stratified"


class TrackingMode(Enum):
    auto = "auto"
    online = "online"
    offline = "offline"
    off = "off"


class ThresholdPolicy(Enum):
    cost = "cost"
    f1 = "f1"
    fixed = "fixed"


@dataclass
class BackendConfig:
    """Where the jobs run."""

    kind: BackendKind = BackendKind.local
    #: what to do where the backend cannot be used: run as plain processes, or stop
    fallback: Fallback = Fallback.process
    #: image name; the default is the one `make image` builds for this version
    image: str | None = None


@dataclass
class DataConfig:
    """Which table, and what its columns are."""

    kind: DataKind = DataKind.synthetic
    #: CSV or Parquet file, a folder of them, or a pattern like t/*.parquet; null only for the synthetic table
    path: str | None = MISSING
    #: of a CSV table: comma, semicolon, tab, bar, space or a character; null finds it. See ``docs/tables.md``
    separator: str | None = None
    #: of a CSV table: the mark before decimals, "." or ","; null finds it
    decimal: str | None = None
    #: of a CSV table, such as latin-1, cp1252 or utf-16; null is UTF-8, or what a byte order mark says
    encoding: str | None = None
    #: expected sha256 of the file; null checks nothing
    sha256: str | None = None
    #: the binary label, 0 or 1
    label: str = MISSING
    #: event time: a timestamp, ISO text or a number; null if there is none. See ``docs/time.md``
    time: str | None = None
    #: what a time that is a number counts; auto recognises what is certain, and refuses what is not
    time_unit: TimeUnit = TimeUnit.auto
    #: columns that identify a transaction; never a feature
    id: list[str] = field(default_factory=list)
    #: column that identifies the card or customer; never a feature unless listed in `features`
    card: str | None = None
    #: column with the money at stake; stays a feature
    amount: str | None = None
    #: the features, in order; empty means every column without another role
    features: list[str] = field(default_factory=list)
    #: columns to ignore
    drop: list[str] = field(default_factory=list)
    #: features that are categories, not numbers
    categorical: list[str] = field(default_factory=list)
    #: rows of the synthetic table
    rows: int = 284_807
    #: share of fraud in the synthetic table
    fraud_rate: float = 0.001727
    #: rows that repeat another in every column
    duplicates: Duplicates = Duplicates.flag
    #: standard: zero mean, unit variance, fitted on train
    scale: Scale = Scale.none
    #: how late labels arrive: the gap a time split leaves: 7d, 12h, 30m, "1d 12h", P7D
    delay: str = "0s"


@dataclass
class SplitConfig:
    """How rows become train, validation and test."""

    kind: SplitKind = SplitKind.auto
    train: float = 0.60
    validation: float = 0.20
    test: float = 0.20
    #: time left out before validation and before test (the chargeback delay)
    gap: str = "0s"


@dataclass
class ModelConfig:
    """XGBoost's parameters by XGBoost's names; null leaves one to it. See ``docs/hyperparameters.md``."""

    name: str = "baseline"
    #: or hook:NAME, a function of `hooks`
    objective: str = "binary:logistic"
    #: of validation, after every round; one or a list, also hook:NAME; early stopping watches the last;
    #: null is [aucpr, logloss], and with class weights [aucpr, unweighted_logloss]
    eval_metric: Any = None
    #: path of a hooks.py with objectives and metrics of your own, docs/hooks.md
    hooks: str | None = None
    num_round: int = 500
    #: stop after this many rounds without improvement; 0 trains every round
    early_stopping_rounds: int = 30
    #: with early stopping, cut the model after its best round; false keeps the rounds until the stop
    save_best: bool = True
    #: write a checkpoint every so many rounds, from which an interrupted job goes on; 0 writes none
    checkpoint_rounds: int = 100
    #: folds of a cross-validation with out-of-fold metrics, 0 makes none; and how often they are drawn
    k_fold: int = 0
    k_fold_repeats: int = 1
    #: gbtree, or dart: drop trees out while training
    booster: str | None = None
    tree_method: str = "hist"
    learning_rate: float = 0.1
    max_depth: int = 4
    max_leaves: int = 0
    grow_policy: str = "depthwise"
    min_child_weight: float = 1.0
    gamma: float = 0.0
    subsample: float = 1.0
    colsample_bytree: float = 1.0
    #: share of the tree's columns a level, and of the level's columns a node, may use
    colsample_bylevel: float | None = None
    colsample_bynode: float | None = None
    #: seed the sampling of every round by its number
    seed_per_iteration: bool | None = None
    reg_lambda: float = 1.0
    reg_alpha: float = 0.0
    max_delta_step: float = 0.0
    scale_pos_weight: float = 1.0
    #: trees a round, of which sampling makes a forest
    num_parallel_tree: int | None = None
    max_bin: int = 512
    #: share of a feature's bins placed by the frauds' values (hist only); 0 places bins by all rows alike
    fraud_bins: float = 0.9
    #: starting probability; null starts from the prevalence, which starves small leaves of a rare class
    base_score: float | None = 0.5
    max_cat_to_onehot: int = 4
    #: most categories on one side of a split
    max_cat_threshold: int | None = None
    #: direction a column: 1 rising, -1 falling, as {amount: 1}
    monotone_constraints: Any = None
    #: groups of columns that may stand in one branch, as [[amount, hour], [age]]
    interaction_constraints: Any = None
    #: booster=dart: share of the trees dropped in a round, chance of a round that drops none, at least one
    rate_drop: float | None = None
    skip_drop: float | None = None
    one_drop: bool | None = None
    #: booster=dart: uniform or weighted; tree or forest
    sample_type: str | None = None
    normalize_type: str | None = None


@dataclass
class TrackingConfig:
    """One Comet experiment a run."""

    mode: TrackingMode = TrackingMode.auto
    workspace: str | None = None
    project: str = "fraudlab"
    tags: list[str] = field(default_factory=list)


@dataclass
class InstanceConfig:
    """The machine a job is given where machines are given."""

    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    volume_gb: int = 30
    max_minutes: int = 60


@dataclass
class ComputeConfig:
    """One machine description a job; `local` and `process` run on this machine instead."""

    process: InstanceConfig = field(default_factory=InstanceConfig)
    train: InstanceConfig = field(default_factory=InstanceConfig)
    serve: InstanceConfig = field(default_factory=lambda: InstanceConfig(instance_type="ml.m5.large"))


@dataclass
class EvaluationConfig:
    """The decision threshold and how sure the headline number is."""

    #: cost: cheapest on validation; f1: best F1 on validation; fixed: `threshold`
    policy: ThresholdPolicy = ThresholdPolicy.cost
    threshold: float | None = None
    #: what a missed fraud costs, in money, where there is no `data.amount`; with one, it costs its amount
    missed_fraud_cost: float = 100.0
    #: what looking at one alert costs, in money
    alert_cost: float = 5.0
    #: bootstrap resamples behind the interval of average precision
    resamples: int = 1000
    #: rows a request when scoring the test split through the endpoint
    batch_rows: int = 20_000


@dataclass
class ServingConfig:
    """The endpoint's own settings."""

    workers: int = 1
    #: largest request body, in MiB
    max_body_mib: int = 25


@dataclass
class PathsConfig:
    """Where things are kept, relative to the folder fraudlab is called in."""

    runs: str = "runs"
    #: prepared splits by content hash, and the working folders of running jobs
    cache: str = "${paths.runs}/.cache"


@dataclass
class RunIdConfig:
    #: name of the run's folder; null makes one from time and model
    id: str | None = None


@dataclass
class RunConfig:
    """One run, described once."""

    backend: BackendConfig = field(default_factory=BackendConfig)
    data: DataConfig = field(default_factory=DataConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    serving: ServingConfig = field(default_factory=ServingConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    run: RunIdConfig = field(default_factory=RunIdConfig)
    #: seed of the synthetic table, the stratified split, training and the bootstrap
    seed: int = 42
    #: run every job even where its inputs' hashes say it has been run
    force: bool = False
    #: show what the jobs print
    verbose: bool = False


SCHEMA: dict[str, type[Any]] = {
    "backend": BackendConfig,
    "data": DataConfig,
    "split": SplitConfig,
    "model": ModelConfig,
    "tracking": TrackingConfig,
    "compute": ComputeConfig,
    "evaluation": EvaluationConfig,
    "serving": ServingConfig,
}


def register_schema() -> None:
    """Put the schema into Hydra's ConfigStore, one entry a group under ``schema/``."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, node in SCHEMA.items():
        store.store(group="schema", name=group, package=group, node=node)
