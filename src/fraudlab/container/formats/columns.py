"""Raw columns as what their part needs: labels, amounts, numbers, categories. Rows count from 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.categories import category_text
from fraudlab.container.failure import TableError
from fraudlab.container.formats.numeric_columns import NotANumberError, encoded, numbers

_NO_NUMBERS = (
    "leave the field empty where the value is missing, or list the column in data.categorical or data.drop"
)


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
        raise NotNumericError(name, error, "set data.amount to a column of numbers, or to null") from error
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
        raise NotNumericError(name, error, _NO_NUMBERS) from error
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = values.astype(np.float32)
    _refuse_infinite(rounded, values, name)
    return rounded


class NotNumericError(TableError):
    """A feature that holds something else than numbers."""

    def __init__(self, name: str, error: NotANumberError, fix: str) -> None:
        why = f" ({error.why})" if error.why else ""
        super().__init__(
            f"column {name!r} is not numeric: row {error.row} holds {error.value!r}{why}",
            fix=error.fix or fix,
        )
        self.column = name
        self.uncertain = bool(error.why)


def not_numeric_together(errors: Sequence[NotNumericError]) -> TableError:
    """One error for all features that are not numeric."""
    if len(errors) == 1:
        return errors[0]
    fixes = dict.fromkeys(error.fix for error in errors)
    return TableError("; ".join(error.sentence for error in errors), fix="; ".join(fixes))


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
