"""JSON as text to values: what orjson alone does not do.

It holds Python's lock to the end of a text, so large bodies are read in slices. It keeps the last of two
equal keys, so quotes are counted. And it refuses NaN, which Python writes for a missing number, and numbers
that are too large without saying where, so what it refuses is read again by Python.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from fraudlab.container.bodies.json_objects import read_objects
from fraudlab.container.bodies.rows import MAX_ROW_BYTES, SLICE_BYTES, BodyError, no_rows, too_long
from fraudlab.container.features import Features

#: smaller bodies are read at once
LARGE_BYTES = 4 * SLICE_BYTES
FIX = 'send [[…]], {"instances": [[…]]} or one object a row'

_SPACE = b" \t\r\n"
#: what may come behind the last row
_MAX_END = 1 << 10
#: characters of a repeated key that a refusal repeats
_MAX_NAME = 100
_OPENING = re.compile(rb'[ \t\r\n]*(\{[ \t\r\n]*"instances"[ \t\r\n]*:[ \t\r\n]*)?\[[ \t\r\n]*(?=[\[{])')
_BETWEEN = re.compile(rb"(?<=[\]}])[ \t\r\n]*,[ \t\r\n]*(?=[\[{])")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")


class _RepeatedKeyError(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise _RepeatedKeyError(name)
        content[name] = value
    return content


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


#: Python's own reader. What is infinite stays text, for whoever knows the row and the column to refuse.
_PYTHON = json.JSONDecoder(
    object_pairs_hook=_distinct,
    parse_float=_finite,
    parse_constant=lambda name: math.nan if name == "NaN" else name,
)


def load(text: bytes, *, row: int | None = None) -> Any:
    """The value a text is.

    Parameters
    ----------
    row : int, optional
        The row the text is, for refusals; else it is the body.

    Raises
    ------
    BodyError
        If it is not JSON. NaN passes, and so does any number; what float64 cannot hold stays text.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = error
    if b"NaN" in text and b"\\" not in text:
        try:
            return orjson.loads(_with_null(text))
        except orjson.JSONDecodeError:
            pass
    try:
        content = _PYTHON.decode(text.decode())
        _refuse_surrogates(content)
    except _RepeatedKeyError as error:
        raise _repeated(error.name, row) from error
    except (ValueError, RecursionError):
        what = "the body" if row is None else f"row {row}"
        raise BodyError(f"{what} is not JSON: {reason}", row=row) from reason
    return content


def _with_null(text: bytes) -> bytes:
    """Put null for NaN, but not in texts: as nothing is escaped, those are what is between quotes."""
    parts = text.split(b'"')
    parts[::2] = [part.replace(b"NaN", b"null") for part in parts[::2]]
    return b'"'.join(parts)


def _refuse_surrogates(content: Any) -> None:
    # Half of a pair is no character: it could not be said in an answer.
    json.dumps(content, ensure_ascii=False).encode()


def load_list(text: bytes, features: Features) -> list[Any]:
    """The rows that a list is: whatever is in it, but tuples of values for objects with the model's columns.

    Raises
    ------
    BodyError
        If the list is not JSON, or an object names a key twice.
    """
    if (rows := read_objects(text, features)) is None:
        rows = load(text)
        refuse_repeated_keys(text, rows)
    return rows


def load_slices(body: bytes, features: Features) -> Iterator[list[Any]]:
    """Read the rows of a large body, a slice at a time.

    The text is cut wherever it looks like the end of one row and the beginning of the next. If each piece is
    a list of its own once it is in brackets, then all of them together are the list that the body is,
    whatever they hold. A piece that is none was cut inside of a text, or is no JSON: some rows are read one
    by one.

    Raises
    ------
    BodyError
        If the body is not a list of rows, or a row is not JSON or names a key twice.
    """
    start, end = _inside(body)
    first = 1
    more = True
    while more:
        longest = min(start + SLICE_BYTES + MAX_ROW_BYTES, end)
        whole = longest == end
        cut = _BETWEEN.search(body, min(start + SLICE_BYTES, end), longest)
        text = b"[%b]" % body[start : cut.start() if cut else longest]
        try:
            rows = load_list(text, features)
            if not rows:
                raise no_rows(FIX)
            start, more = (cut.end(), True) if cut else (end, False)
        except BodyError:
            rows, length, more = _load_one_by_one(
                body[start:longest], first, whole=whole, unbroken=not (cut or whole)
            )
            start += length
        yield rows
        first += len(rows)


def _inside(body: bytes) -> tuple[int, int]:
    """Where the first row begins and the last one ends."""
    opening = _OPENING.match(body)
    tail = body[-_MAX_END:]
    inner = tail.rstrip(_SPACE)
    for closing in (b"}", b"]") if opening and opening[1] else (b"]",):
        if not inner.endswith(closing):
            opening = None
        inner = inner[:-1].rstrip(_SPACE)
    if opening is None:
        raise no_rows(FIX)
    return opening.end(), len(body) - len(tail) + len(inner)


def _load_one_by_one(
    window: bytes, first: int, *, whole: bool, unbroken: bool
) -> tuple[list[Any], int, bool]:
    """Read some rows; where the next one begins, and whether there must be one."""
    try:
        text, _ = codecs.utf_8_decode(window, "strict", False)
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8: {error.reason}") from error
    rows: list[Any] = []
    at = 0
    # A character is of at most four bytes: the row after these is whole if it is not too long.
    while not rows or at < SLICE_BYTES // 4:
        row = first + len(rows)
        try:
            content, at = _PYTHON.raw_decode(text, at)
            _refuse_surrogates(content)
        except _RepeatedKeyError as error:
            raise _repeated(error.name, row) from error
        except (ValueError, RecursionError) as error:
            if unbroken:
                raise too_long(row) from error
            raise BodyError(f"row {row} is not JSON: {error}", row=row) from error
        rows.append(content)
        comma = _COMMA.match(text, at)
        if comma is None:
            if not whole or text[at:].strip():
                raise BodyError(f"row {row} is not JSON: no comma behind it", row=row)
            return rows, len(window), False
        at = comma.end()
    return rows, len(text[:at].encode()), True


def refuse_repeated_keys(
    text: bytes, rows: Sequence[Any], *, around: int = 0, row: int | None = None
) -> None:
    """Refuse objects that name a key twice, which orjson lets pass.

    Every key and every text has two quotes. There are more where a key is repeated; then, or where a quote is
    escaped, Python reads the text again.

    Parameters
    ----------
    text : bytes
        JSON.
    rows : sequence
        The rows orjson found in it.
    around : int
        Keys around the rows.
    row : int, optional
        The row the text is, for refusals.

    Raises
    ------
    BodyError
        Where a key is repeated.
    """
    if b"{" not in text:
        return
    quotes = text.count(b'"')
    keys = around + sum(len(content) for content in rows if isinstance(content, dict))
    if quotes == 2 * keys:
        return
    texts = sum(isinstance(value, str) for content in rows for value in _values(content))
    if quotes == 2 * (keys + texts):
        return
    try:
        _PYTHON.decode(text.decode())
    except _RepeatedKeyError as error:
        raise _repeated(error.name, row) from error
    except RecursionError as error:
        raise BodyError("a row is too deep", row=row) from error


def _values(content: Any) -> Iterator[Any]:
    values = content.values() if isinstance(content, dict) else content
    for value in values if isinstance(content, (dict, list)) else ():
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _repeated(name: str, row: int | None) -> BodyError:
    name = name[:_MAX_NAME].encode(errors="backslashreplace").decode()
    where = "the body" if row is None else f"row {row}"
    return BodyError(f"{where} names {name!r} twice", row=row, column=name)
