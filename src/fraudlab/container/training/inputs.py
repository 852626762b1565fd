"""The rows a training job learns from and is measured on, whichever way its channels describe them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudlab.container.clock import clock_of
from fraudlab.container.contract import Fields
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError, TableError, quoted, together
from fraudlab.container.features import Column, Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters.rules import check_weighted
from fraudlab.container.prepared import Prepared, read_split, read_times
from fraudlab.container.reason_texts import (
    ReasonTexts,
    TextedColumn,
    examine,
    kinds_of,
    typical_values,
)
from fraudlab.container.training.digests import NOTHING, Digests
from fraudlab.container.training.job import PARTS, Job, has_rows
from fraudlab.evaluation.budgets import Traffic


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a job is given beside the rows it trains on.

    Attributes
    ----------
    features : Features
    label : str
        Name of the label column.
    validation, test : Prepared or None
        None where there is no such channel, and on all hosts but the first.
    reason_texts : ReasonTexts
        What the model's reasons are in words.
    """

    features: Features
    label: str
    validation: Prepared | None
    test: Prepared | None
    reason_texts: ReasonTexts


def read_inputs(job: Job, hosts: Hosts, digests: Digests | None) -> tuple[Prepared, Inputs]:
    """Read all channels of rows.

    Parameters
    ----------
    job : Job
    hosts : Hosts
    digests : Digests or None
        What tells several hosts whether they have the same files.

    Returns
    -------
    train : Prepared
        Apart from the rest, because it goes as soon as it is binned. Of several hosts, the rows of this one.
    inputs : Inputs

    Raises
    ------
    JobError
        If a channel cannot be read, or has rows that cannot be learned from or measured on.
    """
    filled = _filled(job, hosts)
    with hosts.together():
        if job.manifest is None:
            train, features = _read_first(job)
            label = "label"
        else:
            features = declared_of(job, Fields(job.manifest, source="manifest.json"))
            label = Fields(job.manifest, source="manifest.json").fields("roles").get("label", str)
            train = read_split(job.tree.channel("train"), features)
        texts = _checked_texts(job, features)
        _say_useless(features, train)
        nothing = train.take(slice(0))
        read = {name: _read(job, name, features) if own else nothing for name, own in filled.items()}
    held: dict[str, Prepared | None] = dict(read)
    if digests is not None and len(hosts) > 1:
        _require_one_job(job, features, {"train": train, **read}, hosts)
        if _replicated("train", digests, hosts):
            train = train.take(slice(hosts.rank, None, len(hosts)))
        held = {name: _at_first(name, part, digests, hosts) for name, part in read.items()}
    frauds, rows = hosts.total([train.frauds, len(train)])
    _require_both_classes("train", int(frauds), int(rows))
    validation = held.get("validation")
    with hosts.together():
        if validation is not None:
            _require_both_classes("validation", validation.frauds, len(validation))
            if validation.weight is not None:
                check_weighted(job.parameters.eval_metric)
    reason_texts = ReasonTexts(features, _with_typical(texts, features, train, hosts))
    return train, Inputs(features, label, validation, held.get("test"), reason_texts)


def _checked_texts(job: Job, features: Features) -> dict[str, dict[str, str]]:
    usable, faults = examine(job.request.reasons, kinds_of(features))
    if faults:
        raise together(faults, what="reason texts cannot be used")
    return usable


def _with_typical(
    texts: Mapping[str, dict[str, str]], features: Features, train: Prepared, hosts: Hosts
) -> dict[str, TextedColumn]:
    """The texts with the median of each column of numbers, over the train rows of all hosts."""
    numbers = [name for name, is_category in kinds_of(features).items() if name in texts and not is_category]
    own = np.ascontiguousarray(train.matrix[:, [features.input_names.index(name) for name in numbers]])
    if len(hosts) > 1 and numbers:
        pieces = hosts.gather(own.tobytes())
        own = np.frombuffer(b"".join(pieces), np.float32).reshape(-1, len(numbers))
    typical = dict(zip(numbers, typical_values(own, range(len(numbers))), strict=True))
    return {name: TextedColumn(own_texts, typical.get(name)) for name, own_texts in texts.items()}


def declared_of(job: Job, described: Fields) -> Features:
    """The features that a manifest, or the part of one that is a fold's, describes, with derived columns.

    Raises
    ------
    ConfigError
        If it describes none, or a column cannot be derived of them.
    """
    whole = Fields(job.manifest or {}, source="manifest.json")
    name = whole.fields("roles").optional("time", str)
    time = None
    if name is not None and whole.has("time"):
        time = Column(name, clock=clock_of(whole.fields("time")))
    return read_features(described).deriving(job.request.derive, time=time)


def _say_useless(features: Features, train: Prepared) -> None:
    """Say which derived columns no tree can split on: a typing error can make one of constants."""
    for position, one in enumerate(features.derived, features.width):
        present = train.matrix[:, position][~np.isnan(train.matrix[:, position])]
        if not present.size:
            print(f"derived column {quoted(one.name)} is missing in every train row: {quoted(one.text)}")
        elif present.min() == present.max():
            print(
                f"derived column {quoted(one.name)} is {present[0]:g} in every train row: {quoted(one.text)}"
            )


def read_again(job: Job, inputs: Inputs, hosts: Hosts, digests: Digests | None) -> tuple[Prepared, Prepared]:
    """The rows of train and of validation once more, to train on both; of several hosts, this one's share.

    Reading takes less than a hundredth of training, and so they need not be held meanwhile.

    Parameters
    ----------
    job : Job
    inputs : Inputs
    hosts : Hosts
    digests : Digests or None

    Raises
    ------
    JobError
        If a channel cannot be read.
    """
    filled = _filled(job, hosts)
    with hosts.together():
        train = _read(job, "train", inputs.features)
        if len(hosts) == 1 and inputs.validation is not None:
            return train, inputs.validation
        own = filled["validation"]
        validation = _read(job, "validation", inputs.features) if own else train.take(slice(0))
    if digests is None:
        return train, validation
    every = slice(hosts.rank, None, len(hosts))
    return (
        train.take(every) if _replicated("train", digests, hosts) else train,
        validation.take(every) if _replicated("validation", digests, hosts) else validation,
    )


def read_traffic(job: Job, rows: int) -> Traffic | None:
    """The days of the validation rows; None where they have no time, or lie on other hosts too.

    Parameters
    ----------
    job : Job
    rows : int
        How many there are on all hosts.
    """
    if job.manifest is None:
        return None
    fields = Fields(job.manifest, source="manifest.json")
    splits, split = fields.get("splits", dict), fields.get("split", dict, {})
    time = read_times(job.tree.channel("validation"))
    if time is None or time.size != rows:
        return None
    # rows dealt at random are a share of the rows of their days
    random = split.get("kind") == "stratified"
    sampled = rows / sum(int(facts["rows"]) for facts in splits.values()) if random else 1.0
    return Traffic.of(time, sampled=sampled)


def _filled(job: Job, hosts: Hosts) -> dict[str, bool]:
    """Which channels to measure on this host reads: not one without rows where others have some."""
    own = {name: has_rows(job.tree.channel(name)) for name in PARTS[1:] if name in job.channels}
    if len(hosts) == 1:
        return dict.fromkeys(own, True)
    every = [json.loads(other) for other in hosts.gather(json.dumps(own).encode())]
    return {name: filled or not any(other.get(name) for other in every) for name, filled in own.items()}


def _read_first(job: Job) -> tuple[Prepared, Features]:
    """The train channel of a job that stands alone, which says what the columns are."""
    from fraudlab.container.channels import read_channel
    from fraudlab.container.channels.channel_files import LIBSVM

    table = read_channel(
        job.tree.channel("train"),
        content_type=job.channels["train"],
        csv_weights=job.parameters.csv_weights,
        keep_counter=job.parameters.keep_counter,
    )
    # libsvm's column k is called fk.
    base = int(table.names[0][1:]) if table.content_type == LIBSVM else None
    features = Features([Column(name) for name in table.names], libsvm_base=base)
    return Prepared(table.matrix, table.label, weight=table.weight), features


def _read(job: Job, name: str, features: Features) -> Prepared:
    if job.manifest is not None:
        return read_split(job.tree.channel(name), features)
    from fraudlab.container.channels import read_channel

    table = read_channel(
        job.tree.channel(name),
        content_type=job.channels[name],
        csv_weights=job.parameters.csv_weights,
        keep_counter=job.parameters.keep_counter,
        columns=tuple(features.names),
    )
    return Prepared(table.matrix, table.label, weight=table.weight)


def _require_both_classes(name: str, frauds: int, rows: int) -> None:
    if 0 < frauds < rows:
        return
    what = "no fraud" if not frauds else "nothing but fraud"
    raise TableError(
        f"channel {name} has {what} among its {rows:,} rows", fix="give it rows of both labels, 0 and 1"
    )


def _require_one_job(job: Job, features: Features, parts: Mapping[str, Prepared], hosts: Hosts) -> None:
    """Refuse hosts that were given different parameters, or columns that do not match."""
    given: dict[str, Any] = {
        "hyperparameters": job.parameters.as_json() | {"hooks": job.hooks and job.hooks.sha256},
        "channels": sorted(job.channels),
        "columns": features.as_json(),
        "texts of reasons": job.request.reasons,
        "weights": {name: part.weight is not None for name, part in parts.items()},
        "amounts": {name: part.amount is not None for name, part in parts.items()},
    }
    every = [json.loads(other) for other in hosts.gather(json.dumps(given).encode())]
    for what in given:
        for name, other in zip(hosts.names, every, strict=True):
            if other[what] != every[0][what]:
                raise ConfigError(
                    f"hosts {hosts.names[0]} and {name} have different {what}",
                    fix="give all hosts of a job the same configuration, and files of the same columns",
                )


def _at_first(name: str, part: Prepared, digests: Digests, hosts: Hosts) -> Prepared | None:
    """All rows of a channel, on the first host."""
    if _replicated(name, digests, hosts):
        return part if hosts.first else None
    pieces = {
        "matrix": hosts.gather(part.matrix.tobytes()),
        "label": hosts.gather(part.label.tobytes()),
        "amount": hosts.gather(b"" if part.amount is None else part.amount.tobytes()),
        "weight": hosts.gather(b"" if part.weight is None else part.weight.tobytes()),
    }
    if not hosts.first:
        return None
    width = part.matrix.shape[1]
    amount = None if part.amount is None else np.frombuffer(b"".join(pieces["amount"]), np.float64)
    weight = None if part.weight is None else np.frombuffer(b"".join(pieces["weight"]), np.float32)
    return Prepared(
        np.frombuffer(b"".join(pieces["matrix"]), np.float32).reshape(-1, width),
        np.frombuffer(b"".join(pieces["label"]), np.uint8),
        amount,
        weight,
    )


def _replicated(name: str, digests: Digests, hosts: Hosts) -> bool:
    """Whether all hosts have the same files of a channel, or each has some of them.

    S3DistributionType would say it, but is often absent.
    """
    every = [digest for digest in digests.every(name, hosts) if digest != NOTHING]
    different, lacking = len(set(every)), len(every) < len(hosts)
    if different != len(every) and (different != 1 or lacking):
        raise ConfigError(
            f"some of the hosts have the same files of channel {name}, and some have others",
            fix="use S3DataDistributionType FullyReplicated or ShardedByS3Key",
        )
    return different == 1 and not lacking
