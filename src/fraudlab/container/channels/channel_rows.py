"""Rows as the formats read them, and what must be true of them before they are a channel's table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.row_index import counts_from as _counts_from
from fraudlab.container.row_index import is_usual_name, reason

_INDEX_FIX = "leave the index out: pandas writes none with index=False"


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one file."""

    file: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class ChannelRows:
    """All rows of a channel, numbers checked, labels and weights as they were found.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
    label : ndarray of float64, shape (rows,)
        NaN is missing.
    weight : ndarray of float64, shape (rows,), or None
    names : tuple of str
        One per column.
    parts : tuple of Part
        Which file a row is from.
    label_name : str, optional
        Where the format has one.
    """

    matrix: NDArray[np.float32]
    label: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    names: tuple[str, ...]
    parts: tuple[Part, ...]
    label_name: str | None = None

    def place(self, row: int) -> str:
        """Where a row stands, for a sentence."""
        part = next(part for part in self.parts if row < part.stop)
        return f"row {row - part.start + 1} of {part.file}"


class Growing:
    """A matrix that gets rows at its end, and is never held twice.

    Parameters
    ----------
    width : int
        Its columns.
    """

    def __init__(self, width: int) -> None:
        self._matrix = np.empty((0, width), np.float32)

    def __len__(self) -> int:
        return len(self._matrix)

    def add(self, rows: int) -> NDArray[np.float32]:
        """New rows to be filled; what was given before must not be used any more."""
        start = len(self._matrix)
        # In place: the kernel moves pages, nothing is copied.
        self._matrix.resize((start + rows, self._matrix.shape[1]), refcheck=False)
        return self._matrix[start:]

    def whole(self) -> NDArray[np.float32]:
        """All rows, in C order."""
        return self._matrix


def numbers(column: Any) -> NDArray[Any]:
    """The numbers of an Arrow array of a numeric type or booleans, NaN where one is null."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if column.type not in (pa.float32(), pa.float64()):
        column = column.cast(pa.float64(), safe=False)
    found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found


def fill(
    block: NDArray[np.float32],
    columns: Iterable[NDArray[Any]],
    names: Sequence[str],
    *,
    file: str,
    before: int,
) -> None:
    """Write columns into rows of a matrix, rounded to float32.

    Parameters
    ----------
    block : ndarray of float32, shape (rows, columns)
    columns : iterable of ndarray
        Each of shape (rows,).
    names : sequence of str
        One per column.
    file : str
        The file they are from.
    before : int
        How many rows of it come before.

    Raises
    ------
    TableError
        If a number is infinite, or too large for float32.
    """
    columns = list(columns)
    with np.errstate(over="ignore", invalid="ignore"):
        for position, column in enumerate(columns):
            block[:, position] = column
    infinite = np.isinf(block)
    if infinite.any():
        row, position = (int(at) for at in np.argwhere(infinite)[0])
        place = f"row {before + row + 1} of {file}"
        raise not_finite(names[position], float(columns[position][row]), place)


def not_finite(name: str, value: float, place: str) -> TableError:
    """The error for a number that float32 does not have."""
    what = "infinite" if np.isinf(value) else f"{value:g}, too large for 32 bits,"
    return TableError(
        f"column {name!r} is {what} in {place}",
        fix="leave such values empty (missing), or leave the column out",
    )


def refuse_other_columns(found: Sequence[str], expected: Sequence[str], *, of: str, like: str) -> None:
    """Refuse columns that are not those of another file or channel; the label's is the first.

    Raises
    ------
    TableError
        If their number or a name differs.
    """
    fix = "give both the same columns in the same order"
    if len(found) != len(expected):
        has, wanted = len(found) - 1, len(expected) - 1
        columns = "column" if has == 1 else "columns"
        raise TableError(f"{of} has {has} feature {columns}, and {like} has {wanted}", fix=fix)
    for position, (name, other) in enumerate(zip(found, expected, strict=True), 1):
        if name != other:
            raise TableError(f"column {position} of {of} is {name!r}, and of {like} {other!r}", fix=fix)


def refuse_counters(rows: ChannelRows, channel: str, *, keep_counter: bool) -> None:
    """Refuse an index that was written with the table.

    Raises
    ------
    TableError
        If the label or the weight counts the rows, or a feature is a row index by any other sign.
    """
    columns = {"the label": rows.label, "the weight": rows.weight}
    for what, column in columns.items():
        if column is not None and (start := _counts_from(column, rows.parts)) is not None:
            raise TableError(
                f"{what} of channel {channel} is an index column: it counts the rows from {start}",
                fix=_INDEX_FIX,
            )
    if keep_counter:
        return
    # Two rows are enough to see that most columns are no index.
    longest = max(rows.parts, key=lambda part: part.stop - part.start)
    begin = rows.matrix[longest.start : longest.stop][:2]
    rising = {int(position) for position in np.flatnonzero(begin[-1] == begin[0] + (len(begin) - 1))}
    named = {position for position, name in enumerate(rows.names) if is_usual_name(name)}
    for position in sorted(rising | named):
        name = rows.names[position]
        if why := reason(name, rows.matrix[:, position], rows.parts):
            raise TableError(
                f"column {name!r} of channel {channel} is an index column: {why}",
                fix=f"{_INDEX_FIX}; or set keep_counter=true, if it is a feature",
            )


def checked_labels(rows: ChannelRows) -> NDArray[np.uint8]:
    """The labels of a channel: 0 legitimate, 1 fraud.

    Raises
    ------
    TableError
        If a label is missing, or anything else.
    """
    positive = rows.label == 1
    wrong = ~positive & (rows.label != 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = rows.label[row]
        name = f"the label {rows.label_name!r}" if rows.label_name else "the label"
        raise wrong_label(name, "missing" if np.isnan(value) else f"{value:.15g}", rows.place(row))
    labels: NDArray[np.uint8] = positive.astype(np.uint8)
    return labels


def wrong_label(name: str, found: str, place: str) -> TableError:
    """The error for a label that is neither 0 nor 1."""
    return TableError(
        f"{name} in {place} is {found}; a label is 0 or 1",
        fix="put the label first, 0 for legitimate and 1 for fraud, in every row",
    )


def checked_weights(rows: ChannelRows) -> NDArray[np.float32] | None:
    """The weights of a channel.

    Raises
    ------
    TableError
        If one is missing, not above 0, or not one that float32 can hold.
    """
    if rows.weight is None:
        return None
    with np.errstate(over="ignore", under="ignore"):
        weights = rows.weight.astype(np.float32)
    wrong = ~(weights > 0) | np.isinf(weights)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = rows.weight[row]
        found = "missing" if np.isnan(value) else f"{value:g}"
        raise TableError(
            f"the weight in {rows.place(row)} is {found}; a weight is above 0 and finite",
            fix="give every row a weight, 1 where it counts like any other",
        )
    return weights
