"""Parquet as the official container takes it: the first column is the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from fraudlab.container.channels.channel_files import ChannelFile
from fraudlab.container.channels.channel_rows import ChannelRows, Part, fill, numbers, refuse_other_columns
from fraudlab.container.failure import TableError
from fraudlab.container.row_index import is_given_name, pandas_indices

#: rows turned into matrix rows at once, so that a block of them stays in the processor's cache
_BATCH_ROWS = 1 << 13


def read_parquet(sources: Sequence[ChannelFile], *, keep_counter: bool) -> ChannelRows:
    """Read Parquet files of one schema; the names of the columns are the files' own.

    Parameters
    ----------
    sources : sequence of ChannelFile
    keep_counter : bool
        Take an index of pandas for a feature.

    Raises
    ------
    TableError
        If a file is damaged, has a column that is not numeric, or others than the first file.
    """
    files = [_open(source) for source in sources]
    schemas = [_without_index(file.schema_arrow, keep_counter=keep_counter) for file in files]
    names = tuple(schemas[0].names)
    for schema, source in zip(schemas, sources, strict=True):
        _check_schema(schema, source, keep_counter=keep_counter)
        refuse_other_columns(schema.names, names, of=source.name, like=sources[0].name)
    rows = sum(file.metadata.num_rows for file in files)
    matrix = np.empty((rows, len(names) - 1), np.float32)
    label = np.empty(rows, np.float64)
    parts = []
    start = 0
    for file, source in zip(files, sources, strict=True):
        part = Part(source.name, start, start + file.metadata.num_rows)
        for batch in _batches(file, source, names):
            block = slice(start, start + batch.num_rows)
            start = block.stop
            if start > part.stop:
                break
            label_values, *features = map(numbers, batch.columns)
            label[block] = label_values
            before = block.start - part.start
            fill(matrix[block], features, names[1:], file=source.name, before=before)
        if start != part.stop:
            raise _damaged(source, f"it does not have the {file.metadata.num_rows:,} rows it says")
        parts.append(part)
    return ChannelRows(matrix, label, None, names[1:], tuple(parts), label_name=names[0])


def _open(source: ChannelFile) -> Any:
    try:
        return parquet.ParquetFile(source.path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(source, str(error).split("\n", 1)[0]) from error


def _batches(file: Any, source: ChannelFile, names: Sequence[str]) -> Any:
    try:
        yield from file.iter_batches(_BATCH_ROWS, columns=list(names))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(source, str(error).split("\n", 1)[0]) from error


def _damaged(source: ChannelFile, reason: str) -> TableError:
    return TableError(
        f"{source.name} is not readable Parquet: {reason}", fix="write it again; it may be cut short"
    )


def _without_index(schema: Any, *, keep_counter: bool) -> Any:
    """The columns, without those that pandas notes as the index of its frame."""
    indices = set() if keep_counter else pandas_indices(schema.metadata)
    return pa.schema([field for field in schema if field.name not in indices])


def _check_schema(schema: Any, source: ChannelFile, *, keep_counter: bool) -> None:
    names = schema.names
    if len(names) < 2:
        columns = "1 column" if names else "no columns"
        raise TableError(
            f"{source.name} has {columns}; a row is the label, then the features",
            fix="give it features",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableError(
            f"{source.name} has {names.count(twice)} columns named {twice!r}",
            fix="give each column a name of its own",
        )
    for position, field in enumerate(schema):
        if is_given_name(field.name) and not (keep_counter and position):
            raise TableError(
                f"column {field.name!r} of {source.name} is an index column",
                fix="leave the index out: pandas writes none with index=False"
                + ("; or set keep_counter=true, if it is a feature" if position else ""),
            )
        if not _is_numeric(field.type):
            raise TableError(
                f"column {field.name!r} of {source.name} is of type {field.type}, which is not numeric",
                fix="write it as numbers, or leave it out",
            )


def _is_numeric(kind: Any) -> bool:
    types = pa.types
    checks = (types.is_floating, types.is_integer, types.is_decimal, types.is_boolean, types.is_null)
    return any(check(kind) for check in checks)
