"""Who acts on the registry."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from fraudlab.errors import ConfigError

#: names a person where an account of the operating system is shared, as in CI
VARIABLE = "FRAUDLAB_ACTOR"
_MAX_LENGTH = 200


@dataclass(frozen=True)
class Actor:
    """Who acts.

    Attributes
    ----------
    name : str
        As given, or the account's.
    account : str
        ``user@host`` of the operating system, whatever was given.
    """

    name: str
    account: str


def acting(given: str | None = None) -> Actor:
    """Who acts: the name that is given, else ``FRAUDLAB_ACTOR``, else the account.

    Raises
    ------
    ConfigError
        Where the name cannot be one.
    """
    user = _user()
    name = given if given is not None else os.environ.get(VARIABLE) or user
    if not name.strip() or len(name) > _MAX_LENGTH or not name.isprintable():
        raise ConfigError(
            f"{name[:40]!r} cannot be the name of who acts.",
            fix=f"give up to {_MAX_LENGTH} printable characters: --actor NAME, or {VARIABLE}=NAME",
        )
    return Actor(name.strip(), f"{user}@{socket.gethostname()}")


def _user() -> str:
    """The account by its number: a variable such as USER can be set by anybody."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows, or a number without a name
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else os.environ.get("USERNAME", "unknown")
