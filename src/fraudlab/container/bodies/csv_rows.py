"""Rows of CSV (RFC 4180, without a header): an empty field is missing, and so is a blank row of one column.

Numbers in CSV look like numbers in JSON but for oddities such as ``+1`` and ``.5``, and orjson reads them
several times faster than ``float``, and faster than Arrow. So rows are rewritten as lists of JSON; whatever
orjson will not read so, or reads as anything but numbers, goes to the careful reader, which says what a body
means.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import orjson

from fraudlab.container.bodies.csv_records import records, stray_return, with_commas, without_labels
from fraudlab.container.bodies.rows import (
    BOM,
    SLICE_BYTES,
    UNREAD,
    BodyError,
    Rows,
    blank,
    no_rows,
    not_utf8,
    pack_lists,
    pack_row,
    refuse_too_many,
    slices_of_lines,
)
from fraudlab.container.features import Features
from fraudlab.container.formats.time_values import hour_of

_FIX = "send one row a line"
#: rows that are objects of their own: each takes fifty bytes besides its values
_LOT = 4096
#: Ways to make JSON of lists with missing values, tried in turn: each takes long on large bodies.
_GAPS = (
    ((b",,", b",null,"), (b",,", b",null,")),
    ((b"[,", b"[null,"), (b",]", b",null]"), (b"[]", b"[null]"), (b"nan", b"null"), (b"NaN", b"null")),
)


def parse_csv(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read rows.

    Raises
    ------
    BodyError
        If a row has too few or too many values, or a value is not of its column's type; if there are no rows,
        or more than `max_rows`.
    """
    row = body[:-2] if body.endswith(b"\r\n") else body.removesuffix(b"\n")
    # To JSON a line break is a space.
    if len(row) < SLICE_BYTES and b"\n" not in row and b"\r" not in row:
        try:
            numbers, unseen = (row, 0) if features.plain else _code_texts(row.split(b","), features)
            if not unseen:
                return Rows(_pack_one(b"[%b]" % numbers, features), 1)
        except UNREAD:
            pass
    body = with_commas(body.removeprefix(BOM), features)
    return _parse_quoted(body, features, max_rows) if b'"' in body else _parse_lines(body, features, max_rows)


def parse_labelled_csv(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read rows that have a label in front, which is left out: ``text/csv; label_size=1``.

    Raises
    ------
    BodyError
        As :func:`parse_csv`.
    """
    try:
        return parse_csv(without_labels(body.removeprefix(BOM), features), features, max_rows)
    except BodyError as error:
        sentence = f"{error.sentence} (behind the label, as label_size=1 says)"
        raise BodyError(sentence, row=error.row, column=error.column, status=error.status) from error


def _parse_lines(body: bytes, features: Features, max_rows: int) -> Rows:
    if b"\r" in body:
        body = _with_line_feeds(body)
        if b"\r" in body:
            raise stray_return(body.count(b"\n", 0, body.index(b"\r")) + 1)
    rows = body.rstrip(b"\n") if len(features) > 1 else body.removesuffix(b"\n")
    if not rows and (len(features) > 1 or not body):
        raise no_rows(_FIX)
    packed: list[bytes] = []
    count = unseen = 0
    for text in slices_of_lines(rows):
        inputs, new = _pack_slice(text, count + 1, features)
        packed.append(b"".join(inputs))
        count += len(inputs)
        unseen += new
        refuse_too_many(count, max_rows, features)
    # Where all columns are categories, a header would pass for a row.
    if unseen:
        _refuse_header(rows.partition(b"\n")[0].decode().split(","), features)
    return Rows(b"".join(packed), count, unseen)


def _with_line_feeds(body: bytes) -> bytes:
    pieces = []
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + SLICE_BYTES) + 1 or len(body)
        pieces.append(body[start:end].replace(b"\r\n", b"\n"))
        start = end
    return b"".join(pieces)


def _pack_slice(text: bytes, first: int, features: Features) -> tuple[list[bytes], int]:
    try:
        return _pack_fast(text, features)
    except UNREAD:
        pass
    packed = []
    unseen = 0
    for row, line in enumerate(text.split(b"\n"), first):
        try:
            fields = line.decode().split(",")
        except UnicodeDecodeError as error:
            raise not_utf8(row, error) from error
        inputs, new = _pack_fields(fields, row, features)
        packed.append(inputs)
        unseen += new
    return packed, unseen


def _pack_fast(text: bytes, features: Features) -> tuple[list[bytes], int]:
    unseen = 0
    if not features.plain:
        coded = [_code_texts(line.split(b","), features) for line in text.split(b"\n")]
        unseen = sum([new for _, new in coded])
        text = b"\n".join([line for line, _ in coded])
    if b"[" in text:
        raise ValueError("with brackets of its own, one line could be two rows")
    return _pack_many(b"[[%b]]" % text.replace(b"\n", b"],["), features), unseen


def _code_texts(fields: list[bytes], features: Features) -> tuple[bytes, int]:
    """Put codes in the place of categories and times, and nothing for categories train has not seen."""
    unseen = 0
    for position, clock in features.clocks.items():
        hour = hour_of(fields[position].decode(), clock)
        fields[position] = b"" if math.isnan(hour) else b"%d" % hour
    for position, codes in features.code_texts:
        code = codes.get(fields[position])
        if code is None:
            # What is not UTF-8 is no category; another spelling of one may be.
            known = features.code(position, fields[position].decode())
            unseen += known is None
            code = b"" if known is None else b"%d" % known
        fields[position] = code
    return b",".join(fields), unseen


def _pack_one(text: bytes, features: Features) -> bytes:
    try:
        return features.pack(*orjson.loads(text))
    except (orjson.JSONDecodeError, struct.error):
        return pack_lists([_read_gaps(text)], features)[0]


def _pack_many(text: bytes, features: Features) -> list[bytes]:
    try:
        return pack_lists(orjson.loads(text), features)
    except orjson.JSONDecodeError:
        return pack_lists(_read_gaps(text), features)


def _read_gaps(text: bytes) -> list[Any]:
    """Read what would be JSON, were it not for missing values."""
    for gaps in _GAPS:
        for gap, filled in gaps:
            text = text.replace(gap, filled)
        try:
            return orjson.loads(text)  # type: ignore[no-any-return]
        except orjson.JSONDecodeError:
            pass
    raise ValueError("more than numbers and gaps")


def _pack_fields(fields: list[str], row: int, features: Features) -> tuple[bytes, int]:
    if row == 1:
        _refuse_header(fields, features)
    if len(features) > 1 and fields == [""]:
        raise blank(row)
    return pack_row(fields, row, features)


def _refuse_header(fields: Sequence[str], features: Features) -> None:
    if 2 * sum(field.strip() in features.positions for field in fields) > len(features):
        raise BodyError("row 1 is a header; send rows only", row=1)


def _parse_quoted(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read a body with quotes, between which a comma or a line break is part of a category."""
    packed: list[bytes] = []
    whole: list[bytes] = []
    count = unseen = empty = 0
    for row, record in enumerate(records(body.removesuffix(b"\n")), 1):
        if not record and len(features) > 1:
            empty = empty or row
            continue
        if empty:
            raise blank(empty)
        refuse_too_many(row, max_rows, features)
        inputs, new = _pack_record(record or [""], row, features)
        packed.append(inputs)
        count += 1
        unseen += new
        if len(packed) == _LOT:
            whole.append(b"".join(packed))
            packed.clear()
    return Rows(b"".join([*whole, *packed]), count, unseen)


def _pack_record(fields: list[str], row: int, features: Features) -> tuple[bytes, int]:
    try:
        # Where a field has a comma of its own, these are too many.
        if row > 1 and len(fields) == len(features):
            numbers, unseen = _code_texts([field.encode() for field in fields], features)
            return _pack_one(b"[%b]" % numbers, features), unseen
    except UNREAD:
        pass
    return _pack_fields(fields, row, features)
