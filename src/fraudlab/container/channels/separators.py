"""Tabs, semicolons, bars and spaces between the values of a CSV channel, where nothing else can be meant.

Rows of a channel are numbers and nothing else, so a first row that is all numbers under one separator is
separated by it. Such rows are rewritten with commas, in which they are read like all others.
"""

from __future__ import annotations

import csv
from collections.abc import Callable

from fraudlab.container.channels.sources import Source
from fraudlab.container.failure import TableError, shown
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.table_layout import SEPARATORS

_MARKS = ("\t", ";", "|")
_SPACE = " "


def with_commas(line: str, source: Source) -> Callable[[bytes, int], bytes]:
    """How the blocks of a file are rewritten: given a block and the rows before it.

    Parameters
    ----------
    line : str
        The first row.
    source : Source

    Raises
    ------
    TableError
        If two separators could be meant; from the function, if numbers have decimal commas.
    """
    separator = _separator(line, source)

    def rewritten(block: bytes, before: int) -> bytes:
        if separator == ",":
            return block
        if b"," in block:
            raise _decimal_comma(block, before, separator, source)
        if separator != _SPACE:
            return block.replace(separator.encode(), b",")
        return b"\n".join([b",".join(row.split()) for row in block.split(b"\n")])

    return rewritten


def _separator(line: str, source: Source) -> str:
    marks = [mark for mark in _MARKS if mark in line]
    fitting = [mark for mark in (",", *marks) if _all_numbers(line, mark)]
    if len(fitting) == 1:
        return fitting[0]
    if not marks and "," not in line:
        return _SPACE if len(line.split()) > 1 else ","
    counts = {mark: line.count(mark) for mark in (*marks, ",")}
    most = [mark for mark, count in counts.items() if count == max(counts.values()) and mark != ","]
    if len(most) > 1:
        either = " or by ".join(SEPARATORS[mark] for mark in most[:2])
        raise TableError(
            f"row 1 of {source.name} could be separated by {either}", fix="separate values by commas"
        )
    return most[0] if most else ","


def _all_numbers(line: str, separator: str) -> bool:
    try:
        fields = next(csv.reader([line], delimiter=separator))
    except csv.Error:
        return False
    return len(fields) > 1 and all(map(is_number, fields))


def _decimal_comma(block: bytes, before: int, separator: str, source: Source) -> TableError:
    rows = [row for row in block.decode(errors="replace").split("\n") if row.strip()]
    number, row = next((number, row) for number, row in enumerate(rows, before + 1) if "," in row)
    fields = row.split() if separator == _SPACE else row.rstrip("\r").split(separator)
    field = next(field for field in fields if "," in field)
    return TableError(
        f"row {number} of {source.name} holds {shown(field)} between {SEPARATORS[separator]}",
        fix="write numbers with a decimal point and without other commas, or separate values by commas",
    )
