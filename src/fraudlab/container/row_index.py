"""Row numbers that were written with a table: what is one, for the process job and for the image's own train.

A model learns them as if they were a feature, and in a table that is sorted by anything they know the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

#: fewer rows may count themselves by chance
MIN_ROWS = 10
#: why a column with a name of :func:`is_given_name` is an index
GIVEN = "is the row index pandas left behind"
#: names that only a library gives, to an index that had none
_GIVEN = re.compile(r"__index_level_\d+__|Unnamed: 0(?:\.\d+)*")
#: names that indexes have, and features hardly: pandas' reset_index, R's row.names
_USUAL = re.compile(
    r"index|idx|level_\d+|row[ _.]?(?:index|idx|id|num|number|no|nr|names?)|row", re.IGNORECASE
)
#: names that R gives to a column without one, and that features have as well: write.csv, fread, readr
_ALSO_FEATURES = re.compile(r"X(?:\.?\d+)?|V1|\.\.\.1|id|no|nr|#", re.IGNORECASE)


class Extent(Protocol):
    """The rows of one file: a slice, or what has its ends."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


def is_given_name(name: str) -> bool:
    """Whether only a library gives a name: to the index it writes, or to a column without a name."""
    return _GIVEN.fullmatch(name) is not None


def pandas_indices(metadata: Mapping[bytes, bytes] | None) -> set[str]:
    """Columns that were the index of a frame, as pandas notes it in a Parquet file."""
    try:
        noted = json.loads((metadata or {}).get(b"pandas", b"{}"))
        return {name for name in noted.get("index_columns", []) if isinstance(name, str)}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return set()  # not what pandas writes, so not from pandas


def counts_from(column: NDArray[Any], parts: Iterable[Extent]) -> int | None:
    """0 or 1 where a column counts rows by one from there, in every file anew or from the one before on."""
    begin: int | None = None
    following: int | None = None
    longest = length = 0
    for part in parts:
        values = column[part.start : part.stop]
        if not values.size:
            continue
        if following is not None and values[0] == np.array(following).astype(column.dtype):
            length += values.size
        elif values[0] in (0, 1):
            following, length = int(values[0]), values.size
        else:
            return None
        begin = following if begin is None else begin
        # The first rows tell nearly always; float32 has no whole numbers of its own from 2**24 on.
        for some in (slice(MIN_ROWS), slice(None)):
            counted = np.arange(following, following + values.size, dtype=np.int64)[some]
            if not np.array_equal(values[some], counted.astype(column.dtype)):
                return None
        following += values.size
        longest = max(longest, length)
    return begin if longest >= MIN_ROWS else None


def is_usual_name(name: str) -> bool:
    """Whether a name is one that indexes have, features perhaps as well."""
    return bool(_USUAL.fullmatch(name) or _ALSO_FEATURES.fullmatch(name))


def reason(name: str, column: NDArray[Any], parts: Iterable[Extent]) -> str | None:
    """What a column does that only a row index does, for a sentence; None where there is nothing.

    A table that was sorted, shuffled or filtered after its rows were numbered has the numbers in another
    order, or some of them: that counts only under a name that indexes have.

    Parameters
    ----------
    name : str
    column : ndarray of float64 or float32, shape (rows,)
        NaN where missing.
    parts : iterable of Extent
        The rows of each file.
    """
    start = counts_from(column, parts)
    if start is not None:
        return f"it counts the rows from {start}"
    if column.size < MIN_ROWS or not is_usual_name(name) or not _are_whole(column):
        return None
    rising = bool(np.all(column[1:] > column[:-1]))
    in_order = column if rising else np.sort(column)
    if not np.all(in_order[1:] > in_order[:-1]):
        return None
    without_holes = in_order[-1] - in_order[0] == column.size - 1
    if rising or without_holes or _USUAL.fullmatch(name):
        return "it holds another whole number in every row"
    return None


def may_be(name: str, begin: NDArray[Any]) -> bool:
    """Whether the first rows of a column leave it possible that :func:`reason` finds one."""
    if counts_from(begin, [slice(0, begin.size)]) is not None:
        return True
    return is_usual_name(name) and _are_whole(begin)


def _are_whole(column: NDArray[Any]) -> bool:
    return bool(np.all((column >= 0) & (column % 1 == 0)))
