"""How numbers are written: the same digits for the same kind of number everywhere.

``assets/report.js`` writes `decimal`, `count`, `quantity` and `score` by the same rules; a browser test
holds the two together.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from fraudlab.evaluation.operating import NO_ALERTS

NOTHING = "–"
_SPACE = "\u00a0"
_MINUS = "\u2212"
# Digits enough for every float.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def decimal(value: float | None, places: int = 3) -> str:
    """Write a number with fixed decimals, rounding its shortest decimal form half up as browsers do."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), context=_EXACT)
    return f"{rounded or abs(rounded):,f}".replace("-", _MINUS)


def signed(value: float | None, places: int = 3) -> str:
    """Write a difference with its sign."""
    text = decimal(value, places)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def count(value: float | None) -> str:
    """Write a whole number with thousands separators."""
    return decimal(value, 0)


def counted(value: float | None, what: str, plural: str | None = None) -> str:
    """Write a number of things: ``1 alert``, ``1,240 alerts``, and ``no alerts`` for none."""
    many = plural or f"{what}s"
    return f"{count(value) if value else 'no'} {what if value == 1 else many}"


def tick(value: float) -> str:
    """Write a whole number beside an axis, where there is no room for seven digits."""
    if abs(value) < 1e6:
        return count(value)
    return f"{value / 1e6:,.4g}{_SPACE}M" if abs(value) < 1e9 else f"{value / 1e9:,.4g}{_SPACE}B"


def quantity(value: float | None) -> str:
    """Write an amount or a rate with about three digits: ``0.82``, ``9.2``, ``38``, ``1,240``."""
    if value is None:
        return NOTHING
    size = abs(value)
    return decimal(value, 0 if size >= 20 or size == 0 else 1 if size >= 1 else 2)


def score(value: float | None) -> str:
    """Write a score or threshold: four decimals, or two digits where those would be zeros."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == NO_ALERTS:
        return "above 1"
    if value == 0 or abs(value) >= 0.001:
        return decimal(value, 4)
    return decimal(value, min(12, 1 - math.floor(math.log10(abs(value)))))


def percent(share: float | None) -> str:
    """Write a share as a percentage with about three digits: ``77.3 %``, ``0.17 %``."""
    if share is None or not math.isfinite(share):
        return NOTHING
    value = abs(share) * 100
    places = 1 if value >= 10 or value == 0 else 2 if value >= 0.1 else 3
    return f"{decimal(share * 100, places)}{_SPACE}%"


def interval(low: float | None, high: float | None, places: int = 3) -> str:
    """Write two ends, ``0.751–0.866``; with words where a minus sign would be misread."""
    joint = f"{_SPACE}to{_SPACE}" if (low or 0) < 0 or (high or 0) < 0 else "–"
    return f"{decimal(low, places)}{joint}{decimal(high, places)}"


def duration(seconds: float | None) -> str:
    """Write a time span in the two units a person would use."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 120:
        return f"{decimal(seconds, 2 if seconds < 10 else 1)}{_SPACE}s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}{_SPACE}min" + (f"{_SPACE}{rest:02d}{_SPACE}s" if rest else "")
    if seconds < 96 * 3600:
        return f"{decimal(seconds / 3600, 1)}{_SPACE}h".replace(f".0{_SPACE}", _SPACE)
    return f"{decimal(seconds / 86400, 1)}{_SPACE}days".replace(f".0{_SPACE}", _SPACE)


def timestamp(epoch: float) -> str:
    """Write seconds since 1970 as a UTC minute, ``2018-08-15 13:00``; out of range is written as it is."""
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return count(epoch)


def day(epoch: float) -> str:
    """Write seconds since 1970 as a day without its year, ``15 Aug``."""
    try:
        moment = datetime.fromtimestamp(epoch, UTC)
    except (OverflowError, ValueError, OSError):
        return count(epoch)
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def instant(text: str | None) -> str:
    """Write an ISO time from a run record as a UTC minute; what is no time is written as it is."""
    if not text:
        return NOTHING
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC")
