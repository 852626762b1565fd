"""Rows of libsvm: ``index:value`` for what a row has; whatever index it does not have is missing.

That is how the format says missing, so here, and only here, a column can be left out. A label in front is
read and ignored. Index ``k`` means column ``fk`` where all columns are named so, as those of a model that was
trained on libsvm are; else it is the position of the column, from 0. Nothing is ever shifted.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.bodies.rows import (
    BodyError,
    Rows,
    beyond,
    blank,
    no_rows,
    refuse_too_many,
    slices_of_lines,
)
from fraudlab.container.categories import category_text
from fraudlab.container.features import Features, Matrix
from fraudlab.container.formats.libsvm import LibsvmError, Sparse, parse_libsvm

_NUMBERED = re.compile(r"f(0|[1-9][0-9]{0,14})")


def parse_libsvm_rows(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read rows.

    Raises
    ------
    BodyError
        If a row is not libsvm, has an index that no column has, or a value that its column cannot hold; if
        there are no rows, or more than `max_rows`.
    """
    body = body.rstrip()
    matrices: list[Matrix] = []
    count = unseen = 0
    for text in slices_of_lines(body):
        try:
            rows = parse_libsvm(text, labels="optional")
        except LibsvmError as error:
            row = count + error.row
            raise BodyError(f"row {row} {error.problem}", row=row) from error
        refuse_too_many(count + rows.label.size, max_rows, features)
        matrix, new = _dense(rows, count + 1, features)
        matrices.append(matrix)
        count += rows.label.size
        unseen += new
        # To the parser of a slice blank lines at its end are none.
        if not text.rpartition(b"\n")[2].strip() and body:
            raise blank(count + 1)
    if not count:
        raise no_rows("send one row a line: index:value index:value …")
    return Rows(b"".join([matrix.tobytes() for matrix in matrices]), count, unseen)


def _dense(rows: Sparse, first: int, features: Features) -> tuple[Matrix, int]:
    """The matrix of some rows, and how many of its categories train has not seen."""
    row = np.repeat(np.arange(rows.label.size), np.diff(rows.indptr))
    order, indices = _indices(features)
    found = np.searchsorted(indices, rows.index).clip(max=indices.size - 1)
    unknown = indices[found] != rows.index
    if unknown.any():
        entry = int(np.argmax(unknown))
        raise _no_such_index(int(rows.index[entry]), first + int(row[entry]), features)
    column = order[found]
    with np.errstate(over="ignore"):
        values = rows.value.astype(np.float32)
    unseen = 0
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


@lru_cache(16)
def _indices(features: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of the columns by their indices, and their indices in that order."""
    numbered = [_NUMBERED.fullmatch(name) for name in features.names]
    indices = [
        int(match[1]) if match and all(numbered) else position for position, match in enumerate(numbered)
    ]
    order = np.argsort(indices)
    return order, np.array(indices, np.int64)[order]


def _no_such_index(index: int, row: int, features: Features) -> BodyError:
    _, indices = _indices(features)
    which = (
        f"{indices[0]} is the only one" if indices.size == 1 else f"they are {indices[0]} to {indices[-1]}"
    )
    return BodyError(f"row {row} has index {index}, which no column of the model has: {which}", row=row)
