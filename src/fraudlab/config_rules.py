"""What the types of the schema cannot say: ranges, and combinations that cannot work."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Literal

from fraudlab.backend_registry import Description, describe, descriptions
from fraudlab.cloud_rules import check_cloud
from fraudlab.config import BackendConfig, DataKind, RunConfig, SplitKind, Via
from fraudlab.config_ranges import CHOICES, DATASET_NAME, RANGES, TEXTS
from fraudlab.container.column_rules import NO_MOMENT, NO_MOMENT_FIX
from fraudlab.dataset_reference import check_reference, is_described
from fraudlab.decision_rules import check_decision
from fraudlab.derive_rules import asks_auto, check_derived
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError
from fraudlab.evaluation_rules import check_evaluation
from fraudlab.model_rules import check_model
from fraudlab.named_columns import column_names
from fraudlab.objections import in_our_words, parts_of, together
from fraudlab.reason_rules import check_reasons
from fraudlab.registry_config import check_registry
from fraudlab.split_rules import check_windows, split_kind

#: A run id becomes part of job names, which SageMaker limits to 63 letters, digits and hyphens.
RUN_ID = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,38}[a-zA-Z0-9])?")
#: an amount of memory as Docker takes it, without what would be a byte or a kilobyte
_MEMORY = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?) ?([mg])i?b?")
_UNITS = {"m": 1 << 20, "g": 1 << 30}
_MIN_MEMORY = 256 << 20


def check(config: RunConfig) -> None:
    """Check a composed configuration; what cannot work is raised, of every kind of rule at once.

    Raises
    ------
    ConfigError
        With the key, its value, and what would work.
    """
    if found := faults(config):
        raise together(found)


def faults(config: RunConfig) -> list[ConfigError]:
    """All that cannot work, in the order of the rules."""
    found: list[ConfigError] = []
    for rule in (_check_choices, *_RULES):
        try:
            rule(config)
        except ConfigError as error:
            found += parts_of(error)
            if rule is _check_choices:  # a name that nothing has breaks other rules
                return found
    return found + _beside(config) if found else found


def _beside(config: RunConfig) -> list[ConfigError]:
    """What is wrong with expressions and texts whatever the columns are: no table is read for a wrong run."""
    if config.data.features:
        return []
    names = column_names(config.data)
    found: list[ConfigError] = []
    rules: tuple[Callable[[], None], ...] = (
        lambda: check_derived(config.data, names),
        lambda: check_reasons(config, names, without_columns=True),
    )
    for rule in rules:
        try:
            rule()
        except ConfigError as error:
            found += parts_of(error)
    return found


def _check_choices(config: RunConfig) -> None:
    """Refuse a name that nothing has, in the words in which the schema refuses one."""
    wrong = [
        ConfigError(
            f"{key}: Invalid value {value!r}, expected one of [{', '.join(names)}].",
            fix=f"the default is {key}={attrgetter(key)(RunConfig())}",
        )
        for key, names in CHOICES.items()
        if (value := attrgetter(key)(config)) not in names
    ]
    if wrong:
        raise together(wrong)


def _check_ranges(config: RunConfig) -> None:
    """Refuse every number that is out of its range, all of them at once."""
    found = [(key, attrgetter(key)(config), range_) for key, range_ in RANGES.items()]
    out = [item for item in found if item[1] is not None and not item[2].holds(item[1])]
    if out:
        valid = out[0][2].valid if len(out) == 1 else "; ".join(f"{key}: {r.valid}" for key, _, r in out)
        message = " ".join(f"{key}={value} is out of range." for key, value, _ in out)
        raise ConfigError(message, fix=f"valid: {valid}")


def scored_via(config: RunConfig, backend: Description) -> Literal[Via.transform, Via.endpoint]:
    """How a backend's test split is scored: as was asked for, or by a transform job where it runs them."""
    if config.evaluation.via is Via.auto:
        return Via.transform if backend.transforms else Via.endpoint
    return config.evaluation.via


def no_transforms(backend: str) -> ConfigError:
    """Why the test split cannot be scored by a transform job."""
    others = [f"backend={other.name}" for other in descriptions() if other.transforms]
    return ConfigError(
        f"evaluation.via=transform needs transform jobs, and backend={backend} runs none.",
        fix=f"leave evaluation.via out, or choose {' or '.join(others)}",
    )


def gap_seconds(config: RunConfig) -> float:
    """The time left out before validation and before test, in seconds."""
    return seconds(config.split.gap, key="split.gap")


def _check_times(config: RunConfig) -> None:
    found = []
    times = {
        config.split.gap: "split.gap",
        config.data.delay: "data.delay",
    }  # a gap is the delay unless given
    for text, key in times.items():
        try:
            seconds(text, key=key)
        except ConfigError as error:
            found.append(error)
    if found:
        raise together(found)


def _check_parts(config: RunConfig) -> None:
    with in_our_words():
        # Rows of the test split have later times than any that was learnt; others may send such a request.
        column_names(config.data, config.evaluation.slices).check_parts(may_learn=("card",))


def _check_source(config: RunConfig) -> None:
    data = config.data
    check_reference(data)
    if data.kind not in (DataKind.synthetic, DataKind.artifact) and not data.path:
        raise ConfigError(f"data.path must be given for data={data.kind.value}.", fix="add data.path=FILE")
    if data.kind is DataKind.synthetic and data.path:
        raise ConfigError(
            f"data.path={data.path} is given, but data=synthetic makes its own table.",
            fix=f"add data=table data.path={data.path} data.label=COLUMN",
        )


def _check_derive(config: RunConfig) -> None:
    if asks_auto(config.data.derive) and config.split.kind is SplitKind.prequential:
        raise ConfigError(
            "data.derive=auto chooses on one validation split, and split=prequential has one for each fold.",
            fix="run it with split=time, and declare what that run's config.yaml has as data.derive",
        )
    if config.data.features:  # else the table's columns tell, and then all that is wrong is said at once
        check_derived(config.data, column_names(config.data))


def _check_reasons(config: RunConfig) -> None:
    check_reasons(config, column_names(config.data))


def _check_shares(config: RunConfig) -> None:
    split = config.split
    total = split.train + split.validation + split.test
    if abs(total - 1.0) > 1e-6:
        raise ConfigError(
            f"split.train + split.validation + split.test is {total:g}, not 1.",
            fix="for example split.train=0.6 split.validation=0.2 split.test=0.2",
        )


def _check_order(config: RunConfig) -> None:
    split = config.split
    by_time = split.kind in (SplitKind.time, SplitKind.prequential)
    if by_time and not config.data.time and is_described(config.data):
        raise ConfigError(
            f"split={split.kind.value} needs a time column, and data.time is not set.",
            fix="add data.time=COLUMN, or choose split=stratified",
        )
    dealt = split_kind(config) is SplitKind.stratified and (
        split.kind is SplitKind.stratified or is_described(config.data)
    )
    if config.data.label_known and dealt:
        raise ConfigError(f"{NO_MOMENT}.", fix=NO_MOMENT_FIX)


def memory_bytes(text: str | None) -> int | None:
    """The bytes that ``backend.memory`` stands for: a number with ``m`` (MiB) or ``g`` (GiB).

    Raises
    ------
    ConfigError
        If it is something else, or less than a job needs to start.
    """
    if text is None:
        return None
    found = _MEMORY.fullmatch(text.strip().lower())
    size = round(float(found[1]) * _UNITS[found[2]]) if found else 0
    if size < _MIN_MEMORY:
        raise ConfigError(f"backend.memory={text} is out of range.", fix=f"valid: {TEXTS['backend.memory']}")
    return size


def _check_limits(backend: BackendConfig) -> None:
    memory_bytes(backend.memory)
    for name, value in (("memory", backend.memory), ("pids", backend.pids)):
        if value is not None and name not in describe(backend.kind).takes:
            others = [f"backend={other.name}" for other in descriptions() if name in other.takes]
            raise ConfigError(
                f"backend.{name}={value} limits a container, and backend={backend.kind} has none.",
                fix=f"leave backend.{name} out, or choose {' or '.join(others)}",
            )


def _check_evaluation(config: RunConfig) -> None:
    evaluation = config.evaluation
    if evaluation.via is Via.transform and not describe(config.backend.kind).transforms:
        raise no_transforms(config.backend.kind)


def _check_names(config: RunConfig) -> None:
    if config.run.id == "latest":
        raise ConfigError("run.id='latest' is the link to the newest run.", fix="choose another run.id")
    if config.run.id is not None and not RUN_ID.fullmatch(config.run.id):
        raise ConfigError(
            f"run.id={config.run.id!r} cannot be part of a job's name.",
            fix="use up to 40 letters, digits and hyphens, beginning and ending with a letter or digit",
        )


def _check_dataset(config: RunConfig) -> None:
    if not DATASET_NAME.fullmatch(name := config.tracking.dataset):
        raise ConfigError(
            f"tracking.dataset={name!r} cannot be its name.", fix=f"use {TEXTS['tracking.dataset']}"
        )


_RULES: tuple[Callable[[RunConfig], None], ...] = (
    _check_ranges,
    check_cloud,
    _check_times,
    _check_parts,
    _check_source,
    _check_derive,
    _check_reasons,
    check_windows,
    _check_shares,
    _check_order,
    check_model,
    lambda config: _check_limits(config.backend),
    _check_evaluation,
    check_decision,
    lambda config: check_evaluation(config.evaluation),
    _check_names,
    _check_dataset,
    lambda config: check_registry(config.registry),
)
