"""What a training job is given: its channels, its request and its parameters, read and checked.

There are two kinds. One is described by the ``config`` channel, with the manifest of a process job and
``train.json``. One stands alone: its channels hold files of the conventional formats, and nothing else says
what is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from fraudlab.container.contract import FOLDS, Fields, Tree, read_json, read_optional_json
from fraudlab.container.failure import ConfigError, near, quoted
from fraudlab.container.hook_source import hook_folders
from fraudlab.container.hyperparameters import (
    APART,
    Hyperparameters,
    canonical,
    read_hyperparameters,
    remarks,
    set_apart,
)
from fraudlab.container.training.hooks import Hooks, load_hooks
from fraudlab.evaluation.decisions import DecisionRequest
from fraudlab.evaluation.fold_figures import CARDS_PER_DAY
from fraudlab.evaluation.thresholds import Policy

#: channels of rows
PARTS = ("train", "validation", "test")
#: hyperparameters that are as if they were not there
_NOT_SET = (None, "", "None", "null")
CHANNELS = (*PARTS, FOLDS, "config", "checkpoints", "code")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What ``train.json`` asks for.

    Attributes
    ----------
    run_id : str
    experiment_key : str or None
    log_rounds : bool
        Off where the launcher logs the rounds it reads.
    decision : DecisionRequest or None
        None chooses by what there is to choose on.
    hashes : dict of str
    derive : dict of str to str
        Expressions of columns to compute, by their names.
    test_folds : bool
        Off in a trial, whose older folds are measured on validation alone.
    reasons : dict of str to (str or dict)
        Texts of reasons, by column.
    """

    run_id: str
    experiment_key: str | None
    log_rounds: bool
    decision: DecisionRequest | None
    hashes: dict[str, str]
    derive: dict[str, Any] = field(default_factory=dict)
    test_folds: bool = True
    reasons: dict[str, Any] = field(default_factory=dict)
    cards_per_day: int = CARDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a training job is given.

    Attributes
    ----------
    tree : Tree
    request : JobRequest
    parameters : Hyperparameters
    hooks : Hooks or None
        None where no parameter names a function of it.
    manifest : mapping or None
        The process job's; None for a job that stands alone.
    channels : mapping of str to (str or None)
        The channels there are, and the content type each declares.
    official : bool
        Whether ``model/`` also gets ``xgboost-model``, for code that expects the official container's.
    """

    tree: Tree
    request: JobRequest
    parameters: Hyperparameters
    hooks: Hooks | None
    manifest: Mapping[str, Any] | None
    channels: Mapping[str, str | None]
    official: bool = False


def read_job(tree: Tree) -> Job:
    """Read and check what does not need the data.

    Raises
    ------
    ConfigError
        If a channel, a parameter or a request cannot work.
    """
    channels = _read_channels(tree)
    given = read_optional_json(tree.hyperparameters)
    parameters = read_hyperparameters(given)
    if not any(canonical(name) == "num_round" and value not in _NOT_SET for name, value in given.items()):
        # The official container ends here.
        print(f"num_round is not set: {parameters.num_round} rounds are trained")
    told = set_apart(given)
    for line in remarks(told):
        print(line)
    if told is not given:
        shares = " and ".join(f"{name}={value}" for name, value in APART.items())
        print(f"members={parameters.members}, and nothing is said of sampling: {shares} set them apart")
    config = tree.channel("config")
    described = any((config / name).is_file() for name in ("manifest.json", "train.json"))
    request = _read_request(config / "train.json") if described else _standalone(parameters)
    if described and parameters.decision_threshold is not None:
        raise ConfigError(
            "decision_threshold is set, and train.json says how the threshold is chosen",
            fix="leave decision_threshold out, or set policy to fixed and threshold in train.json",
        )
    patience = next((p.early_stopping_rounds for p in parameters.every if p.early_stopping_rounds), 0)
    if patience and "validation" not in channels:
        raise ConfigError(
            f"early_stopping_rounds={patience} watches validation, and there is no validation channel",
            fix="add a validation channel, or set early_stopping_rounds to 0",
        )
    if parameters.refit and "validation" not in channels:
        raise ConfigError(
            "refit trains on train and validation together, and there is no validation channel",
            fix="add a validation channel, or set refit to false",
        )
    needs = parameters.calibration not in ("auto", "none")
    if needs and "validation" not in channels and not parameters.k_fold:
        raise ConfigError(
            f"calibration={parameters.calibration} is fitted on validation, and there is no such channel",
            fix="add a validation channel, set k_fold, or set calibration to auto or none",
        )
    decision = request.decision
    chooses = decision is not None and decision.policy != "fixed"
    if decision is not None and chooses and "validation" not in channels and not parameters.k_fold:
        raise ConfigError(
            f"the {decision.policy} policy chooses a threshold on validation, and there is no such channel",
            fix="add a validation channel, set k_fold, or use the fixed policy with a threshold",
        )
    manifest = read_json(config / "manifest.json") if described else None
    if decision is not None and decision.alert_budget is not None:
        _require_days(decision.alert_budget, manifest, channels)
    return Job(
        tree,
        request,
        parameters,
        _read_hooks(tree, parameters),
        manifest,
        channels,
        _wants_official(),
    )


def _require_days(
    budget: float, manifest: Mapping[str, Any] | None, channels: Mapping[str, str | None]
) -> None:
    """Refuse a number of alerts per day where no day is known, before anything is trained."""
    splits = {} if manifest is None else Fields(manifest, source="manifest.json").get("splits", dict)
    if "validation" not in channels or splits.get("validation", {}).get("time_start") is None:
        raise ConfigError(
            f"{budget:g} alerts per day cannot be kept to: the validation rows have no time",
            fix="set data.time to the column that says when each transaction was, or leave alert_budget out",
        )


def _wants_official() -> bool:
    text = os.environ.get("FRAUDLAB_XGBOOST_MODEL", "").strip().lower()
    if text not in ("", "0", "1", "false", "true"):
        raise ConfigError(
            f"FRAUDLAB_XGBOOST_MODEL is {quoted(text)}",
            fix="set it to true for an xgboost-model beside the model, or to false",
        )
    return text in ("1", "true")


def _read_channels(tree: Tree) -> dict[str, str | None]:
    config = read_optional_json(tree.input_data_config)
    folders = tree.channels.iterdir() if tree.channels.is_dir() else ()
    found = {folder.name for folder in folders if folder.is_dir() and not folder.name.startswith(".")}
    for name in sorted(found - config.keys() - {"train"}):
        if name in PARTS and not has_rows(tree.channel(name)):
            print(f"channel {name} is an empty folder that inputdataconfig.json does not name: there is none")
            found.remove(name)
    channels: dict[str, str | None] = {}
    for name in sorted(found | config.keys()):
        if name not in CHANNELS:
            raise ConfigError(
                f"unknown channel {name!r}{near(name, CHANNELS)}",
                fix=f"name channels as one of: {', '.join(CHANNELS)}",
            )
        if not isinstance(config.get(name, {}), dict):
            raise ConfigError(
                f"channel {name!r} is {config[name]!r} in inputdataconfig.json",
                fix="describe it as an object, or not at all",
            )
        fields = Fields(config.get(name, {}), source=f"channel {name!r} in inputdataconfig.json")
        if fields.optional("TrainingInputMode", str) == "Pipe":
            raise ConfigError(
                f"channel {name!r} is delivered by Pipe, which can be read only once",
                fix="set TrainingInputMode to File or FastFile",
            )
        channels[name] = fields.optional("ContentType", str) or None
    if "train" not in channels:
        given = f"; there is {', '.join(channels)}" if channels else ""
        raise ConfigError(
            f"there is no train channel{given}", fix="give the training rows as a channel named train"
        )
    return channels


def has_rows(folder: Path) -> bool:
    """Whether a folder holds a file that is read and is not empty."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith((".", "_")):
            continue
        if not path.is_dir() or path.is_symlink():  # what a link leads to is judged when it is read
            if path.is_symlink() or path.stat().st_size:
                return True
        elif has_rows(path):
            return True
    return False


def _read_hooks(tree: Tree, parameters: Hyperparameters) -> Hooks | None:
    """The functions that parameters name, each checked before any data is read."""
    if not parameters.metric_hooks and parameters.objective_hook is None:
        return None
    hooks = load_hooks(hook_folders(tree))
    hooks.metrics(parameters.metric_hooks, margins=False)
    if parameters.objective_hook is not None:
        hooks.objective(parameters.objective_hook)
    return hooks


def _standalone(parameters: Hyperparameters) -> JobRequest:
    threshold = parameters.decision_threshold
    return JobRequest(
        run_id=os.environ.get("TRAINING_JOB_NAME") or "standalone",
        experiment_key=None,
        log_rounds=False,
        decision=None if threshold is None else DecisionRequest("fixed", threshold),
        hashes={},
    )


def _read_cards_per_day(fields: Fields) -> int:
    cards = fields.get("cards_per_day", int, CARDS_PER_DAY)
    if cards < 1:
        raise ConfigError(f"{cards} cards per day are none to look at", fix="set cards_per_day to 1 or more")
    return cards


def _read_request(path: Path) -> JobRequest:
    fields = Fields(read_json(path), source="train.json")
    decision = fields.fields("decision")
    request = JobRequest(
        run_id=fields.get("run_id", str),
        experiment_key=fields.optional("experiment_key", str),
        log_rounds=fields.get("log_rounds", bool, True),
        decision=DecisionRequest(
            policy=cast(Policy, decision.choice("policy", *get_args(Policy))),
            threshold=decision.optional("threshold", float),
            missed_fraud_cost=decision.optional("missed_fraud_cost", float),
            alert_cost=decision.get("alert_cost", float, 0.0),
            loss_share=decision.get("loss_share", float, 1.0),
            missed_fraud_fee=decision.get("missed_fraud_fee", float, 0.0),
            recall=decision.optional("recall", float),
            alert_budget=decision.optional("alert_budget", float),
            currency=decision.optional("currency", str),
        ),
        hashes=fields.get("hashes", dict, {}),
        derive=fields.get("derive", dict, {}),
        test_folds=fields.get("test_folds", bool, True),
        reasons=fields.get("reasons", dict, {}),
        cards_per_day=_read_cards_per_day(fields),
    )
    fields.end()
    decision.end()
    return request
