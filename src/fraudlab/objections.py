"""What is wrong with a configuration, found piece by piece and said at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fraudlab.errors import ConfigError


@dataclass(frozen=True)
class Objection:
    """Something that AWS would refuse.

    Attributes
    ----------
    key : str
        Of the configuration, or the path of the request where no key is behind it.
    message : str
        One sentence, with the key and its value.
    fix : str
    """

    key: str
    message: str
    fix: str


def refuse(objections: Sequence[Objection]) -> None:
    """Raise what was found, all of it at once; nothing where nothing was.

    Raises
    ------
    ConfigError
    """
    once = list(dict.fromkeys(objections))
    if not once:
        return
    if len(once) == 1:
        raise ConfigError(once[0].message, fix=once[0].fix)
    message = " ".join(found.message for found in once)
    raise ConfigError(message, fix="; ".join(dict.fromkeys(f"{found.key}: {found.fix}" for found in once)))


def together(errors: Sequence[ConfigError]) -> ConfigError:
    """One error that tells all of several, each once; the first by itself where it is the only one.

    Parameters
    ----------
    errors : sequence of ConfigError
        At least one.
    """
    by_message = {error.message: error for error in errors}
    if len(by_message) == 1:
        return next(iter(by_message.values()))
    fixes = dict.fromkeys(error.fix for error in by_message.values())
    lines = "".join(f"\n  {message}" for message in by_message)
    return ConfigError(f"{len(by_message)} settings cannot be used:{lines}", fix="\n     ".join(fixes))
