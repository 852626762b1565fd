"""Rows that repeat an earlier row in every column but their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.formats.numeric_columns import encoded

#: rows mixed at once, so that the state of a block stays in the processor's cache
_BLOCK_ROWS = 1 << 14
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class RepeatedRows:
    """What repeats.

    Attributes
    ----------
    repeats : ndarray of bool, shape (rows,)
        True where an earlier row is the same.
    groups : int
        Number of distinct rows that occur more than once.
    """

    repeats: NDArray[np.bool_]
    groups: int


def find_duplicates(table: pa.Table, columns: Sequence[str]) -> RepeatedRows:
    """Find rows that are equal in `columns`; two missing values are equal, and so are 0.0 and -0.0.

    Rows are compared by a 64-bit hash of their values, and those whose hashes meet by their values.
    """
    comparable = [_comparable(table.column(name)) for name in columns]
    for seed in range(1, 65):
        found = _by_hash(comparable, table.num_rows, seed)
        if found is not None:
            return found
    raise AssertionError("64 hash functions in a row sent different rows to one value")


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column where its numbers can be compared as they are, else one code for each distinct value."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    kind = column.type
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and not column.null_count):
        return column
    try:
        codes = encoded(column)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # Lists and structures have no codes in Arrow; they are equal where they are written alike.
        codes = encoded(pa.chunked_array([_written(chunk) for chunk in column.chunks], pa.string()))
    return pa.chunked_array([codes.indices.fill_null(-1)])


def _written(values: pa.Array) -> pa.Array:
    return pa.array([None if value is None else repr(value) for value in values.to_pylist()], pa.string())


def _keys(values: pa.Array) -> NDArray[np.uint64]:
    """64 bits per value, equal exactly where the values are."""
    if not pa.types.is_floating(values.type):
        integers: NDArray[np.uint64] = values.to_numpy().astype(np.uint64)
        return integers
    keys: NDArray[np.float64] = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False) + 0.0
    missing = np.isnan(keys)
    if missing.any():
        keys[missing] = np.nan  # one of the many bit patterns
    return keys.view(np.uint64)


def _by_hash(columns: Sequence[pa.ChunkedArray], rows: int, seed: int) -> RepeatedRows | None:
    """Duplicates by one hash function; None where different rows met in one hash value."""
    hashes = np.full(rows, seed, np.uint64)
    for column in columns:
        _mix(hashes, column)
    repeats = np.zeros(rows, np.bool_)
    in_order = np.sort(hashes)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    if not repeated.size:
        return RepeatedRows(repeats, 0)
    nearest = np.minimum(np.searchsorted(repeated, hashes), repeated.size - 1)
    suspects = np.flatnonzero(repeated[nearest] == hashes)
    suspects = suspects[np.argsort(hashes[suspects], kind="stable")]
    later = np.flatnonzero(hashes[suspects[1:]] == hashes[suspects[:-1]]) + 1
    for column in columns:
        keys = np.concatenate([_keys(chunk) for chunk in column.take(pa.array(suspects)).chunks])
        if not np.array_equal(keys[later], keys[later - 1]):
            return None
    repeats[suspects[later]] = True
    return RepeatedRows(repeats, suspects.size - later.size)


def _mix(hashes: NDArray[np.uint64], column: pa.ChunkedArray) -> None:
    """Fold a column into the hash of each row: xor, multiply, shift, as splitmix64 (Steele et al. 2014)."""
    start = 0
    for chunk in column.chunks:
        for offset in range(0, len(chunk), _BLOCK_ROWS):
            keys = _keys(chunk.slice(offset, _BLOCK_ROWS))
            block = hashes[start : start + keys.size]
            block ^= keys
            block *= _ODD
            block ^= block >> np.uint64(32)
            start += keys.size
