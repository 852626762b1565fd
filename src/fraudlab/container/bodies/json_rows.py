"""Rows of JSON and of JSON lines: a list in column order, an object by column name, ``{"features": […]}``.

null is missing, and so is NaN, which is no JSON but what Python writes. A number may be text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fraudlab.container.bodies.json_objects import read_object, read_objects
from fraudlab.container.bodies.json_text import (
    FIX,
    LARGE_BYTES,
    load,
    load_list,
    load_slices,
    refuse_repeated_keys,
)
from fraudlab.container.bodies.rows import (
    BOM,
    UNREAD,
    BodyError,
    Rows,
    blank,
    no_rows,
    pack_lists,
    pack_row,
    refuse_too_many,
    slices_of_lines,
    wrong_columns,
)
from fraudlab.container.failure import quoted
from fraudlab.container.features import Features


def parse_json(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read ``[row, …]``, ``{"instances": [row, …]}``, one object or one list of values.

    Raises
    ------
    BodyError
        If it is no JSON; if a row has too few or too many values, or a value is not of its column's type;
        if a column is missing, unknown or named twice; if there are no rows, or more than `max_rows`.
    """
    body = body.removeprefix(BOM)
    if len(body) >= LARGE_BYTES:
        return _pack(load_slices(body, features), features, max_rows)
    rows: list[Any] | None = read_objects(body, features)
    if rows is None:
        rows, around = _rows_of(load(body), features)
        refuse_repeated_keys(body, rows, around=around)
    if len(rows) == 1 and features.plain and isinstance(rows[0], (list, tuple)):
        try:
            return Rows(features.pack(*rows[0]), 1)
        except UNREAD:
            pass
    return _pack([rows], features, max_rows)


def parse_json_lines(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read one row per line.

    Raises
    ------
    BodyError
        As :func:`parse_json`.
    """
    lines = body.removeprefix(BOM).rstrip(b"\r\n")
    if not lines:
        raise no_rows("send one list or object a line")
    return _pack(_load_lines(lines, features), features, max_rows)


def _load_lines(lines: bytes, features: Features) -> Iterator[list[Any]]:
    first = 1
    for text in slices_of_lines(lines):
        try:
            rows = _load_at_once(text, features)
        except BodyError:
            rows = None
        if rows is None:
            rows = [_load_line(line, row, features) for row, line in enumerate(text.split(b"\n"), first)]
        yield rows
        first += len(rows)


def _load_at_once(text: bytes, features: Features) -> list[Any] | None:
    """Read lines as one list, if they begin and end with the only brackets they have."""
    count = text.count(b"\n") + 1
    if count == 1:
        return None
    begin = text.startswith((b"[", b"{")) + text.count(b"\n[") + text.count(b"\n{")
    end = text.endswith((b"]", b"}")) + text.count(b"]\n") + text.count(b"}\n")
    opening, closing = text.count(b"[") + text.count(b"{"), text.count(b"]") + text.count(b"}")
    if not count == begin == end == opening == closing:
        return None
    return load_list(b"[%b]" % text.replace(b"\n", b","), features)


def _load_line(line: bytes, row: int, features: Features) -> Any:
    content: Any = read_object(line, features)
    if content is None:
        if not line.strip():
            raise blank(row)
        content = load(line, row=row)
        refuse_repeated_keys(line, [content], row=row)
    return content


def _rows_of(content: Any, features: Features) -> tuple[list[Any], int]:
    """The rows of a body, and the number of keys around them."""
    if isinstance(content, list):
        flat = bool(content) and not isinstance(content[0], (list, dict))
        return [content] if flat else content, 0
    if not isinstance(content, dict):
        raise no_rows(FIX)
    instances = content.get("instances")
    if isinstance(instances, list):
        if len(content) > 1:
            beside = next(name for name in content if name != "instances")
            raise BodyError(f"the body has an unknown key {quoted(beside)} beside 'instances'")
        return instances, 1
    if "instances" in content and "instances" not in features.positions:
        raise no_rows(FIX)
    return [content], 0


def _pack(slices: Iterable[list[Any]], features: Features, max_rows: int) -> Rows:
    packed: list[bytes] = []
    count = unseen = 0
    for rows in slices:
        refuse_too_many(count + len(rows), max_rows, features)
        inputs, new = _pack_rows(rows, count + 1, features)
        packed.append(b"".join(inputs))
        count += len(inputs)
        unseen += new
    if not count:
        raise no_rows(FIX)
    return Rows(b"".join(packed), count, unseen)


def _pack_rows(rows: list[Any], first: int, features: Features) -> tuple[list[bytes], int]:
    if features.plain:
        try:
            if not isinstance(rows[0], dict):
                return pack_lists(rows, features), 0
            if sum(map(len, rows)) == len(rows) * len(features):
                return pack_lists(list(map(features.pick, rows)), features), 0
        except UNREAD:
            pass
    packed = []
    unseen = 0
    for row, content in enumerate(rows, first):
        inputs, new = _pack_row(content, row, features)
        packed.append(inputs)
        unseen += new
    return packed, unseen


def _pack_row(content: Any, row: int, features: Features) -> tuple[bytes, int]:
    if isinstance(content, dict):
        if len(content) == 1 and isinstance(values := content.get("features"), list):
            return pack_row(values, row, features)
        if content.keys() != features.positions.keys():
            raise wrong_columns(content, features, row=row)
        content = features.pick(content)
    elif not isinstance(content, (list, tuple)):
        raise BodyError(f"row {row} is neither a list nor an object: {quoted(content)}", row=row)
    return pack_row(content, row, features)
