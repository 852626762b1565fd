"""Whether a person agrees, before money is spent or something is taken away."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fraudlab.errors import ConfigError


def can_ask() -> bool:
    """Whether somebody sits at a terminal who can answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def agrees(question: str, *, read: Callable[[str], str] = input) -> bool:
    """Ask, and take nothing but yes for yes."""
    try:
        answer = read(f"{question} [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in {"y", "yes"}


def require_agreement(question: str, *, yes: bool, instead: str) -> bool:
    """Whether to go on: told beforehand, or asked at a terminal.

    Parameters
    ----------
    yes : bool
        It has been said before.
    instead : str
        How to say so, for where nobody can be asked.

    Raises
    ------
    ConfigError
        Where nobody can be asked.
    """
    if yes:
        return True
    if not can_ask():
        raise ConfigError("This has to be agreed to, and there is no terminal to ask.", fix=instead)
    return agrees(question)
