"""Numbers as times: which unit a column of them is certainly in, and what else it may be.

Milliseconds taken for seconds make a gap of seven days one of ten minutes, without an error. So a unit is
either seen in the values with certainty, or said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.calendar import compact_seconds

Floats = NDArray[np.float64]

DAY = 86_400.0
#: seconds in one of each unit that only counts
_COUNTED = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3_600.0, "d": DAY}
_WORDS = {"s": "seconds", "ms": "milliseconds", "min": "minutes", "h": "hours", "d": "days"}
#: 2000 to 2060. Wider, and one number would be a date in two units: 638 × 10^15 is 1990 in nanoseconds and
#: 2023 in ticks of .NET, 40,000 is 2009 in days of Excel and 2079 in days since 1970.
_EARLIEST, _LATEST = 946_684_800.0, 2_840_140_800.0
#: of the year 10000
_END_OF_DATES = 253_402_300_800.0
#: Excel's day 25569 is 1970-01-01; its day 60 is a 29 February 1900, so that days before mean another date
_EXCEL_1970, _EXCEL_FIRST = 25_569.0, 61.0
#: fewer rows say nothing of how much time they take
_FEW_ROWS = 100
#: fewer different numbers may be valid dates by chance
_DIFFERENT = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What numbers mean in one unit: seconds since 1970 where `dated`, else since a start unknown."""

    unit: str
    seconds: Callable[[Floats], Floats]
    dated: bool

    def phrase(self, first: float, span: float) -> str:
        """The reading for a sentence that offers it."""
        if not self.dated:
            length = self.seconds(np.array([span]))[0]
            return f"a count of {_WORDS[self.unit]} over {duration(length)} (data.time_unit={self.unit})"
        return f"{moment(self.seconds(np.array([first]))[0])} (data.time_unit={self.unit})"


def read_numbers(values: Floats, name: str, unit: str) -> tuple[Floats, bool, str]:
    """Turn a column of numbers into seconds.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite.
    name : str
        Of the column.
    unit : str
        ``auto``, or what the person says it is: ``s``, ``ms``, ``us``, ``ns``, ``min``, ``h``, ``d``,
        ``excel`` (days as Excel's 1900 system counts them) or ``yyyymmddhhmmss`` (also cut after the day, the
        hour or the minute).

    Returns
    -------
    seconds : ndarray of float64, shape (n,)
    dated : bool
        Whether they are since 1970; else they are since a start that the column does not tell.
    unit : str

    Raises
    ------
    TableError
        If the unit is not certain, or a value is none in the unit that is said.
    """
    found = _certain(values, name) if unit == "auto" else _said(values, name, unit)
    return found.seconds(values), found.dated, found.unit


def seconds_in(values: Floats, unit: str, *, dated: bool) -> Floats:
    """Seconds of numbers whose unit is known; NaN for what cannot be a time in it.

    That is what a column of them could not hold beside the others: a date beyond 2000 to 2060 where numbers
    count a unit since 1970, and such a date where they count from a start.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where missing.
    unit : str
        As :func:`read_numbers` gives it.
    dated : bool
    """
    if unit == "yyyymmddhhmmss":
        found = np.full(values.shape, np.nan)
        for digits in (8, 10, 12, 14):
            some = (values >= 19 * 10.0 ** (digits - 2)) & (values < 21 * 10.0 ** (digits - 2))
            if some.any():
                found[some] = compact_seconds(values[some])
        return found
    with np.errstate(over="ignore", invalid="ignore"):
        if unit == "excel":
            seconds = _excel(values)
            return np.where((values >= _EXCEL_FIRST) & (seconds < _END_OF_DATES), seconds, np.nan)
        seconds = _times(_COUNTED[unit])(values)
        recent = (seconds >= _EARLIEST) & (seconds < _LATEST)
        fits = recent if dated else (seconds < _EARLIEST) & (seconds > -_END_OF_DATES)
    return np.where(fits, seconds, np.nan)


def _said(values: Floats, name: str, unit: str) -> Reading:
    low, high = float(values.min()), float(values.max())
    if unit == "yyyymmddhhmmss":
        wrong = np.isnan(compact_seconds(values))
    elif unit == "excel":
        wrong = (values < _EXCEL_FIRST) | (_excel(values) >= _END_OF_DATES)
    else:
        scale = _COUNTED[unit]
        wrong = np.abs(values) * scale >= _END_OF_DATES
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(
            f"time column {name!r} holds {number(values[row])} in row {row + 1},"
            f" which is no date with data.time_unit={unit}",
            fix="set data.time_unit to the unit of the column, or to auto",
        )
    if unit == "yyyymmddhhmmss":
        return Reading(unit, compact_seconds, dated=True)
    if unit == "excel":
        return Reading(unit, _excel, dated=True)
    return Reading(unit, _times(scale), dated=_is_recent(low * scale, high * scale))


def _certain(values: Floats, name: str) -> Reading:
    low, high = float(values.min()), float(values.max())
    compact = _compact(values, low, high)
    if compact is not None:
        return compact
    possible = _dated(low, high) + _counted(values, low, high)
    others = _shortened_dates(values, low, high)
    if len(possible) == 1 and not others:
        return possible[0]
    if not possible and not others:
        raise _no_unit(values, name)
    phrases = [reading.phrase(values[0], high - low) for reading in possible] + others
    overrides = [f"data.time_unit={reading.unit}" for reading in possible]
    raise TableError(
        f"the unit of time column {name!r} is not certain: {number(values[0])} in row 1 may be "
        + " or ".join(filter(None, [", ".join(phrases[:-1]), phrases[-1]])),
        fix="".join(f"add {override}, or " for override in overrides) + "write times as 2018-04-01 13:45:00",
    )


def _dated(low: float, high: float) -> list[Reading]:
    """The units in which all values are dates of our time."""
    found = [
        Reading(unit, _times(_COUNTED[unit]), dated=True)
        for unit in ("s", "ms", "us", "ns", "d")
        if _is_recent(low * _COUNTED[unit], high * _COUNTED[unit])
    ]
    excel = _is_recent(*_excel(np.array([low, high])))
    return [*found, Reading("excel", _excel, dated=True)] if excel else found


def _counted(values: Floats, low: float, high: float) -> list[Reading]:
    """The units in which the values may count from a start: seconds, unless that is hard to believe."""
    if low < 0 or high >= _EARLIEST:
        return []
    span = high - low
    units = ["s"]
    if values.size >= _FEW_ROWS:
        if span > 1e5 and _all_multiples(values, 1e3):
            units = ["s", "ms"]
        elif span < 3_600 or (span < DAY and values.size > span and _all_multiples(values, 1.0)):
            # An hour of transactions is no table to learn from, nor are several a second in less than a day;
            # 743 hours are, and 180 days. A count begins near its start.
            units = ["s", "min", "h", "d"] if low <= 10 * span else []
    return [Reading(unit, _times(_COUNTED[unit]), dated=False) for unit in units]


def _compact(values: Floats, low: float, high: float) -> Reading | None:
    """The digits of a date, where all values are some: no count is valid in every month, day and hour."""
    if np.isnan(compact_seconds(np.array([low, values[0], high]))).any():
        return None
    found = Reading("yyyymmddhhmmss", compact_seconds, dated=True)
    if np.isnan(compact_seconds(values)).any():
        return None
    # 2033120100 is also a second of the year 2034; one in a hundred of those has a valid month, day and hour.
    by_chance = _is_recent(low, high) and np.unique(values[:1000]).size < _DIFFERENT
    return None if by_chance else found


def _shortened_dates(values: Floats, low: float, high: float) -> list[str]:
    """Phrases where all values are digits such as 230301 or 134500; many different counts are not."""
    if low < 0 or high > 991_231 or np.unique(values[:10_000]).size < _DIFFERENT:
        return []
    found = []
    if high > 5_959 and _all(_is_time_of_day, values):
        hour, rest = divmod(int(values[0]), 10_000)
        found.append(f"{hour:02d}:{rest // 100:02d}:{rest % 100:02d} of a day that is not told")
    if low >= 10_101 and _all(_is_short_date, values):
        found.append(f"{moment(compact_seconds(values[:1] + 20_000_000)[0])[:10]} with a two-digit year")
    return found


def _is_time_of_day(values: Floats) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (values % 100 < 60) & (values // 100 % 100 < 60) & (values % 1 == 0)
    return found & (values < 240_000)


def _is_short_date(values: Floats) -> NDArray[np.bool_]:
    return ~np.isnan(compact_seconds(values + 20_000_000))


def _no_unit(values: Floats, name: str) -> TableError:
    """The error for numbers that no one unit makes times of."""
    others = [_alone(value) for value in (values[0], values.min(), values.max())]
    odd = next((at for at, unit in ((np.argmin(values), others[1]), (np.argmax(values), others[2]))
                if unit != others[0]), None)  # fmt: skip
    if odd is not None:
        return TableError(
            f"time column {name!r} mixes units: row 1 holds {number(values[0])}"
            f"{_as_alone(values[0])}, and row {odd + 1} holds {number(values[odd])}{_as_alone(values[odd])}",
            fix="write all times in one unit, and leave out rows whose time is not known",
        )
    return TableError(
        f"time column {name!r} holds {number(values[0])} in row 1, and no unit certainly makes times of it",
        fix="write times as 2018-04-01 13:45:00, or say the unit: data.time_unit=s takes numbers as seconds",
    )


def _alone(value: float) -> str | None:
    """The unit in which a value is a date of our time."""
    return next((reading.unit for reading in _dated(value, value)), None)


def _as_alone(value: float) -> str:
    unit = next(iter(_dated(value, value)), None)
    return f" ({moment(unit.seconds(np.array([value]))[0])} in {unit.unit})" if unit else ""


def _all_multiples(values: Floats, of: float) -> bool:
    return _all(lambda some: some % of == 0, values)


def _all(is_so: Callable[[Floats], NDArray[np.bool_]], values: Floats) -> bool:
    """Whether something is so of all; the first rows tell nearly always."""
    return bool(is_so(values[:_FEW_ROWS]).all() and is_so(values).all())


def _times(scale: float) -> Callable[[Floats], Floats]:
    if scale == 1:
        return lambda values: values
    # Dividing rounds once: 1677628907123 ms are the double next to 1677628907.123.
    return lambda values: values / round(1 / scale) if scale < 1 else values * scale


def _excel(values: Floats) -> Floats:
    # A day in 64 bits is exact to microseconds, its text often to less.
    return np.round((values - _EXCEL_1970) * DAY, 3)


def _is_recent(low: float, high: float) -> bool:
    return low >= _EARLIEST and high < _LATEST


def number(value: float) -> str:
    """A number as a table writes it."""
    return str(int(value)) if value.is_integer() else repr(float(value))


def moment(seconds: float) -> str:
    """Seconds since 1970 as a date and time in UTC; as they are where no calendar has them."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.floor(seconds))).strftime(
            "%Y-%m-%d %H:%M:%S"
        )
    except OverflowError:
        return f"{seconds:g} s"


def duration(seconds: float) -> str:
    """A time span in the unit a person would use."""
    for size, unit in ((365.25 * DAY, "years"), (DAY, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
