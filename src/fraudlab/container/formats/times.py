"""The time column of a table: any type that tells a time, as seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.calendar import seconds_of_ticks
from fraudlab.container.formats.numeric_columns import NotANumberError, numbers
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number
from fraudlab.container.formats.time_texts import parse_times, refuse_mixed, unreadable_time
from fraudlab.container.formats.time_units import read_numbers

#: seconds; six digits of milliseconds tell no less, and whole days are no multiples of it
_SHORTENED = 10_000.0
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, slots=True)
class Times:
    """When each row happened.

    Attributes
    ----------
    seconds : ndarray of float64, shape (n,)
        Since 1970-01-01 UTC where `kind` is ``timestamp``, else since a start that the table does not tell.
    kind : str
        ``timestamp`` or ``number``.
    unit : str or None
        What numbers were read as, a value of ``data.time_unit``; None where text or a type says it.
    note : str or None
        What a person should know of how they were read.
    zone : str or None
        Of text and types: ``none`` has no zone, ``utc`` is UTC, ``offset`` has another; None for numbers.
    """

    seconds: NDArray[np.float64]
    kind: str
    unit: str | None = None
    note: str | None = None
    zone: str | None = None

    @property
    def first(self) -> float:
        """The earliest time."""
        return float(self.seconds.min())

    @property
    def last(self) -> float:
        """The latest time."""
        return float(self.seconds.max())

    def as_json(self) -> dict[str, Any]:
        """What ``manifest.json`` records."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "zone": self.zone,
            "first": self.first,
            "last": self.last,
        }


def read_times(column: pa.ChunkedArray, name: str, *, unit: str = "auto") -> Times:
    """The time of each row; without a zone it is taken as UTC.

    Parameters
    ----------
    column : ChunkedArray
        Numbers, timestamps, dates, durations, or text of numbers or timestamps.
    name : str
    unit : str
        Of numbers: ``auto``, or one that :func:`~fraudlab.container.formats.time_units.read_numbers` knows.

    Raises
    ------
    TableError
        If a time is missing, infinite or cannot be read, or the unit of numbers is not certain.
    """
    column = plain(column)
    if pa.types.is_string(column.type) and not _begins_with_number(column):
        parsed = parse_times(column, name) if unit == "auto" else None
        if parsed is None:
            raise _needs_no_unit(name, "text", unit)
        _refuse_unusable(parsed.seconds, name)
        return Times(parsed.seconds, "timestamp", note=parsed.note, zone=parsed.zone)
    if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
        if unit != "auto":
            raise _needs_no_unit(name, f"of type {column.type}", unit)
        seconds = typed_seconds(column)
        _refuse_unusable(seconds, name)
        if pa.types.is_duration(column.type):
            return Times(seconds, "number")
        return Times(seconds, "timestamp", zone=zone_of(column.type))
    try:
        values = _numbers(column)
    except NotANumberError as error:
        if pa.types.is_string(column.type):
            refuse_mixed(column, name)
        raise unreadable_time(name, error.value, error.row) from error
    _refuse_unusable(values, name)
    seconds, dated, found = read_numbers(values, name, unit)
    if dated and found in {"ms", "us", "ns"}:
        _refuse_shortened(values, seconds, name)
    return Times(seconds, "timestamp" if dated else "number", found)


def typed_seconds(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """The seconds of a column of timestamps or durations, NaN where it is missing."""
    ticks = column.cast(pa.int64()).fill_null(0).to_numpy()
    found = seconds_of_ticks(ticks, _TICKS[column.type.unit])
    found[column.is_null().to_numpy()] = np.nan
    return found


def zone_of(kind: pa.DataType) -> str:
    """What a type of timestamps says of their zone; see :class:`Times`."""
    if kind.tz is None:
        return "none"
    return "utc" if kind.tz in ("UTC", "Etc/UTC", "GMT", "Z", "+00:00") else "offset"


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without what only says how it is stored: dictionaries, kinds of text, dates as a type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    return column


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    if pa.types.is_boolean(column.type) or pa.types.is_time(column.type):
        # True is 1 elsewhere, and a time of day is no day.
        row = next((row for row, value in enumerate(column) if value.is_valid), 0)
        raise NotANumberError(str(column[row].as_py()), row + 1)
    return numbers(column)


def _begins_with_number(texts: pa.ChunkedArray) -> bool:
    """Whether the first value that is not missing is a number."""
    for chunk in texts.chunks:
        for value in chunk:
            text = value.as_py()
            if text is not None and text.strip() not in MISSING_NUMBERS:
                return is_number(text)
    return False


def _needs_no_unit(name: str, what: str, unit: str) -> TableError:
    return TableError(
        f"data.time_unit={unit} is the unit of numbers, and the times of {name!r} are {what}",
        fix="set data.time_unit=auto",
    )


def _refuse_shortened(values: NDArray[np.float64], seconds: NDArray[np.float64], name: str) -> None:
    """Refuse what a spreadsheet leaves of long numbers: 1.67763E+12 is any of ten million milliseconds."""
    if seconds.size > 1 and not np.any(np.fmod(seconds, _SHORTENED)):
        raise TableError(
            f"time column {name!r} holds {values[0]:g} in row 1, and every time is a multiple of"
            f" {_SHORTENED:,.0f} seconds: a spreadsheet has shortened these numbers to six digits or fewer",
            fix="export the table again with this column as a date, or as a number without an exponent",
        )


def _refuse_unusable(seconds: NDArray[np.float64], name: str) -> None:
    for is_bad, what in ((np.isnan(seconds), "missing"), (np.isinf(seconds), "infinite")):
        if is_bad.any():
            raise TableError(
                f"time column {name!r} is {what} in row {np.argmax(is_bad) + 1}"
                f" ({np.count_nonzero(is_bad):,} of {seconds.size:,} rows)",
                fix="give every row a time, or leave those rows out; split=stratified needs no time",
            )
