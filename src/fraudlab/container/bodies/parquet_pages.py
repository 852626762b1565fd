"""How large a Parquet file is when uncompressed, by what Arrow goes by: the header of each of its pages.

The sizes in the file's metadata are only claims, and its numbers of rows are what Arrow makes room for. Arrow
does not give out the headers, and pyarrow 26 aborts the process where a damaged file's metadata is asked for
a column, so both are read here. Both are Thrift: see ``src/main/thrift/parquet.thrift`` of
apache/parquet-format.
"""

from __future__ import annotations

from fraudlab.container.bodies.thrift import I32, I64, Reader, Struct, ThriftError, structs, whole

#: pages of one body, and bytes of its metadata; both cost time
_MAX_PAGES = 100_000
_MAX_METADATA = 1 << 20
_MAGIC = b"PAR1"

# fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
_FILE_ROWS, _ROW_GROUPS = 3, 4
_COLUMNS, _GROUP_ROWS = 1, 3
_METADATA = 3
_CHUNK_VALUES, _CHUNK_COMPRESSED, _DATA_OFFSET, _DICTIONARY_OFFSET = 5, 7, 9, 11
# fields of PageHeader, and its types of pages
_TYPE, _UNCOMPRESSED, _COMPRESSED = 1, 2, 3
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
#: the field that describes a page of each type; the first field of that is the number of values
_DESCRIPTION = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
_VALUES = 1


def uncompressed_bytes(body: bytes) -> int:
    """Sum the sizes of all pages that Arrow would uncompress, of columns without lists.

    Raises
    ------
    ThriftError
        If the metadata or a page header is malformed, there is too much of it, or groups, columns and pages
        do not have as many values as the file has rows.
    """
    total = pages = rows = 0
    metadata = _metadata(body)
    for group in structs(metadata, _ROW_GROUPS):
        in_group = whole(group, _GROUP_ROWS, I64)
        rows += in_group
        for chunk in structs(group, _COLUMNS):
            sizes = _page_sizes(body, chunk, in_group)
            total += sum(sizes)
            pages += len(sizes)
            if pages > _MAX_PAGES:
                raise ThriftError(f"it has more than {_MAX_PAGES:,} pages")
    if rows != whole(metadata, _FILE_ROWS, I64):
        raise ThriftError("its groups do not have as many rows as it has")
    return total


def _metadata(body: bytes) -> Struct:
    end = len(body) - 8
    size = int.from_bytes(body[end : end + 4], "little")
    if end < 4 or body[end + 4 :] != _MAGIC or size > end - 4:
        raise ThriftError("it does not end as one")
    if size > _MAX_METADATA:
        raise ThriftError(f"its metadata is longer than {_MAX_METADATA:,} bytes")
    return Reader(body, end - size, end).struct()


def _page_sizes(body: bytes, chunk: Struct, rows: int) -> list[int]:
    _, metadata = chunk.get(_METADATA, (0, None))
    if not isinstance(metadata, dict):
        raise ThriftError("a column has no metadata")
    if whole(metadata, _CHUNK_VALUES, I64) != rows:
        raise ThriftError("a column does not have as many values as its group has rows")
    at = whole(metadata, _DATA_OFFSET, I64)
    if _DICTIONARY_OFFSET in metadata:
        at = min(at, whole(metadata, _DICTIONARY_OFFSET, I64) or at)
    end = at + whole(metadata, _CHUNK_COMPRESSED, I64)
    if end > len(body):
        raise ThriftError("a column is not inside of it")
    sizes: list[int] = []
    values = 0
    while values < rows and len(sizes) <= _MAX_PAGES:
        reader = Reader(body, at, end)
        header = reader.struct()
        at = reader.at + whole(header, _COMPRESSED, I32)
        if at > end:
            raise ThriftError("a page is not inside of it")
        sizes.append(whole(header, _UNCOMPRESSED, I32))
        values += _values(header, sizes[-1])
    if values > rows:
        raise ThriftError("a column's pages have more values than it has")
    return sizes


def _values(header: Struct, size: int) -> int:
    kind = whole(header, _TYPE, I32)
    _, description = header.get(_DESCRIPTION.get(kind, 0), (0, None))
    if not isinstance(description, dict):
        raise ThriftError(f"a page of type {kind} is not described")
    values = whole(description, _VALUES, I32)
    if kind != _DICTIONARY:
        return values
    # No value of a dictionary takes less than a byte.
    if values > size:
        raise ThriftError("a dictionary has more values than bytes")
    return 0
