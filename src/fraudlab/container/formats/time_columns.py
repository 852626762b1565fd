"""Columns of times as somebody sends them, and as they are sent; single ones are read without Arrow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fraudlab.container.clock import Clock
from fraudlab.container.formats.numeric_columns import NotANumberError, encoded, numbers
from fraudlab.container.formats.time_units import seconds_in
from fraudlab.container.formats.time_values import (
    Floats,
    NoTimeError,
    other_sort,
    seconds_of,
    seconds_of_numbers,
    wrong_zone,
)
from fraudlab.container.formats.times import plain, typed_seconds, zone_of


def seconds_of_column(column: pa.ChunkedArray, clock: Clock) -> Floats:
    """The seconds of a column of times, NaN where one is missing.

    Parameters
    ----------
    column : ChunkedArray
        Numbers, timestamps, dates, durations, or text of numbers or times.
    clock : Clock

    Raises
    ------
    NoTimeError
        At the first that is no time of that clock.
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        if pa.types.is_duration(kind) == clock.dated:
            raise NoTimeError(other_sort(clock), str(kind))
        if clock.dated and (problem := wrong_zone(zone_of(kind), clock)):
            raise NoTimeError(problem, str(kind))
        return typed_seconds(column)
    if pa.types.is_string(kind):
        return _of_texts(encoded(column), clock)
    if pa.types.is_boolean(kind) or pa.types.is_time(kind):
        raise NoTimeError("which is no time", str(kind))
    try:
        return seconds_of_numbers(numbers(column), clock)
    except NotANumberError as error:
        raise NoTimeError("which is no time", error.value, error.row) from error


def written(seconds: Floats, clock: Clock) -> pa.Array:
    """Times as a row is sent with them, null where one is missing: they have the same hour.

    Dates are ISO 8601 text in whole seconds of UTC, which every clock of dates reads, and counts are numbers
    in the unit of the table.

    Parameters
    ----------
    seconds : ndarray of float64
    clock : Clock
    """
    missing = np.isnan(seconds)
    whole = np.floor(np.where(missing, 0.0, seconds))
    if clock.dated:
        moments = pa.array(whole.astype(np.int64), mask=missing).cast(pa.timestamp("s"))
        return pc.strftime(moments, "%Y-%m-%dT%H:%M:%SZ")
    units = {"d": 86_400.0, "h": 3_600.0, "min": 60.0}
    unit = clock.unit or "s"
    scale = units.get(unit)
    if scale is None:
        found = whole * {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    else:
        found = whole / scale
        low = seconds_in(found, unit, dated=False) < whole  # rounded to before its second
        found[low] = np.nextafter(found[low], np.inf)
    return pa.array(found, mask=missing)


def _of_texts(codes_of: pa.DictionaryArray, clock: Clock) -> Floats:
    codes = codes_of.indices.fill_null(len(codes_of.dictionary)).to_numpy()
    distinct = np.full(len(codes_of.dictionary) + 1, np.nan)
    for at, text in enumerate(codes_of.dictionary.to_pylist()):
        try:
            distinct[at] = seconds_of(text, clock)
        except NoTimeError as error:
            row = int(np.argmax(codes == at)) + 1
            raise NoTimeError(error.problem, text, row) from error
    found: Floats = distinct[codes]
    return found
