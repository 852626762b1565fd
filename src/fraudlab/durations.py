"""Durations as people write them: ``7d``, ``12h``, ``30m``, ``90s``."""

from __future__ import annotations

import re

from fraudlab.errors import ConfigError

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}


def seconds(text: str, *, key: str) -> float:
    """Read a duration.

    Parameters
    ----------
    text : str
        A number followed by ``d``, ``h``, ``m`` or ``s``; a bare number is seconds.
    key : str
        The config key it came from, for the error.

    Returns
    -------
    float
        Seconds, zero or more.

    Raises
    ------
    ConfigError
        Where the text is not a duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([dhms]?)", text.strip())
    if not match:
        raise ConfigError(
            f"{key}={text!r} is not a duration.",
            fix=f"write a number and a unit (d, h, m or s), for example {key}=7d",
        )
    return float(match[1]) * _UNITS[match[2] or "s"]
