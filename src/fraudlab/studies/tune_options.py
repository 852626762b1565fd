"""What a person asks of a study: ``conf/tune/`` and ``tune.…`` overrides, checked with the run's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.compose import own_folder
from fraudlab.config_options import config_folder
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError, nearest
from fraudlab.studies.search_space import Dimension, read_space

SAMPLERS = ("tpe", "random")
PRUNERS = ("median", "none")
MAX_TRIALS = 10_000
#: it begins the names of the study's runs, which SageMaker limits
_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,26}[a-zA-Z0-9])?")
_KEYS = ("name", "trials", "timeout", "parallel", "seed", "sampler", "pruner", "warmup_rounds", "space")
_WHOLE = {
    "trials": (1, MAX_TRIALS),
    "parallel": (1, 256),
    "seed": (0, 2**31 - 1),
    "warmup_rounds": (0, 1_000_000),
}


@dataclass(frozen=True)
class TuneOptions:
    """A study as it was asked for.

    Attributes
    ----------
    name : str or None
    trials : int
        How many are to have ended, those of earlier calls included.
    timeout : float or None
        Seconds after which no trial begins.
    parallel : int
        Trials beside each other.
    seed : int or None
        None is the run's.
    sampler : {"tpe", "random"}
    pruner : {"median", "none"}
    warmup_rounds : int
    space : tuple of Dimension
    """

    name: str | None
    trials: int
    timeout: float | None
    parallel: int
    seed: int | None
    sampler: str
    pruner: str
    warmup_rounds: int
    space: tuple[Dimension, ...]


def is_tune_word(word: str) -> bool:
    """Whether an override is about the study, and not about its runs."""
    key = word.lstrip("+~").partition("=")[0]
    return key == "tune" or key.startswith("tune.")


def read_options(words: Sequence[str]) -> tuple[TuneOptions | None, list[ConfigError]]:
    """Read an option of ``conf/tune/`` and what is overridden of it: the options, or all that is wrong.

    Parameters
    ----------
    words : sequence of str
        ``tune=NAME`` and ``tune.KEY=VALUE``.
    """
    wrong: list[ConfigError] = []
    assigned: list[tuple[list[str], Any]] = []
    option = "default"
    for word in words:
        try:
            key, value = _assignment(word)
        except ConfigError as error:
            wrong.append(error)
            continue
        if key == ["tune"]:
            option = str(value)
        else:
            assigned.append((key[1:], value))
    try:
        given = _option(option)
    except ConfigError as error:
        wrong.append(error)
        given = _usual()
    for path, value in assigned:
        _assign(given, path, value)
    return _checked(given, wrong), wrong


def _assignment(word: str) -> tuple[list[str], Any]:
    """The key and the value of an override, by Hydra's grammar."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise ConfigError(
            f"{word!r} cannot be read.", fix="write tune.KEY=VALUE, as tune.trials=50"
        ) from error
    if parsed.is_sweep_override():
        raise ConfigError(f"{word!r} has several values.", fix="a list has brackets: [3, 4, 6]")
    value = None if parsed.is_delete() else parsed.value()
    return str(parsed.key_or_group).split("."), _plain(value)


def _plain(value: Any) -> Any:
    """A value without the quotes that Hydra remembers."""
    from hydra.core.override_parser.types import QuotedString

    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _option(name: str) -> dict[str, Any]:
    """The content of ``conf/tune/NAME.yaml`` over our defaults; a space in it replaces ours."""
    folders = [folder / "tune" for folder in (own_folder(), config_folder()) if folder is not None]
    for folder in folders:
        path = folder / f"{name}.yaml"
        if os.sep not in name and path.is_file():
            return {**_usual(), **_read(path)}
    options = {path.stem for folder in folders for path in folder.glob("*.yaml")}
    raise ConfigError(f"tune={name} is no option of conf/tune.", fix=nearest(name, options))


def _usual() -> dict[str, Any]:
    return _read(config_folder() / "tune" / "default.yaml")


def _read(path: Path) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).split("\n")[0]
        raise ConfigError(
            f"{path} cannot be read: {reason}.", fix="write it as ours: docs/tuning.md"
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} has no keys.", fix="write it as ours: docs/tuning.md")
    return {str(name): value for name, value in content.items()}


def _assign(given: dict[str, Any], path: Sequence[str], value: Any) -> None:
    node = given
    for part in path[:-1]:
        if not isinstance(node.get(part), dict):
            node[part] = {}
        node = node[part]
    node[path[-1]] = value


def _checked(given: Mapping[str, Any], wrong: list[ConfigError]) -> TuneOptions | None:
    """The options, unless something is wrong with them, which is added to `wrong`."""
    wrong += [
        ConfigError(f"tune.{key} is no key of a study.", fix=nearest(str(key), _KEYS))
        for key in given
        if key not in _KEYS
    ]
    numbers = {key: _whole(given.get(key), key, wrong) for key in _WHOLE}
    for key, names in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if given.get(key) not in names:
            wrong.append(
                ConfigError(
                    f"tune.{key}={given.get(key)} is no name.", fix=nearest(str(given.get(key)), names)
                )
            )
    name = given.get("name")
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        wrong.append(
            ConfigError(
                f"tune.name={name} cannot begin the names of runs.",
                fix="use up to 28 letters, digits and hyphens, beginning and ending with a letter or digit",
            )
        )
    timeout = None
    if given.get("timeout") is not None:
        try:
            timeout = seconds(str(given["timeout"]), key="tune.timeout")
            if timeout <= 0:
                wrong.append(ConfigError("tune.timeout leaves no time.", fix="such as tune.timeout=2h"))
        except ConfigError as error:
            wrong.append(error)
    space, of_space = read_space(given.get("space"))
    wrong += of_space
    if wrong:
        return None
    return TuneOptions(
        name=name,
        trials=numbers["trials"] or 1,
        timeout=timeout,
        parallel=numbers["parallel"] or 1,
        seed=numbers["seed"],
        sampler=str(given["sampler"]),
        pruner=str(given["pruner"]),
        warmup_rounds=numbers["warmup_rounds"] or 0,
        space=tuple(space),
    )


def _whole(value: Any, key: str, wrong: list[ConfigError]) -> int | None:
    low, high = _WHOLE[key]
    if value is None and key == "seed":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        wrong.append(ConfigError(f"tune.{key}={value} is out of range.", fix=f"valid: {low} to {high}"))
        return None
    return value
