"""libsvm files as a table: column ``k`` is what the files call ``k``, in training as at the endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.channels.channel_files import ChannelFile, line_blocks
from fraudlab.container.channels.channel_rows import ChannelRows, Part, not_finite
from fraudlab.container.failure import TableError
from fraudlab.container.formats.libsvm import LibsvmError, Sparse, parse_libsvm

MAX_COLUMNS = 100_000
MAX_TABLE_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows, in half the memory they are parsed in."""

    entries_of_row: NDArray[np.int64]
    index: NDArray[np.int32]
    value: NDArray[np.float32]


def read_libsvm(
    sources: Sequence[ChannelFile], *, columns: tuple[str, ...] | None, channel: str
) -> ChannelRows:
    """Read libsvm files into one table; an index that a row does not have is missing.

    Parameters
    ----------
    sources : sequence of ChannelFile
    columns : tuple of str, optional
        Names of the train channel; without them the columns are those that occur, from 1, or from 0 where 0
        occurs.
    channel : str

    Raises
    ------
    TableError
        If a row is not libsvm, has an index outside of the columns, or the table would be absurdly large.
    """
    allowed = range(MAX_COLUMNS + 1) if columns is None else _indices(columns, channel)
    blocks: list[_Block] = []
    labels: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    parts: list[Part] = []
    rows = 0
    for source in sources:
        start = rows
        for lines in line_blocks(source):
            sparse = _parse(lines, source, rows - start)
            if labels and (sparse.weight is None) != (not weights):
                has, before = ("no weight", "one") if weights else ("a weight", "none")
                raise _refused(f"has {has}, where the rows before it have {before}", rows - start + 1, source)
            blocks.append(_compact(sparse, source, rows - start, allowed, named=columns is not None))
            labels.append(sparse.label)
            weights += [] if sparse.weight is None else [sparse.weight]
            rows += sparse.label.size
        parts.append(Part(source.name, start, rows))
    if columns is None:
        allowed = _occurring(blocks)
    return ChannelRows(
        _dense(blocks, rows, allowed, channel),
        np.concatenate(labels),
        np.concatenate(weights) if weights else None,
        tuple(f"f{index}" for index in allowed),
        tuple(parts),
    )


def _indices(columns: tuple[str, ...], channel: str) -> range:
    """The indices that columns of another channel stand for."""
    first = int(columns[0][1:]) if columns[:1] in (("f0",), ("f1",)) else -1
    indices = range(first, first + len(columns))
    if first < 0 or columns != tuple(f"f{index}" for index in indices):
        raise TableError(
            f"channel {channel} is libsvm, whose columns are numbers, and channel train has {columns[0]!r}",
            fix="give both channels in one format",
        )
    return indices


def _parse(lines: bytes, source: ChannelFile, before: int) -> Sparse:
    try:
        return parse_libsvm(lines, labels="required")
    except LibsvmError as error:
        raise _refused(error.problem, before + error.row, source) from error


def _refused(problem: str, row: int, source: ChannelFile) -> TableError:
    return TableError(
        f"row {row} of {source.name} {problem}",
        fix="write a row as: label index:value index:value, with indices that increase",
    )


def _compact(sparse: Sparse, source: ChannelFile, before: int, allowed: range, *, named: bool) -> _Block:
    def place(entry: int) -> str:
        row = int(np.searchsorted(sparse.indptr, entry, side="right"))
        return f"row {before + row} of {source.name}"

    outside = (sparse.index < allowed.start) | (sparse.index >= allowed.stop)
    if outside.any():
        entry = int(np.argmax(outside))
        has = f"{place(entry)} has index {sparse.index[entry]}"
        if named:
            raise TableError(
                f"{has}, and channel train has {allowed.start} to {allowed.stop - 1}",
                fix="number the columns of all channels alike",
            )
        raise TableError(f"{has}; at most {MAX_COLUMNS:,} are possible", fix="number the columns from 1 on")
    with np.errstate(over="ignore"):
        value = sparse.value.astype(np.float32)
    infinite = np.isinf(value)
    if infinite.any():
        entry = int(np.argmax(infinite))
        raise not_finite(f"f{sparse.index[entry]}", sparse.value[entry], place(entry))
    return _Block(np.diff(sparse.indptr), sparse.index.astype(np.int32), value)


def _occurring(blocks: Sequence[_Block]) -> range:
    """From 1, or from 0 where it occurs, to the largest index."""
    smallest = min((int(block.index.min()) for block in blocks if block.index.size), default=1)
    largest = max((int(block.index.max()) for block in blocks if block.index.size), default=0)
    return range(min(1, smallest), largest + 1)


def _dense(blocks: Sequence[_Block], rows: int, columns: range, channel: str) -> NDArray[np.float32]:
    refuse_absurd_size(rows, len(columns), channel)
    matrix = np.full((rows, len(columns)), np.nan, np.float32)
    start = 0
    for block in blocks:
        count = block.entries_of_row.size
        row = np.repeat(np.arange(start, start + count), block.entries_of_row)
        matrix[row, block.index - columns.start] = block.value
        start += count
    return matrix


def refuse_absurd_size(rows: int, columns: int, channel: str) -> None:
    """Refuse sparse rows whose table would fill the memory with missing values.

    Raises
    ------
    TableError
        If it has more than `MAX_TABLE_BYTES`.
    """
    size = rows * columns * 4
    if size > MAX_TABLE_BYTES:
        raise TableError(
            f"channel {channel} would have {rows:,} rows of {columns:,} columns as a table:"
            f" {size / 2**30:,.1f} GiB, more than {MAX_TABLE_BYTES >> 30}",
            fix="number the columns without gaps, and leave out those that hardly any row has",
        )
