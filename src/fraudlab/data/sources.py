"""A raw table on disk: found, plausible, and identified by its content.

Everything here reads a header or a footer, and the bytes once for their hash: what is wrong with a table's
values is for the processing job to say.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import hashlib
import io
import json
import os
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fraudlab.errors import ConfigError, DataError, nearest
from fraudlab.files import write_text

Format = Literal["csv", "parquet"]
FORMATS: dict[str, Format] = {".csv": "csv", ".parquet": "parquet"}
HEAD_BYTES = 1 << 20
# A file touched this recently could change again without its time of change showing it.
SETTLED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Source:
    """A raw table that can be given to a processing job.

    Attributes
    ----------
    path : Path
        Absolute.
    sha256 : str
        Of the file's bytes, in hexadecimal.
    columns : tuple of str
    format : {"csv", "parquet"}
    bytes : int
    rows : int or None
        Known without reading for Parquet only.
    """

    path: Path
    sha256: str
    columns: tuple[str, ...]
    format: Format
    bytes: int
    rows: int | None


def resolve(
    path: str | Path,
    *,
    label: str,
    time: str | None = None,
    id: Sequence[str] = (),
    card: str | None = None,
    amount: str | None = None,
    features: Sequence[str] = (),
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    cache: Path,
    sha256: str | None = None,
) -> Source:
    """Find a table, check what can be checked without reading it in full, and hash it.

    Parameters
    ----------
    path : str or Path
        A CSV file with a header in UTF-8, or a Parquet file.
    label, time, id, card, amount, features, drop, categorical
        Names of columns, which must be there.
    cache : Path
        Where hashes of unchanged files are remembered.
    sha256 : str, optional
        What the file's hash has to be.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If the file is missing, empty, unreadable or without rows, has two columns of one name, or is not the
        one that `sha256` names.
    ConfigError
        If a named column is not in the table, or `sha256` is none.
    """
    found, form = _find(Path(path))
    columns, rows = (_parquet_head if form == "parquet" else _csv_head)(found)
    _check_names(found, columns)
    named = {
        "data.label": (label,),
        "data.time": (time,),
        "data.id": id,
        "data.card": (card,),
        "data.amount": (amount,),
        "data.features": features,
        "data.drop": drop,
        "data.categorical": categorical,
    }
    for key, names in named.items():
        for name in names:
            if name is not None and name not in columns:
                raise ConfigError(
                    f"{key} names {name!r}, which is not a column of {found.name}.",
                    fix=nearest(name, columns),
                )
    if sha256 is not None:
        _check_is_sha256(sha256)
    digest = file_sha256(found, cache=cache)
    if sha256 is not None and digest != sha256.lower():
        raise DataError(
            f"{found.name} is not the file that data.sha256 names: its sha256 is {digest}.",
            fix="get the file again, or accept this one with data.sha256=null",
        )
    return Source(found, digest, tuple(columns), form, found.stat().st_size, rows)


def file_sha256(path: Path, *, cache: Path) -> str:
    """Hash a file, or remember its hash if nothing about it has changed.

    Parameters
    ----------
    path : Path
        Absolute path of a file.
    cache : Path
        Holds one small JSON file for each hashed path, under ``digests``.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        If the file cannot be read, or changes meanwhile.
    """
    memo = cache / "digests" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    before = _identity(path)
    known = _remembered(memo, before)
    if known is not None:
        return known
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if _identity(path) != before:
        raise DataError(f"{path} changed while it was read.", fix="wait until it is written, and start again")
    if clock.time() - path.stat().st_mtime > SETTLED_SECONDS:
        write_text(memo, json.dumps({**before, "sha256": digest}, ensure_ascii=True) + "\n")
    return digest


def _identity(path: Path) -> dict[str, str | int]:
    facts = path.stat()
    return {
        "path": os.fsdecode(path),
        "size": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
        "inode": facts.st_ino,
    }


def _remembered(memo: Path, identity: dict[str, str | int]) -> str | None:
    try:
        written = json.loads(memo.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(written, dict):
        return None
    digest = written.pop("sha256", None)
    return digest if written == identity and isinstance(digest, str) else None


def _find(path: Path) -> tuple[Path, Format]:
    found = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (resolve() would replace a link's name)
    if found.is_dir():
        tables = [file.name for file in sorted(found.iterdir()) if file.suffix.lower() in FORMATS]
        holds = f"it holds {', '.join(tables[:10])}" if tables else "it holds no .csv or .parquet file"
        raise DataError(f"{path} is a folder.", fix=f"name one file; {holds}")
    if not found.exists():
        raise DataError(f"{path} does not exist.", fix=_missing_fix(found))
    if found.suffix.lower() not in FORMATS:
        raise DataError(
            f"{path} has an ending that is not known.", fix="valid: .csv, .parquet (decompress others)"
        )
    if not found.is_file():
        raise DataError(f"{path} is not a file.", fix="name a .csv or .parquet file")
    if found.stat().st_size == 0:
        raise DataError(f"{path} is empty.", fix="give a table with a header and rows")
    return found, FORMATS[found.suffix.lower()]


def _missing_fix(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    names = [file.name for file in path.parent.iterdir() if file.is_file()]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    tables = sorted(name for name in names if Path(name).suffix.lower() in FORMATS)[:10]
    if close:
        return "did you mean " + " or ".join(str(path.with_name(name)) for name in close) + "?"
    return f"{path.parent} holds " + (", ".join(tables) if tables else "no .csv or .parquet file")


def _parquet_head(path: Path) -> tuple[list[str], int]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            columns, rows = list(file.schema_arrow.names), int(file.metadata.num_rows)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, f"it is not a complete Parquet file ({error})") from error
    if not rows:
        raise DataError(f"{path.name} has columns but no rows.", fix="give a table with rows")
    return columns, rows


def _csv_head(path: Path) -> tuple[list[str], None]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    whole = len(head) < HEAD_BYTES
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole)
        lines = io.StringIO(text, newline="")
        columns = next((row for row in csv.reader(lines, strict=True) if row), [])
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not UTF-8 text at byte {error.start}") from error
    except csv.Error as error:
        raise _unreadable(path, f"its header is not CSV ({error})") from error
    if not columns:
        raise DataError(f"{path.name} has no header.", fix="give a table with a header and rows")
    if not lines.read().strip():
        if whole:
            raise DataError(f"{path.name} has a header but no rows.", fix="give a table with rows")
        raise _unreadable(path, f"its header does not end within {HEAD_BYTES >> 20} MiB")
    return columns, None


def _check_names(path: Path, columns: Sequence[str]) -> None:
    seen: set[str] = set()
    for position, name in enumerate(columns, 1):
        if not name.strip():
            raise DataError(
                f"Column {position} of {path.name} has no name.",
                fix="name it; if it is a row number that pandas wrote, write the table with index=False",
            )
        if name in seen:
            raise DataError(
                f"{path.name} has two columns named {name!r}.", fix="rename or remove one of them"
            )
        seen.add(name)


def _check_is_sha256(text: str) -> None:
    if len(text) != 64 or set(text.lower()) - set("0123456789abcdef"):
        raise ConfigError(
            f"data.sha256={text!r} is no sha256.", fix="give its 64 hexadecimal digits, or null"
        )


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(f"{path.name} cannot be read: {why}.", fix="check that it was copied completely")
