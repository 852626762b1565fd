"""What a study may try: a range or a list of values for parameters of ``model``, checked at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from fraudlab.container.failure import JobError
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.errors import ConfigError, nearest
from fraudlab.model_config import ModelConfig

if TYPE_CHECKING:
    from optuna.trial import Trial

Value = None | bool | int | float | str
#: what is no question of validation, or what the trials themselves decide
_NOT_TUNED = (
    "name",
    "hooks",
    "objective",
    "calibration",
    "k_fold",
    "k_fold_repeats",
    "checkpoint_rounds",
    "save_best",
)
_RANGE = ("low", "high", "log", "step")
#: what is a number or a word, by the kind of number; the word may stand in a list
_OR_AUTO: dict[str, type[Any]] = {"max_depth": int}
_LARGEST = 1e300
_EXAMPLE = "write {low: 3, high: 9}, {low: 0.01, high: 0.3, log: true} or a list such as [3, 4, 6]"


@dataclass(frozen=True)
class Dimension:
    """The values one parameter may have.

    Attributes
    ----------
    name : str
        Below ``model``.
    choices : tuple
        Empty of a range.
    low, high : int or float
        Of a range, both ends included.
    log : bool
        Whether the range is tried on a logarithmic scale.
    step : int or float or None
        Between the values of a range.
    whole : bool
        Whether the range has whole numbers.
    """

    name: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

    def suggest(self, trial: Trial) -> Value:
        """The value that a trial is to try."""
        if self.choices:
            value: Value = trial.suggest_categorical(self.name, self.choices)
        elif self.whole:
            value = trial.suggest_int(
                self.name, int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        else:
            value = trial.suggest_float(self.name, self.low, self.high, log=self.log, step=self.step)
        return value

    def holds(self, value: Value) -> bool:
        """Whether a value is one of those that may be tried."""
        if self.choices:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return self.low <= value <= self.high and abs(steps - round(steps)) < 1e-9

    def as_json(self) -> dict[str, Any]:
        """What was asked for, so that a study can be compared with what is asked later."""
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.low, "high": self.high, "log": self.log, "step": self.step}


def read_space(given: object) -> tuple[list[Dimension], list[ConfigError]]:
    """The dimensions of ``tune.space``, and everything that is wrong with it.

    Parameters
    ----------
    given : object
        As YAML or an override has it: by name of a parameter; null leaves one out.
    """
    if not isinstance(given, Mapping):
        return [], [ConfigError("tune.space has no parameters by name.", fix=_EXAMPLE)]
    entries = dict(given)
    if isinstance(inner := entries.pop("model", None), Mapping):  # as a person would write the whole key
        entries |= dict(inner)
    found, wrong = [], []
    for name, entry in entries.items():
        if entry is None:
            continue
        try:
            found.append(_dimension(str(name), entry))
        except ConfigError as error:
            wrong.append(error)
    if not found and not wrong:
        wrong.append(ConfigError("tune.space leaves nothing to tune.", fix=_EXAMPLE))
    return found, wrong


def tunable() -> dict[str, type[Any]]:
    """The parameters of ``model`` that a study may try, each with the type of its values."""
    found = {}
    for name, hint in get_type_hints(ModelConfig).items():
        kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
        if name not in _NOT_TUNED and len(kinds) == 1 and kinds[0] in (bool, int, float, str):
            found[name] = kinds[0]
    return found | _OR_AUTO


def _dimension(name: str, entry: object) -> Dimension:
    key, valid = f"tune.space.{name}", tunable()
    if name not in valid:
        if name in get_type_hints(ModelConfig):
            raise ConfigError(f"{key}: model.{name} cannot be tuned.", fix=nearest("", valid))
        raise ConfigError(f"{key} is no parameter of model.", fix=nearest(name, valid))
    if isinstance(entry, Mapping) and "choices" in entry:
        if more := [str(other) for other in entry if other != "choices"]:
            raise ConfigError(f"{key} has choices, and {more[0]} beside them.", fix="leave one of them out")
        entry = entry["choices"]
    if isinstance(entry, Mapping):
        return _range(key, name, entry, valid[name])
    if isinstance(entry, list | tuple):
        return Dimension(name, choices=_choices(key, name, entry, valid[name]))
    raise ConfigError(
        f"{key}={entry} is one value, and nothing to choose from.",
        fix=f"{_EXAMPLE}; to set it, write model.{name}={entry} and tune.space.{name}=null",
    )


def _choices(key: str, name: str, given: Iterable[Any], kind: type[Any]) -> tuple[Value, ...]:
    values: list[Value] = []
    for raw in given:
        value = raw if name in _OR_AUTO and raw == "auto" else _as(kind, raw)
        if isinstance(value, _Unfit):
            raise ConfigError(f"{key}: {raw} is no value of model.{name}.", fix=_wanted(name, kind))
        _require_valid(key, name, value)
        values.append(value)
    if len(values) < 2:
        raise ConfigError(f"{key} is {list(values)}, and nothing to choose from.", fix="give two or more")
    texts = [json.dumps(value) for value in values]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise ConfigError(f"{key} has {twice} twice.", fix="give each value once")
    return tuple(values)


def _range(key: str, name: str, given: Mapping[Any, Any], kind: type[Any]) -> Dimension:
    if unknown := [str(word) for word in given if word not in _RANGE]:
        raise ConfigError(f"{key}.{unknown[0]} says nothing of a range.", fix=nearest(unknown[0], _RANGE))
    if kind not in (int, float):
        raise ConfigError(f"{key}: model.{name} is no number, and has no range.", fix="give a list of values")
    if missing := [word for word in ("low", "high") if given.get(word) is None]:
        raise ConfigError(f"{key} has no {missing[0]}.", fix=_EXAMPLE)
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{key}.log={log} is neither true nor false.", fix="log: true, or leave it out")
    ends = {word: _as(kind, given[word]) for word in ("low", "high")}
    for word, value in ends.items():
        if isinstance(value, _Unfit) or value is None:
            raise ConfigError(f"{key}.{word}={given[word]} is no value of it.", fix=_wanted(name, kind))
        _require_valid(f"{key}.{word}", name, value)
    low, high = float(ends["low"]), float(ends["high"])  # type: ignore[arg-type]
    if low >= high:
        raise ConfigError(
            f"{key}: low={given['low']} is not below high={given['high']}.",
            fix=f"swap them, or write model.{name}={given['low']} and tune.space.{name}=null",
        )
    if log and low <= 0:
        raise ConfigError(
            f"{key}: a logarithmic scale cannot begin at {low:g}.", fix="give a low above 0, or leave log out"
        )
    step = _step(key, given, kind, width=high - low, log=log)
    return Dimension(name, low=low, high=high, log=log, step=step, whole=kind is int)


def _step(key: str, given: Mapping[Any, Any], kind: type[Any], *, width: float, log: bool) -> float | None:
    if (raw := given.get("step")) is None:
        return None
    step = _as(kind, raw)
    if isinstance(step, _Unfit | str) or step is None or not 0 < step <= width:
        raise ConfigError(f"{key}.step={raw} is no step of the range.", fix=f"above 0 and at most {width:g}")
    if log:
        raise ConfigError(f"{key} has a step and a logarithmic scale.", fix="leave step or log out")
    steps = width / step
    if abs(steps - round(steps)) > 1e-9:
        raise ConfigError(
            f"{key}: steps of {raw} from low do not reach high.", fix="choose a high that a step ends at"
        )
    return float(step)


class _Unfit:
    """What could not be read as a value."""


def _as(kind: type[Any], value: object) -> Value | _Unfit:
    """A value as one of its type; whole numbers may be written as ``6.0``."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None:
        return None
    if kind in (bool, str):
        return value if isinstance(value, kind) else _Unfit()
    if not number or not abs(value) <= _LARGEST:  # type: ignore[arg-type]
        return _Unfit()  # also what is no number
    if kind is int:
        return int(value) if value == int(value) else _Unfit()  # type: ignore[call-overload]
    return float(value)  # type: ignore[arg-type]


def _wanted(name: str, kind: type[Any]) -> str:
    words: dict[type[Any], str] = {
        int: "whole numbers",
        float: "numbers",
        bool: "true and false",
        str: "names",
    }
    return f"model.{name} takes {words[kind]}"


def _require_valid(key: str, name: str, value: Value) -> None:
    """Ask the training job's own rules."""
    if value is None:
        return
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        read_hyperparameters({**_beside(name, value), name: text}, prefix="model.")
    except JobError as error:
        raise ConfigError(f"{key}: {error.sentence}.", fix=error.fix) from error


def _beside(name: str, value: Value) -> dict[str, str]:
    """What a parameter needs beside it to mean anything."""
    if value == "dart" or name in ("skip_drop", "one_drop", "sample_type", "normalize_type"):
        return {"booster": "dart", "rate_drop": "0.1"}
    needs = {
        "rate_drop": {"booster": "dart"},
        "max_depth": {"max_leaves": "31"},
        "max_leaves": {"grow_policy": "lossguide"},
    }
    return needs.get(name, {})
