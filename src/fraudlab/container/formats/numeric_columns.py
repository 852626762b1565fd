"""A column of a raw table as numbers, whatever it was written as. Rows are counted from 1 in messages."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraudlab.container.formats.number_texts import UncertainError, parse_column, parse_each


class NotANumberError(ValueError):
    """A value that is not a number, or may be two, and the row it is in; `why` and `fix` may be empty."""

    def __init__(self, value: object, row: int, *, why: str = "", fix: str = "") -> None:
        super().__init__(f"row {row}: {value!r}")
        self.value = value
        self.row = row
        self.why = why
        self.fix = fix


def numbers(column: pa.ChunkedArray, *, each_alone: bool = False) -> NDArray[np.float64]:
    """The numbers of a column, NaN where one is missing, true and false as 1 and 0.

    Parameters
    ----------
    column : ChunkedArray
    each_alone : bool
        Whether a text means what it means without the others of the column, as in a request of one row.

    Raises
    ------
    NotANumberError
        At the first value that is not one.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return parse_texts(column, each_alone=each_alone)
    if kind != column.type:
        column = column.cast(kind)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif not (
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        row = pc.index(pc.is_valid(column), True).as_py()
        raise NotANumberError(column[max(row, 0)].as_py(), max(row, 0) + 1)
    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return values


def parse_texts(
    column: pa.ChunkedArray, *, decimal: str | None = None, each_alone: bool = False
) -> NDArray[np.float64]:
    """Parse text at the cost of its distinct values; `decimal` is the mark where they do not settle it.

    With `each_alone` only numbers as programs write them are read.

    Raises
    ------
    NotANumberError
        At the first row whose value is not one.
    """
    codes_of = encoded(column)
    texts = codes_of.dictionary.to_pylist()
    codes = codes_of.indices.fill_null(len(texts)).to_numpy()
    try:
        distinct = parse_each(texts) if each_alone else parse_column(texts, decimal=decimal)
    except UncertainError as error:
        row = int(np.argmax(codes == error.position))
        raise NotANumberError(texts[error.position], row + 1, why=error.why, fix=error.fix) from error
    values: NDArray[np.float64] = np.array([*distinct, np.nan], dtype=np.float64)[codes]
    return values


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column as its distinct values and one code per row."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()
