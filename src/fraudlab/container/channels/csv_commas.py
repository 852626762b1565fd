"""Tabs, semicolons, bars and spaces between the values of a CSV channel, where nothing else can be meant.

Rows of a channel are numbers and nothing else, so a first row that is all numbers under one separator is
separated by it. Such rows are rewritten with commas, in which they are read like all others.
"""

from __future__ import annotations

import csv
from collections.abc import Callable

from fraudlab.container.channels.channel_files import ChannelFile
from fraudlab.container.failure import TableError, quoted
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.separators import SEPARATORS, Rank, Space, in_commas, listed, meant, words


def with_commas(line: str, source: ChannelFile) -> Callable[[bytes, int], bytes]:
    """How the blocks of a file are rewritten: given a block and the rows before it.

    Parameters
    ----------
    line : str
        The first row.
    source : ChannelFile

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
        return in_commas(block, separator)

    return rewritten


def _separator(line: str, source: ChannelFile) -> str:
    def rank(separator: str) -> Rank | None:
        if separator == " ":
            return (1,) if len(line.split()) > 1 else None
        # A row that is wrong is told as a row of the separator that it has most of.
        return (_all_numbers(line, separator), line.count(separator), separator != ",")

    found = meant(line, rank, space=Space.ALONE)
    if len(found) > 1:
        raise TableError(
            f"row 1 of {source.name} could be separated by {listed(found[:2], 'or')}",
            fix="separate values by commas",
        )
    return found[0] if found else ","


def _all_numbers(line: str, separator: str) -> bool:
    try:
        fields = next(csv.reader([line], delimiter=separator))
    except csv.Error:
        return False
    return len(fields) > 1 and all(map(is_number, fields))


def _decimal_comma(block: bytes, before: int, separator: str, source: ChannelFile) -> TableError:
    rows = [row for row in block.decode(errors="replace").split("\n") if row.strip()]
    number, row = next((number, row) for number, row in enumerate(rows, before + 1) if "," in row)
    fields = words(row.encode()) if separator == " " else row.rstrip("\r").encode().split(separator.encode())
    field = next(field for field in fields if b"," in field).decode()
    return TableError(
        f"row {number} of {source.name} holds {quoted(field)} between {SEPARATORS[separator]}",
        fix="write numbers with a decimal point and without other commas, or separate values by commas",
    )
