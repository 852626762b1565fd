"""CSV as the official container takes it: label, perhaps weight, features; no header, any usual separator."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as pacsv

from fraudlab.container.channels.channel_files import ChannelFile, line_blocks
from fraudlab.container.channels.channel_rows import ChannelRows, Growing, Part, fill, numbers, wrong_label
from fraudlab.container.channels.csv_commas import with_commas
from fraudlab.container.failure import TableError
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number, parse_number

#: smaller ones cost more calls, larger ones leave threads without work at the end of a block of lines
_CHUNK_BYTES = 1 << 19
#: rows turned into matrix rows at once, so that they stay in the processor's cache
_BATCH_ROWS = 1 << 13
#: a first row that counts its own columns is a header that pandas made up, unless it is this short
_HEADER_COLUMNS = 5
_QUOTE_INSIDE = re.compile(rb'[^,\r\n]"[^,\r\n]')
_BOOLEANS = ("true", "false")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the first row of a file says of the others."""

    source: ChannelFile
    names: tuple[str, ...]
    types: dict[str, Any]
    with_commas: Callable[[bytes, int], bytes]


def read_csv(sources: Sequence[ChannelFile], *, weighted: bool) -> ChannelRows:
    """Read CSV files of one width.

    Parameters
    ----------
    sources : sequence of ChannelFile
    weighted : bool
        The second column is the weight.

    Raises
    ------
    TableError
        If a file has a header, its separator is not certain, or it has rows of another width than the first
        or a value that is no finite number.
    """
    lead = 2 if weighted else 1
    names: tuple[str, ...] = ()
    matrix: Growing | None = None
    leads: list[NDArray[np.float64]] = []
    parts = []
    for source in sources:
        start = 0 if matrix is None else len(matrix)
        layout: _Layout | None = None
        for text in line_blocks(source):
            if layout is None:
                text = text.removeprefix(_BYTE_ORDER_MARK)  # noqa: PLW2901
                layout = _layout(text, source, lead, names)
            if layout is None:
                continue
            names = layout.names
            block = layout.with_commas(text, 0 if matrix is None else len(matrix) - start)
            if matrix is None:
                matrix = Growing(len(names) - lead)
            for batch in _batches(block, layout, len(matrix) - start):
                columns = list(map(numbers, batch.columns))
                leads.append(np.stack(columns[:lead]))
                before = len(matrix) - start
                added = matrix.add(batch.num_rows)
                fill(added, columns[lead:], names[lead:], file=source.name, before=before)
        parts.append(Part(source.name, start, 0 if matrix is None else len(matrix)))
    if matrix is None:
        return ChannelRows(np.empty((0, 0), np.float32), np.empty(0), None, (), tuple(parts))
    label, *weight = np.concatenate(leads, axis=1)
    return ChannelRows(matrix.whole(), label, weight[0] if weight else None, names[lead:], tuple(parts))


def _layout(block: bytes, source: ChannelFile, lead: int, names: tuple[str, ...]) -> _Layout | None:
    """The layout of a file; None where a block is blank."""
    text = block.lstrip(b"\r\n").split(b"\n", 1)[0].decode(errors="replace").rstrip("\r")
    if not text.strip():
        return None
    rewrite = with_commas(text, source)
    line = rewrite(text.encode(), 0).decode()
    try:
        first = next(csv.reader([line.strip()]))
    except csv.Error as error:
        raise _not_csv(1, source, error) from error
    if _is_header(first):
        beginning = repr(first[0]) + (", …" if len(first) > 1 else "")
        raise TableError(
            f"row 1 of {source.name} is a header ({beginning})",
            fix="write rows only, the label first: pandas does with header=False and index=False",
        )
    if len(first) <= lead:
        columns = "1 column" if len(first) == 1 else f"{len(first)} columns"
        row = "the label, then the features" if lead == 1 else "the label, the weight, then the features"
        raise TableError(f"{source.name} has {columns}; a row is {row}", fix="give it features")
    if names and len(first) != len(names):
        raise _ragged(1, source, len(first), len(names))
    names = ("label", "weight")[:lead] + tuple(f"f{number}" for number in range(len(first) - lead))
    # What pandas writes for booleans would else go the slow way, value by value.
    booleans = [field.strip().lower() in _BOOLEANS for field in first]
    types = {
        name: pa.bool_() if boolean and position else pa.float64()
        for position, (name, boolean) in enumerate(zip(names, booleans, strict=True))
    }
    return _Layout(source, names, types, rewrite)


def _is_header(first: Sequence[str]) -> bool:
    """Whether a first row is names, or the numbers that pandas gives to columns without any."""
    present = [field for field in first if field.strip() not in MISSING_NUMBERS]
    numbered = first if first[0] in present and is_number(first[0]) else first[1:]
    counts = list(numbered) == [str(number) for number in range(len(numbered))]
    return bool(present) and (
        not any(map(is_number, present)) or (counts and len(numbered) >= _HEADER_COLUMNS)
    )


def _batches(block: bytes, layout: _Layout, before: int) -> Iterator[Any]:
    """The columns of some rows; `before` of the file have been read."""
    # Arrow reads "1"2 as 12, and nan(1) as missing.
    odd = b"(" in block or (b'"' in block and _QUOTE_INSIDE.search(block))
    table = None if odd else _parse(block, layout)
    if table is None:
        # Whatever the fast parser would not take is read, or refused with its place, by the careful one.
        table = _parse_carefully(block, layout, before)
    yield from table.to_batches(max_chunksize=_BATCH_ROWS)


def _parse(block: bytes, layout: _Layout) -> Any | None:
    longest = block.find(b"\n") + 1 or len(block)
    try:
        # Doubles first, though float32 is wanted in the end: the endpoint's parsers round by way of double.
        return pacsv.read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(
                column_names=layout.names, block_size=max(_CHUNK_BYTES, 8 * longest)
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=layout.types,
                null_values=list(MISSING_NUMBERS),
                true_values=["1", "true", "True", "TRUE"],
                false_values=["0", "false", "False", "FALSE"],
            ),
        )
    except pa.ArrowInvalid:
        return None


def _parse_carefully(block: bytes, layout: _Layout, before: int) -> Any:
    source, width = layout.source, len(layout.names)
    try:
        reader = csv.reader(io.StringIO(block.decode(), newline=""), strict=True)
    except UnicodeDecodeError as error:
        raise TableError(f"{source.name} is not UTF-8: {error}", fix="save it as UTF-8 CSV") from error
    rows: list[list[float]] = []
    try:
        for record in reader:
            if record:
                row = before + len(rows) + 1
                if len(record) != width:
                    raise _ragged(row, source, len(record), width)
                rows.append([_value(field, layout, row, position) for position, field in enumerate(record)])
    except csv.Error as error:
        raise _not_csv(before + len(rows) + 1, source, error) from error
    columns = np.array(rows, np.float64).reshape(len(rows), width).T
    return pa.table(list(map(pa.array, columns)), names=layout.names)


def _value(field: str, layout: _Layout, row: int, position: int) -> float:
    place = f"row {row} of {layout.source.name}"
    try:
        value = parse_number(field)
    except ValueError as error:
        if position == 0:
            raise wrong_label("the label", repr(_shortened(field)), place) from error
        raise TableError(
            f"column {layout.names[position]!r} is not numeric: {place} holds {_shortened(field)!r}",
            fix="write features as numbers, and leave a field empty where its value is missing",
        ) from error
    if position == 0 and field.strip().lower() in _BOOLEANS:
        raise wrong_label("the label", repr(field), place)
    return value


def _shortened(field: str) -> str:
    return field if len(field) <= 40 else field[:39] + "…"


def _not_csv(row: int, source: ChannelFile, error: csv.Error) -> TableError:
    return TableError(
        f"row {row} of {source.name} is not CSV: {error}",
        fix="separate values by commas, and leave quotes out",
    )


def _ragged(row: int, source: ChannelFile, found: int, expected: int) -> TableError:
    return TableError(
        f"row {row} of {source.name} has {found} values where those before it have {expected}",
        fix="give every row of the channel one value a column",
    )
