"""The bytes of a CSV file as UTF-8 text: decompressed, decoded, and cut where Arrow may cut."""

from __future__ import annotations

import codecs
import csv
import io
import lzma
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.tables.foreign import compression

HEAD_BYTES = 1 << 20
_QUOTE = re.compile(b'"')
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: longest first, as that of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TextStream:
    r"""A CSV file as bytes of UTF-8 text, without a byte order mark, for Arrow to read.

    Every block that is read ends with a record. Arrow cuts a block at its last line break, also where that is
    inside quotes, and then reads the halves as two records; and it drops a ``\n`` that begins a block where
    the last one ended in ``\r`` (apache/arrow#51368).

    Parameters
    ----------
    path : Path
    name : str
        What to call it in a message.
    encoding : str
        Python's name of it.
    separator : str
        Of the values.
    skip : int
        Bytes of text to leave out at the beginning: the header, and what is above it.
    """

    def __init__(self, path: Path, *, name: str, encoding: str, separator: str, skip: int) -> None:
        self.closed = False
        self._name = name
        self._separator = separator
        self._text = _open_text(path, name, encoding)
        self._ended = False
        start = bytearray(skip + len(_BYTE_ORDER_MARK))
        filled = self._fill(memoryview(start), 0)
        self._held = bytes(start[:filled]).removeprefix(_BYTE_ORDER_MARK)[skip:]

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._text.close()
        self.closed = True

    def read(self, size: int) -> Any:
        """About `size` bytes of whole records; none at the end."""
        # One buffer, and no copy of it: 4 MiB at a time, the machine's memory is what takes the time.
        held = self._held
        # Arrow's own memory: a new piece of the machine's for every block costs as much as half the parsing.
        buffer = pa.allocate_buffer(max(size, len(held) + 1), resizable=True)
        memoryview(buffer).cast("B")[: len(held)] = held
        filled, self._held = len(held), b""
        while True:
            filled = self._fill(memoryview(buffer).cast("B"), filled)
            if self._ended:
                if ends_in_quotes(memoryview(buffer).cast("B")[:filled], self._separator):
                    raise TableError(
                        f"{self._name} ends inside quotes: one that opens a value is never closed",
                        fix="close it; the file may be cut short",
                    )
                return buffer.slice(0, filled)
            end = last_record_end(memoryview(buffer).cast("B"), self._separator)
            if end:
                self._held = bytes(memoryview(buffer).cast("B")[end:])
                return buffer.slice(0, end)
            buffer.resize(2 * buffer.size)

    def _fill(self, block: memoryview, filled: int) -> int:
        """Fill a block up, or to the end of the text; how much it then holds."""
        while filled < len(block) and not self._ended:
            count = self._text.readinto(block[filled:]) or 0
            self._ended = not count
            filled += count
        return filled


def _open_text(path: Path, name: str, encoding: str) -> io.RawIOBase:
    file = path.open("rb", buffering=0)
    try:
        source = _decompressed(path, file)
    except BaseException:
        file.close()
        raise
    return file if source is file and encoding == "utf-8" else _Transcoded(file, source, name, encoding)


class _Transcoded(io.RawIOBase):
    """A compressed file, or one in another encoding, as UTF-8."""

    def __init__(self, file: io.FileIO, source: Any, name: str, encoding: str) -> None:
        super().__init__()
        self._file = file
        self._source = source
        self._name = name
        self._encoding = encoding
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._decoded = 0
        self._text = b""
        self._ended = False

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        while not self._text and not self._ended:
            self._text = self._next(len(buffer))
        count = min(len(self._text), len(buffer))
        buffer[:count] = self._text[:count]
        self._text = self._text[count:]
        return count

    def _next(self, size: int) -> bytes:
        with _sentence(self._name):
            raw: bytes = self._source.read(size)
        self._ended = not raw
        if self._decoder is None:
            return raw
        try:
            text = self._decoder.decode(raw, self._ended)
        except UnicodeDecodeError as error:
            raise TableError(
                f"{self._name} cannot be read: it is not {self._encoding} text near byte"
                f" {self._decoded + error.start} ({error.reason})",
                fix="set data.encoding to the encoding it was saved in, for example data.encoding=latin-1",
            ) from error
        self._decoded += len(raw)
        return text.encode("utf-8", errors="replace")


@contextmanager
def _sentence(name: str) -> Iterator[None]:
    """Say in a sentence that a file cannot be read, or unpacked."""
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).split("\n", 1)[0]
        raise TableError(
            f"{name} cannot be read: {reason}", fix="check that it was copied completely"
        ) from error


def last_record_end(block: memoryview, separator: str) -> int:
    """Where the last record ends that a block of whole records and a part of one holds; 0 where none does."""
    mark = b"\n"
    last = _rfind(block, mark, len(block))
    if last < 0:
        mark = b"\r"
        last = _rfind(block, mark, len(block) - 1)
    if _QUOTE.search(block) is None:
        return last + 1
    codes = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(codes[: last + 1] == ord('"'))
    if not _well_formed(codes, quotes, separator):
        return _last_record_end_carefully(bytes(block), separator)
    while last >= 0:
        before = int(np.searchsorted(quotes, last))
        if before % 2 == 0:
            return last + 1
        last = _rfind(block, mark, int(quotes[before - 1]))
    return 0


def ends_in_quotes(block: memoryview, separator: str) -> bool:
    """Whether the last value of a text has a quote that opens it and none that closes it."""
    if _QUOTE.search(block) is None:
        return False
    codes = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(codes == ord('"'))
    if _well_formed(codes, quotes, separator):
        return bool(quotes.size % 2)
    lines = io.StringIO(bytes(block).decode("latin-1"), newline="")
    try:
        for _ in csv.reader(lines, delimiter=separator, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _rfind(block: memoryview, mark: bytes, end: int) -> int:
    size = 1 << 16
    while end > 0:
        start = max(end - size, 0)
        found = bytes(block[start:end]).rfind(mark)
        if found >= 0:
            return start + found
        end, size = start, 8 * size
    return -1


def _well_formed(codes: NDArray[np.uint8], quotes: NDArray[np.int64], separator: str) -> bool:
    """Whether quotes open and close values by turns, but for doubled ones inside."""
    opening, closing = quotes[0::2], quotes[1::2]
    doubled = closing[: opening.size - 1] + 1 == opening[1:]
    opening = np.concatenate([opening[:1], opening[1:][~doubled]])
    closing = np.concatenate([closing[: doubled.size][~doubled], closing[doubled.size :]])
    edges = np.zeros(256, np.bool_)
    edges[[ord(separator), ord("\n"), ord("\r")]] = True
    starts = edges[codes[opening[opening > 0] - 1]].all()
    return bool(starts and edges[codes[closing[closing + 1 < codes.size] + 1]].all())


def _last_record_end_carefully(block: bytes, separator: str) -> int:
    """The same where a quote stands inside a value that has none around it."""
    end = done = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(block.decode("latin-1"), newline=""):
            end += len(line)
            yield line

    # A quote is as good as closed at the end of the block, so that the last record counts for none.
    try:
        for _ in csv.reader(lines(), delimiter=separator):
            if end < len(block):
                done = end
    except csv.Error:
        return done
    return done


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
    with path.open("rb", buffering=0) as file, _sentence(name):
        source, found = _decompressed(path, file), b""
        while len(found) < size and (more := source.read(size - len(found))):
            found += more
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
