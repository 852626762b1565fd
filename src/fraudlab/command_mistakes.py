"""All that is wrong with one command line: each word by itself, and what is left of it as a whole.

A misspelt key says nothing of the others, and Hydra stops at the first. So each word is composed alone; then
the whole again, with every misspelt word as it was probably meant, or without it. What the rules object to
there is said too, unless it may be about a word that was left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fraudlab import hydra_errors
from fraudlab.config_options import options, valid_keys
from fraudlab.errors import ConfigError
from fraudlab.hydra_errors import Mistake
from fraudlab.override_mistakes import explain, is_override, unreadable

if TYPE_CHECKING:
    from omegaconf import DictConfig

#: composes words as they were typed, or raises what Hydra and OmegaConf do
Compose = Callable[[Sequence[str]], "DictConfig"]
#: what the rules object to in a composed configuration
Judge = Callable[["DictConfig"], list[ConfigError]]


class _Word(NamedTuple):
    """One word of a command line: what is wrong with it, and what is composed in its place.

    Attributes
    ----------
    error : ConfigError or None
    meant : str or None
        None leaves it out.
    unknown : str
        What the configuration then says nothing of; empty where that is nothing.
    """

    error: ConfigError | None
    meant: str | None
    unknown: str = ""


def mistakes_in(
    words: Sequence[str], compose: Compose, alone: Judge, whole: Judge, *, sweep: bool = False
) -> list[ConfigError]:
    """What is wrong with a command line, as far as it can be told at once.

    Parameters
    ----------
    words : sequence of str
    compose : callable
    alone, whole : callable
        Given one word's configuration, and that of all.
    sweep : bool
        Whether a word may name several values; of those, only the key is checked.
    """
    told = [_tell(word, compose, alone, sweep=sweep) for word in words]
    found = [word.error for word in told if word.error]
    unknown = [word.unknown for word in told if word.unknown]
    objections = _of_whole([word.meant for word in told if word.meant is not None], compose, whole)
    return found + [one for one in objections if not _mentions(one, unknown)]


def _of_whole(words: Sequence[str], compose: Compose, judge: Judge) -> list[ConfigError]:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        return judge(compose(words))
    except (HydraException, OmegaConfBaseException) as error:
        return [explain(error)]


def _tell(word: str, compose: Compose, alone: Judge, *, sweep: bool) -> _Word:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if not is_override(word):
        return _Word(unreadable(word), None)
    key, _, value = word.partition("=")
    bare = key.strip().lstrip("+~")
    try:
        found = alone(compose([word]))
    except ConfigError as error:
        return _Word(error, None, bare)
    except (HydraException, OmegaConfBaseException) as error:
        told = hydra_errors.read(error)
        if sweep and told.mistake is Mistake.UNREADABLE:
            return _Word(_of_key(key, compose), None, bare)
        return _Word(explain(error), *_meant(told, key, value))
    return _Word(found[0], None, bare) if found else _Word(None, word)


def _of_key(key: str, compose: Compose) -> ConfigError | None:
    """What is wrong with a key, whatever its values."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        compose([f"{key}=null"])
    except (HydraException, OmegaConfBaseException) as error:
        return explain(error) if hydra_errors.read(error).mistake is Mistake.KEY else None
    return None


def _meant(told: hydra_errors.Told, key: str, value: str) -> tuple[str | None, str]:
    """The word that was probably meant, and what is not known without it."""
    bare = key.strip().lstrip("+~")
    if told.mistake is Mistake.OPTION:
        close = difflib.get_close_matches(value.strip(), options(bare), n=1, cutoff=0.6)
        return (f"{key}={close[0]}", "") if close else (None, f"{bare}=")
    if told.mistake is Mistake.KEY:
        parent, _, leaf = bare.rpartition(".")
        close = difflib.get_close_matches(leaf, valid_keys(parent), n=1, cutoff=0.6)
        name = f"{parent}.{close[0]}" if close and parent else "".join(close)
        return (f"{name}={value}", "") if close else (None, "")
    return None, bare


def _mentions(error: ConfigError, names: Sequence[str]) -> bool:
    said = f"{error.message} {error.fix}"
    return any(name in said for name in names)
