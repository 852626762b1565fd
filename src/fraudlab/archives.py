"""``model.tar.gz`` and ``output.tar.gz``: packed as SageMaker packs them, unpacked without trusting them."""

from __future__ import annotations

import gzip
import os
import tarfile
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from fraudlab.errors import ArchiveError
from fraudlab.files import storage

#: unpacked, with what is skipped: several of the largest models and their outputs
MAX_BYTES = 8 << 30
MAX_MEMBERS = 10_000
#: of one member, with its long name and its extended attributes; kept in memory while it is read
_HEADER_BYTES = 64 << 10
_CHUNK_BYTES = 256 << 10
#: leaves room for what an unfinished file is called; file systems take 255
_NAME_BYTES = 200
_PATH_BYTES = 1024
_BROKEN = "train again; the archive was cut short, or damaged on its way"
_TOO_LARGE = "train again; if the job meant to write that much, unpack the archive by hand"
#: what tarfile raises on headers that make no sense, besides its own errors
_NONSENSE = (tarfile.TarError, ValueError, LookupError, ArithmeticError, RecursionError)


def pack(files: Iterable[tuple[str, BinaryIO]], target: Path) -> None:
    """Pack open files under their names."""
    # level 1: a booster compresses little, and level 9 costs more time than it saves bytes
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name, file in files:
            archive.addfile(archive.gettarinfo(arcname=name, fileobj=file), file)


def unpack(
    archive: Path,
    place: Callable[[str], Path | None],
    *,
    max_bytes: int = MAX_BYTES,
    max_members: int = MAX_MEMBERS,
) -> None:
    """Unpack the regular files of a gzip-compressed archive.

    A file is complete under its name or not there; those before one that cannot be unpacked stay.

    Parameters
    ----------
    archive : Path
    place : callable
        Given a name that stays inside the archive's root, says where the file goes, or None to leave it out.
        Links, devices, and names that lead elsewhere or are none, are left out without being asked about.
    max_bytes : int
        How much the archive may hold, whether it is left out or not.
    max_members : int
        How many files, folders and links.

    Raises
    ------
    ArchiveError
        Where the archive is broken, holds more, or holds a file twice.
    StorageError
        Where a file cannot be written.
    """
    taken: set[PurePosixPath] = set()
    with _opened(archive, max_bytes) as stream:
        for member in _members(stream, max_members):
            name = _safe_name(member)
            target = place(str(name)) if name else None
            if name is None or target is None:
                continue
            if name in taken or not taken.isdisjoint(name.parents):
                raise stream.error(f"holds {str(name)!r} twice", _BROKEN)
            taken.add(name)
            if member.issparse():
                raise stream.error(f"holds {str(name)!r} with holes in it", "pack it without tar's --sparse")
            _write(target, stream.content(member))
        stream.drain()


class _Stream:
    """The archive, decompressed, forwards only and no more of it than is allowed: what tarfile reads."""

    def __init__(self, source: gzip.GzipFile, archive: Path, limit: int) -> None:
        self._source = source
        self._archive = archive
        self._limit = limit
        self._at = 0
        self._header_begin = 0
        #: the block tarfile read last
        self.block = b""

    def error(self, what: str, fix: str) -> ArchiveError:
        return ArchiveError(f"{self._archive} {what}.", fix=fix)

    def begin_member(self) -> None:
        self._header_begin = self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        """Bytes of a header: tarfile asks for as many as the archive says there are."""
        if self._at + size - self._header_begin > _HEADER_BYTES:
            raise self.error(f"has a header of more than {_HEADER_BYTES:,} bytes", _BROKEN)
        self.block = b"".join(self._pieces(size))
        return self.block

    def seek(self, position: int) -> None:
        if position < self._at:
            raise self.error("is not in order", _BROKEN)
        for _ in self._pieces(position - self._at):
            pass
        self.begin_member()

    def content(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """All of a file.

        Raises
        ------
        ArchiveError
            Where the archive ends before it.
        """
        self.seek(member.offset_data)
        yield from self._pieces(member.size)
        if self._at != member.offset_data + member.size:
            raise self.error("is cut short", _BROKEN)

    def drain(self) -> None:
        """Read on to the end, where the checksum is."""
        for _ in self._pieces(self._limit + 1):
            pass

    def _pieces(self, size: int) -> Iterator[bytes]:
        end = self._at + size
        while self._at < end and (piece := self._take(min(_CHUNK_BYTES, end - self._at))):
            yield piece

    def _take(self, size: int) -> bytes:
        try:
            piece = self._source.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self.error(f"is not a whole gzip file: {error}", _BROKEN) from error
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror}", "check the disk it is on") from error
        self._at += len(piece)
        if self._at > self._limit:
            raise self.error(f"holds more than {self._limit:,} bytes", _TOO_LARGE)
        return piece


@contextmanager
def _opened(archive: Path, limit: int) -> Iterator[_Stream]:
    try:
        compressed = gzip.open(archive)  # noqa: SIM115  # closed below, where its errors are others
    except OSError as error:
        reason = f"{archive} cannot be read: {error.strerror}."
        raise ArchiveError(reason, fix="read the job's log in the run's folder logs") from error
    with compressed:
        yield _Stream(compressed, archive, limit)


def _members(stream: _Stream, limit: int) -> Iterator[tarfile.TarInfo]:
    """What the archive holds, one by one, none of it kept."""
    count = 0
    try:
        tar = tarfile.open(fileobj=stream, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115
        while (member := tar.next()) is not None:
            count += 1
            if count > limit:
                raise stream.error(f"holds more than {limit:,} files and folders", _TOO_LARGE)
            if member.size < 0:
                raise stream.error("has a file of negative size", _BROKEN)
            yield member
            stream.begin_member()
            tar.members.clear()
            tar.pax_headers.clear()
        # tarfile takes a header it cannot read for the end
        if stream.block != bytes(tarfile.BLOCKSIZE):
            raise stream.error(f"is cut short or damaged after {count} files and folders", _BROKEN)
    except _NONSENSE as error:
        raise stream.error(f"is not a tar archive: {error}", _BROKEN) from error


def _safe_name(member: tarfile.TarInfo) -> PurePosixPath | None:
    """The name of a file that stays in the archive's root, and that a file system takes; None for others."""
    if not member.isfile() or any(unicodedata.category(character)[0] == "C" for character in member.name):
        return None
    name = PurePosixPath(member.name)
    if not name.parts or name.is_absolute() or ".." in name.parts:
        return None
    if len(member.name.encode()) > _PATH_BYTES or any(
        len(part.encode()) > _NAME_BYTES for part in name.parts
    ):
        return None
    return name


def _write(target: Path, pieces: Iterator[bytes]) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    with storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
