"""Times written as text: ISO 8601 and what is one step from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.calendar import seconds_of_ticks, seconds_since_1970
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number
from fraudlab.container.formats.single_times import PATTERN

Floats = NDArray[np.float64]

_DAY_AND_MONTH = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")


@dataclass(frozen=True, slots=True)
class TextTimes:
    """Seconds since 1970, NaN where missing; `note` is what a person should know of how they were read.

    `zone` is ``none`` where no time has one, ``utc`` where all that have one are UTC, else ``offset``.
    """

    seconds: Floats
    zone: str
    note: str | None = None


def parse_times(texts: pa.ChunkedArray, name: str) -> TextTimes:
    """Parse a column of times; those without a zone are taken as UTC.

    Parameters
    ----------
    texts : ChunkedArray of string
    name : str
        Of the column.

    Raises
    ------
    TableError
        At the first value that is none, or where some have an offset from UTC and others no zone.
    """
    missing = pc.is_in(texts, value_set=pa.array(["", "NaT", *MISSING_NUMBERS]))
    if pc.any(missing).as_py():
        texts = pc.if_else(missing, None, texts)
    for unit in ("us", "ns"):
        for zone in (None, "UTC"):
            try:
                found = texts.cast(pa.timestamp(unit, zone))
            except pa.ArrowInvalid:
                continue
            ticks = found.cast(pa.int64()).fill_null(0).to_numpy()
            seconds = seconds_of_ticks(ticks, {"us": 10**6, "ns": 10**9}[unit])
            seconds[found.is_null().to_numpy()] = np.nan
            return TextTimes(seconds, "none" if zone is None else _zone_of(texts))
    return _parse_carefully(texts, name)


def _zone_of(texts: pa.ChunkedArray) -> str:
    """Whether times that all have a zone are all of UTC."""
    in_utc = pc.match_substring_regex(texts, r"([Zz]|[+-]00(:?00)?)\s*$")
    return "utc" if pc.all(in_utc).as_py() else "offset"


def _parse_carefully(texts: pa.ChunkedArray, name: str) -> TextTimes:
    parts = pc.extract_regex(pc.utf8_trim_whitespace(texts), PATTERN)
    parts = parts.combine_chunks()
    present = texts.is_valid().to_numpy()

    def part(field: str, *, unset: float = 0.0) -> Floats:
        found = parts.field(field)
        numbers = pc.if_else(pc.equal(found, ""), None, found).cast(pa.float64())
        values: Floats = pc.fill_null(numbers, unset).to_numpy(zero_copy_only=False)
        return values

    year, month, day = (part(field) + part(field + "2") for field in ("year", "month", "day"))
    seconds = seconds_since_1970(year, month, day, part("hour"), part("minute"), part("second"))
    ahead, minutes = part("ahead"), part("minutes")
    wrong = present & (np.isnan(seconds) | (ahead > 23) | (minutes > 59))
    if wrong.any():
        row = int(np.argmax(wrong))
        text = texts[row].as_py()
        if is_number(text):
            refuse_mixed(texts, name)
        if parts[row].is_valid:
            raise TableError(
                f"time column {name!r} holds {text!r} in row {row + 1}, a date or time that does not exist",
                fix="correct it, or leave the row out",
            )
        raise unreadable_time(name, text, row + 1)
    digits = pc.fill_null(parts.field("fraction"), "")
    fraction = pc.binary_join_element_wise("0.", digits, "0", "").cast(pa.float64())
    behind = pc.fill_null(pc.equal(parts.field("sign"), "-"), False).to_numpy(zero_copy_only=False)
    offset = np.where(behind, -1, 1) * (ahead * 3_600 + minutes * 60)
    zoned = pc.fill_null(pc.not_equal(parts.field("zone"), ""), False).to_numpy(zero_copy_only=False)
    note = _zones(texts, name, present, zoned, offset)
    zone = "none" if not zoned.any() else "offset" if (offset[zoned] != 0).any() else "utc"
    seconds = np.where(present, seconds + fraction.to_numpy(zero_copy_only=False) - offset, np.nan)
    return TextTimes(seconds, zone, note)


def _zones(
    texts: pa.ChunkedArray, name: str, present: NDArray[Any], zoned: NDArray[Any], offset: Floats
) -> str | None:
    """A note where some times have a zone and others have none, which is UTC as long as all others are."""
    naive = present & ~zoned
    if not naive.any() or not zoned.any():
        return None
    elsewhere = zoned & (offset != 0)
    if elsewhere.any():
        bare, far = int(np.argmax(naive)), int(np.argmax(elsewhere))
        raise TableError(
            f"time column {name!r} holds {texts[bare].as_py()!r} without a zone in row {bare + 1},"
            f" and {texts[far].as_py()!r} with one in row {far + 1}",
            fix="write all times with their offset, or all in UTC",
        )
    return (
        f"{int(naive.sum()):,} of {int(present.sum()):,} times in {name!r} have no zone;"
        " they are taken as UTC, which the others say"
    )


def unreadable_time(name: str, value: object, row: int) -> TableError:
    """The error for a value that is no time."""
    fix = "write times as seconds or as ISO 8601: 2018-04-01 13:45:00"
    found = _DAY_AND_MONTH.match(value) if isinstance(value, str) else None
    if found:
        one, other, year = int(found[1]), int(found[2]), found[3]
        dates = [(other, one)] if one > 12 else [(one, other)] if other > 12 else [(other, one), (one, other)]
        dated = " or ".join(f"{year}-{month:02d}-{day:02d}" for month, day in dates)
        fix = f"write the year first, as ISO 8601 does: {dated}"
    return TableError(
        f"time column {name!r} holds {value!r} in row {row}, which is neither a number nor a timestamp",
        fix=fix,
    )


def refuse_mixed(texts: pa.ChunkedArray, name: str) -> None:
    """Refuse numbers among timestamps.

    Raises
    ------
    TableError
        If some values are numbers and others are not, naming the first of each.
    """
    firsts: dict[bool, int] = {}
    for row, text in enumerate(texts.to_pylist()):
        if text is not None and text.strip() not in MISSING_NUMBERS:
            firsts.setdefault(is_number(text), row)
            if len(firsts) == 2:
                break
    if len(firsts) == 2:
        number, other = firsts[True], firsts[False]
        raise TableError(
            f"time column {name!r} holds the number {texts[number].as_py()!r} in row {number + 1},"
            f" and {texts[other].as_py()!r} in row {other + 1}",
            fix="write all times alike, as numbers of one unit or as ISO 8601: 2018-04-01 13:45:00",
        )
