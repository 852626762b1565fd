"""The rows of one or several Parquet files as an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from fraudlab.container.failure import TableError, listing


def read_schema(path: Path, *, name: str) -> tuple[pa.Schema, int]:
    """The columns of a Parquet file with their types, and its rows, from its footer.

    Raises
    ------
    TableError
        If it is no complete Parquet file.
    """
    try:
        with parquet.ParquetFile(path) as file:
            return file.schema_arrow, int(file.metadata.num_rows)
    except (OSError, pa.ArrowException) as error:
        raise not_parquet(name, error) from error


def read_parquet(path: Path, *, name: str, columns: Sequence[str]) -> pa.Table:
    """Read columns of a Parquet file with their own types.

    Raises
    ------
    TableError
        If it is damaged.
    """
    try:
        with parquet.ParquetFile(path) as file:
            return file.read(columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise not_parquet(name, error) from error


def not_parquet(name: str, error: Exception) -> TableError:
    """The error of a file that Arrow cannot read."""
    reason = str(error).split("\n", 1)[0]
    return TableError(
        f"{name} is not a readable Parquet file: {reason}", fix="write it again; the file may be cut short"
    )


def common_schema(schemas: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """The schema that fits several files: their columns by name, and for each a type that loses nothing.

    Whole numbers of any width become the widest, whole and floating ones float64, text and dictionaries of
    text are text, times take the finest unit, and a column of nothing takes any other type.

    Parameters
    ----------
    schemas : sequence of (str, pyarrow.Schema)
        Each with what to call its file.

    Raises
    ------
    TableError
        If a file has other columns than the first, or a type that does not go with its; all of them at once.
    """
    first_name, first = schemas[0]
    types = {field.name: (first_name, _plain(field.type)) for field in first}
    for name, schema in schemas[1:]:
        _check_same_columns(first_name, first.names, name, schema.names)
        odd = []
        for field in schema:
            other_name, other = types[field.name]
            both = _common(other, _plain(field.type))
            if both is None:
                odd.append(f"column {field.name!r} is {other} in {other_name} and {field.type} in {name}")
            else:
                types[field.name] = (other_name if both == other else name, both)
        if odd:
            raise TableError(
                "; ".join(odd), fix="write all files of a table with the same types, or name one of them"
            )
    return pa.schema([(name, types[name][1]) for name in first.names])


def fitted(table: pa.Table, schema: pa.Schema, *, name: str) -> pa.Table:
    """A file's columns in the types of the whole table.

    Raises
    ------
    TableError
        If a value would change.
    """
    columns = []
    for column in table.column_names:
        values, kind = table.column(column), schema.field(column).type
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        try:
            columns.append(values.cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            reason = str(error).split("\n", 1)[0]
            raise TableError(
                f"column {column!r} of {name} does not fit the other files: {reason}",
                fix="write all files of a table with the same types",
            ) from error
    return pa.table(columns, names=table.column_names)


def _check_same_columns(first_name: str, first: Sequence[str], name: str, columns: Sequence[str]) -> None:
    missing = [column for column in first if column not in columns]
    extra = [column for column in columns if column not in first]
    said = [
        f"{what} {listing([repr(column) for column in found], limit=10)}"
        for what, found in (("lacks", missing), ("also has", extra))
        if found
    ]
    if said:
        raise TableError(
            f"{name} {' and '.join(said)}, unlike {first_name}",
            fix="give all files of a table the same columns, or name one of them",
        )


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if text else kind


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """A type for both, or None."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    numeric = all(any(test(kind) for test in numbers) for kind in (one, other))
    times = all(pa.types.is_timestamp(kind) for kind in (one, other)) and one.tz == other.tz
    if not numeric and not times:
        return None
    if all(pa.types.is_integer(kind) for kind in (one, other)):
        return pa.int64() if "uint64" not in (str(one), str(other)) else pa.uint64()
    if numeric and any(pa.types.is_floating(kind) for kind in (one, other)):
        return pa.float64()
    try:
        schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return None
