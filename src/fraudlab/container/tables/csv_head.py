"""What the first bytes of a CSV file say of the rest: separator, decimal mark, header, where rows begin."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fraudlab.container.failure import TableError
from fraudlab.container.formats.number_texts import possible_marks
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number
from fraudlab.container.separators import SEPARATORS
from fraudlab.container.tables.cuts import choose, cut_by

#: a separator is found in so many characters, or there is none
_NEAR = 65_536
_FEW = 5
_SEP_LINE = "sep="


@dataclass(frozen=True, slots=True)
class CsvHead:
    """The beginning of a CSV file.

    Parameters
    ----------
    names : tuple of str
        Of the columns, without spaces around them.
    width : int
        Values in a row: more than there are names where every line ends in a separator.
    start, lines : int
        Bytes of UTF-8 text before the first row, and line breaks in them.
    separator : str
    decimal : str or None
        The mark that the rows have, where they are of one mind.
    rows : tuple of tuple of str
        The first of them that are whole.
    empty : bool
        The file has none.
    notes : tuple of str
        What was left out or taken away, one sentence for each.
    """

    names: tuple[str, ...]
    width: int
    start: int
    lines: int
    separator: str
    decimal: str | None
    rows: tuple[tuple[str, ...], ...]
    empty: bool
    notes: tuple[str, ...]

    def ragged(self) -> tuple[int, int] | None:
        """The first row, counted from 1, with another number of values than the header, and how many."""
        found = ((row, len(values)) for row, values in enumerate(self.rows, 1) if len(values) != self.width)
        return next(found, None)


def decode_head(data: bytes, *, whole: bool, name: str, encoding: str) -> str:
    """Decode the beginning of a file; a character cut by its end is left out.

    Raises
    ------
    TableError
        If it is not text of this encoding; with the byte, the row and the override.
    """
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError as error:
        raise undecodable(
            name, encoding, error.start, data[error.start], data[: error.start].count(b"\n")
        ) from error
    at = text.find("\0")
    if at >= 0:
        raise zero_byte(name, text.count("\n", 0, at))
    return text.removeprefix("\ufeff")


def undecodable(name: str, encoding: str, at: int, byte: int, line: int) -> TableError:
    """The error of a byte that is no text; `line` counts from 0."""
    called = "UTF-8" if encoding == "utf-8" else encoding
    return TableError(
        f"{name} cannot be read: it is not {called} text at byte {at} (0x{byte:02x}, in line {line + 1})",
        fix="save it as UTF-8, or say what it is, for example data.encoding=cp1252 (Windows, western Europe)"
        " or data.encoding=latin-1",
    )


def zero_byte(name: str, line: int) -> TableError:
    """The error of a zero byte; `line` counts from 0."""
    return TableError(
        f"{name} holds a zero byte in line {line + 1}: it is not CSV, or was cut off while it was written",
        fix="write it again; if it is UTF-16 without a mark, set data.encoding=utf-16-le or utf-16-be",
    )


def find_head(
    text: str,
    *,
    name: str,
    whole: bool,
    separator: str | None = None,
    known: Collection[str] = (),
) -> CsvHead:
    """Find header and separator.

    Parameters
    ----------
    text : str
        The beginning of the file.
    name : str
        What to call the file.
    whole : bool
        It is all of the file.
    separator : str, optional
        As declared; found where it is not.
    known : collection of str
        Columns the table should have: the separator under which the header has most of them is meant.

    Raises
    ------
    TableError
        If there is no header, it does not end, or two separators fit equally well.
    """
    start, from_line = _leading(text)
    if start == len(text):
        raise TableError(f"{name} has no header", fix="give a table with a header and rows")
    given = separator or from_line
    body = text[start:]
    near = body[:_NEAR]
    candidates = [given] if given else [mark for mark in SEPARATORS if mark in near] or [","]
    tried = {candidate: cut_by(body, candidate, whole=whole) for candidate in candidates}
    fits = {candidate: found for candidate, found in tried.items() if found is not None}
    chosen = choose(near, fits, known, name)
    chosen_by = chosen.separator if chosen else given or ","
    skipped = chosen.skipped if chosen else 0
    header, end = _strict_header(body[skipped:], chosen_by, name)
    if not whole and not body[skipped + end :].strip():
        raise TableError(
            f"{name} cannot be read: its header does not end within {len(text) >> 20 or 1} MiB",
            fix="check that it was copied completely",
        )
    rows = chosen.rows if chosen else ()
    names = [field.strip() for field in header]
    notes = []
    titles = [line for line in text[: start + skipped].splitlines() if line.strip()]
    if titles:
        lines = "1 line" if len(titles) == 1 else f"{len(titles)} lines"
        notes.append(f"{name}: {lines} above the header left out, beginning with {titles[0][:40]!r}")
    if chosen_by != ",":
        notes.append(f"{name}: values are separated by {SEPARATORS.get(chosen_by, repr(chosen_by))}")
    if any(field != stripped for field, stripped in zip(header, names, strict=True)):
        notes.append(f"{name}: spaces around the names of columns are left out")
    width = len(names)
    if width > 1 and not names[-1] and not any(row[-1] for row in rows if len(row) == width):
        names.pop()
        notes.append(f"{name}: every line ends in a separator; no column is meant after it")
    above = text[: start + skipped + end]
    return CsvHead(
        names=tuple(names),
        width=width,
        start=len(above.encode()),
        lines=above.count("\n"),
        separator=chosen_by,
        decimal=_decimal(rows),
        rows=rows,
        empty=not body[skipped + end :].strip(),
        notes=tuple(notes),
    )


def _leading(text: str) -> tuple[int, str | None]:
    """Where the first line that holds anything begins, and the separator that Excel's ``sep=;`` names."""
    start, separator = 0, None
    for line in io.StringIO(text, newline=""):
        bare = line.strip().strip('"')
        if bare.lower().startswith(_SEP_LINE) and len(bare) <= len(_SEP_LINE) + 1 and separator is None:
            # strip() has taken a tab or a space away
            separator = line.strip("\r\n").strip('"')[len(_SEP_LINE) :] or ","
        elif bare.strip(",;\t| "):
            break
        start += len(line)
    return start, separator


def _strict_header(text: str, separator: str, name: str) -> tuple[list[str], int]:
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(text, newline=""):
            end += len(line)
            yield line

    try:
        header = next((row for row in csv.reader(lines(), delimiter=separator, strict=True) if row), [])
    except csv.Error as error:
        raise TableError(
            f"{name} cannot be read: its header is not CSV ({error})",
            fix="check that it was copied completely",
        ) from error
    return header, end


def _decimal(rows: Sequence[Sequence[str]]) -> str | None:
    """The decimal mark that columns of numbers have, where all of them have the same."""
    marks: set[str] = set()
    for column in zip(*rows, strict=False):
        # Most columns have no comma anywhere: then a few of their values say that the mark is a point.
        told = column if any("," in text for text in column) else [t for t in column if "." in t][:_FEW]
        texts = [text.strip() for text in told if text.strip() not in MISSING_NUMBERS]
        possible = [possible_marks(text) for text in texts]
        if texts and all(possible):
            marks |= {next(iter(found)) for found in possible if found is not None and len(found) == 1}
    return marks.pop() if len(marks) == 1 else None


def looks_like_values(names: Sequence[str]) -> bool:
    """Whether a header is more likely the first row of a table without one."""
    return sum(map(is_number, names)) > len(names) / 2
