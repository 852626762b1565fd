"""Files that are no table, or one under another name: known by their first bytes, and said in a sentence."""

from __future__ import annotations

from fraudlab.container.failure import TableError

PARQUET = b"PAR1"
#: how a file is compressed, by its first bytes
COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
}
_EXPORT = "save the table as CSV or Parquet, and name that file"
_UNPACK = "unpack it, and name the table inside"
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook (.xls)", _EXPORT),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the table itself", "run `git lfs pull`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", _UNPACK),
    (b"Rar!", "is a RAR archive", _UNPACK),
    (b"%PDF", "is a PDF document", _EXPORT),
    (b"SQLite format 3\0", "is an SQLite database", _EXPORT),
    (b"\x89HDF", "is an HDF5 file", _EXPORT),
    (b"ARROW1", "is an Arrow (Feather) file", _EXPORT),
    (b"FEA1", "is a Feather file", _EXPORT),
    (b"Obj\x01", "is an Avro file", _EXPORT),
    (b"ORC", "is an ORC file", _EXPORT),
    (b"\x93NUMPY", "is a NumPy array", _EXPORT),
    (b"\x89PNG", "is a picture", "name the table"),
)


def compression(head: bytes) -> str | None:
    """How a file is compressed, or None where it is not."""
    return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), None)


def refuse_foreign(head: bytes, name: str) -> None:
    """Refuse a file whose first bytes are those of something that is no CSV.

    Raises
    ------
    TableError
        With what it is.
    """
    for magic, what, fix in _SIGNATURES:
        if head.startswith(magic):
            raise TableError(f"{name} {what}", fix=fix)
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head[:4096] or b"xl/" in head[:4096]:
            raise TableError(f"{name} is an Excel workbook (.xlsx)", fix=_EXPORT)
        raise TableError(f"{name} is a zip archive", fix=_UNPACK)
    if head[257:262] == b"ustar":
        raise TableError(f"{name} is a tar archive", fix=_UNPACK)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise TableError(f"{name} is a pickle", fix=_EXPORT)
    start = head[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        raise TableError(
            f"{name} is an HTML page, not a table",
            fix="download the file itself; the page may ask for a login",
        )
    if start.startswith((b"<?xml", b"<error")):
        raise TableError(f"{name} is XML, not a table", fix=_EXPORT)
    if start.startswith((b"{", b"[{", b"[[")):
        raise TableError(f"{name} is JSON, not CSV", fix=_EXPORT)
