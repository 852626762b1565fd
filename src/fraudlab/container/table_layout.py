"""How a raw table is to be read: found once from its first bytes, and sent to the job in ``process.json``."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fraudlab.container.contract import Fields
from fraudlab.container.failure import ConfigError, quoted
from fraudlab.container.separators import named

Format = Literal["csv", "parquet"]
#: what an encoding is called in Python and elsewhere is looked up there; these are no encodings of text
_NO_TEXT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    r"""How the files of one table are to be read.

    Parameters
    ----------
    name : str
        What to call the table in a message: the person's own file, folder or pattern.
    files : tuple of str
        Paths of its files, relative to one folder, sorted. Folders named ``key=value`` are columns.
    format : {"csv", "parquet"}
    encoding : str
        Of CSV files, by Python's name for it.
    separator : str
        Of CSV files, one character.
    decimal : {".", ","} or None
        The decimal mark of numbers where a column's own values do not settle it; None is not known.
    """

    name: str
    files: tuple[str, ...]
    format: Format
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str | None = None

    def called(self, file: str) -> str:
        """What to call one of the files in a message."""
        return self.name if len(self.files) == 1 else file

    def as_json(self) -> dict[str, Any]:
        """The content of ``table`` in ``process.json``."""
        return {
            "name": self.name,
            "files": list(self.files),
            "format": self.format,
            "encoding": self.encoding,
            "separator": self.separator,
            "decimal": self.decimal,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a person says of a CSV table; None is to be found.

    Raises
    ------
    ConfigError
        If a value cannot work.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None

    @classmethod
    def checked(
        cls, *, separator: str | None = None, decimal: str | None = None, encoding: str | None = None
    ) -> Declared:
        """Check the values of ``data.separator``, ``data.decimal`` and ``data.encoding``."""
        if separator is not None:
            separator = named(separator)
            if (
                len(separator) != 1
                or separator in '"\r\n\0'
                or not separator.isascii()
                or separator.isalnum()
            ):
                raise ConfigError(
                    f"data.separator={quoted(separator)} is not one character that can separate values",
                    fix='use one of comma, semicolon, tab, bar, space, or a character such as ":"',
                )
        if decimal is not None and decimal not in (".", ","):
            raise ConfigError(f"data.decimal={quoted(decimal)} is no decimal mark", fix='use "." or ","')
        if separator is not None and separator == decimal:
            raise ConfigError(
                f"data.separator and data.decimal are both {decimal!r}",
                fix="they have to differ; leave one out",
            )
        return cls(
            separator=separator, decimal=decimal, encoding=None if encoding is None else codec(encoding)
        )


def codec(encoding: str) -> str:
    """Python's name of an encoding.

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)  # refuses what is no encoding of text, such as base64
    except (LookupError, UnicodeError, ValueError) as error:
        raise _no_encoding(encoding) from error
    if found.name in _NO_TEXT:
        raise _no_encoding(encoding)
    return "utf-8" if found.name in ("utf-8-sig", "ascii") else found.name


def _no_encoding(encoding: str) -> ConfigError:
    return ConfigError(
        f"data.encoding={quoted(encoding)} is no encoding that is known",
        fix="use for example utf-8, latin-1, cp1252, cp1250, utf-16 or shift_jis",
    )


def read_layout(fields: Fields) -> Layout:
    """Read the ``table`` of ``process.json``."""
    form = fields.choice("format", "csv", "parquet")
    declared = Declared.checked(
        separator=fields.optional("separator", str),
        decimal=fields.optional("decimal", str),
        encoding=fields.optional("encoding", str),
    )
    layout = Layout(
        name=fields.get("name", str),
        files=fields.names("files"),
        format="csv" if form == "csv" else "parquet",
        encoding=declared.encoding or "utf-8",
        separator=declared.separator or ",",
        decimal=declared.decimal,
    )
    fields.end()
    return layout


def whole_sha256(hashes: Sequence[tuple[str, str]]) -> str:
    """The hash of a table: of its file, or of what ``sha256sum`` prints of several, in order of their names.

    Parameters
    ----------
    hashes : sequence of (str, str)
        Relative path and sha256 of each file.
    """
    if len(hashes) == 1:
        return hashes[0][1]
    listing = "".join(f"{sha256}  {file}\n" for file, sha256 in sorted(hashes))
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()
