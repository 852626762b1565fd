"""The rows of a CSV file as an Arrow table: by Arrow's parser, and with a place where it refuses."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as pacsv

from fraudlab.container.failure import TableError
from fraudlab.container.formats.numeric_columns import NotANumberError, parse_texts
from fraudlab.container.formats.parsing import MISSING_NUMBERS
from fraudlab.container.separators import SEPARATORS
from fraudlab.container.tables.csv_head import CsvHead, decode_head, find_head, undecodable, zero_byte
from fraudlab.container.tables.foreign import refuse_foreign
from fraudlab.container.tables.text_stream import HEAD_BYTES, TextStream, find_encoding, read_start

#: larger blocks hold more text at once, smaller ones cost more calls
BLOCK_BYTES = 4 << 20


def csv_head(
    path: Path,
    *,
    name: str,
    separator: str | None = None,
    encoding: str | None = None,
    known: Collection[str] = (),
) -> tuple[CsvHead, str]:
    """The head of a CSV file, and its encoding; see :func:`~.csv_head.find_head`.

    Raises
    ------
    TableError
        If the file is something else, is not text of its encoding, or has no header.
    """
    start = read_start(path, name=name)
    refuse_foreign(start, name)
    found = find_encoding(start, encoding)
    whole = len(start) < HEAD_BYTES
    text = decode_head(start, whole=whole, name=name, encoding=found)
    return find_head(text, name=name, whole=whole, separator=separator, known=known), found


def read_csv(
    path: Path,
    head: CsvHead,
    *,
    name: str,
    encoding: str,
    decimal: str | None,
    columns: Sequence[str],
    numeric: Collection[str],
) -> pa.Table:
    """Read columns of a CSV file.

    Parameters
    ----------
    path : Path
    head : CsvHead
        Of this file.
    name : str
        What to call it in a message.
    encoding : str
    decimal : {".", ","} or None
    columns : sequence of str
        In the order of the file.
    numeric : collection of str
        Columns of numbers, float64; the others are text. One that is not numeric after all is text too:
        whoever asks for it says what it should have been.

    Raises
    ------
    TableError
        At the first row that has another number of values than the header, or is no text of the encoding.
    """
    if head.empty:
        kinds = [(column, pa.float64() if column in numeric else pa.string()) for column in columns]
        return pa.schema(kinds).empty_table()
    file = _File(path, head, name, encoding)
    try:
        return file.parse(columns, numeric, decimal=decimal)
    except pa.ArrowInvalid:
        pass
    # True and false, money, or a table in error.
    try:
        table = file.parse(columns, (), decimal=decimal)
    except pa.ArrowInvalid as error:
        file.refuse_bad_row()
        reason = str(error).split("\n", 1)[0]
        raise TableError(f"{name} is not readable CSV: {reason}", fix="save it as UTF-8 CSV") from error
    for position, column in enumerate(columns):
        if column in numeric:
            try:
                values = pa.array(parse_texts(table.column(column), decimal=decimal))
            except NotANumberError:
                continue
            table = table.set_column(position, column, values)
    return table


class _File:
    """One CSV file, opened as often as it has to be read."""

    def __init__(self, path: Path, head: CsvHead, name: str, encoding: str) -> None:
        self._path = path
        self._head = head
        self._name = name
        self._encoding = encoding

    def parse(self, columns: Sequence[str], numeric: Collection[str], *, decimal: str | None) -> pa.Table:
        names, extra = list(self._head.names), []
        if self._head.width > len(names):
            extra = [_unused_name(names)]
        # Doubles first, even where float32 is wanted in the end: the endpoint's parsers round by way of them.
        types = {name: pa.float64() if name in numeric else pa.string() for name in columns}
        convert = pacsv.ConvertOptions(
            column_types=types | dict.fromkeys(extra, pa.null()),
            include_columns=[*columns, *extra],
            null_values=list(MISSING_NUMBERS),
            decimal_point="," if decimal == "," else ".",
        )
        with self._rows() as rows:
            table = pacsv.read_csv(
                pa.PythonFile(rows, mode="r"),
                read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, column_names=[*names, *extra]),
                parse_options=pacsv.ParseOptions(delimiter=self._head.separator),
                convert_options=convert,
            )
        return table.select(list(columns)) if extra else table

    def _rows(self) -> TextStream:
        """The file's text from its first row on."""
        return TextStream(
            self._path,
            name=self._name,
            encoding=self._encoding,
            separator=self._head.separator,
            skip=self._head.start,
        )

    def refuse_bad_row(self) -> None:
        """Refuse the first row that is no text, or has another number of values than the header."""
        row = 0
        width = self._head.width
        reader = csv.reader(self._lines(), delimiter=self._head.separator)
        try:
            for record in reader:
                if record:
                    row += 1
                    if len(record) != width:
                        raise ragged(self._name, row, len(record), width, self._head.separator)
                    if width > len(self._head.names) and record[-1]:
                        raise ragged(self._name, row, width, width - 1, self._head.separator)
        except csv.Error as error:
            raise TableError(
                f"row {row + 1} of {self._name} is not CSV: {error}",
                fix="close every quote, and save it again",
            ) from error

    def _lines(self) -> Iterator[str]:
        with self._rows() as rows:
            at, line = self._head.start, self._head.lines
            while block := rows.read(BLOCK_BYTES).to_pybytes():
                try:
                    text = block.decode()
                except UnicodeDecodeError as error:
                    line += block.count(b"\n", 0, error.start)
                    raise undecodable(
                        self._name, self._encoding, at + error.start, block[error.start], line
                    ) from error
                if (zero := text.find("\0")) >= 0:
                    raise zero_byte(self._name, line + text.count("\n", 0, zero))
                at += len(block)
                line += text.count("\n")
                yield from io.StringIO(text, newline="")


def ragged(name: str, row: int, found: int, expected: int, separator: str) -> TableError:
    """The error of a row with another number of values than the header."""
    called = SEPARATORS.get(separator, repr(separator))
    example = f'"a{separator} b"' if separator != " " else '"a b"'
    return TableError(
        f"row {row} of {name} has {found} values where the header has {expected}",
        fix=f"separate values by {called}, and quote those that hold one: {example}",
    )


def _unused_name(names: Collection[str]) -> str:
    """A name for the column that no line has anything in."""
    name = "-"
    while name in names:
        name += "-"
    return name
