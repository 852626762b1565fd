"""What leaves this machine, without its secrets, in the flat form Comet shows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SECRET_NAME = re.compile(r"(?i)(?:^|[._-])(?:api_?key|token|secret|password|passwd|credentials?)(?:$|[._-])")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
# Shorter values would blot out ordinary words, and are no secrets anybody can keep.
_SHORTEST_SECRET = 8


def known_secrets(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the values of the environment variables whose names say that they are secret.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Defaults to this process's environment.
    """
    variables = os.environ if environment is None else environment
    return tuple(
        value
        for name, value in variables.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET
    )


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """Return `value` with every secret in it replaced by ``***``.

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


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one level with dotted names; lists become JSON text.

    Parameters
    ----------
    values : mapping
        Nested to any depth.
    prefix : str
        Put before every name, with its own dot.
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, str | int | float):
            flat[f"{prefix}{name}"] = value
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, default=str)
    return flat
