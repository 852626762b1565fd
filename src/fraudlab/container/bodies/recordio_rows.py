"""Rows of recordio-protobuf: one record per row, its values in the order of the columns; a label is ignored.

NaN is missing, and so is a value that a sparse record does not have.
"""

from __future__ import annotations

import io

import numpy as np

from fraudlab.container.bodies.rows import (
    BodyError,
    Rows,
    beyond,
    no_rows,
    no_time,
    refuse_too_many,
    wrong_width,
)
from fraudlab.container.categories import category_text
from fraudlab.container.features import Features, Matrix
from fraudlab.container.formats.recordio import RecordError, Records, read_records
from fraudlab.container.formats.time_values import NoTimeError, hours_of_numbers


def parse_recordio(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read rows.

    Raises
    ------
    BodyError
        If a record is damaged, has not as many values as there are columns, or a value that its column cannot
        hold; if there are no rows, or more than `max_rows`.
    """
    pieces: list[bytes] = []
    count = unseen = 0
    try:
        for records in read_records(io.BytesIO(body)):
            rows, width = records.matrix.shape
            if width != len(features):
                raise wrong_width(count + 1, width, features)
            refuse_too_many(count + rows, max_rows, features)
            matrix, new = _inputs(records, count + 1, features)
            pieces.append(matrix.tobytes())
            count += rows
            unseen += new
    except RecordError as error:
        raise BodyError(f"row {error.record} {error.problem}", row=error.record) from error
    if not count:
        raise no_rows("send a record for each row")
    return Rows(b"".join(pieces), count, unseen)


def _inputs(records: Records, first: int, features: Features) -> tuple[Matrix, int]:
    """The inputs of some rows, and how many of their categories train has not seen."""
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = records.matrix.astype(np.float32)
    unseen = 0
    for position, clock in features.clocks.items():
        sent = records.matrix[:, position]
        try:
            matrix[:, position] = hours_of_numbers(sent.astype(np.float64), clock, bits=8 * sent.itemsize)
        except NoTimeError as error:
            raise no_time(error, first + error.row - 1, features.names[position]) from error
    for position in features.codes:
        # As numbers of their own width: 0.1 as float32 is another double.
        texts = [category_text(value) for value in records.matrix[:, position]]
        matrix[:, position], new = features.encode(position, texts)
        unseen += int(np.count_nonzero(new))
    infinite = np.isinf(matrix)
    if infinite.any():
        row, position = (int(at) for at in np.argwhere(infinite)[0])
        raise beyond(float(records.matrix[row, position]), first + row, features.names[position])
    return matrix, unseen
