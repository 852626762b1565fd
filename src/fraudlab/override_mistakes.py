"""What is wrong with overrides, in the words of the person who typed them."""

from __future__ import annotations

import re

from fraudlab import hydra_errors
from fraudlab.config import RunConfig
from fraudlab.config_options import groups, options, valid_keys
from fraudlab.container.hyperparameters import canonical
from fraudlab.errors import ConfigError, nearest
from fraudlab.hydra_errors import Mistake
from fraudlab.overrides import KEY
from fraudlab.redaction import hide

#: Hydra's ways to name several values
_SWEEP = re.compile(r"\s*(?:choice|range|interval|glob|shuffle|sort|tag)\(")
_DERIVED = re.compile(r"\+*data\.derive\b")
_DERIVE = re.compile(r"Error merging override [+]*data\.derive=")
#: what OmegaConf says of a percentage where a number belongs
_PERCENT = re.compile(r"Value '(\d+(?:\.\d+)?)\s*%' of type .* could not be converted to Float")


def is_override(word: str) -> bool:
    """Whether a word has the form of an override: KEY=VALUE, or ~KEY."""
    key, equals, _ = word.partition("=")
    return bool(KEY.fullmatch(key.strip()) and (equals or key.startswith("~")))


def explain(error: Exception) -> ConfigError:
    """Turn an error of Hydra or OmegaConf into one that names the key, the valid options and the fix.

    Parameters
    ----------
    error : Exception
        As raised while composing.

    Returns
    -------
    ConfigError
        The same fact, in the words of the person who typed the override.
    """
    mistake, name = hydra_errors.read(error)
    if name == "data.derive" or _DERIVE.search(str(error)):
        return ConfigError(
            "data.derive is a mapping of names to expressions, or auto.",
            fix="write it as 'data.derive={ratio: \"amount / mean\"}', data.derive=auto, or in a file "
            "derive: {auto: true}; see docs/derived_columns.md",
        )
    if mistake is Mistake.UNREADABLE:
        return unreadable(name)
    if mistake is Mistake.TAKEN_AWAY:
        return ConfigError(f"{name!r} cannot be taken away.", fix="set it to null or [] instead")
    if mistake is Mistake.REFERENCE:
        return ConfigError(f"${{{name}}} names no key.", fix="name one with its section, as ${data.label}")
    if mistake is Mistake.VARIABLE:
        return ConfigError(f"the environment variable {name} is not set.", fix=f"set {name}, or leave it out")
    if mistake is Mistake.KEY:
        return unknown_key(name)
    if mistake is Mistake.VALUE:
        *_, cause = hydra_errors.causes(error)
        said = _first_line(cause)
        if (percent := _PERCENT.search(said)) is not None:
            share = f"{float(percent[1]) / 100:g}"
            return ConfigError(
                f"{name}={percent[1]}% is not a number.", fix=f"write it as a share: {name}={share}"
            )
        return ConfigError(f"{name}: {said}.", fix=_type_hint(name))
    if mistake is Mistake.OPTION:
        return _unknown_option(name)
    return ConfigError(_first_line(error), fix="see `fraudlab train --help` for the keys and their options")


def unreadable(word: str) -> ConfigError:
    """Why a word of the command line is no override, without the words of a parser."""
    key, equals, value = word.partition("=")
    key = key.lstrip("+") if _DERIVED.match(key) else key  # which fraudlab itself puts before it
    if not word.strip():
        return ConfigError("an override is empty.", fix="remove the pair of quotes with nothing between them")
    if not equals:
        where = [group for group in groups() if word in options(group)]
        likely = f"did you mean {where[0]}={word}?" if where else "see `fraudlab train --help` for the keys"
        return ConfigError(f"{word!r} is not KEY=VALUE.", fix=likely)
    if not KEY.fullmatch(key.strip()):
        return ConfigError(f"{key!r} is not a key.", fix="see `fraudlab train --help` for the keys")
    if re.fullmatch(r"\d{1,3}(,\d{3})+", value):
        return ConfigError(f"{key}={value} is not a number.", fix=f"write {key}={value.replace(',', '')}")
    if "," in value and (_SWEEP.match(value) or not value.lstrip().startswith(("[", "{", "("))):
        listed = "" if _SWEEP.match(value) or "." not in key else f"; for a list write {key}=[{value}]"
        return ConfigError(
            f"{key}={value} has several values for one run.",
            fix=f"for several runs, one after another, add -m{listed}",
        )
    if key == "data.derive":
        return ConfigError(
            f"{key}: the value {value!r} cannot be read.",
            fix="write 'data.derive={ratio: \"amount / mean\"}': expressions in double quotes, and names "
            "without, of letters, digits and _; other names in a file, see docs/derived_columns.md",
        )
    return ConfigError(
        f"{key}: the value {value!r} cannot be read.",
        fix=f"a text with signs goes into quotes within quotes: \"{key}='VALUE'\"",
    )


def unknown_key(key: str) -> ConfigError:
    """What is wrong with a key that does not exist, given with its sections."""
    parent, _, leaf = key.rpartition(".")
    valid = valid_keys(parent)
    if not valid:
        return unknown_key(parent)
    where = f" in {parent}" if parent else ""
    meant = canonical(leaf) if parent == "model" else leaf
    return ConfigError(f"{key!r} is not a key{where}.", fix=nearest(meant, valid))


def _unknown_option(path: str) -> ConfigError:
    group, _, option = path.rpartition("/")
    if "//" in path:
        group, _, option = path.partition("//")
        option = f"/{option}"
    valid = options(group)
    if not valid:
        return ConfigError(f"{path!r} is not a config.", fix=nearest(path, groups()))
    return ConfigError(f"{option!r} is not an option of {group!r}.", fix=nearest(option, valid))


def _type_hint(key: str) -> str:
    from omegaconf import OmegaConf

    node = OmegaConf.structured(RunConfig)
    default = OmegaConf.select(node, key, throw_on_missing=False)
    default = getattr(default, "value", default)
    return (
        f"the default is {key}={default}" if default is not None else f"see `fraudlab train --help` for {key}"
    )


def _first_line(error: BaseException) -> str:
    return str(hide(str(error).strip().split("\n")[0].rstrip(".")))
