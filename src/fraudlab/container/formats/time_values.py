"""The time of a row as somebody sends it, read as the times were that the model learned from.

All that a table may hold is understood: numbers of the table's unit, ISO 8601 text, typed columns. What could
only mean another moment than it would have meant in the table is refused: numbers of another unit, and an
offset where the table's times had none, or none where they had one. Where the table had no numbers, a number
is in seconds since 1970.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.clock import Clock
from fraudlab.container.failure import quoted
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number
from fraudlab.container.formats.single_times import moment_of
from fraudlab.container.formats.time_units import number, seconds_in

Floats = NDArray[np.float64]

_MISSING = (*MISSING_NUMBERS, "NaT")
#: whole numbers beyond it are rounded in 32 bits: 1.5 billion seconds by up to a minute
_EXACT_IN_32_BITS = 2.0**24
_WORDS = {
    "excel": "days of Excel",
    "yyyymmddhhmmss": "digits of a date, such as 20180401134500",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}


class NoTimeError(ValueError):
    """What is wrong with a value, as the end of a sentence; of a column, the value and its row from 1."""

    def __init__(self, problem: str, value: object = None, row: int = 1) -> None:
        super().__init__(problem)
        self.problem = problem
        self.value = value
        self.row = row


def hour_of(value: Any, clock: Clock) -> float:
    """What stands for one time among a model's inputs, NaN where it is missing.

    Parameters
    ----------
    value : object
        Text, or what JSON makes of a value.
    clock : Clock

    Raises
    ------
    NoTimeError
        If it is no time of that clock.
    """
    return float(clock.hours(np.array([seconds_of(value, clock)]))[0])


def hours_of_numbers(values: Floats, clock: Clock, *, bits: int = 64) -> NDArray[np.float32]:
    """What stands for times that are numbers, NaN where one is missing.

    Parameters
    ----------
    values : ndarray of float64
    clock : Clock
    bits : int
        Of the numbers as they were sent.

    Raises
    ------
    NoTimeError
        At the first that is no time of that clock.
    """
    if bits < 64 and (rounded := np.abs(values) >= _EXACT_IN_32_BITS).any():
        row = int(np.argmax(rounded))
        raise NoTimeError(
            f"which {bits} bits hold only roughly; send the time in 64", float(values[row]), row + 1
        )
    return clock.hours(seconds_of_numbers(values, clock))


def seconds_of(value: Any, clock: Clock) -> float:
    """The seconds of one time, NaN where it is missing.

    Parameters
    ----------
    value : object
        Text, or what JSON makes of a value.
    clock : Clock

    Raises
    ------
    NoTimeError
        If it is no time of that clock.
    """
    if value is None:
        return np.nan
    if isinstance(value, str):
        text = value.strip()
        if text in _MISSING:
            return np.nan
        if not is_number(text) or text.lower() in ("true", "false"):
            return _of_text(text, clock)
        value = float(text)
    if type(value) not in (int, float):
        raise NoTimeError("which is no time", value)
    try:
        number_ = float(value)
    except OverflowError as error:
        raise NoTimeError(_no_number(clock), value) from error
    return float(seconds_of_numbers(np.array([number_]), clock)[0])


def _of_text(text: str, clock: Clock) -> float:
    found = moment_of(text)
    if found is None:
        raise NoTimeError("which is no time: write it as 2018-04-01T13:45:00", text)
    if not clock.dated:
        raise NoTimeError(other_sort(clock), text)
    if problem := wrong_zone(found[1], clock):
        raise NoTimeError(problem, text)
    return found[0]


def seconds_of_numbers(values: Floats, clock: Clock) -> Floats:
    """The seconds of times that are numbers, NaN where one is missing.

    Parameters
    ----------
    values : ndarray of float64
    clock : Clock

    Raises
    ------
    NoTimeError
        At the first that is no time of that clock.
    """
    seconds = seconds_in(values, clock.unit or "s", dated=clock.dated)
    wrong = np.isnan(seconds) & ~np.isnan(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise NoTimeError(_no_number(clock), float(values[row]), row + 1)
    return seconds


def _no_number(clock: Clock) -> str:
    words = _WORDS[clock.unit or "s"]
    since = "" if clock.unit in ("excel", "yyyymmddhhmmss") else " since 1970" if clock.dated else ", counted"
    return f"which is no time of the model's: numbers are {words}{since}, as in training"


def other_sort(clock: Clock) -> str:
    """What is wrong with a date among counts, or a count among dates."""
    if clock.dated:
        return "which is no date, and the times of the model's are dates"
    return "which is no count, and the times of the model's count from a start"


def wrong_zone(zone: str, clock: Clock) -> str:
    """What is wrong with the zone of a time; empty where nothing is."""
    if zone == "offset" and clock.zone == "none":
        return "which has an offset, and the times that the model learned from have none; leave it out"
    if zone == "none" and clock.zone == "offset":
        return "which has no offset, and the times that the model learned from have one; add it"
    return ""


def said(error: NoTimeError) -> str:
    """A refused value and what is wrong with it, as a sentence goes on behind ``holds``."""
    value = error.value
    shown = number(value) if isinstance(value, float) and np.isfinite(value) else quoted(value)
    return f"{shown}, {error.problem}"
