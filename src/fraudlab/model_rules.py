"""What of ``model`` a training job would refuse, asked before there is a job; and how it is told to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fraudlab.config import RunConfig, SplitKind
from fraudlab.config_ranges import TEXTS
from fraudlab.container.column_rules import ColumnNames
from fraudlab.container.hook_source import HookSource, read_hooks
from fraudlab.container.hyperparameters import SHARES, Hyperparameters, read_hyperparameters
from fraudlab.derive_rules import written_columns
from fraudlab.errors import ConfigError
from fraudlab.named_columns import column_names
from fraudlab.objections import in_our_words
from fraudlab.split_rules import split_kind, train_channels

#: most characters of a hyperparameter's value in a SageMaker request
MAX_VALUE = 2500


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


def check_model(config: RunConfig) -> None:
    """Ask the job's own rules before there is a job.

    Raises
    ------
    ConfigError
        If a job would refuse a parameter, or a request could not carry it.
    """
    model, data = config.model, config.data
    if data.categorical and model.tree_method == "exact":
        raise ConfigError(
            "model.tree_method=exact cannot use data.categorical.",
            fix="choose model.tree_method=hist or approx",
        )
    texts = hyperparameters(config)
    with in_our_words():
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


def check_constraints(
    config: RunConfig, columns: Sequence[str], *, names: ColumnNames | None = None, interactions: bool = True
) -> None:
    """Check the model's constraints against the columns of a table, before there is a job.

    Parameters
    ----------
    config : RunConfig
    columns : sequence of str
        Of the table, in its order; those with a role that is no feature's are left out here.
    names : ColumnNames, optional
        The columns that the configuration means; left out, those that it names.
    interactions : bool
        Look at ``interaction_constraints``, which needs all columns.

    Raises
    ------
    ConfigError
        If a constraint names what is no feature, or gives a direction to a category.
    """
    data = config.data
    names, derive = names or column_names(data), written_columns(data.derive)
    learnt = [name for name in names.learnt(columns) if name not in derive]
    features = [*learnt, *derive]
    with in_our_words():
        parameters = read_hyperparameters(hyperparameters(config), prefix="model.")
        if not interactions:
            parameters = replace(parameters, interaction_constraints=None)
        parameters.for_xgboost(features, cpus=1, categorical=names.categorical, prefix="model.")


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
    with in_our_words():
        hook_file(path).require(names)


def hook_file(path: str) -> HookSource:
    """The file ``model.hooks`` names, parsed and not run.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not Python.
    """
    with in_our_words():
        return read_hooks(Path(path))
