"""``fraudlab cloud verify``: the smallest runs in an account, and where AWS is unlike the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fraudlab.aws.call_record import CallRecord, recording
from fraudlab.backend_registry import describe
from fraudlab.cloud.call_differences import CallDifference, differences
from fraudlab.cloud.configured_account import account_of
from fraudlab.cloud.consent import require_consent
from fraudlab.cloud.scrubbing import scrubbed
from fraudlab.compose import compose
from fraudlab.config import RunConfig
from fraudlab.errors import BackendError, ConfigError, FraudlabError, RunError
from fraudlab.files import write_text
from fraudlab.terminal import Terminal
from fraudlab.workflow import run_workflow

SERVICE, REHEARSAL, DIFFERENCES = "service.jsonl", "rehearsal.jsonl", "differences.json"
#: a run that is over soon, and of the least that is rented
_SMALLEST = (
    *("data=synthetic", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4", "tracking=off"),
    *("evaluation.resamples=100", "force=true"),
    *(f"compute.{job}.instance_type=ml.m5.large" for job in ("process", "train", "transform", "serve")),
    *(f"compute.{job}.max_minutes=20" for job in ("process", "train", "transform", "serve")),
    *(f"compute.{job}.volume_gb=10" for job in ("process", "train", "transform", "serve")),
)
#: a transform job and an endpoint are asked for by different calls
_WAYS = ("transform", "endpoint")


def verify(
    overrides: Sequence[str], *, folder: Path, terminal: Terminal | None = None
) -> list[CallDifference]:
    """Carry out the smallest runs in an account and in a rehearsal, and compare what they were answered.

    Parameters
    ----------
    overrides : sequence of str
        Of the account and whatever else, as behind ``fraudlab train``. ``backend=rehearsal`` compares a
        rehearsal with another, which tries the command itself.
    folder : Path
        New. Gets ``service.jsonl`` and ``rehearsal.jsonl``, whose lines are calls without what tells whose
        account it was, ``differences.json``, and the runs.
    terminal : Terminal, optional

    Returns
    -------
    list of CallDifference

    Raises
    ------
    ConfigError
        Where nobody agrees to the price, or the folder is there.
    FraudlabError
        Where a run fails. What was answered until then is in the folder.
    """
    if folder.exists():
        raise ConfigError(f"{folder} is there already.", fix="name another: --folder FOLDER")
    service = [_configuration("service", way, ["backend=sagemaker", *overrides], folder) for way in _WAYS]
    rehearsal = _rehearsed(overrides, folder)
    for config in service:
        require_consent(config)
    folder.mkdir(parents=True)
    _recorded(service, folder / SERVICE, terminal)
    try:
        _recorded(rehearsal, folder / REHEARSAL, terminal)
    except BackendError as error:
        raise RunError(
            f"The account's answers are in {folder / SERVICE}, but there is no rehearsal: {error.message}",
            fix=f"{error.fix}; then: fraudlab cloud verify --compare {folder}",
        ) from error
    return compared(folder)


def compared(folder: Path) -> list[CallDifference]:
    """Compare what two runs of an earlier :func:`verify` were answered, and keep the differences there.

    Raises
    ------
    RunError
        Where the folder does not have both.
    """
    sides = []
    for name in (SERVICE, REHEARSAL):
        try:
            text = (folder / name).read_text(encoding="utf-8")
            sides.append([json.loads(line) for line in text.splitlines()])
        except (OSError, ValueError) as error:
            raise RunError(
                f"{folder / name} cannot be read: {error}",
                fix="name a folder that `fraudlab cloud verify` made",
            ) from error
    found = differences(*sides)
    write_text(folder / DIFFERENCES, json.dumps([vars(one) for one in found], indent=2) + "\n")
    return found


def rehearse_again(overrides: Sequence[str], *, folder: Path, terminal: Terminal | None = None) -> None:
    """Carry out the rehearsal's side of an earlier :func:`verify` where it is missing."""
    if (folder / SERVICE).is_file() and not (folder / REHEARSAL).exists():
        _recorded(_rehearsed(overrides, folder), folder / REHEARSAL, terminal)


def _rehearsed(overrides: Sequence[str], folder: Path) -> list[RunConfig]:
    """The runs of a rehearsal, which has neither an account nor a price."""
    kept = [
        word
        for word in overrides
        if not word.lstrip("+~").startswith(("backend=", "sagemaker.", "sagemaker=", "yes="))
    ]
    return [_configuration("rehearsal", way, ["backend=rehearsal", *kept], folder) for way in _WAYS]


def _configuration(side: str, way: str, overrides: Sequence[str], folder: Path) -> RunConfig:
    own = (
        f"evaluation.via={way}",
        f"paths.runs={json.dumps(str(folder / 'runs'))}",
        f"run.id={side}-{way}-{folder.name}",
    )
    return compose([*_SMALLEST, *own, *overrides])


def _recorded(configs: Sequence[RunConfig], file: Path, terminal: Terminal | None) -> None:
    record = CallRecord()
    try:
        with recording(record):
            for config in configs:
                run_workflow(config, terminal=terminal)
    finally:
        names = _names(configs[0])
        lines = [json.dumps(scrubbed(call, names), sort_keys=True) for call in record.calls]
        write_text(file, "".join(f"{line}\n" for line in lines))


def _names(config: RunConfig) -> Mapping[str, str]:
    """What of an account stands in its answers, and is no id that can be told by its form."""
    given = config.sagemaker
    found = {
        str(given.bucket or ""): "BUCKET",
        str(given.role or ""): "ROLE",
        str(given.kms or ""): "KMS",
        str(given.owner or ""): "OWNER",
        **{str(value): "TAG" for value in given.tags.values()},
        **dict.fromkeys([*given.vpc.subnets, *given.vpc.security_groups], "VPC"),
    }
    if not describe(config.backend.kind).rehearsed:
        with suppress(FraudlabError):  # whoever cannot be asked is named nowhere
            found[account_of(config).identity.name] = "PERSON"
    return found


def shown(found: Sequence[CallDifference], folder: Path) -> Iterator[str]:
    """The lines that a person reads."""
    if not found:
        yield "The service and the rehearsal answered alike."
    for one in found:
        yield f"{one.call}: {one.what}"
    if found:
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        yield f"{count}; also in {folder / DIFFERENCES}"
