"""What an error of Hydra or OmegaConf is about: told by type and attribute; where there are none, by prose.

Only here is their prose read. It is that of the versions in `PROSE_OF`; a test raises each of these errors
with the versions that are installed, so that another wording is noticed when they are updated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

#: the versions whose sentences are read below
PROSE_OF = {"hydra-core": "1.3", "omegaconf": "2.3"}

_SEVERAL_VALUES = re.compile(
    r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'(?:$| requires)", re.MULTILINE
)
_TAKEN_AWAY = re.compile(r"Error merging override (~\S+)")
_REFERENCE = re.compile(r"Interpolation key '([^']*)' not found")
_VARIABLE = re.compile(r"Environment variable '([^']*)' not found")
_NO_DEFAULT = re.compile(r"Could not override '([^']+)'")


class Mistake(Enum):
    """What a person has done; what :attr:`Told.name` is then."""

    UNREADABLE = "an override that cannot be read: as it was typed"
    TAKEN_AWAY = "something taken away that has to be there: the override"
    REFERENCE = "a reference to a key that does not exist: the key"
    VARIABLE = "a reference to an environment variable that is not set: its name"
    KEY = "a key that does not exist: the key, with its sections"
    VALUE = "a value of the wrong type: the key"
    OPTION = "an option that a group does not have: both, as group/option"
    OTHER = "anything else: nothing"


class Told(NamedTuple):
    """A mistake, and what is mistaken."""

    mistake: Mistake
    name: str = ""


def read(error: Exception) -> Told:
    """Tell what an error is about.

    Parameters
    ----------
    error : Exception
        As Hydra or OmegaConf raised it while a configuration was composed or resolved.
    """
    from hydra.errors import MissingConfigException, OverrideParseException
    from omegaconf.errors import (
        ConfigAttributeError,
        ConfigKeyError,
        InterpolationKeyError,
        InterpolationResolutionError,
        ValidationError,
    )

    chain = list(causes(error))
    cause = chain[-1]
    if isinstance(error, OverrideParseException):
        return Told(Mistake.UNREADABLE, str(error.override))
    if found := _SEVERAL_VALUES.search(str(error)):
        return Told(Mistake.UNREADABLE, found[1])
    if found := _TAKEN_AWAY.search(str(error)):
        return Told(Mistake.TAKEN_AWAY, found[1])
    if isinstance(cause, InterpolationKeyError) and (found := _REFERENCE.search(str(cause))):
        return Told(Mistake.REFERENCE, found[1])
    if found := _VARIABLE.search(str(error)):
        return Told(Mistake.VARIABLE, found[1])
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return Told(Mistake.KEY, str(cause.full_key or cause.key))
    if isinstance(cause, ValidationError) and not isinstance(cause, InterpolationResolutionError):
        return Told(Mistake.VALUE, str(cause.full_key)) if cause.full_key else Told(Mistake.OTHER)
    for one in chain:
        if isinstance(one, MissingConfigException) and one.missing_cfg_file:
            return Told(Mistake.OPTION, one.missing_cfg_file)
    if found := _NO_DEFAULT.search(str(error)):
        return Told(Mistake.KEY, found[1].partition("@")[0])
    return Told(Mistake.OTHER)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, its cause, the cause of that, and so on."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
