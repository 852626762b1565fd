"""Times of a second column, in the seconds that the table's own times are in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.numeric_columns import NotANumberError, numbers
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.formats.time_units import number, seconds_in
from fraudlab.container.formats.times import Times, read_times

DAY = 86_400.0
_AS_TIMES = "the column is read as data.time is: docs/time.md"
Floats = NDArray[np.float64]


def known_seconds(
    values: pa.ChunkedArray, rows: NDArray[np.int64], time: Times, name: str
) -> tuple[Floats, list[str]]:
    """The times at which labels were known, in the seconds of the table's times, and what to know of them.

    Parameters
    ----------
    values : ChunkedArray
        None of them missing.
    rows : ndarray of int64
        The rows of the table that they stand in.
    time : Times
        Of the table.
    name : str
        Of the column.

    Raises
    ------
    TableError
        If one is no time, or not one of the sort, or of the zone, that the table's times are.
    """
    seconds = _in_the_unit_of(time, values)
    notes = []
    if seconds is None:
        if time.kind == "number" and not pa.types.is_duration(values.type):
            raise TableError(
                f"column {name!r} holds {_first(values)} in row {rows[0] + 1}, or another value that is no"
                f" count of {time.unit or 'time'} as those of data.time are",
                fix="write both columns alike, as dates or as counts from one start",
            )
        found = _as_times(values, rows, name)
        if found.kind != time.kind:
            raise TableError(
                f"column {name!r} holds {_first(values)} in row {rows[0] + 1}, which is"
                f" {'a date' if found.kind == 'timestamp' else 'a count'}, and those of data.time are"
                f" {'dates' if time.kind == 'timestamp' else 'counts'}",
                fix="write both columns alike, as dates or as counts from one start",
            )
        seconds = found.seconds
        notes = [found.note] if found.note else []
        notes += _zones(found.zone, time.zone, name)
    if not np.any(np.fmod(seconds, DAY)):
        # A date without a time of day: the team may have had the label at the end of that day only.
        seconds = np.nextafter(seconds + DAY, -np.inf)
        notes.append(f"{name!r} holds days without a time: a label is taken as known when its day ends")
    return seconds, notes


def _in_the_unit_of(time: Times, values: pa.ChunkedArray) -> Floats | None:
    """Numbers as times in the unit that those of the table are in; None where that does not fit all."""
    if time.unit is None or not (_are_numbers(values.type) or pa.types.is_string(values.type)):
        return None
    if pa.types.is_string(values.type) and not is_number(values[0].as_py()):
        return None
    try:
        found = seconds_in(numbers(values), time.unit, dated=time.kind == "timestamp")
    except NotANumberError:
        return None
    return None if np.isnan(found).any() else found


def _are_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _as_times(values: pa.ChunkedArray, rows: NDArray[np.int64], name: str) -> Times:
    """As a column of times is read, with rows counted as the table's."""
    try:
        return read_times(values, name)
    except TableError as error:
        sentence = re.sub(r"\brow (\d+)", lambda found: f"row {rows[int(found[1]) - 1] + 1}", error.sentence)
        raise TableError(
            sentence.replace("time column", "column of data.label_known"), fix=_AS_TIMES
        ) from error


def _zones(zone: str | None, others: str | None, name: str) -> Iterator[str]:
    """A note where one column has a zone and the other none, which is UTC unless the first is elsewhere."""
    if (zone == "none") == (others == "none"):
        return
    if "offset" in (zone, others):
        which, other = (f"{name!r}", "data.time") if zone == "none" else ("data.time", f"{name!r}")
        raise TableError(
            f"the times of {which} have no zone, and those of {other} have an offset from UTC",
            fix="write both columns with their offset, or both in UTC",
        )
    if zone == "none":
        yield f"the times of {name!r} have no zone; they are taken as UTC, which those of data.time are"


def _first(values: pa.ChunkedArray) -> str:
    value = values[0].as_py()
    return number(value) if isinstance(value, float) else repr(value)
