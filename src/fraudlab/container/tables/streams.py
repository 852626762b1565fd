"""The bytes of a CSV file as UTF-8 text: decompressed, decoded, and cut where Arrow may cut."""

from __future__ import annotations

import codecs
import io
import lzma
from collections.abc import Buffer
from pathlib import Path
from typing import Any

import pyarrow as pa

from fraudlab.container.failure import TableError
from fraudlab.container.tables.foreign import compression

HEAD_BYTES = 1 << 20
_READ_BYTES = 1 << 22
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: longest first, as that of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TextStream(io.RawIOBase):
    r"""A CSV file as bytes of UTF-8 text, without a byte order mark.

    No block that is read ends between the ``\r`` and the ``\n`` of a line's end: Arrow drops the ``\n`` of the next
    block, also where both are inside quotes (apache/arrow#51368).

    Parameters
    ----------
    path : Path
    name : str
        What to call it in a message.
    encoding : str
        Python's name of it.
    """

    def __init__(self, path: Path, *, name: str, encoding: str) -> None:
        super().__init__()
        self._name = name
        self._file = path.open("rb", buffering=0)
        try:
            self._source = _decompressed(path, self._file)
        except BaseException:
            self._file.close()
            raise
        utf8 = encoding == "utf-8"
        self._decoder = None if utf8 else codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._decoded = 0
        self._held = b""
        self._ended = False
        self.push_back(self._next(HEAD_BYTES).removeprefix(_BYTE_ORDER_MARK))

    def push_back(self, data: bytes) -> None:
        """Let `data` be what is read next."""
        self._held = data + self._held

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, none at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_BYTES), b""))
        block, self._held = self._held, b""
        if len(block) < size:
            more = self._next(size - len(block))
            block = block + more if block else more
        if len(block) > size:
            block, self._held = block[:size], block[size:]
        while block.endswith(b"\r") and (self._held or not self._ended):
            if len(block) > 1:
                self._held = b"\r" + self._held
                return block[:-1]
            block, self._held = block + (self._held or self._next(_READ_BYTES)), b""
            if len(block) > size > 1:
                block, self._held = block[:size], block[size:]
        return block

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _next(self, size: int) -> bytes:
        """Some more bytes of text; empty, and `_ended`, at the end."""
        while not self._ended:
            try:
                raw = self._source.read(size)
            except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
                reason = str(error).split("\n", 1)[0]
                raise TableError(
                    f"{self._name} cannot be read: {reason}", fix="check that it was copied completely"
                ) from error
            self._ended = not raw
            if self._decoder is None:
                return bytes(raw)
            try:
                text = self._decoder.decode(bytes(raw), self._ended)
            except UnicodeDecodeError as error:
                raise self._undecodable(error) from error
            self._decoded += len(raw)
            if text or self._ended:
                return text.encode("utf-8", errors="replace")
        return b""

    def _undecodable(self, error: UnicodeDecodeError) -> TableError:
        return TableError(
            f"{self._name} cannot be read: it is not {self._encoding} text near byte {self._decoded + error.start}"
            f" ({error.reason})",
            fix="set data.encoding to the encoding it was saved in, for example data.encoding=latin-1",
        )


def _decompressed(path: Path, file: io.FileIO) -> Any:
    """What gives the file's bytes as they were before they were compressed."""
    kind = compression(file.read(8))
    file.seek(0)
    if kind is None:
        return file
    if kind == "xz":
        return lzma.LZMAFile(file)
    return pa.CompressedInputStream(pa.OSFile(str(path), "rb"), kind)


def read_start(path: Path, *, name: str, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file as they were before they were compressed."""
    with path.open("rb", buffering=0) as file:
        try:
            source, found = _decompressed(path, file), b""
            while len(found) < size and (more := source.read(size - len(found))):
                found += more
        except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
            reason = str(error).split("\n", 1)[0]
            raise TableError(
                f"{name} cannot be read: {reason}", fix="check that it was copied completely"
            ) from error
    return found


def find_encoding(start: bytes, declared: str | None) -> str:
    """The encoding of text that starts with these bytes: as declared, as its mark says, else UTF-8.

    UTF-16 without a mark is known by the zero byte of every ASCII character.
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if declared is not None:
        return declared
    pairs = start[: min(len(start), 400) // 2 * 2]
    if len(pairs) >= 8:
        low, high = pairs[0::2].count(0), pairs[1::2].count(0)
        if high >= 0.8 * len(pairs) / 2 and not low:
            return "utf-16-le"
        if low >= 0.8 * len(pairs) / 2 and not high:
            return "utf-16-be"
    return "utf-8"
