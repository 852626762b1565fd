"""Finds what a plan is made of (table, image, earlier runs, prices) on this machine, and sends nothing."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.api_requests import CloudOptions, Placement
from fraudlab.api_requests.outline import requests_of_run
from fraudlab.aws.account import DEFAULT_ROLE, default_bucket
from fraudlab.aws.image_uris import domain_of, in_registry, tag_of
from fraudlab.backend_registry import Description, describe
from fraudlab.config import DataKind, RunConfig, SplitKind
from fraudlab.config_rules import scored_via
from fraudlab.derive_rules import asks_auto, written_columns
from fraudlab.plan.fitting import TableSize
from fraudlab.plan.history import earlier_steps
from fraudlab.plan.local_image import image_id
from fraudlab.plan.plan_facts import Facts, ImageFacts, TableFacts, Via
from fraudlab.plan.price_cache import known_prices
from fraudlab.plan.run_plan import Plan, make_plan
from fraudlab.plan.start_table import table_facts, table_of, unasked
from fraudlab.runs.folder import new_run_id
from fraudlab.split_rules import split_kind

if TYPE_CHECKING:
    from fraudlab.data.recorded_version import RecordedVersion
    from fraudlab.data.sources import Source

#: what stands for an account nobody has asked for, in AWS's own examples too
NO_ACCOUNT = "111122223333"
#: where a rehearsal is said to be
_REHEARSED_REGION = "us-east-1"
#: stands for the end of a tag that is made of an image nobody has found
_NO_IMAGE = "image-id-unknown"
_COLUMNS = 31  # of the synthetic table
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class AskedAccount:
    """What an account has answered, where it was asked.

    Attributes
    ----------
    account, region, role_arn, bucket : str
    """

    account: str
    region: str
    role_arn: str
    bucket: str


def plan_of(config: RunConfig, *, asked: AskedAccount | None = None) -> Plan:
    """Survey a run and plan it; see :func:`fraudlab.plan.run_plan.make_plan`.

    Parameters
    ----------
    config : RunConfig
    asked : AskedAccount, optional
        What the account has answered; without it placeholders stand for what only AWS knows.
    """
    return make_plan(config, survey(config, asked=asked))


def survey(
    config: RunConfig, *, asked: AskedAccount | None = None, version: RecordedVersion | None = None
) -> Facts:
    """Find the facts of a plan.

    Parameters
    ----------
    config : RunConfig
    asked : AskedAccount, optional
        What the account has answered.
    version : RecordedVersion, optional
        What Comet has said of the version that the run would start from.

    Raises
    ------
    DataError, ConfigError
        Where the table is missing, or is not what the configuration says.
    """
    description = describe(config.backend.kind)
    runs = Path(config.paths.runs).absolute()
    cache = description.folder(Path(config.paths.cache).resolve())
    region = asked.region if asked else region_of(config, description)
    run_id = config.run.id or new_run_id(config.model.name, runs)
    image = _image(config, description, account=asked.account if asked else NO_ACCOUNT, region=region)
    source = _source(config, cache, version)
    via: Via = scored_via(config, description).value
    prepared = _prepared(config, source, cache, image, version)
    placement = _placement(config, description, image, region=region, asked=asked)
    return Facts(
        backend=description.name,
        title=description.title,
        in_cloud=description.in_cloud,
        rehearsed=description.rehearsed,
        region=region,
        account=asked.account if asked else None,
        run_id=run_id,
        via=via,
        settings=_settings(config, description, via, placement),
        image=image,
        table=_table(config, source, version),
        requests=requests_of_run(config, placement, run_id=run_id, via=via),
        prepared=prepared.skipped,
        prepared_unknown=prepared.unknown if description.in_cloud else None,
        prepared_key=prepared.key,
        prices=known_prices(Path(config.paths.cache)),
        earlier=earlier_steps(runs, backend=description),
        notes=_notes(config, description, asked, image, version),
    )


def region_of(config: RunConfig, description: Description) -> str | None:
    """The region of a run, by boto3's own rules and without boto3; None where nobody has said one."""
    if config.sagemaker.region:
        return config.sagemaker.region
    if not description.in_cloud:
        return None
    if description.rehearsed:
        return _REHEARSED_REGION
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if os.environ.get(name):
            return os.environ[name]
    profile = config.sagemaker.profile or os.environ.get("AWS_PROFILE") or "default"
    parser = configparser.RawConfigParser()
    try:
        parser.read(os.environ.get("AWS_CONFIG_FILE") or Path("~/.aws/config").expanduser(), encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        return None
    section = profile if profile == "default" else f"profile {profile}"
    return parser.get(section, "region", fallback=None) or None


@dataclass(frozen=True)
class _Prepared:
    skipped: str | None = None
    unknown: str | None = None
    key: str | None = None


def _prepared(
    config: RunConfig,
    source: Source | None,
    cache: Path,
    image: ImageFacts,
    version: RecordedVersion | None,
) -> _Prepared:
    """Whether the process job is expected to be skipped, or why nobody can say."""
    if version is not None and version.prepared_key:
        return _Prepared(skipped=f"{version.reference} is prepared", key=version.prepared_key)
    if config.data.kind is DataKind.artifact and version is None:
        return _Prepared(unknown=unasked(config.data))
    if config.force:
        return _Prepared()
    if source is None or not source.sha256:
        why = "its table is made by the run" if source is None else "the table has not been read yet"
        return _Prepared(unknown=f"Whether a prepared split is there already is not known: {why}.")
    from fraudlab.job_code import processing_code
    from fraudlab.stages.prepared_key import content_key, job_description

    plain = describe(config.backend.kind).jobs == "processes"
    if image.is_local and not plain and image.id is None:
        return _Prepared(unknown="Whether a prepared split is there already is not known without the image.")
    code = processing_code() if plain or image.id is None else image.id
    key = content_key(job_description(config, source), source.sha256, code)
    if (cache / "prepared" / key / "manifest.json").is_file():
        return _Prepared(skipped="the prepared split is in the cache of this machine", key=key)
    return _Prepared(
        unknown="The process job is skipped if the bucket has the prepared split: --ask looks there.", key=key
    )


def _source(config: RunConfig, cache: Path, version: RecordedVersion | None) -> Source | None:
    """The table as a run finds it, unread; None of one that the run makes, or brings."""
    from fraudlab.stages.raw_table import look

    if config.data.kind is DataKind.artifact:
        table = None if version is None else table_of(version, moved=config.data.path)
        return None if table is None else look(config, table, cache, read=False)
    if config.data.path:
        return look(config, Path(config.data.path), cache, read=False)
    from fraudlab.data.synthetic_place import place_of

    data = config.data
    path = place_of(cache, rows=data.rows, fraud_rate=data.fraud_rate, seed=config.seed)
    return look(config, path, cache, read=False) if path.is_file() else None


def _table(config: RunConfig, source: Source | None, version: RecordedVersion | None) -> TableFacts:
    share = config.split.train + config.split.validation
    if config.split.kind is SplitKind.prequential:
        share = 1.0  # folds overlap, and may be all there is
    if source is None and config.data.kind is DataKind.artifact:
        return table_facts(config.data, version, share=share)
    synthetic = config.data.kind is DataKind.synthetic
    if source is None:
        size = TableSize(None, config.data.rows, True, _COLUMNS, share)
        return TableFacts(
            path="the synthetic table", files=1, size=size, sha256=None, origin="made by the run"
        )
    rows = config.data.rows if synthetic else source.rows
    exact = rows is not None
    if rows is None:
        rows = _estimated_rows(source)
    size = TableSize(source.bytes, rows, exact, len(source.columns), share)
    return TableFacts(path=str(source.path), files=len(source.files), size=size, sha256=source.sha256 or None)


def _estimated_rows(source: Source) -> int | None:
    """The rows of a table of lines, by the length of its first ones; None where it is compressed."""
    with source.files[0].open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    lines = sample.count(b"\n")
    if lines < 2 or b"\0" in sample:
        return None
    return max(1, round(source.bytes / (sample.rindex(b"\n") + 1) * lines) - len(source.files))


def _image(config: RunConfig, description: Description, *, account: str, region: str | None) -> ImageFacts:
    from fraudlab.backends.docker_engine import default_image

    if description.jobs == "processes":
        return ImageFacts(name="fraudlab-process", id=None, uri="fraudlab-process")
    name = config.backend.image or default_image()
    if description.in_cloud and in_registry(name):
        return ImageFacts(name=name, id=name.partition("@")[2] or None, uri=name, is_local=False)
    found = image_id(name)
    if not description.in_cloud:
        return ImageFacts(name=name, id=found, uri=name)
    registry = f"{account}.dkr.ecr.{region or 'REGION'}.{domain_of(region)}/{config.sagemaker.repository}"
    return ImageFacts(name=name, id=found, uri=f"{registry}:{tag_of(found or _NO_IMAGE)}")


def _partition(region: str | None) -> str:
    found = region or ""
    return "aws-cn" if found.startswith("cn-") else "aws-us-gov" if found.startswith("us-gov-") else "aws"


def _placement(
    config: RunConfig,
    description: Description,
    image: ImageFacts,
    *,
    region: str | None,
    asked: AskedAccount | None,
) -> Placement:
    if not description.in_cloud:
        none = "arn:aws:iam::000000000000:role/none"
        return Placement(image=image.uri, role_arn=none, instance_type="local")
    account = asked.account if asked else NO_ACCOUNT
    role = config.sagemaker.role or DEFAULT_ROLE
    if not role.startswith("arn:"):
        role = f"arn:{_partition(region)}:iam::{account}:role/{role}"
    bucket = config.sagemaker.bucket or default_bucket(account, region or "us-east-1")
    root = f"s3://{bucket}/{config.sagemaker.prefix}".rstrip("/")
    return Placement(
        image=image.uri,
        role_arn=asked.role_arn if asked else role,
        cloud=CloudOptions(root=root, owner=config.sagemaker.owner),
    )


def _settings(config: RunConfig, description: Description, via: Via, placement: Placement) -> dict[str, str]:
    """The settings that matter, resolved, as a few words each."""
    from fraudlab.api_requests import hyperparameters

    split, found = config.split, hyperparameters(config)
    shares = "/".join(f"{share:g}" for share in (split.train, split.validation, split.test))
    if split.kind is SplitKind.prequential:
        lengths = "/".join((split.train_length, split.validation_length, split.test_length))
        shares = f"{split.folds} folds of {lengths}"
    settings = {
        "split": f"{split_kind(config).value}, {shares}, gap {split.gap}",
        **({"derived": _derived(derive)} if (derive := config.data.derive) else {}),
        "model": f"{config.model.name}: " + " ".join(f"{name}={value}" for name, value in found.items()),
        **({"reasons": f"in the words of {texts}"} if (texts := config.serving.reasons) else {}),
        "evaluation": f"via {via}, threshold by {config.evaluation.policy.value}",
    }
    if description.in_cloud and placement.cloud:
        sagemaker = config.sagemaker
        chosen = {
            "spot": sagemaker.spot,
            "warm_pool_minutes": sagemaker.warm_pool_minutes,
            "kms": sagemaker.kms,
            "vpc": " ".join([*sagemaker.vpc.subnets, *sagemaker.vpc.security_groups]),
            "encrypt_between_hosts": sagemaker.encrypt_between_hosts,
            "max_usd": sagemaker.max_usd,
            "tags": " ".join(sagemaker.tags),
        }
        words = [f"{name}={value}" for name, value in chosen.items() if value]
        settings["account"] = ", ".join([placement.cloud.root, placement.role_arn, *words])
    return settings


def _derived(derive: Mapping[str, str]) -> str:
    """Declared columns in one line, whatever line breaks their expressions have."""
    declared = written_columns(derive)
    written = "; ".join(f"{name} = {' '.join(text.split())}" for name, text in declared.items())
    said = [f"{len(declared)} column{'s' if len(declared) > 1 else ''}: {written}"] if declared else []
    return "; ".join([*said, *(["auto, chosen on validation by the run"] if asks_auto(derive) else [])])


def _notes(
    config: RunConfig,
    description: Description,
    asked: AskedAccount | None,
    image: ImageFacts,
    version: RecordedVersion | None,
) -> list[str]:
    notes = []
    if config.data.kind is DataKind.artifact and version is None and not description.in_cloud:
        notes.append(unasked(config.data))
    if description.in_cloud and asked is None and not description.rehearsed:
        notes.append(f"Nobody has asked for the account: {NO_ACCOUNT} stands for it, AWS's own example.")
    if config.run.id is None:
        notes.append("The id of the run will be of the moment when it begins.")
    if description.jobs != "processes" and image.is_local and image.id is None:
        notes.append(f"No image {image.name} was found on this machine's engine: `make image` builds it.")
    return notes
