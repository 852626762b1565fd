"""What is wrong with a configuration, found piece by piece and said at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fraudlab.container.failure import JobError
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


class SeveralFaults(ConfigError):
    """Several errors, told as one.

    Parameters
    ----------
    message, fix : str
    parts : sequence of ConfigError
    """

    def __init__(self, message: str, *, fix: str, parts: Sequence[ConfigError]) -> None:
        super().__init__(message, fix=fix)
        self.parts = tuple(parts)


def together(errors: Sequence[ConfigError]) -> ConfigError:
    """One error that tells all of several, each once; the first by itself where it is the only one.

    Parameters
    ----------
    errors : sequence of ConfigError
        At least one.
    """
    each = [part for error in errors for part in parts_of(error)]
    by_message = {error.message: error for error in each}
    if len(by_message) == 1:
        return next(iter(by_message.values()))
    fixes = dict.fromkeys(error.fix for error in by_message.values())
    lines = "".join(f"\n  {message}" for message in by_message)
    message = f"{len(by_message)} settings cannot be used:{lines}"
    return SeveralFaults(message, fix="\n     ".join(fixes), parts=list(by_message.values()))


def parts_of(error: ConfigError) -> tuple[ConfigError, ...]:
    """The errors that one tells of: itself, or those of :func:`together`."""
    return error.parts if isinstance(error, SeveralFaults) else (error,)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise what the job's own checks say as an error of the launcher."""
    try:
        yield
    except JobError as error:
        raise ConfigError(f"{error.sentence}.", fix=error.fix) from error
