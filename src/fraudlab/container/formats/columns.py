"""Raw columns as what their part needs: labels, times, amounts, numbers, categories. Rows count from 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraudlab.container.categories import category_text
from fraudlab.container.failure import TableError
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.formats.table import NotANumberError, encoded, numbers

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def labels(column: pa.ChunkedArray, name: str) -> NDArray[np.uint8]:
    """The labels of a table: 0 legitimate, 1 fraud.

    Raises
    ------
    TableError
        If a label is missing or anything but 0 and 1, or if all are the same.
    """
    fix = f"make {name!r} 0 for legitimate and 1 for fraud in every row"
    try:
        values = numbers(column)
    except NotANumberError as error:
        raise TableError(
            f"label column {name!r} holds {error.value!r} in row {error.row}; a label is 0 or 1", fix=fix
        ) from error
    missing = np.isnan(values)
    if missing.any():
        raise TableError(
            f"label column {name!r} is missing in row {np.argmax(missing) + 1}"
            f" ({np.count_nonzero(missing):,} of {values.size:,} rows)",
            fix="leave unlabelled rows out of the table",
        )
    positive = values == 1
    wrong = ~positive & (values != 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(
            f"label column {name!r} holds {values[row]:g} in row {row + 1}; a label is 0 or 1", fix=fix
        )
    for only, count in (("no fraud", np.count_nonzero(positive)), ("nothing but fraud", np.sum(~positive))):
        if not count:
            raise TableError(
                f"label column {name!r} has {only} in {values.size:,} rows",
                fix="give a table with both classes, or set data.label to the column that tells them apart",
            )
    found: NDArray[np.uint8] = positive.astype(np.uint8)
    return found


def times(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.float64], str]:
    """The time of each row in seconds, and whether the column holds a ``number`` or a ``timestamp``.

    Timestamps become seconds since 1970; without a zone they are taken as UTC.

    Raises
    ------
    TableError
        If a time is missing, infinite or cannot be read.
    """
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        column = column.cast(pa.string())
        present = column.drop_null()
        if not (len(present) and is_number(present[0].as_py())):
            column = _parse_timestamps(column, name)
    if pa.types.is_timestamp(column.type):
        ticks = _TICKS[column.type.unit]
        seconds = column.cast(pa.int64()).to_numpy() / ticks
    else:
        try:
            seconds = numbers(column)
        except NotANumberError as error:
            raise _unreadable_time(name, error.value, error.row) from error
    _refuse_unusable_times(seconds, name)
    return seconds, "timestamp" if pa.types.is_timestamp(column.type) else "number"


def _refuse_unusable_times(seconds: NDArray[np.float64], name: str) -> None:
    for is_bad, what in ((np.isnan(seconds), "missing"), (np.isinf(seconds), "infinite")):
        if is_bad.any():
            raise TableError(
                f"time column {name!r} is {what} in row {np.argmax(is_bad) + 1}"
                f" ({np.count_nonzero(is_bad):,} of {seconds.size:,} rows)",
                fix="give every row a time, or leave those rows out; split=stratified needs no time",
            )


def _unreadable_time(name: str, value: object, row: int) -> TableError:
    return TableError(
        f"time column {name!r} holds {value!r} in row {row}, which is neither a number nor a timestamp",
        fix="write times as seconds or as ISO 8601: 2018-04-01 13:45:00",
    )


def _parse_timestamps(texts: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    for unit in ("us", "ns"):
        for zone in (None, "UTC"):
            try:
                return texts.cast(pa.timestamp(unit, zone))
            except pa.ArrowInvalid:
                continue
    # With or without a zone, as the first row has it: the first value that is not like it is the one to show.
    first = texts.drop_null().slice(0, 1)
    zone = None if _is_timestamp(first, None) else "UTC"
    good, bad = 0, len(texts)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _is_timestamp(texts.slice(0, middle), zone) else (good, middle)
    raise _unreadable_time(name, texts[good].as_py(), good + 1)


def _is_timestamp(texts: pa.ChunkedArray, zone: str | None) -> bool:
    try:
        texts.cast(pa.timestamp("ns", zone))
    except pa.ArrowInvalid:
        return False
    return True


def amounts(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """The amount of each row, NaN where unknown.

    Raises
    ------
    TableError
        If the column holds anything but finite numbers.
    """
    try:
        values = numbers(column)
    except NotANumberError as error:
        raise _not_numeric(name, error, "set data.amount to a column of numbers, or to null") from error
    _refuse_infinite(values, values, name)
    return values


def feature(column: pa.ChunkedArray, name: str) -> NDArray[np.float32]:
    """A numeric feature as the model sees it before scaling: float32, NaN where missing.

    Raises
    ------
    TableError
        If the column holds anything but numbers that float32 can hold.
    """
    try:
        values = numbers(column)
    except NotANumberError as error:
        raise _not_numeric(name, error, "list it in data.categorical, or in data.drop") from error
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = values.astype(np.float32)
    _refuse_infinite(rounded, values, name)
    return rounded


def _not_numeric(name: str, error: NotANumberError, fix: str) -> TableError:
    return TableError(f"column {name!r} is not numeric: row {error.row} holds {error.value!r}", fix=fix)


def _refuse_infinite(
    rounded: NDArray[np.float32] | NDArray[np.float64], values: NDArray[np.float64], name: str
) -> None:
    infinite = np.isinf(rounded)
    if infinite.any():
        row = int(np.argmax(infinite))
        what = "infinite" if np.isinf(values[row]) else f"{values[row]:g}, too large for 32 bits,"
        raise TableError(
            f"column {name!r} is {what} in row {row + 1}",
            fix="leave such values empty (missing), or list the column in data.drop",
        )


def category(
    column: pa.ChunkedArray, name: str, *, spell: Callable[[Any], str | None] = category_text
) -> pa.DictionaryArray:
    """A categorical feature as dictionary-encoded text, null where missing.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
    name : str
    spell : callable
        From a value to its text: the name to learn it by, or
        :func:`~fraudlab.container.categories.sent_text` where a model's list is there to find it in.

    Raises
    ------
    TableError
        If the column holds values that have no name, such as lists or timestamps.
    """
    try:
        codes = encoded(column)
        names = list(map(spell, _values(codes.dictionary)))
    except (ValueError, pa.ArrowNotImplementedError) as error:
        raise TableError(
            f"column {name!r} holds values of type {column.type}, which are no categories",
            fix="write them as text, or list the column in data.drop",
        ) from error
    texts = pa.array(names, pa.string()).dictionary_encode()
    # Two values may have one name (3 and 3.0), and the empty name means missing: re-code by name.
    recode = texts.indices.take(codes.indices)
    return pa.DictionaryArray.from_arrays(recode, texts.dictionary)


def _values(distinct: pa.Array) -> list[Any]:
    # As a Python float, a float32 would have more digits than it holds.
    if pa.types.is_float32(distinct.type) or pa.types.is_float16(distinct.type):
        return list(distinct.to_numpy(zero_copy_only=False))
    found: list[Any] = distinct.to_pylist()
    return found
