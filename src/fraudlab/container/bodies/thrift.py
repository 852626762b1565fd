"""Thrift's compact protocol, as far as Parquet uses it.

See ``doc/specs/thrift-compact-protocol.md`` of apache/thrift.
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET = range(1, 11)
STRUCT = 12
#: how far structs and lists may be within each other
_MAX_DEPTH = 12

#: of each field its type and its value: int, bool, bytes, list or struct
Struct = dict[int, tuple[int, Any]]


class ThriftError(OSError):
    """Bytes that are no struct."""


def whole(struct: Struct, field: int, kind: int) -> int:
    """The number that is a field.

    Raises
    ------
    ThriftError
        If the field is missing, of another type, or negative.
    """
    found, value = struct.get(field, (0, -1))
    if found != kind or value < 0:
        raise ThriftError(f"field {field} of its metadata is no size")
    return int(value)


def structs(struct: Struct, field: int) -> list[Struct]:
    """The list of structs that is a field.

    Raises
    ------
    ThriftError
        If the field is missing or anything else.
    """
    _, values = struct.get(field, (LIST, None))
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ThriftError(f"field {field} of its metadata is no list of structs")
    return values


class Reader:
    """Reads values one after another.

    Parameters
    ----------
    data : bytes
    at, end : int
        Where to read; `at` moves.
    """

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data = data
        self._end = end
        self.at = at

    def struct(self, depth: int = 0) -> Struct:
        """The next struct.

        Raises
        ------
        ThriftError
            If there is none.
        """
        if depth > _MAX_DEPTH:
            raise ThriftError("its metadata is too deep")
        fields: Struct = {}
        field = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 15
            field = field + step if step else self._zigzag()
            if field in fields:
                raise ThriftError(f"field {field} of its metadata is there twice")
            fields[field] = kind, kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (I16, I32, I64):
            return self._zigzag()
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind in (LIST, SET):
            return self._list(depth + 1)
        if kind == BINARY:
            return self._bytes(self._varint())
        if kind == DOUBLE:
            return self._bytes(8)
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        raise ThriftError(f"its metadata has a value of type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._varint()
        # No value takes less than a byte.
        if size > self._end - self.at:
            raise ThriftError("its metadata is cut short")
        return [self._value(head & 15, depth) for _ in range(size)]

    def _bytes(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > self._end:
            raise ThriftError("its metadata is cut short")
        return self._data[start : self.at]

    def _byte(self) -> int:
        at = self.at
        if at >= self._end:
            raise ThriftError("its metadata is cut short")
        self.at = at + 1
        return self._data[at]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ThriftError("its metadata has a number without an end")

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
