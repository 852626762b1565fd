"""Request bodies to model inputs. Raw rows, every value checked; a refusal names its row and column.

Rows are counted from 1. Values mean what they mean to the process job: see ``parsing.py``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from fraudlab.container.failure import near
from fraudlab.container.features import Features, Matrix
from fraudlab.container.parsing import MISSING_NUMBERS, category_text, parse_number

#: from this size on, Arrow's parser is faster than ours by more than its own overhead
BULK_BYTES = 32 << 10
_PLAIN_NUMBERS = {float, int, bool, type(None)}


class BodyError(ValueError):
    """A body that cannot be scored.

    Parameters
    ----------
    sentence : str
    row : int, optional
        The row it is about, from 1.
    column : str, optional
        The column it is about.
    """

    def __init__(self, sentence: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.row = row
        self.column = column


@dataclass(frozen=True, slots=True)
class Rows:
    """Model inputs of a request, and how many of its categories train has not seen."""

    matrix: Matrix
    unseen: int = 0


def parse_csv(body: bytes, features: Features) -> Rows:
    """Read raw rows without a header (RFC 4180); an empty field is missing.

    Raises
    ------
    BodyError
        If a row has too few or too many values, or a value is not of its column's type.
    """
    rows = _parse_csv_bulk(body, features) if len(body) >= BULK_BYTES else _parse_csv_plain(body, features)
    # Whatever the fast parsers would not take is read, or refused with the place, by the careful one.
    return rows or _parse_csv_carefully(body, features)


def _parse_csv_plain(body: bytes, features: Features) -> Rows | None:
    if features.categorical or b"_" in body:
        return None
    try:
        values = [list(map(float, line.split(b","))) for line in body.rstrip().split(b"\n")]
    except ValueError:
        return None
    if any(len(row) != len(features) for row in values):
        return None
    return Rows(_finished(np.array(values, np.float64), features))


def _parse_csv_bulk(body: bytes, features: Features) -> Rows | None:
    import pyarrow as pa
    from pyarrow import csv as pacsv

    numeric = {name: pa.float64() for name in features.names}
    texts = {
        features.names[position]: pa.dictionary(pa.int32(), pa.string()) for position in features.categorical
    }
    try:
        table = pacsv.read_csv(
            pa.BufferReader(body),
            read_options=pacsv.ReadOptions(
                column_names=features.names, use_threads=False, block_size=len(body)
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=b'"' in body),
            convert_options=pacsv.ConvertOptions(
                column_types=numeric | texts, null_values=list(MISSING_NUMBERS), strings_can_be_null=False
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if not table.num_rows:
        return None
    matrix = np.empty((table.num_rows, len(features)), np.float64)
    unseen = 0
    for position in range(len(features)):
        column = table.column(position).combine_chunks()
        if position in features.categorical:
            matrix[:, position], new = features.encode_dictionary(position, column)
            unseen += new
        else:
            matrix[:, position] = column.to_numpy(zero_copy_only=False)
    return Rows(_finished(matrix, features), unseen)


def _parse_csv_carefully(body: bytes, features: Features) -> Rows:
    try:
        records = [
            record for record in csv.reader(io.StringIO(body.decode(), newline=""), strict=True) if record
        ]
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8: {error}") from error
    except csv.Error as error:
        raise BodyError(f"the body is not CSV: {error}") from error
    if records and records[0] == features.names:
        raise BodyError("row 1 is a header; send rows only", row=1)
    return _from_values(records, features)


def parse_json(body: bytes, features: Features) -> Rows:
    """Read raw rows as lists in column order or as objects by column name; null is missing.

    Takes ``[[…], …]``, ``[{…}, …]``, ``{"instances": either}`` or one object.

    Raises
    ------
    BodyError
        As :func:`parse_csv`, and if a column is missing or unknown, or the body is something else.
    """
    content = _load_json(body)
    if isinstance(content, dict):
        content = content["instances"] if content.keys() == {"instances"} else [content]
    if not isinstance(content, list) or not content:
        raise BodyError('the body holds no rows; send [[…]], {"instances": [[…]]} or one object a row')
    rows = [
        _by_name(row, number, features) if isinstance(row, dict) else row
        for number, row in enumerate(content, 1)
    ]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list):
            raise BodyError(f"row {number} is neither a list nor an object: {row!r}", row=number)
    return _from_values(rows, features)


def _load_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # NaN is no JSON, but what Python's own encoder writes for a missing number.
        if b"NaN" not in body and b"Infinity" not in body:
            raise BodyError(f"the body is not JSON: {error}") from error
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the body is not JSON: {error}") from error


def _by_name(row: dict[str, Any], number: int, features: Features) -> list[Any]:
    try:
        values = [row[name] for name in features.names]
    except KeyError as error:
        name = str(error.args[0])
        raise BodyError(f"row {number} has no column {name!r}", row=number, column=name) from error
    if len(row) != len(values):
        name = next(name for name in row if name not in features.names)
        raise BodyError(
            f"row {number} has an unknown column {name!r}{near(name, features.names)}",
            row=number,
            column=name,
        )
    return values


def _from_values(rows: Sequence[list[Any]], features: Features) -> Rows:
    """Convert rows of fields or of JSON values, value by value where numbers are not plain ones."""
    if not rows:
        raise BodyError("the body holds no rows")
    width = len(features)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise _wrong_width(number, len(row), features)
    unseen = 0
    encoded = {}
    for position in features.categorical:
        texts = [_category(row[position], number, position, features) for number, row in enumerate(rows, 1)]
        encoded[position], new = features.encode(position, texts)
        unseen += int(np.count_nonzero(new))
    matrix = np.empty((len(rows), width), np.float64)
    for number, row in enumerate(rows):
        if not encoded and _PLAIN_NUMBERS.issuperset(map(type, row)):
            matrix[number] = row
            continue
        for position, value in enumerate(row):
            matrix[number, position] = (
                encoded[position][number]
                if position in encoded
                else _number(value, number + 1, position, features)
            )
    return Rows(_finished(matrix, features), unseen)


def _number(value: Any, row: int, position: int, features: Features) -> float:
    if value is None:
        return float("nan")
    try:
        return parse_number(value) if isinstance(value, str) else float(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise BodyError(
            f"row {row}: column {features.names[position]!r} holds {_shown(value)}, which is not a number",
            row=row,
            column=features.names[position],
        ) from error


def _category(value: Any, row: int, position: int, features: Features) -> str | None:
    try:
        return category_text(value)
    except ValueError as error:
        raise BodyError(
            f"row {row}: column {features.names[position]!r} holds {_shown(value)}, which is not a category",
            row=row,
            column=features.names[position],
        ) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _wrong_width(row: int, width: int, features: Features) -> BodyError:
    names = features.names
    listing = ", ".join(names) if len(names) <= 3 else f"{names[0]}, …, {names[-1]}"
    return BodyError(
        f"row {row} has {width} values where {len(names)} are expected ({listing})",
        row=row,
    )


def _finished(values: np.ndarray[Any, np.dtype[np.float64]], features: Features) -> Matrix:
    """Round to what the model takes, refuse what that cannot hold, scale."""
    with np.errstate(over="ignore"):
        matrix = values.astype(np.float32)
    infinite = np.isinf(matrix)
    if infinite.any():
        row, position = (int(index) for index in np.argwhere(infinite)[0])
        name = features.names[position]
        value = values[row, position]
        what = "infinite" if np.isinf(value) else f"{value:g}, too large for 32 bits"
        raise BodyError(f"row {row + 1}: column {name!r} is {what}", row=row + 1, column=name)
    return features.scaled(matrix)
