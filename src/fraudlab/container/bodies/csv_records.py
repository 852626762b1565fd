"""CSV as others write it, rewritten as the rows of commas that the reader takes.

Tabs, semicolons, bars and spaces are taken for separators where nothing else can be meant: the first row has
as many values as the model has columns by one of them, and not by commas. The official container guesses.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from fraudlab.container.bodies.rows import MAX_ROW_BYTES, BodyError, not_utf8, slices_of_lines, too_long
from fraudlab.container.clock import Clock
from fraudlab.container.failure import quoted
from fraudlab.container.features import Features
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.formats.time_values import NoTimeError, hour_of
from fraudlab.container.separators import MARKS, SEPARATORS, Rank, Space, in_commas, listed, meant, words

#: an answer says it shortly
_NAMES = SEPARATORS | {"|": "bars"}
_FIRST_FIELD = re.compile(rb"^[^,\n]*,", re.MULTILINE)
_ONE_FIELD = re.compile(rb"^[^,\n]+$", re.MULTILINE)


def records(body: bytes, separator: str = ",") -> Iterator[list[str]]:
    """Fields of one row after another; none for a blank line.

    Raises
    ------
    BodyError
        If a row is not CSV, not UTF-8, or too long.
    """
    lines = (line.decode() + "\n" for text in slices_of_lines(body) for line in text.split(b"\n"))
    rows = csv.reader(lines, strict=True, delimiter=separator)
    row = 0
    while True:
        row += 1
        try:
            record = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error).startswith("new-line"):
                raise stray_return(row) from error
            raise BodyError(f"row {row} is not CSV: {error}", row=row) from error
        except UnicodeDecodeError as error:
            raise not_utf8(row, error) from error
        except BodyError as error:  # a row of several lines is one
            raise too_long(row) from error
        yield record


def stray_return(row: int) -> BodyError:
    """The refusal of a carriage return inside a row."""
    return BodyError(
        f"row {row} holds a carriage return that ends no line; end lines with LF or CRLF", row=row
    )


def without_labels(body: bytes, features: Features) -> bytes:
    """Rows that have a label in front, without it, in commas.

    Raises
    ------
    BodyError
        If a row has nothing but a label, or is none of CSV.
    """
    body = with_commas(body, features, labels=1).rstrip(b"\r\n")
    if b'"' in body:
        return _written(_behind_labels(records(body)))
    pieces = []
    row = 1
    for text in slices_of_lines(body):
        if (alone := _ONE_FIELD.search(text)) is not None:
            raise _label_alone(row + text.count(b"\n", 0, alone.start()))
        pieces.append(_FIRST_FIELD.sub(b"", text))
        row += text.count(b"\n") + 1
    return b"\n".join(pieces)


def _behind_labels(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for row, record in enumerate(rows, 1):
        if len(record) == 1:
            raise _label_alone(row)
        yield record[1:]


def _label_alone(row: int) -> BodyError:
    return BodyError(f"row {row} has a label and no features", row=row)


def with_commas(body: bytes, features: Features, *, labels: int = 0) -> bytes:
    """The same rows in commas, where another separator is certain; else the body as it is.

    Parameters
    ----------
    body : bytes
    features : Features
    labels : int
        Fields in front of the features.

    Raises
    ------
    BodyError
        If two separators could be meant, or numbers have decimal commas.
    """
    end = body.find(b"\n", 0, MAX_ROW_BYTES)
    line = body[: min(len(body), MAX_ROW_BYTES) if end < 0 else end].rstrip(b"\r")
    separator = _separator(line, features, labels)
    if separator is None:
        return body
    if b'"' in body or b"," in body:
        return _written(_checked(records(body, separator), separator, features, labels))
    return b"\n".join([in_commas(text, separator) for text in slices_of_lines(body)])


def _separator(line: bytes, features: Features, labels: int) -> str | None:
    """What separates a first row, where commas do not."""
    width = labels + len(features)
    is_plain = not any(mark.encode() in line for mark in MARKS)
    if width == 1 or (is_plain and (line.count(b",") == width - 1 or b" " not in line)):
        return None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None  # said where its rows are read

    def rank(separator: str) -> Rank | None:
        if separator == " ":
            # Texts have spaces, too.
            fields = [word.decode() for word in words(line)] if len(features.codes) < len(features) else []
            return (1,) if len(fields) == width and _fit(fields[labels:], separator, features) else None
        fields = _fields(text, separator)
        return (_fit(fields[labels:], separator, features),) if len(fields) == width else None

    found = meant(text, rank, space=Space.ALONE)
    if not found or "," in found:
        return None
    if len(found) > 1:
        either = listed(found, "or", _NAMES)
        raise BodyError(f"row 1 could be separated by {either}; separate values by commas", row=1)
    return found[0]


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _fit(fields: list[str], separator: str, features: Features) -> bool:
    """Whether these could be values: numbers, and texts without another separator unless train has them."""
    for position, field in enumerate(fields):
        if (clock := features.clocks.get(position)) is not None:
            if not _is_time(field, clock):
                return False
        elif (codes := features.codes.get(position)) is None:
            number = field if separator == "," else field.replace(",", ".", 1)
            if not is_number(number):
                return False
        elif separator == "," and field not in codes and any(mark in field for mark in MARKS):
            return False
    return True


def _is_time(field: str, clock: Clock) -> bool:
    try:
        hour_of(field, clock)
    except NoTimeError:
        return False
    return True


def _checked(
    rows: Iterator[list[str]], separator: str, features: Features, labels: int
) -> Iterator[list[str]]:
    """The same rows, none of which has a number with a decimal comma."""
    for row, record in enumerate(rows, 1):
        if len(record) == labels + len(features):
            for position, field in enumerate(record[labels:]):
                if "," in field and position not in features.codes and position not in features.clocks:
                    name = features.names[position]
                    raise BodyError(
                        f"row {row}: column {name!r} holds {quoted(field)} between {_NAMES[separator]};"
                        " write numbers with a decimal point",
                        row=row,
                        column=name,
                    )
        yield record


def _written(rows: Iterator[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
