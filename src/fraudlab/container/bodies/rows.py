"""What every parser returns and raises, the careful reading of one row, and the matrix made of rows."""

from __future__ import annotations

import codecs
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudlab.container.categories import sent_text
from fraudlab.container.failure import near, quoted
from fraudlab.container.features import Features, Matrix
from fraudlab.container.formats.parsing import parse_number
from fraudlab.container.formats.time_values import NoTimeError, hour_of, said

BOM = codecs.BOM_UTF8
#: Rows are read in slices of about this size: between two slices other threads can run, and Python objects
#: are made for one slice at a time.
SLICE_BYTES = 64 << 10
#: no longer row is read
MAX_ROW_BYTES = 1 << 20

#: Of the inputs of one request. A few bytes of libsvm or Parquet can stand for a long row of missing values.
MAX_BYTES = 256 << 20
#: characters of an unknown column's name that a refusal repeats
_MAX_NAME = 100
#: the smallest number that rounds to more than float32 holds
_FIRST_BEYOND = 2.0**128 - 2.0**103

#: what a fast reader may raise on a row that only the careful one can read, or refuse
UNREAD = (ValueError, TypeError, LookupError, OverflowError, struct.error)


class BodyError(ValueError):
    """A body that cannot be scored.

    Parameters
    ----------
    sentence : str
    row : int, optional
        The row it is about, from 1.
    column : str, optional
        The column it is about.
    status : int
        The HTTP status it deserves: 400, or 413 where the body holds too much.
    """

    def __init__(
        self, sentence: str, *, row: int | None = None, column: str | None = None, status: int = 400
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.row = row
        self.column = column
        self.status = status


@dataclass(slots=True)
class Rows:
    """The rows of one request. Not frozen: that would cost every request a microsecond.

    Parameters
    ----------
    inputs : bytes or memoryview
        Those of a float32 matrix of shape (count, columns): rounded and checked, not scaled; categories as
        codes, the time as its hour within the week, NaN where missing.
    count : int
        Rows.
    unseen : int
        How many of the categories train has not seen.
    """

    inputs: bytes | memoryview
    count: int
    unseen: int = 0

    def __len__(self) -> int:
        return self.count


def finish(batch: Sequence[Rows], features: Features) -> Matrix:
    """The model's inputs for the rows of one or of many requests, in order. Nothing is refused here.

    Parameters
    ----------
    batch : sequence of Rows
        At least one.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In C order, scaled; not to be written to.
    """
    joined = batch[0].inputs if len(batch) == 1 else b"".join([rows.inputs for rows in batch])
    return features.given(np.frombuffer(joined, np.float32).reshape(-1, len(features)))


def pack_lists(rows: Sequence[Iterable[Any]], features: Features) -> list[bytes]:
    """Pack rows of numbers and codes, None where one is missing. Anything else is one of ``UNREAD``."""
    try:
        return [features.pack(*row) for row in rows]
    except struct.error:
        return [features.pack(*[math.nan if value is None else value for value in row]) for row in rows]


def pack_row(values: Sequence[Any], row: int, features: Features) -> tuple[bytes, int]:
    """Read the raw values of one row, each of them text or what JSON makes of it.

    Parameters
    ----------
    values : sequence
        In the order of the columns.
    row : int
        Its number, for refusals.

    Returns
    -------
    tuple of bytes and int
        As :class:`Rows` holds them.

    Raises
    ------
    BodyError
        If there are too few or too many values, or one is not of its column's type.
    """
    if len(values) != len(features):
        raise wrong_width(row, len(values), features)
    numbers = list(values)
    unseen = 0
    for position, clock in features.clocks.items():
        try:
            numbers[position] = hour_of(values[position], clock)
        except NoTimeError as error:
            raise no_time(error, row, features.names[position]) from error
    for position in features.codes:
        code = features.code(position, _category(values[position], row, position, features))
        unseen += code is None
        numbers[position] = math.nan if code is None else code
    try:
        packed = features.pack(*numbers)
    except UNREAD:
        numbers = [
            value if type(value) is float else _number(value, row, position, features)
            for position, value in enumerate(numbers)
        ]
        try:
            packed = features.pack(*numbers)
        except OverflowError as error:
            raise _beyond(numbers, row, features) from error
    if math.inf in numbers or -math.inf in numbers:
        raise _beyond(numbers, row, features)
    return packed, unseen


def _number(value: Any, row: int, position: int, features: Features) -> float:
    if value is None:
        return math.nan
    name = features.names[position]
    try:
        return parse_number(value) if isinstance(value, str) else float(value)
    except (ValueError, TypeError) as error:
        raise not_a_number(value, row, name) from error
    except OverflowError as error:
        raise _too_large(quoted(value), row, name) from error


def _category(value: Any, row: int, position: int, features: Features) -> str | None:
    try:
        return sent_text(value)
    except ValueError as error:
        name = features.names[position]
        raise BodyError(
            f"row {row}: column {name!r} holds {quoted(value)}, which is not a category", row=row, column=name
        ) from error


def _beyond(numbers: Sequence[float], row: int, features: Features) -> BodyError:
    position = next(at for at, value in enumerate(numbers) if abs(value) >= _FIRST_BEYOND)
    return beyond(numbers[position], row, features.names[position])


def beyond(value: float, row: int, name: str) -> BodyError:
    """The refusal of a number that float32 cannot hold."""
    if math.isinf(value):
        return BodyError(f"row {row}: column {name!r} is infinite", row=row, column=name)
    return _too_large(f"{value:g}", row, name)


def not_a_number(value: Any, row: int, name: str) -> BodyError:
    """The refusal of a value of a column of numbers."""
    return BodyError(
        f"row {row}: column {name!r} holds {quoted(value)}, which is not a number", row=row, column=name
    )


def no_time(error: NoTimeError, row: int, name: str) -> BodyError:
    """The refusal of a value of a column of times."""
    return BodyError(f"row {row}: column {name!r} holds {said(error)}", row=row, column=name)


def _too_large(value: str, row: int, name: str) -> BodyError:
    return BodyError(f"row {row}: column {name!r} is {value}, too large for 32 bits", row=row, column=name)


def wrong_width(row: int, width: int, features: Features) -> BodyError:
    """The refusal of a row with too few or too many values."""
    names = features.names
    listing = ", ".join(names) if len(names) <= 3 else f"{names[0]}, …, {names[-1]}"
    expected = f"1 is expected ({listing})" if len(names) == 1 else f"{len(names)} are expected ({listing})"
    return BodyError(f"row {row} has {width} values where {expected}", row=row)


def no_rows(fix: str) -> BodyError:
    """The refusal of a body without rows."""
    return BodyError(f"the body holds no rows; {fix}")


def refuse_too_many(rows: int, max_rows: int, features: Features) -> None:
    """Refuse more rows than a request may hold, or than memory should.

    Raises
    ------
    BodyError
        With status 413.
    """
    most = min(max_rows, MAX_BYTES // (4 * len(features)))
    if rows > most:
        raise BodyError(f"the body holds more than {most:,} rows; send fewer at once", status=413)


def not_utf8(row: int, error: UnicodeDecodeError) -> BodyError:
    """The refusal of text in another encoding."""
    return BodyError(f"row {row} is not UTF-8: {error.reason}", row=row)


def too_long(row: int) -> BodyError:
    """The refusal of a row that is longer than any is."""
    return BodyError(f"row {row} is longer than {MAX_ROW_BYTES:,} bytes", row=row)


def blank(row: int) -> BodyError:
    """The refusal of a blank line between rows."""
    return BodyError(f"row {row} is blank", row=row)


def wrong_columns(names: Iterable[str], features: Features, *, row: int | None = None) -> BodyError:
    """The refusal of columns that are not the model's: the first that is unknown, else the first missing."""
    where = "the body" if row is None else f"row {row}"
    given = dict.fromkeys(names)
    unknown = next((name[:_MAX_NAME] for name in given if name not in features.positions), None)
    if unknown is not None:
        if unknown in features.input_names:
            sentence = f"{where} has column {unknown!r}, which the model computes itself; leave it out"
            return BodyError(sentence, row=row, column=unknown)
        sentence = f"{where} has an unknown column {unknown!r}{near(unknown, features.names)}"
        return BodyError(sentence, row=row, column=unknown)
    name = next(name for name in features.names if name not in given)
    return BodyError(f"{where} has no column {name!r}; send null where it is missing", row=row, column=name)


def slices_of_lines(lines: bytes) -> Iterator[bytes]:
    """Some whole lines at a time.

    Raises
    ------
    BodyError
        At a line that is too long, once those before it have been given out; named by its number.
    """
    start = 0
    while start <= len(lines):
        end = lines.find(b"\n", start + SLICE_BYTES)
        end = len(lines) if end < 0 else end
        if end - start > MAX_ROW_BYTES:
            end = lines.rfind(b"\n", start, start + SLICE_BYTES)
            if end < 0:
                raise too_long(lines.count(b"\n", 0, start) + 1)
        yield lines[start:end]
        start = end + 1
