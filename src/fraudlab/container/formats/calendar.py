"""Years, months and days as seconds since 1970: the proleptic Gregorian calendar, in UTC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def seconds_since_1970(
    year: Floats, month: Floats, day: Floats, hour: Floats, minute: Floats, second: Floats
) -> Floats:
    """Seconds since 1970 of each moment, NaN where there is no such month, day, hour, minute or second.

    Parameters
    ----------
    year, month, day, hour, minute, second : ndarray of float64, shape (n,)
        Whole numbers, but for the second, which may have a fraction.
    """
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    valid &= (year >= 1) & (year <= 9999) & (hour >= 0) & (hour < 24)
    valid &= (minute >= 0) & (minute < 60) & (second >= 0) & (second < 60)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - first).astype(np.float64)
    days = first.astype(np.int64) + day - 1
    seconds: Floats = ((days * 24 + hour) * 60 + minute) * 60 + second
    return np.where(valid & (day <= length), seconds, np.nan)


def seconds_of_ticks(ticks: NDArray[np.int64], per_second: int) -> Floats:
    """Seconds of a whole number of smaller units, rounded once, however many digits it has.

    Parameters
    ----------
    ticks : ndarray of int64
    per_second : int
        Such as a million for microseconds.
    """
    whole, rest = np.divmod(ticks, per_second)
    found: Floats = whole.astype(np.float64) + rest / per_second
    return found


def compact_seconds(values: Floats) -> Floats:
    """Seconds since 1970 of numbers that are the digits of a date: 20230301, 202303010001 or 20230301000147.

    NaN where a number is none. Years are from 1900 to 2099; all numbers have as many digits: 8, 10, 12 or 14.
    """
    low, high = values.min(), values.max()
    digits = next((n for n in (8, 10, 12, 14) if low >= 19 * 10 ** (n - 2) and high < 21 * 10 ** (n - 2)), 0)
    if not digits:
        return np.full(values.size, np.nan)
    with np.errstate(invalid="ignore"):
        rest = values * 10 ** (14 - digits)
        parts = []
        for _ in range(5):
            rest, part = np.divmod(rest, 100.0)
            parts.append(part)
    second, minute, hour, day, month = parts
    return np.where(
        values == np.floor(values), seconds_since_1970(rest, month, day, hour, minute, second), np.nan
    )
