"""recordio-protobuf files as a table: columns are f0, f1, … in the order of a record's values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.channels.channel_files import ChannelFile
from fraudlab.container.channels.channel_rows import ChannelRows, Growing, Part, fill
from fraudlab.container.channels.libsvm_files import refuse_absurd_size
from fraudlab.container.failure import TableError
from fraudlab.container.formats.recordio import RecordError, Records, read_records


def read_recordio(sources: Sequence[ChannelFile], *, channel: str) -> ChannelRows:
    """Read recordio-protobuf files of one width.

    Parameters
    ----------
    sources : sequence of ChannelFile
    channel : str

    Raises
    ------
    TableError
        If a record is damaged or cut short, or has another width than the first or a number that float32 does
        not have.
    """
    matrix: Growing | None = None
    names: tuple[str, ...] = ()
    labels: list[NDArray[np.float64]] = []
    parts: list[Part] = []
    for source in sources:
        start = 0 if matrix is None else len(matrix)
        for records in _records(source):
            rows, width = records.matrix.shape
            if matrix is None:
                matrix, names = Growing(width), tuple(f"f{number}" for number in range(width))
            before = len(matrix) - start
            if width != len(names):
                raise _refused(f"has {width} values where those before it have {len(names)}", 1, source)
            if records.sparse:
                refuse_absurd_size(len(matrix) + rows, width, channel)
            fill(matrix.add(rows), records.matrix.T, names, file=source.name, before=before)
            labels.append(records.label)
        parts.append(Part(source.name, start, 0 if matrix is None else len(matrix)))
    table = np.empty((0, 0), np.float32) if matrix is None else matrix.whole()
    return ChannelRows(table, np.concatenate(labels), None, names, tuple(parts))


def _records(source: ChannelFile) -> Iterator[Records]:
    with source.path.open("rb") as file:
        try:
            yield from read_records(file)
        except RecordError as error:
            raise _refused(error.problem, error.record, source) from error


def _refused(problem: str, record: int, source: ChannelFile) -> TableError:
    return TableError(
        f"record {record} of {source.name} {problem}",
        fix="write records of one tensor named 'values', dense or sparse with its shape, and one label",
    )
