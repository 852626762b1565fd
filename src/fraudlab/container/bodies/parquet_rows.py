"""Rows of Parquet: columns by name, in any order; null and NaN are missing. An index of pandas is no column.

A few bytes of Parquet can stand for very many. So its size is summed up before it is read, text is read as
its distinct values, and no column is read that cannot be numbers or categories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fraudlab.container.bodies.parquet_pages import uncompressed_bytes
from fraudlab.container.bodies.rows import (
    MAX_BYTES,
    BodyError,
    Rows,
    beyond,
    no_rows,
    no_time,
    not_a_number,
    refuse_too_many,
    wrong_columns,
)
from fraudlab.container.categories import sent_text
from fraudlab.container.failure import TableError
from fraudlab.container.features import Features
from fraudlab.container.formats.columns import category
from fraudlab.container.formats.numeric_columns import NotANumberError, numbers
from fraudlab.container.formats.time_columns import seconds_of_column
from fraudlab.container.formats.time_values import NoTimeError
from fraudlab.container.row_index import pandas_indices

if TYPE_CHECKING:
    import pyarrow as pa

#: characters of what Arrow says
_MAX_REASON = 150
#: of a list in a file's metadata, such as that of its columns
_MAX_LIST = 100_000


def parse_parquet(body: bytes, features: Features, max_rows: int, *, max_bytes: int = MAX_BYTES) -> Rows:
    """Read rows.

    Parameters
    ----------
    max_bytes : int
        How large the columns may be once they are no longer compressed.

    Raises
    ------
    BodyError
        If it is no Parquet; if a column is missing, unknown or there twice, or a value is not of its column's
        type; if there are no rows, more than `max_rows`, or more bytes than `max_bytes`.
    """
    import pyarrow as pa

    try:
        return _read(body, features, max_rows, max_bytes)
    except BodyError:
        raise
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        reason = str(error).split("\n", 1)[0][:_MAX_REASON]
        raise BodyError(f"the body is not a readable Parquet file: {reason}") from error


def _read(body: bytes, features: Features, max_rows: int, max_bytes: int) -> Rows:
    import pyarrow as pa
    from pyarrow import parquet

    options: dict[str, Any] = {
        "pre_buffer": False,
        "thrift_string_size_limit": len(body) or 1,
        "thrift_container_size_limit": _MAX_LIST,
    }
    file = parquet.ParquetFile(pa.BufferReader(body), **options)
    schema, metadata = file.schema_arrow, file.metadata
    fields = _without_index(schema, features)
    _check_columns(fields, features)
    if metadata.num_rows < 1:
        raise no_rows("write one row a transaction")
    refuse_too_many(metadata.num_rows, max_rows, features)
    if uncompressed_bytes(body) > max_bytes:
        raise BodyError(f"the body is of more than {max_bytes:,} bytes when uncompressed", status=413)
    texts = [field.name for field in schema if _is_text(field.type)]
    table = parquet.ParquetFile(pa.BufferReader(body), read_dictionary=texts, **options).read(
        columns=None if len(fields) == len(schema) else [field.name for field in fields], use_threads=False
    )
    if table.num_rows != metadata.num_rows:
        raise OSError(f"it has {table.num_rows} rows and says it has {metadata.num_rows}")
    return _as_rows(table, features)


def _without_index(schema: pa.Schema, features: Features) -> list[pa.Field]:
    """The columns but for those that pandas notes as the index of the frame, and the model does not have.

    Arrow, asked for a column ``a``, would read ``a.b`` as well: that is no name of an index then.
    """
    indices = pandas_indices(schema.metadata) - features.positions.keys()
    beside = {
        name
        for name in indices
        if not any(name[:at] in features.positions for at, character in enumerate(name) if character == ".")
    }
    return [field for field in schema if field.name not in beside]


def _check_columns(fields: list[pa.Field], features: Features) -> None:
    names = [field.name for field in fields]
    if set(names) != features.positions.keys():
        raise wrong_columns(names, features)
    for name in features.names:
        if names.count(name) > 1:
            raise BodyError(f"the body has two columns {name!r}", column=name)
    for field in fields:
        position = features.positions[field.name]
        if not _is_readable(field.type) and not (position in features.clocks and _is_timed(field.type)):
            what = "times" if position in features.clocks else "numbers"
            what = "categories" if position in features.codes else what
            raise BodyError(
                f"column {field.name!r} holds values of type {field.type}, which are no {what}",
                column=field.name,
            )


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _is_readable(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_floating,
        pa.types.is_integer,
        pa.types.is_boolean,
        pa.types.is_decimal,
        pa.types.is_null,
    )
    return _is_text(kind) or any(test(kind) for test in tests)


def _is_timed(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(test(kind) for test in (pa.types.is_timestamp, pa.types.is_date, pa.types.is_duration))


def _as_rows(table: pa.Table, features: Features) -> Rows:
    matrix = np.empty((table.num_rows, len(features)), np.float32)
    unseen = 0
    for position, name in enumerate(features.names):
        column = table.column(name)
        try:
            if position in features.codes:
                matrix[:, position], new = features.encode_dictionary(
                    position, category(column, name, spell=sent_text)
                )
                unseen += new
                continue
            if (clock := features.clocks.get(position)) is not None:
                matrix[:, position] = clock.hours(seconds_of_column(column, clock))
                continue
            values = numbers(column, each_alone=True)
        except TableError as error:
            raise BodyError(error.sentence, column=name) from error
        except NoTimeError as error:
            raise no_time(error, error.row, name) from error
        except NotANumberError as error:
            raise not_a_number(error.value, error.row, name) from error
        with np.errstate(over="ignore", invalid="ignore"):
            matrix[:, position] = values
        infinite = np.isinf(matrix[:, position])
        if infinite.any():
            row = int(np.argmax(infinite))
            raise beyond(float(values[row]), row + 1, name)
    return Rows(matrix.tobytes(), table.num_rows, unseen)
