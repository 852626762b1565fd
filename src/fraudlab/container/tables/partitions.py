"""Columns that stand in the names of folders: ``day=2023-01-01/part-0.parquet`` (Hive's layout)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from fraudlab.container.failure import TableError

#: what Hive and Spark write for a value that is missing
_MISSING = "__HIVE_DEFAULT_PARTITION__"


def values(file: str) -> dict[str, str | None]:
    """The columns that the folders of a file name, in their order; None is missing."""
    found: dict[str, str | None] = {}
    for folder in PurePosixPath(file).parts[:-1]:
        key, equals, value = folder.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == _MISSING else unquote(value)
    return found


def keys(files: Sequence[str], name: str) -> list[str]:
    """The columns that the folders of all files name.

    Raises
    ------
    TableError
        If they are not the same for all.
    """
    first = list(values(files[0])) if files else []
    for file in files[1:]:
        if list(values(file)) != first:
            raise TableError(
                f"the folders of {name} name the columns {', '.join(first) or '(none)'} for {files[0]},"
                f" and {', '.join(values(file)) or '(none)'} for {file}",
                fix="put all files below folders of the same key=value names, or name some of them:"
                " data.path='folder/key=*/*.parquet'",
            )
    return first


def add(table: pa.Table, own: Mapping[str, str | None], columns: Sequence[str], *, name: str) -> pa.Table:
    """Add the columns that a file's folders name; those that the file has itself are its own.

    Raises
    ------
    TableError
        If the file's own column says something else than the folder.
    """
    for key, value in own.items():
        if key not in columns:
            continue
        if key in table.column_names:
            _check_agrees(table.column(key), key, value, name)
            continue
        column = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(table.num_rows, np.int32), mask=np.full(table.num_rows, value is None)),
            pa.array([value or ""], pa.string()),
        )
        table = table.append_column(key, column)
    return table.select([column for column in columns if column in table.column_names])


def _check_agrees(column: pa.ChunkedArray, key: str, value: str | None, name: str) -> None:
    for found in column.unique().to_pylist():
        same = found is None if value is None else _is_value(found, value)
        if not same:
            raise TableError(
                f"{name} lies in a folder {key}={value}, and its column {key!r} holds {found!r}",
                fix=f"rename the folder, or write {key!r} as the folder says",
            )


def _is_value(found: object, value: str) -> bool:
    if str(found) == value or str(found).lower() == value.lower():
        return True
    try:
        return float(str(found)) == float(value)
    except ValueError:
        return str(found).startswith(value)  # a date, and the midnight it begins with
