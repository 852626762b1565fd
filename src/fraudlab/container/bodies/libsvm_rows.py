"""Rows of libsvm: ``index:value`` for what a row has; whatever index it does not have is missing.

That is how the format says missing, so here, and only here, a column can be left out. A label in front is
read and ignored.

Some writers count columns from 0 and some from 1, and a row rarely says which. The request can; a model that
was trained on libsvm knows; columns that are named by numbers, such as ``f5``, tell. Else the body itself has
to: no body that counts from 1 has index 0, and none that counts from 0 the number of columns. What nothing
decides is refused: a guess would move every value to its neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.bodies.rows import (
    BodyError,
    Rows,
    beyond,
    blank,
    no_rows,
    no_time,
    refuse_too_many,
    slices_of_lines,
)
from fraudlab.container.categories import category_text
from fraudlab.container.failure import quoted
from fraudlab.container.features import Features, Matrix
from fraudlab.container.formats.libsvm import LibsvmError, Sparse, parse_libsvm
from fraudlab.container.formats.time_values import NoTimeError, hours_of_numbers

_NUMBERED = re.compile(r"f(0|[1-9][0-9]{0,14})")


class _Numbering(NamedTuple):
    """Which index each column has.

    Attributes
    ----------
    order : ndarray of int64, shape (columns,)
        The columns by their indices.
    indices : ndarray of int64, shape (columns,)
        In that order.
    reason : str
        For a refusal: why it is these, or what else would be.
    """

    order: NDArray[np.int64]
    indices: NDArray[np.int64]
    reason: str = ""


def parse_libsvm_rows(body: bytes, features: Features, max_rows: int, *, base: int | None = None) -> Rows:
    """Read rows.

    Parameters
    ----------
    body : bytes
    features : Features
    max_rows : int
    base : int, optional
        0 or 1: the index of the first column, where the request says it.

    Raises
    ------
    BodyError
        If a row is not libsvm, has an index that no column has, or a value that its column cannot hold; if
        nothing tells whether columns are counted from 0 or from 1; if there are no rows, or more than
        `max_rows`.
    """
    body = body.rstrip()
    slices = _slices(body, features, max_rows)
    head = next(slices)
    # Most bodies that have to tell do so in their first rows. Those read to the end for nothing are refused.
    numbering = (
        _known(features, base)
        or _told_by(head, features)
        or _told_by_all(_slices(body, features, max_rows), features)
    )
    matrices: list[Matrix] = []
    count = unseen = 0
    for rows in chain([head], slices):
        matrix, new = _dense(rows, count + 1, features, numbering)
        matrices.append(matrix)
        count += rows.label.size
        unseen += new
    if not count:
        raise no_rows("send one row a line: index:value index:value …")
    return Rows(b"".join([matrix.data for matrix in matrices]), count, unseen)


def _slices(body: bytes, features: Features, max_rows: int) -> Iterator[Sparse]:
    """Some rows at a time, their number checked."""
    count = 0
    for text in slices_of_lines(body):
        try:
            rows = parse_libsvm(text, labels="optional")
        except LibsvmError as error:
            row = count + error.row
            raise BodyError(f"row {row} {error.problem}", row=row) from error
        count += rows.label.size
        refuse_too_many(count, max_rows, features)
        yield rows
        # To the parser of a slice blank lines at its end are none.
        if not text.rpartition(b"\n")[2].strip() and body:
            raise blank(count + 1)


@lru_cache(64)
def _known(features: Features, base: int | None) -> _Numbering | None:
    """How columns are numbered, where request, model or names say it."""
    if base is not None:
        return _counted(len(features), base)
    if features.libsvm_base is not None:
        other = 1 - features.libsvm_base
        reason = f", as in training; send it as 'text/libsvm; base={other}' if it counts from {other}"
        return _counted(len(features), features.libsvm_base, reason)
    numbered = [_NUMBERED.fullmatch(name) for name in features.names]
    indices = np.array([int(match[1]) for match in numbered if match], np.int64)
    # f0, f1, … is what columns without names are called, whatever format they come from.
    if len(indices) != len(features) or (indices == np.arange(len(features))).all():
        return None
    order = np.argsort(indices)
    return _Numbering(order, indices[order])


def _counted(columns: int, base: int, reason: str = "") -> _Numbering:
    order = np.arange(columns)
    return _Numbering(order, order + base, reason)


def _told_by(rows: Sparse, features: Features) -> _Numbering | None:
    """How columns are counted, where these rows tell."""
    columns = len(features)
    if (rows.index == 0).any():
        return _counted(columns, 0, ", as the body has index 0")
    if (rows.index == columns).any():
        return _counted(columns, 1, f", as the body has index {columns}")
    if (rows.index > columns).any():
        return _counted(columns, 0, f", or 1 to {columns} where they are counted from 1")
    return None


def _told_by_all(slices: Iterator[Sparse], features: Features) -> _Numbering:
    """How columns are counted, by the first rows of a body that tell."""
    unclear: tuple[int, int] | None = None
    count = 0
    for rows in slices:
        if (found := _told_by(rows, features)) is not None:
            return found
        if unclear is None and rows.index.size:
            unclear = count + int(np.searchsorted(rows.indptr, 0, side="right")), int(rows.index[0])
        count += rows.label.size
    if unclear is None:  # no row has a value
        return _counted(len(features), 0)
    row, index = unclear
    zero, one = (quoted(features.names[position]) for position in (index, index - 1))
    raise BodyError(
        f"row {row} has index {index}: column {zero} where columns are counted from 0, {one} from 1, and"
        " nothing says which; send it as 'text/libsvm; base=0' or 'text/libsvm; base=1'",
        row=row,
    )


def _dense(rows: Sparse, first: int, features: Features, numbering: _Numbering) -> tuple[Matrix, int]:
    """The matrix of some rows, and how many of its categories train has not seen."""
    row = np.repeat(np.arange(rows.label.size), np.diff(rows.indptr))
    order, indices, _ = numbering
    found = np.searchsorted(indices, rows.index).clip(max=indices.size - 1)
    unknown = indices[found] != rows.index
    if unknown.any():
        entry = int(np.argmax(unknown))
        raise _no_such_index(int(rows.index[entry]), first + int(row[entry]), numbering)
    column = order[found]
    with np.errstate(over="ignore"):
        values = rows.value.astype(np.float32)
    unseen = 0
    for position, clock in features.clocks.items():
        of = np.flatnonzero(column == position)
        try:
            values[of] = hours_of_numbers(rows.value[of], clock)
        except NoTimeError as error:
            raise no_time(error, first + int(row[of[error.row - 1]]), features.names[position]) from error
    for position in features.codes:
        of = np.flatnonzero(column == position)
        values[of], new = features.encode(
            position, [category_text(value) for value in rows.value[of].tolist()]
        )
        unseen += int(np.count_nonzero(new))
    if np.isinf(values).any():
        entry = int(np.argmax(np.isinf(values)))
        raise beyond(rows.value[entry], first + int(row[entry]), features.names[column[entry]])
    matrix = np.full((rows.label.size, len(features)), np.nan, np.float32)
    matrix[row, column] = values
    return matrix, unseen


def _no_such_index(index: int, row: int, numbering: _Numbering) -> BodyError:
    indices = numbering.indices
    which = (
        f"{indices[0]} is the only one" if indices.size == 1 else f"they are {indices[0]} to {indices[-1]}"
    )
    return BodyError(
        f"row {row} has index {index}, which no column of the model has: {which}{numbering.reason}", row=row
    )
