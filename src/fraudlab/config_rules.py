"""What the types of the schema cannot say: ranges, and combinations that cannot work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Literal

from fraudlab.backend_registry import Description, describe, descriptions
from fraudlab.cloud_rules import check_cloud
from fraudlab.config import BackendConfig, DataConfig, DataKind, RunConfig, SplitKind, Via
from fraudlab.config_ranges import CHOICES, DATASET_NAME, RANGES, TEXTS
from fraudlab.container.column_rules import ColumnNames
from fraudlab.container.failure import JobError
from fraudlab.container.hook_source import HookSource, read_hooks
from fraudlab.container.hyperparameters import SHARES, Hyperparameters, read_hyperparameters
from fraudlab.dataset_reference import check_reference, is_described
from fraudlab.decision_rules import check_decision
from fraudlab.derive_rules import check_derived
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError
from fraudlab.evaluation_rules import check_evaluation
from fraudlab.objections import parts_of, together
from fraudlab.reason_rules import check_reasons
from fraudlab.registry_config import check_registry
from fraudlab.split_rules import check_windows, train_channels

#: A run id becomes part of job names, which SageMaker limits to 63 letters, digits and hyphens.
RUN_ID = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,38}[a-zA-Z0-9])?")
#: most characters of a hyperparameter's value in a SageMaker request
MAX_VALUE = 2500
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
                break
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


def split_kind(config: RunConfig) -> SplitKind:
    """The split that will be made: ``auto`` is by time where there is a time column."""
    if config.split.kind is not SplitKind.auto:
        return config.split.kind
    return SplitKind.time if config.data.time else SplitKind.stratified


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
    with _in_our_words():
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
    if config.data.features:  # else the table's columns tell, and then all that is wrong is said at once
        check_derived(config.data, column_names(config.data))


def _check_reasons(config: RunConfig) -> None:
    check_reasons(config, column_names(config.data))


def column_names(data: DataConfig, slices: Sequence[str] = ()) -> ColumnNames:
    """The columns that a configuration names; `slices` are those of ``evaluation.slices``."""
    return ColumnNames(
        label=data.label,
        time=data.time,
        id=tuple(data.id),
        card=data.card,
        amount=data.amount,
        features=tuple(data.features),
        drop=tuple(data.drop),
        categorical=tuple(data.categorical),
        slices=tuple(slices),
    )


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


def refits(config: RunConfig) -> bool:
    """Whether the model learns from validation too, once that has chosen: as asked, or by the kind of split.

    In the order of time, validation has the newest labels. Of rows dealt at random it has some like the
    others, and out-of-fold figures are those of a model of train.

    Raises
    ------
    ConfigError
        If ``model.refit`` is none of its values.
    """
    asked = config.model.refit
    text = asked.strip().lower() if isinstance(asked, str) else asked
    if text in (True, "true") and "validation" not in train_channels(config):
        raise ConfigError(
            f"model.refit={asked} learns from validation too, and split.validation_length=0s leaves none.",
            fix="leave model.refit out, or give split.validation_length a time",
        )
    if text in (True, "true", False, "false"):
        return text in (True, "true")
    if text != "auto":
        raise ConfigError(f"model.refit={asked} is not one of its values.", fix=f"use {TEXTS['model.refit']}")
    in_time = split_kind(config) is not SplitKind.stratified and "validation" in train_channels(config)
    return in_time and not config.model.k_fold


def hyperparameters(config: RunConfig) -> dict[str, str]:
    """The model section as a training job is given it: strings, and what is null left out."""
    values = {name: value for name, value in vars(config.model).items() if name not in ("name", "hooks")}
    values["refit"] = refits(config)
    given = {name: value for name, value in values.items() if value is not None}
    if isinstance(values["members"], int) and all(values.get(name) in (None, 1.0) for name in SHARES):
        # The schema's default is to sample nothing, of which all members would be the same.
        given = {name: value for name, value in given.items() if name not in SHARES}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


def _check_model(config: RunConfig) -> None:
    """The job's own rules, asked before there is a job."""
    model, data = config.model, config.data
    if data.categorical and model.tree_method == "exact":
        raise ConfigError(
            "model.tree_method=exact cannot use data.categorical.",
            fix="choose model.tree_method=hist or approx",
        )
    texts = hyperparameters(config)
    with _in_our_words():
        parameters = read_hyperparameters(texts, prefix="model.")
        if data.features:
            check_constraints(config, data.features)
        elif isinstance(parameters.monotone_constraints, Mapping):
            # Which columns there are is known later; which are no numbers is known now.
            check_constraints(config, list(parameters.monotone_constraints), interactions=False)
    _check_hooks(model.hooks, parameters)
    needs = parameters.calibration not in ("auto", "none") and not parameters.k_fold
    if needs and "validation" not in train_channels(config):
        raise ConfigError(
            f"model.calibration={model.calibration} is fitted on validation, and "
            "split.validation_length=0s leaves none.",
            fix="leave model.calibration out, or give split.validation_length a time",
        )
    for name, text in texts.items():
        if len(text) > MAX_VALUE:
            raise ConfigError(
                f"model.{name} has {len(text)} characters, and SageMaker takes {MAX_VALUE}.",
                fix="list fewer members, or only what sets them apart"
                if name == "members"
                else "name only the columns that are constrained",
            )


def check_constraints(config: RunConfig, columns: Sequence[str], *, interactions: bool = True) -> None:
    """Check the model's constraints against the columns of a table, before there is a job.

    Parameters
    ----------
    config : RunConfig
    columns : sequence of str
        Of the table, in its order; those with a role that is no feature's are left out here.
    interactions : bool
        Look at ``interaction_constraints``, which needs all columns.

    Raises
    ------
    ConfigError
        If a constraint names what is no feature, or gives a direction to a category.
    """
    data = config.data
    learnt = [name for name in column_names(data).learnt(columns) if name not in data.derive]
    features = [*learnt, *data.derive]
    with _in_our_words():
        parameters = read_hyperparameters(hyperparameters(config), prefix="model.")
        if not interactions:
            parameters = replace(parameters, interaction_constraints=None)
        parameters.for_xgboost(features, cpus=1, categorical=data.categorical, prefix="model.")


def _check_hooks(path: str | None, parameters: Hyperparameters) -> None:
    names = [name for name in (parameters.objective_hook, *parameters.metric_hooks) if name]
    if path is None:
        if names:
            raise ConfigError(
                f"hook:{names[0]} is a function of model.hooks, which is not set.", fix="add model.hooks=FILE"
            )
        return
    if not names:
        raise ConfigError(
            f"model.hooks={path} is given, and nothing names a function of it.",
            fix="name one in model.objective or model.eval_metric as hook:NAME, or leave model.hooks out",
        )
    with _in_our_words():
        hook_file(path).require(names)


def hook_file(path: str) -> HookSource:
    """The file ``model.hooks`` names, parsed and not run.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not Python.
    """
    with _in_our_words():
        return read_hooks(Path(path))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise what the job's own checks say as an error of the launcher."""
    try:
        yield
    except JobError as error:
        raise ConfigError(f"{error.sentence}.", fix=error.fix) from error


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
    _check_model,
    lambda config: _check_limits(config.backend),
    _check_evaluation,
    check_decision,
    lambda config: check_evaluation(config.evaluation),
    _check_names,
    _check_dataset,
    lambda config: check_registry(config.registry),
)
