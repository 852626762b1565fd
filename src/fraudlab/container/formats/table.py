"""Reading the raw table: CSV or Parquet, every value checked, every refusal naming its column and row.

Rows are counted from 1 in messages, after the header.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as pacsv

from fraudlab.container.failure import TableError
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number, parse_number
from fraudlab.container.roles import Roles

#: larger blocks hold more text at once, smaller ones cost more calls
_CSV_BLOCK_BYTES = 4 << 20


def read_table(path: Path, roles: Roles) -> tuple[pa.Table, list[str]]:
    """Read the columns of a raw table that a run needs, and the names of all it has.

    Parameters
    ----------
    path : Path
        A CSV file with a header, or a Parquet file.
    roles : Roles
        Which columns are numbers. The others are read as text from CSV, and as they are from Parquet.

    Raises
    ------
    TableError
        If the file cannot be read as what its name says, or lacks rows or a column that is named.
    """
    if not path.is_file():
        raise TableError(f"there is no file {path.name}", fix="set data.path to a CSV or Parquet file")
    if path.stat().st_size == 0:
        raise TableError(f"{path.name} is empty", fix="give it a header and rows")
    read = _read_parquet if path.suffix.lower() in (".parquet", ".pq") else _read_csv
    table, header = read(path, roles)
    if table.num_rows == 0:
        raise TableError(f"{path.name} has columns but no rows", fix="give it rows")
    return table, header


def _wanted(columns: Sequence[str], roles: Roles) -> list[str]:
    """Columns to read: whole rows where duplicates are looked for, else those that play a part."""
    inputs = set(roles.inputs(columns))
    if roles.duplicates != "keep":
        return list(columns)
    parts = {name for name, part in roles.apart().items() if part != "drop"} | {roles.amount}
    return [name for name in columns if name in parts or name in inputs]


def _read_parquet(path: Path, roles: Roles) -> tuple[pa.Table, list[str]]:
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    header = list(file.schema_arrow.names)
    try:
        return file.read(columns=_wanted(header, roles)), header
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> TableError:
    reason = str(error).split("\n", 1)[0]
    return TableError(
        f"{path.name} is not a readable Parquet file: {reason}",
        fix="write it again; the file may be cut short",
    )


def _read_csv(path: Path, roles: Roles) -> tuple[pa.Table, list[str]]:
    header, first = _first_records(path)
    wanted = _wanted(header, roles)
    numeric = {*roles.inputs(header), roles.label} - set(roles.categorical)
    numeric |= {roles.amount} if roles.amount else set()
    if roles.time and _is_present_number(first[header.index(roles.time)]):
        numeric.add(roles.time)
    try:
        table = _parse_csv(path, wanted, numeric, newlines=False)
    except pa.ArrowInvalid:
        table = _read_csv_slowly(path, header, wanted, numeric)
    return table, header


def _first_records(path: Path) -> tuple[list[str], list[str]]:
    """The header and the first row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = csv.reader(file)
            header = next(records, [])
            first = next((record for record in records if record), None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name} is not CSV in UTF-8: {error}", fix="save it as UTF-8 CSV") from error
    if first is None:
        raise TableError(f"{path.name} has a header but no rows", fix="give it rows")
    if len(first) != len(header):
        raise _ragged(path, 1, len(first), len(header))
    return header, first


def _is_present_number(text: str) -> bool:
    return text.strip() not in MISSING_NUMBERS and is_number(text)


def _parse_csv(path: Path, columns: Sequence[str], numeric: Collection[str], *, newlines: bool) -> pa.Table:
    # Doubles first, even where float32 is wanted in the end: the endpoint's parsers round by way of double.
    types = {name: pa.float64() if name in numeric else pa.string() for name in columns}
    return pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
        parse_options=pacsv.ParseOptions(newlines_in_values=newlines),
        convert_options=pacsv.ConvertOptions(
            column_types=types, include_columns=list(columns), null_values=list(MISSING_NUMBERS)
        ),
    )


def _read_csv_slowly(
    path: Path, header: Sequence[str], columns: Sequence[str], numeric: Collection[str]
) -> pa.Table:
    """Read what the fast parser refused: line breaks inside quotes, true and false, or a table in error."""
    try:
        table = _parse_csv(path, columns, (), newlines=True)
    except pa.ArrowInvalid as error:
        _refuse_ragged_rows(path, len(header))
        reason = str(error).split("\n", 1)[0]
        raise TableError(f"{path.name} is not readable CSV: {reason}", fix="save it as UTF-8 CSV") from error
    for position, name in enumerate(columns):
        if name in numeric:
            try:
                values = pa.array(_parse_texts(table.column(name)))
            except NotANumberError:
                continue  # whoever asks for the column says what it should have been
            table = table.set_column(position, name, values)
    return table


def _refuse_ragged_rows(path: Path, width: int) -> None:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        records = (record for record in csv.reader(file) if record)
        for row, record in enumerate(records):
            if len(record) != width:
                raise _ragged(path, row, len(record), width)


def _ragged(path: Path, row: int, found: int, expected: int) -> TableError:
    return TableError(
        f"row {row} of {path.name} has {found} values where the header has {expected}",
        fix='separate values by commas, and quote those that hold one: "a, b"',
    )


class NotANumberError(ValueError):
    """A value that is not a number, and the row it is in."""

    def __init__(self, value: object, row: int) -> None:
        super().__init__(f"row {row}: {value!r}")
        self.value = value
        self.row = row


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """The numbers of a column, NaN where one is missing, true and false as 1 and 0.

    Raises
    ------
    NotANumberError
        At the first value that is not one.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _parse_texts(column)
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


def _parse_texts(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Parse text at the cost of its distinct values."""
    codes_of = encoded(column)
    distinct = [_number_or_none(text) for text in codes_of.dictionary.to_pylist()]
    codes = codes_of.indices.fill_null(len(distinct)).to_numpy()
    if None in distinct:
        bad = np.array([number is None for number in distinct] + [False])[codes]
        row = int(np.argmax(bad))
        raise NotANumberError(codes_of.dictionary[codes[row]].as_py(), row + 1)
    values: NDArray[np.float64] = np.array([*distinct, np.nan], dtype=np.float64)[codes]
    return values


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column as its distinct values and one code a row."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()


def _number_or_none(text: str) -> float | None:
    try:
        return parse_number(text)
    except ValueError:
        return None
