"""A study before it begins: what is tuned, from where, with what, and under which name."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.backend_registry import describe
from fraudlab.compose import as_dict, compose
from fraudlab.config import RunConfig
from fraudlab.container.hyperparameters import printed, read_hyperparameters
from fraudlab.container.runtime import cpu_count
from fraudlab.derive_rules import asks_auto
from fraudlab.errors import ConfigError
from fraudlab.files import read_json, write_json
from fraudlab.model_rules import hyperparameters
from fraudlab.objections import together
from fraudlab.overrides import quoted
from fraudlab.runs.record import flatten
from fraudlab.split_rules import train_channels
from fraudlab.studies.search_space import Value
from fraudlab.studies.trial_worker import ROUND_METRIC
from fraudlab.studies.tune_options import TuneOptions, is_tune_word, read_options

#: below the folder of runs
STUDIES = "studies"
_DESCRIPTION = "study.json"
#: what makes a study's experiments one group at Comet; others may have a study of the same name there
_GROUP = "group"
#: what of a run's configuration makes another study
_DESCRIBES = ("data", "split", "model", "seed")
#: what a trial does without: what learns from validation, on which it is judged, and what comes after
_TRIAL_ONLY = ("model.refit=false", "model.calibration=none", "model.k_fold=0", "force=false")


@dataclass(frozen=True)
class TuningRequest:
    """A study as it was asked for, checked.

    Attributes
    ----------
    name : str
    options : TuneOptions
    config : RunConfig
        Of the run it starts from.
    overrides : tuple of str
        What the person overrode of it.
    """

    name: str
    options: TuneOptions
    config: RunConfig
    overrides: tuple[str, ...]

    @property
    def runs(self) -> Path:
        return Path(self.config.paths.runs).absolute()

    @property
    def folder(self) -> Path:
        return self.runs / STUDIES / self.name

    @property
    def seed(self) -> int:
        return self.config.seed if self.options.seed is None else self.options.seed

    @property
    def prunes(self) -> bool:
        """Whether rounds are compared: they are where they have the metric to compare."""
        metrics = read_hyperparameters(hyperparameters(self.config)).eval_metric
        return self.options.pruner != "none" and ROUND_METRIC in map(printed, metrics)

    def study(self, role: str, **more: Any) -> dict[str, Any]:
        """What the record of one of its runs says of it, once :func:`require_same` has let it begin."""
        group = read_json(self.folder / _DESCRIPTION)[_GROUP]
        return {"name": self.name, "group": group, "role": role, **more}

    def overrides_of(self, run_id: str, params: dict[str, Value], *, trial: bool) -> list[str]:
        """The overrides of one of its runs."""
        tags = ", ".join(quoted(tag) for tag in (*self.config.tracking.tags, f"study-{self.name}"))
        return [
            *self.overrides,
            *map(override, params.items()),
            *(_TRIAL_ONLY if trial else ()),
            f"tracking.tags=[{tags}]",
            f"run.id={run_id}",
        ]


def override(setting: tuple[str, Value]) -> str:
    """A setting of the model as a person would type it."""
    name, value = setting
    return f"model.{name}={value if isinstance(value, str) else json.dumps(value)}"


def read_request(words: Sequence[str]) -> TuningRequest:
    """Read what stands behind ``fraudlab tune``; everything that is wrong is said at once.

    Parameters
    ----------
    words : sequence of str
        Overrides of the study and of its runs, in any order.

    Raises
    ------
    ConfigError
    """
    options, wrong = read_options([word for word in words if is_tune_word(word)])
    overrides = tuple(word for word in words if not is_tune_word(word))
    config = None
    try:
        config = compose(overrides)
    except ConfigError as error:
        wrong.append(error)
    if config is not None:
        wrong += _objections(config)
        if options is not None:
            wrong += _too_many(config, options)
    if wrong or config is None or options is None:
        raise together(wrong)
    return TuningRequest(options.name or _name_of(options, config), options, config, overrides)


def _objections(config: RunConfig) -> list[ConfigError]:
    """What of a run's configuration no study can use."""
    found = []
    if asks_auto(config.data.derive):
        found.append(
            ConfigError(
                "data.derive=auto would choose columns again in every trial of a study.",
                fix="train with it once, and tune with the data.derive of that run's config.yaml",
            )
        )
    if config.run.id is not None:
        found.append(
            ConfigError(
                f"run.id={config.run.id} names one run, and a study has many.", fix="use tune.name instead"
            )
        )
    if "validation" not in train_channels(config):
        found.append(
            ConfigError(
                "Tuning chooses on validation, and split.validation_length=0s leaves none.",
                fix="give split.validation_length a time, such as 7d",
            )
        )
    return found


def _too_many(config: RunConfig, options: TuneOptions) -> list[ConfigError]:
    cores = cpu_count()
    if options.parallel <= cores or describe(config.backend.kind).in_cloud:
        return []
    return [
        ConfigError(
            f"tune.parallel={options.parallel} is more than the {cores} cores there are.",
            fix=f"tune.parallel={cores} or fewer: each trial needs one",
        )
    ]


def description_of(request: TuningRequest) -> dict[str, Any]:
    """What a study is about: what of it may not change between two calls."""
    return _described(request.options, request.config)


def _described(options: TuneOptions, config: RunConfig) -> dict[str, Any]:
    whole = as_dict(config)
    return {
        **{key: whole[key] for key in _DESCRIBES},
        "tune": {
            "seed": config.seed if options.seed is None else options.seed,
            "sampler": options.sampler,
            "pruner": options.pruner,
            "warmup_rounds": options.warmup_rounds,
            "space": {dimension.name: dimension.as_json() for dimension in options.space},
        },
    }


def _name_of(options: TuneOptions, config: RunConfig) -> str:
    """A name that the same question always has."""
    text = json.dumps(_described(options, config), sort_keys=True)
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in config.model.name)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"tune-{safe[:14].strip('-')}-{digest}".replace("--", "-")


def is_begun(request: TuningRequest) -> bool:
    """Whether an earlier call has begun the study."""
    return (request.folder / _DESCRIPTION).exists()


def require_same(request: TuningRequest) -> None:
    """Write what the study is about, or refuse to go on with one that is about something else.

    Raises
    ------
    ConfigError
        With all keys that differ.
    """
    path, asked = request.folder / _DESCRIPTION, description_of(request)
    if not path.exists():
        write_json(path, {"schema": 1, "name": request.name, _GROUP: uuid.uuid4().hex, **asked})
        return
    described = read_json(path)
    before = flatten({name: value for name, value in described.items() if name != _GROUP})
    now = flatten(json.loads(json.dumps({"schema": 1, "name": request.name, **asked})))
    different = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if different:
        shown = "; ".join(f"{key} was {before.get(key)}, is {now.get(key)}" for key in different[:6])
        raise ConfigError(
            f"Study {request.name} was begun with other settings: {shown}.",
            fix="choose another tune.name, or ask as before; trials, timeout and parallel may change",
        )
    if _GROUP not in described:  # it was begun before studies had one
        write_json(path, {**described, _GROUP: uuid.uuid4().hex})
