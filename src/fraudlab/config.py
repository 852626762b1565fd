"""The schema of ``conf/``: every key with its type, default and unit.

YAML below ``conf/`` only fills these classes in; a key that is not here, or a value of another type, is
refused before anything runs. What types cannot say (ranges, combinations) is in :mod:`fraudlab.config_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fraudlab.cloud_config import RehearsalConfig, SageMakerConfig
from fraudlab.model_config import ModelConfig
from fraudlab.registry_config import RegistryConfig

#: OmegaConf's value of what somebody has to give, without importing it: help needs the schema alone
MISSING: Any = "???"


class Fallback(Enum):
    process = "process"
    error = "error"


class DataKind(Enum):
    synthetic = "synthetic"
    creditcard = "creditcard"
    handbook = "handbook"
    table = "table"
    artifact = "artifact"


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
    prequential = "prequential"
    stratified = "stratified"


class TrackingMode(Enum):
    auto = "auto"
    online = "online"
    offline = "offline"
    off = "off"


class Via(Enum):
    auto = "auto"
    endpoint = "endpoint"
    transform = "transform"


class ThresholdPolicy(Enum):
    cost = "cost"
    f1 = "f1"
    fixed = "fixed"
    recall = "recall"


@dataclass
class BackendConfig:
    """Where the jobs run."""

    #: as plain processes, in local mode, in AWS or a rehearsal of it; set by the option of `backend`
    kind: str = "local"
    #: what to do where the backend cannot be used: run as plain processes, or stop
    fallback: Fallback = Fallback.process
    #: image name; the default is the one `make image` builds for this version
    image: str | None = None
    #: of local mode: what each container may take, such as 4g or 512m; null is most of what the engine has
    memory: str | None = None
    #: of local mode: processes and threads each container may have; null is 512, more on many CPUs
    pids: int | None = None


@dataclass
class DataConfig:
    """Which table, and what its columns are."""

    #: which table it is; set by the option of `data`
    kind: DataKind = DataKind.synthetic
    #: CSV or Parquet file, a folder of them or a pattern (``t/*.parquet``); null for the synthetic one
    path: str | None = MISSING
    #: version of data in Comet to start from. See ``docs/lineage.md``
    artifact: str | None = None
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
    #: when a fraud was reported: a time, missing where it never was; not a feature. See ``docs/time.md``
    label_known: str | None = None
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
    #: columns to compute from others of the row: {ratio: "amount / mean"}; auto proposes some, chosen on
    #: validation. See ``docs/derived_columns.md``
    derive: dict[str, str] = field(default_factory=dict)
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

    #: auto is by time where there is `data.time`, else stratified
    kind: SplitKind = SplitKind.auto
    #: share of the rows to train on; the three shares make 1
    train: float = 0.60
    #: share of the rows to choose rounds and threshold on
    validation: float = 0.20
    #: share of the rows to measure on
    test: float = 0.20
    #: time left out before validation and before test (the chargeback delay)
    gap: str = "0s"
    #: of a prequential split: how often it trains and tests, each fold one `test_length` before the last
    folds: int = 4
    #: of a prequential split: the time that a fold trains on
    train_length: str = "7d"
    #: of a prequential split: the time that a fold chooses rounds and threshold on; 0s is none
    validation_length: str = "7d"
    #: of a prequential split: the time that a fold is measured on
    test_length: str = "7d"
    #: of a prequential split: when the newest fold begins to train; null is as late as the table allows
    start: str | None = None


@dataclass
class TrackingConfig:
    """One Comet experiment per run."""

    #: auto is online where COMET_API_KEY is set and the server answers, else offline; online insists
    mode: TrackingMode = TrackingMode.auto
    #: Comet's workspace; null is your default one
    workspace: str | None = None
    #: Comet's project
    project: str = "fraudlab"
    #: of the experiment
    tags: list[str] = field(default_factory=list)
    #: artifact whose versions are tables (alias raw) and what was prepared of them (alias preprocessed)
    dataset: str = "fraud-dataset"


@dataclass
class InstanceConfig:
    """The machine a job is given where machines are given."""

    #: SageMaker's name of the machine
    instance_type: str = "ml.m5.xlarge"
    #: how many of them
    instance_count: int = 1
    #: disk of each
    volume_gb: int = 30
    #: the job is stopped, or the endpoint of a run in AWS taken down, after that
    max_minutes: int = 60


@dataclass
class ComputeConfig:
    """One machine description per job, as its SageMaker request has it; only AWS gives such machines."""

    process: InstanceConfig = field(default_factory=InstanceConfig)
    train: InstanceConfig = field(default_factory=InstanceConfig)
    transform: InstanceConfig = field(default_factory=InstanceConfig)
    serve: InstanceConfig = field(default_factory=lambda: InstanceConfig(instance_type="ml.m5.large"))


@dataclass
class EvaluationConfig:
    """The decision threshold and how sure the headline number is."""

    #: how the test split is scored: by a batch transform job, or an endpoint; auto is transform in AWS
    via: Via = Via.auto
    #: cost: cheapest on validation; f1: best F1 there; recall: catches `recall` there; fixed: `threshold`
    policy: ThresholdPolicy = ThresholdPolicy.cost
    #: an alert is a score of at least this; only with policy=fixed
    threshold: float | None = None
    #: share of the validation frauds to catch; only with policy=recall
    recall: float | None = None
    #: what a missed fraud costs, in money, where there is no `data.amount` to say it
    missed_fraud_cost: float = 100.0
    #: how much of the amount of a missed fraud is lost; less than 1 where some of it is recovered
    loss_share: float = 1.0
    #: what a missed fraud costs on top, in money, such as the fee of a chargeback
    missed_fraud_fee: float = 0.0
    #: what looking at one alert costs, in money
    alert_cost: float = 5.0
    #: most alerts per day on average, by the days of validation; the threshold keeps to it. null is any
    alert_budget: float | None = None
    #: what the money is called, such as EUR; null calls it money
    currency: str | None = None
    #: how many alerts a team may look at per day: what each number would catch, where there is a time
    alerts_per_day: list[int] = field(default_factory=lambda: [20, 100, 500])
    #: how many cards a team may look at per day: card precision, where there are a time and a card
    cards_per_day: int = 100
    #: columns to measure value by value, features or not: [country, merchant_type]. See ``docs/report.md``
    slices: list[str] = field(default_factory=list)
    #: the model in use, to measure against: auto is what the registry has in production; null is none.
    #: See ``docs/report.md``
    incumbent: str | None = "auto"
    #: bootstrap resamples behind intervals
    resamples: int = 1000
    #: rows per request when scoring the test split through the endpoint
    batch_rows: int = 20_000


@dataclass
class ServingConfig:
    """The endpoint's own settings."""

    #: processes that answer requests, one thread each
    workers: int = 1
    #: largest request body, in MiB
    max_body_mib: int = 25
    #: file of texts for reasons; auto is conf/reasons.yaml where there is one. See ``docs/reasons.md``
    reasons: str | None = "auto"


@dataclass
class PathsConfig:
    """Where things are kept, relative to the folder fraudlab is called in."""

    #: folder of the runs
    runs: str = "runs"
    #: prepared splits by content hash, and the working folders of running jobs
    cache: str = "${paths.runs}/.cache"


@dataclass
class RunIdConfig:
    """What the run is called."""

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
    sagemaker: SageMakerConfig = field(default_factory=SageMakerConfig)
    rehearsal: RehearsalConfig = field(default_factory=RehearsalConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    run: RunIdConfig = field(default_factory=RunIdConfig)
    #: seed of the synthetic table, the stratified split, training and the bootstrap
    seed: int = 42
    #: run every job even where its inputs' hashes say it has been run
    force: bool = False
    #: show what the jobs print
    verbose: bool = False
    #: spend money without being asked first
    yes: bool = False


SCHEMA: dict[str, type[Any]] = {
    "backend": BackendConfig,
    "data": DataConfig,
    "split": SplitConfig,
    "model": ModelConfig,
    "tracking": TrackingConfig,
    "compute": ComputeConfig,
    "evaluation": EvaluationConfig,
    "serving": ServingConfig,
    "sagemaker": SageMakerConfig,
    "rehearsal": RehearsalConfig,
    "registry": RegistryConfig,
}


def register_schema() -> None:
    """Put the schema into Hydra's ConfigStore, one entry per group under ``schema/``."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, node in SCHEMA.items():
        store.store(group="schema", name=group, package=group, node=node)
