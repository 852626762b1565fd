"""What leaves this machine, without its secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_SECRET_NAME = re.compile(r"(?i)(?:^|[._-])(?:api_?key|token|secret|password|passwd|credentials?)(?:$|[._-])")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
# Shorter values would blot out ordinary words, and are no secrets anybody can keep.
_MIN_SECRET = 8


_REFERENCE = re.compile(r"\$\{oc\.env:(\w+)\}")
#: of a variable that somebody hands over on purpose, a looser sign is enough
_KEY_NAME = re.compile(r"(?i)key|token|secret|pass|pwd|credential|auth|private|signature|dsn")
#: a value that nobody would type: long, of letters and digits, without spaces or folders
_KEY_LIKE = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9+=_.~:-]{16,}")
_MIN_KEY = 6
#: variables that the configuration has asked for with ``${oc.env:NAME}``, by value
_interpolated: dict[str, str] = {}
_showing: list[bool] = []
#: secrets that came out of files
_kept: set[str] = set()


def watch_environment() -> None:
    """Let :func:`hide` know what the configuration takes from the environment; call it before composing."""
    from omegaconf import OmegaConf
    from omegaconf.resolvers import oc

    def env(name: str, *default: Any) -> Any:
        value = oc.env(name, *default)
        if name not in os.environ:
            return value
        _interpolated[os.environ[name]] = name
        return hide(value) if _showing else value

    OmegaConf.register_new_resolver("oc.env", env, replace=True)


@contextmanager
def showing_configuration() -> Iterator[None]:
    """Within this, Hydra itself prints the configuration: references to secrets stay references."""
    _showing.append(True)
    try:
        yield
    finally:
        _showing.pop()


def hide(value: Any) -> Any:
    """The given `value`, JSON-like, without the secrets this process knows.

    A secret that the configuration took from the environment becomes its reference again,
    ``${oc.env:NAME}``; others become ``***``.
    """
    for secret, name in _interpolated.items():
        if _is_secret(name, secret):
            value = _replaced(value, secret, name)
    return redact(value, known_secrets())


def revealed(value: Any) -> Any:
    """What :func:`hide` has written down, with what this environment has for each reference in it.

    What a variable stands for is known from then on, and hidden again wherever it is written.
    """
    if isinstance(value, Mapping):
        return {key: revealed(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return _REFERENCE.sub(_value_of, value)
    if isinstance(value, Sequence):
        return [revealed(inner) for inner in value]
    return value


def _value_of(reference: re.Match[str]) -> str:
    found = os.environ.get(reference[1])
    if found is None:
        return reference[0]
    _interpolated[found] = reference[1]
    return found


def hide_configuration(value: Any) -> Any:
    """A configuration as it was described: whatever came from the environment is a reference again."""
    for found, name in sorted(_interpolated.items(), key=lambda pair: -len(pair[0])):
        if len(found) > 1:
            value = _replaced(value, found, name)
    return redact(value, known_secrets())


def _is_secret(name: str, value: str) -> bool:
    """Whether a variable is a key, and no number, word or place."""
    if len(value) < _MIN_KEY or value.replace(".", "", 1).isdecimal():
        return False
    told = bool(_KEY_NAME.search(name) or _KEY_LIKE.fullmatch(value))
    return told and not (os.sep in value and os.path.lexists(value))


def _replaced(value: Any, found: str, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(inner, found, name) for key, inner in value.items()}
    if isinstance(value, str):
        return value.replace(found, f"${{oc.env:{name}}}")
    if isinstance(value, Sequence):
        return [_replaced(inner, found, name) for inner in value]
    return value


def keep_secret(value: str) -> None:
    """Let :func:`known_secrets` know a secret of a file, which is in no variable of the environment."""
    if len(value) >= _MIN_SECRET:
        _kept.add(value)


def known_secrets(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The values of the environment variables whose names say that they are secret.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Defaults to this process's environment.
    """
    variables = os.environ if environment is None else environment
    named = [
        value for name, value in variables.items() if _SECRET_NAME.search(name) and len(value) >= _MIN_SECRET
    ]
    handed_over = {} if environment is not None else _interpolated
    named += [value for value, name in handed_over.items() if _is_secret(name, value)]
    named += [] if environment is not None else sorted(_kept, key=len, reverse=True)
    return tuple(dict.fromkeys(named))


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """The given `value` with every secret in it replaced by ``***``.

    A secret is a value whose name says so (``api_key``, ``db.password``), the user part of a URL, and any
    occurrence of a string in `secrets`.

    Parameters
    ----------
    value : JSON-like
        Mappings and sequences are searched.
    secrets : iterable of str
        Values that must not appear, usually :func:`known_secrets`.
    """
    hidden = tuple(secrets)
    if isinstance(value, Mapping):
        return {
            redact(str(name), hidden): "***"
            if inner and _SECRET_NAME.search(str(name))
            else redact(inner, hidden)
            for name, inner in value.items()
        }
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, "***")
        return _USER_INFO.sub("***@", value)
    if isinstance(value, Sequence):
        return [redact(inner, hidden) for inner in value]
    return value
