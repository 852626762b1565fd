"""Objects by column name, read straight to their columns.

A model's columns are known before a body comes. So nothing has to be made of the names in it, and most of
what objects cost more than lists is saved. Only what is usual is read: each column once in each object,
numbers or null, and text or null for a category. What is not is for the reader of any JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from msgspec.structs import astuple

from fraudlab.container.features import Features

Values = tuple[Any, ...]
Decode = Callable[[bytes], list[Any]]

#: where the first row begins
_MAX_OPENING = 24
#: shorter texts are searched faster without numpy
_LONG_TEXT = 8192

_readers: WeakKeyDictionary[Features, _Reader | None] = WeakKeyDictionary()


def read_objects(text: bytes, features: Features) -> list[Values] | None:
    """The values of ``{…}``, ``[{…}, …]`` or ``{"instances": [{…}, …]}``, in the order of the columns.

    None where it is anything else, or anything but the usual is in it.
    """
    around = text.startswith(b'{"instances"')
    # To have it refused by the decoder takes longer.
    if text.find(b"{", around, _MAX_OPENING) < 0 or (reader := _reader(features)) is None:
        return None
    if around:
        return reader.read(reader.instances, text, around=1)
    return reader.read(reader.several if text.startswith(b"[") else reader.one, text)


def read_object(text: bytes, features: Features) -> Values | None:
    """The values of ``{…}``, as :func:`read_objects` reads it."""
    reader = _reader(features) if text.startswith(b"{") else None
    found = reader and reader.read(reader.one, text)
    return found[0] if found else None


class _Reader:
    def __init__(self, features: Features) -> None:
        self._width = len(features)
        self._texts = [*features.categorical, *features.clocks]
        kinds: dict[int, Any] = dict.fromkeys(features.codes, str | None)
        kinds |= dict.fromkeys(features.clocks, str | float | None)
        fields = [(f"c{position}", kinds.get(position, float | None)) for position in range(len(features))]
        names = dict(zip((field for field, _ in fields), features.names, strict=True))
        row: Any = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True)
        body = msgspec.defstruct("Body", [("instances", list[row])], forbid_unknown_fields=True)
        one, several, instances = (msgspec.json.Decoder(kind).decode for kind in (row, list[row], body))
        self.one: Decode = lambda text: [one(text)]
        self.several: Decode = several
        self.instances: Decode = lambda text: instances(text).instances

    def read(self, decode: Decode, text: bytes, *, around: int = 0) -> list[Values] | None:
        try:
            rows = list(map(astuple, decode(text)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        # Of two equal names the decoder takes the last. Every name and every text has two quotes.
        quotes = around + len(rows) * self._width
        for position in self._texts:
            quotes += sum(isinstance(row[position], str) for row in rows)
        return rows if _quotes(text) == 2 * quotes else None


def _reader(features: Features) -> _Reader | None:
    if features not in _readers:
        try:
            _readers[features] = _Reader(features)
        except ValueError:  # a name has a character that JSON escapes
            _readers[features] = None
    return _readers[features]


def _quotes(text: bytes) -> int:
    if len(text) < _LONG_TEXT:
        return text.count(b'"')
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord('"')))
