"""The files of a channel, and what they hold. Files are opened to be read once, from front to back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fraudlab.container.failure import ConfigError, TableError, near
from fraudlab.container.formats.recordio import MAGIC

#: the formats, by the name their content type has here
CSV, LIBSVM, PARQUET, RECORDIO = (
    "text/csv",
    "text/libsvm",
    "application/x-parquet",
    "application/x-recordio-protobuf",
)
_NAMES = {CSV: "CSV", LIBSVM: "libsvm", PARQUET: "Parquet", RECORDIO: "recordio-protobuf"}
_CONTENT_TYPES = {
    **{name: name for name in _NAMES},
    "csv": CSV,
    "text/x-libsvm": LIBSVM,
    "libsvm": LIBSVM,
    "application/parquet": PARQUET,
    "parquet": PARQUET,
    "recordio-protobuf": RECORDIO,
}
_SUFFIXES = {
    ".csv": CSV,
    ".tsv": CSV,
    ".libsvm": LIBSVM,
    ".svm": LIBSVM,
    ".svmlight": LIBSVM,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".recordio": RECORDIO,
    ".rec": RECORDIO,
    ".pbr": RECORDIO,
}
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_HEAD_BYTES = 64 << 10
_BLOCK_BYTES = 4 << 20
_MAX_ROW_BYTES = 64 << 20
_BLANKS = b" \t\r\n"
_COLON_PAIR = re.compile(rb"[^:]+:[^:]+")


@dataclass(frozen=True, slots=True)
class ChannelFile:
    """One file of a channel; `name` is its path from the channel's folder."""

    path: Path
    name: str


def list_files(folder: Path) -> list[ChannelFile]:
    """The files of a channel that hold anything, nested folders included, in sorted order.

    What begins with ``.`` or ``_`` is left out: hidden files, and the markers that Spark and SageMaker leave.

    Raises
    ------
    TableError
        If there is no such folder, or nothing in it.
    """
    channel = folder.name
    if not folder.is_dir():
        raise TableError(
            f"there is no channel {channel}", fix=f"give the job an input channel named {channel}"
        )
    paths = sorted(_files(folder, frozenset()))
    if not paths:
        raise TableError(
            f"channel {channel} has no files",
            fix="give it files; those that begin with . or _ are not read",
        )
    for path in paths:
        if not path.is_file():
            kind = "a link to nothing" if path.is_symlink() else "no regular file"
            raise TableError(
                f"{path.relative_to(folder)} of channel {channel} is {kind}",
                fix="leave nothing but files of rows in the channel",
            )
    filled = [path for path in paths if path.stat().st_size]
    if not filled:
        raise TableError(f"channel {channel} has only empty files", fix="give it files with rows")
    return [ChannelFile(path, path.relative_to(folder).as_posix()) for path in filled]


def _files(folder: Path, parents: frozenset[Path]) -> Iterator[Path]:
    parents |= {folder.resolve()}
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if not path.is_dir():
            yield path
        elif path.resolve() not in parents:  # a link to a folder above it would never end
            yield from _files(path, parents)


def canonical(content_type: str, channel: str) -> str:
    """The one name of a content type: without case, and without parameters.

    Raises
    ------
    ConfigError
        If there is no such content type, or its labels are not one column.
    """
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    if kind not in _CONTENT_TYPES:
        raise ConfigError(
            f"channel {channel} has the content type {content_type!r}{near(kind, _CONTENT_TYPES)}",
            fix=f"use one of: {', '.join(_CONTENT_TYPES)}; or none, to go by the files",
        )
    for parameter in parameters:
        name, _, value = (part.strip() for part in parameter.partition("="))
        if name == "charset" and value.strip('"') not in _UTF8:
            raise ConfigError(
                f"channel {channel} has the content type {content_type!r}, and rows are read as UTF-8",
                fix="write the files in UTF-8, and leave charset out",
            )
        if name == "label_size" and value.strip('"') != "1":
            raise ConfigError(
                f"channel {channel} has the content type {content_type!r}: a row has one label",
                fix=f"use {kind};label_size=1, with the label in the first column",
            )
    return _CONTENT_TYPES[kind]


def format_of(sources: Sequence[ChannelFile], declared: str | None, channel: str) -> str:
    """The format of a channel: as declared, else by suffix, else by what the files begin with.

    Parameters
    ----------
    sources : sequence of ChannelFile
    declared : str, optional
        A canonical content type.
    channel : str

    Raises
    ------
    TableError
        If a file plainly holds something else, or files differ.
    """
    formats = {source.name: _format(source, declared, channel) for source in sources}
    (first, one), *others = formats.items()
    for name, other in others:
        if other != one:
            raise TableError(
                f"channel {channel} mixes formats: {first} is {_NAMES[one]}, {name} is {_NAMES[other]}",
                fix="give each channel files of one format",
            )
    return one


def _format(source: ChannelFile, declared: str | None, channel: str) -> str:
    with source.path.open("rb") as file:
        held = held_format(file.read(_HEAD_BYTES))
    expected = declared or _SUFFIXES.get(source.path.suffix.lower())
    if held not in {*_NAMES, None}:
        raise TableError(
            f"{source.name} of channel {channel} is {held}",
            fix=f"unpack it if it is packed, and write {', '.join(_NAMES.values())}",
        )
    if expected is None:
        return held or CSV
    text = expected in (CSV, LIBSVM)
    if held == expected or (held is None and text):
        return expected
    found = _NAMES.get(held or "", "text")
    why = f"channel {channel} is declared {declared}" if declared else "its suffix says something else"
    fix = f"set the channel's ContentType to {held}" if held else f"write it as {_NAMES[expected]}"
    raise TableError(
        f"{source.name} holds {found}, and {why}", fix=fix if declared else f"rename the file, or {fix}"
    )


def held_format(head: bytes) -> str | None:
    """What a file that begins with `head` holds.

    Returns
    -------
    str or None
        A canonical content type; what it is, for a file that is of none; None for text that may be CSV or
        libsvm.
    """
    if head.startswith(b"PAR1"):
        return PARQUET
    if head.startswith(MAGIC):
        return RECORDIO
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"BZh", "bzip2")):
        if head.startswith(magic):
            return f"packed with {name}"
    if b"\x00" in head:
        return "binary data of another kind, or text that is not UTF-8"
    if len(head) == _HEAD_BYTES:
        head = head.rsplit(b"\n" if b"\n" in head else None, 1)[0]
    for line in head.splitlines():
        content = line.partition(b"#")[0]
        tokens = content.split()
        if b"," in content:
            return CSV
        if len(tokens) > 1:
            return LIBSVM if all(map(_COLON_PAIR.fullmatch, tokens[1:])) else None
    return None


def line_blocks(source: ChannelFile) -> Iterator[bytes]:
    """Whole lines of a text file, some megabytes at a time; blank lines are kept with the lines after them.

    Raises
    ------
    TableError
        If a line is absurdly long.
    """
    rest = b""
    with source.path.open("rb") as file:
        while chunk := file.read(_BLOCK_BYTES):
            data = rest + chunk
            content = data.rfind(b"\n") + 1
            while content and data[content - 1] in _BLANKS:
                content -= 1
            end = data.find(b"\n", content) + 1 if content else 0
            if end:
                yield data[:end]
            rest = data[end:]
            if len(rest) > _MAX_ROW_BYTES:
                raise TableError(
                    f"{source.name} has a row of more than {_MAX_ROW_BYTES >> 20} MiB",
                    fix="end rows with a line feed",
                )
    if rest:
        yield rest
