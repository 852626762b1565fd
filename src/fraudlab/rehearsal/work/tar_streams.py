"""Tar archives on their way into a container and out of it: the engine speaks nothing else."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True)
class Entry:
    """A file for a container, or a folder that any user may write to.

    Attributes
    ----------
    path : str
        From the root, without a first slash.
    size : int
        Bytes of the content.
    chunks : iterable of bytes or None
        The content, read once; None is a folder, or a link.
    link : str
        What a link points to; empty for anything else.
    hard : bool
        Whether a link is another name of a file that came before.
    """

    path: str
    size: int = 0
    chunks: Iterable[bytes] | None = None
    link: str = ""
    hard: bool = False

    @classmethod
    def file(cls, path: str, content: bytes) -> Entry:
        """A file whose content is at hand."""
        return cls(path.lstrip("/"), len(content), [content])

    @classmethod
    def folder(cls, path: str) -> Entry:
        """A folder."""
        return cls(path.strip("/"))


def tar_chunks(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Pack entries one after another, without ever holding a whole file.

    Raises
    ------
    ValueError
        A file's content is longer or shorter than it was said to be.
    """
    for entry in entries:
        info = tarfile.TarInfo(entry.path)
        if entry.link:
            info.type, info.linkname = tarfile.LNKTYPE if entry.hard else tarfile.SYMTYPE, entry.link
            yield info.tobuf(tarfile.PAX_FORMAT)
            continue
        if entry.chunks is None:
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            yield info.tobuf(tarfile.PAX_FORMAT)
            continue
        info.size, info.mode = entry.size, 0o644
        yield info.tobuf(tarfile.PAX_FORMAT)
        written = 0
        for chunk in entry.chunks:
            written += len(chunk)
            yield chunk
        if written != entry.size:
            raise ValueError(f"{entry.path} has {written} bytes where {entry.size} were announced")
        yield bytes(-written % _BLOCK)
    yield bytes(2 * _BLOCK)


class ChunkReader(io.RawIOBase):
    """Chunks as a file that is read from its beginning to its end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def members(chunks: Iterable[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Unpack an archive of the engine's member by member; each content is read before the next is asked for.

    The first folder, which the engine names after what was asked for, is taken from the names, and from the
    targets of hard links.
    """
    with tarfile.open(fileobj=io.BufferedReader(ChunkReader(chunks), 1 << 20), mode="r|") as archive:
        for member in archive:
            _, _, member.name = member.name.partition("/")
            if member.islnk():
                _, _, member.linkname = member.linkname.partition("/")
            if member.name:
                yield member, archive.extractfile(member) if member.isfile() else None


def blocks(stream: IO[bytes], size: int = 1 << 20) -> Iterator[bytes]:
    """Read what is left of a stream in parts of `size` bytes."""
    while chunk := stream.read(size):
        yield chunk


def first_file(chunks: Iterable[bytes], limit: int = -1) -> bytes:
    """The content of the first file of an archive, at most `limit` bytes of it."""
    with tarfile.open(fileobj=io.BufferedReader(ChunkReader(chunks)), mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                return content.read(limit)
    return b""
