"""How large a Parquet file is when uncompressed, by what Arrow goes by: the header of each of its pages.

The sizes in the file's metadata are only claims, and Arrow does not give out the headers. They are Thrift's
structs in its compact protocol: see ``src/main/thrift/parquet.thrift`` of apache/parquet-format, and
``doc/specs/thrift-compact-protocol.md`` of apache/thrift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyarrow import parquet

#: pages of one body; each costs its header's time
_MOST_PAGES = 100_000
#: how far structs are within structs; those of statistics are two deep
_DEEPEST = 4

# types of Thrift
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET = range(1, 11)
_STRUCT = 12
# the fields of a PageHeader, and its types of pages
_TYPE, _UNCOMPRESSED, _COMPRESSED = 1, 2, 3
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
#: the field that describes a page of each type; the first field of that is the number of values
_DESCRIPTION = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
_VALUES = 1

#: of each field its type and its value
Struct = dict[int, tuple[int, Any]]


class PageError(OSError):
    """A page that cannot be."""


def uncompressed_bytes(body: bytes, metadata: parquet.FileMetaData) -> int:
    """Sum the sizes of all pages that Arrow would uncompress.

    Parameters
    ----------
    body : bytes
        A Parquet file.
    metadata : pyarrow.parquet.FileMetaData
        Of the same file.

    Raises
    ------
    PageError
        If a page header is malformed, or there are too many pages.
    """
    total = pages = 0
    for group in range(metadata.num_row_groups):
        columns = metadata.row_group(group)
        for position in range(columns.num_columns):
            sizes = _page_sizes(body, columns.column(position))
            total += sum(sizes)
            pages += len(sizes)
            if pages > _MOST_PAGES:
                raise PageError(f"it has more than {_MOST_PAGES:,} pages")
    return total


def _page_sizes(body: bytes, chunk: parquet.ColumnChunkMetaData) -> list[int]:
    at = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = at + chunk.total_compressed_size
    if not 0 <= at <= end <= len(body):
        raise PageError("a column is not inside of it")
    sizes: list[int] = []
    values = 0
    while values < chunk.num_values and len(sizes) <= _MOST_PAGES:
        reader = _Compact(body, at, end)
        header = reader.struct()
        uncompressed, compressed = (_whole(header, field) for field in (_UNCOMPRESSED, _COMPRESSED))
        kind = _whole(header, _TYPE)
        _, description = header.get(_DESCRIPTION.get(kind, 0), (_STRUCT, None))
        if not isinstance(description, dict):
            raise PageError(f"it has a page of type {kind} that is not described")
        at = reader.at + compressed
        if at > end:
            raise PageError("a page is not inside of it")
        values += _whole(description, _VALUES) if kind != _DICTIONARY else 0
        sizes.append(uncompressed)
    return sizes


def _whole(struct: Struct, field: int) -> int:
    kind, value = struct.get(field, (0, 0))
    if kind != _I32 or value < 0:
        raise PageError("a page header lacks a size")
    return int(value)


class _Compact:
    """Reads Thrift's compact protocol.

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
        """The type and the value of each field."""
        if depth > _DEEPEST:
            raise PageError("a page header is too deep")
        fields: Struct = {}
        field = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 15
            field = field + step if step else self._zigzag()
            if field in fields:
                raise PageError("a page header has a field twice")
            fields[field] = kind, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < 15 else self._varint()
            if size > self._end - self.at:
                raise PageError("a page header has no end")
            return [self._value(head & 15, depth + 1) for _ in range(size)]
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise PageError(f"a page header has a field of type {kind}")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > self._end:
            raise PageError("a page header has no end")
        return self._data[start : self.at]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise PageError("a page header has a number without an end")

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
