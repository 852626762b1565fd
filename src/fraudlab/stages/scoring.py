"""Rows to scores through an endpoint, in batches, formatted while the endpoint works on the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fraudlab.errors import EndpointError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: one request is scored while the next is being written
_IN_FLIGHT = 2

Invoke = Callable[[bytes], bytes]


def csv_rows(table: pa.Table) -> bytes:
    """Write raw rows as the endpoint reads them: CSV without a header, an empty field for a missing value.

    Numbers are written with as many digits as their type holds, so that they are read back exactly.
    """
    import pyarrow as pa
    from pyarrow import csv

    columns: list[Any] = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            columns.append(column.cast(column.type.value_type))
        elif pa.types.is_floating(column.type):
            columns.append(_nan_to_null(column))
        else:
            columns.append(column)
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(pa.table(columns, names=table.column_names), sink, options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def score_rows(
    table: pa.Table, invoke: Invoke, *, batch_rows: int, reach: Callable[[int], None]
) -> NDArray[np.float32]:
    """Score a table of raw feature columns through an endpoint.

    Parameters
    ----------
    table : pyarrow.Table
        The model's input columns, in order.
    invoke : callable
        Sends one CSV body and returns the CSV answer.
    batch_rows : int
        Rows a request.
    reach : callable
        Told how many rows have been scored.

    Returns
    -------
    ndarray of float32, shape (rows,)

    Raises
    ------
    EndpointError
        Where an answer has another number of scores than rows were sent.
    """
    import numpy as np

    scores = np.empty(table.num_rows, dtype=np.float32)
    for start, sent, answer in _answers(table, invoke, batch_rows):
        received = np.array(answer.split(), dtype=np.float32)
        if received.size != sent:
            raise EndpointError(
                f"The endpoint answered {received.size} scores for {sent} rows.",
                fix="read logs/serve.log of the run",
            )
        scores[start : start + sent] = received
        reach(start + sent)
    return scores


def _answers(table: pa.Table, invoke: Invoke, batch_rows: int) -> Iterator[tuple[int, int, bytes]]:
    def ask(batch: pa.Table) -> bytes:
        return invoke(csv_rows(batch))

    waiting: list[tuple[int, int, Future[bytes]]] = []
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        for start in range(0, table.num_rows, batch_rows):
            batch = table.slice(start, batch_rows)
            waiting.append((start, batch.num_rows, pool.submit(ask, batch)))
            if len(waiting) > _IN_FLIGHT:
                first = waiting.pop(0)
                yield first[0], first[1], first[2].result()
        for began, sent, future in waiting:
            yield began, sent, future.result()


def as_array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers without missing values as an array; Arrow's own ``to_numpy`` imports pandas."""
    import numpy as np

    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])


def _nan_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.if_else(pc.is_nan(column), None, column)
