"""Durations as people write them: ``7d``, ``12h``, ``1d 12h``, ``2 weeks``, ``P7D``."""

from __future__ import annotations

import re

from fraudlab.errors import ConfigError

_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SPELLINGS = {
    "w": ("week", "weeks"),
    "d": ("day", "days"),
    "h": ("hr", "hrs", "hour", "hours"),
    "m": ("min", "mins", "minute", "minutes"),
    "s": ("sec", "secs", "second", "seconds"),
}
_UNITS = {name: _SECONDS[unit] for unit in _SPELLINGS for name in (unit, *_SPELLINGS[unit])} | {
    "ms": _SECONDS["ms"]
}
_NO_FIXED_LENGTH = ("mo", "mon", "month", "months", "q", "y", "yr", "year", "years")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_TERM = re.compile(rf"({_NUMBER})\s*([a-zA-Z]+)[\s,]*")
_BARE = re.compile(rf"[+-]?{_NUMBER}")
#: ISO 8601, 5.5.2.4, without years and months, which have no fixed length
_ISO = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?=.)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.IGNORECASE,
)
_MAX_DAYS = 36_525
_KNOWN = "w weeks, d days, h hours, m minutes, s seconds"


def seconds(text: str, *, key: str) -> float:
    """Read a duration.

    Parameters
    ----------
    text : str
        Numbers, each followed by its unit: ``w``, ``d``, ``h``, ``m`` (minutes), ``s`` or ``ms``, or their
        English names; or an ISO 8601 duration of weeks, days, hours, minutes and seconds. Zero needs no unit.
    key : str
        The config key it came from, for the error.

    Returns
    -------
    float
        Seconds, zero or more.

    Raises
    ------
    ConfigError
        Where the text is not a duration, has no unit, or one of no fixed length.
    """
    stripped = text.strip()
    if _BARE.fullmatch(stripped):
        found = float(stripped)
        if found:
            raise _without_unit(stripped, found, key)
    else:
        found = _sum(stripped, key)
    if found > _MAX_DAYS * _SECONDS["d"]:
        raise ConfigError(f"{key}={text!r} is longer than a century.", fix=f"for example {key}=7d")
    return abs(found)


def _without_unit(text: str, value: float, key: str) -> ConfigError:
    if value < 0:
        return ConfigError(f"{key}={text!r} is negative.", fix=f"a duration is 0 or more: {key}=7d")
    # A small number is meant in days and a large one in seconds: no gap lasts a few seconds or several years.
    meant = text + ("d" if value <= 366 else "s")
    return ConfigError(f"{key}={text!r} has no unit.", fix=f"did you mean {key}={meant}? Units: {_KNOWN}")


def _sum(text: str, key: str) -> float:
    """The seconds of all terms together."""
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        units = ("w", "d", "h", "m", "s")
        return sum(
            float(number) * _SECONDS[unit] for number, unit in zip(iso.groups(), units, strict=True) if number
        )
    total, at = 0.0, 0
    while at < len(text):
        term = _TERM.match(text, at)
        unit = term[2] if term else ""
        if term is None or (size := _unit_seconds(term[1], unit, text, key)) is None:
            if text.startswith("-"):
                raise ConfigError(f"{key}={text!r} is negative.", fix=f"a duration is 0 or more: {key}=7d")
            raise _not_a_duration(text, key)
        total += float(term[1]) * size
        at = term.end()
    if not at:
        raise _not_a_duration(text, key)
    return total


def _unit_seconds(number: str, unit: str, text: str, key: str) -> float | None:
    if unit == "M" or unit.lower() in _NO_FIXED_LENGTH:
        days = 365 if unit.lower() in ("y", "yr", "year", "years") else 91 if unit.lower() == "q" else 30
        meant = f"{key}={float(number) * days:.15g}d"
        minutes = f", or for minutes {key}={number}m" if unit == "M" else ""
        raise ConfigError(
            f"{key}={text!r} has a unit of no fixed length.", fix=f"give days: {meant}{minutes}"
        )
    return _UNITS.get(unit.lower())


def _not_a_duration(text: str, key: str) -> ConfigError:
    return ConfigError(
        f"{key}={text!r} is not a duration.",
        fix=f"write a number and a unit, for example {key}=7d or {key}=12h. Units: {_KNOWN}",
    )
