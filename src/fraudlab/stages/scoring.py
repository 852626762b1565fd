"""Rows to scores through an endpoint, in batches, formatted while the endpoint works on the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from fraudlab.errors import DataError, EndpointError, JobFailed, RequestTooLarge

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: one request is scored while the next is being written
_IN_FLIGHT = 2
#: bytes of a request, where nothing else is known of an endpoint
MAX_BODY = 25 << 20
#: rows whose size stands for that of the others, until one batch shows another
_SAMPLE_ROWS = 200
#: of the largest body, so that rows a little longer than the sample still fit
_FILL = 0.9
#: what would be read otherwise without quotes
_QUOTED = '[",\r\n\ufeff]'
_NO_FRAUDLAB = "is this a fraudlab endpoint?"

Invoke = Callable[[bytes], bytes]
Read = TypeVar("Read")


def csv_rows(table: pa.Table) -> bytes:
    """Write raw rows as the endpoint reads them: CSV without a header, an empty field for a missing value.

    Numbers are written with as many digits as their type holds, so that they are read back exactly.
    """
    import pyarrow as pa
    from pyarrow import csv

    columns: list[pa.ChunkedArray] = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            columns.append(column.cast(column.type.value_type))
        elif pa.types.is_floating(column.type):
            columns.append(_nan_to_null(column))
        else:
            columns.append(column)
    sink = pa.BufferOutputStream()
    # By "needed" Arrow quotes every text, and rows without quotes are read twice as fast.
    quoting = "needed" if any(map(_needs_quotes, columns)) else "none"
    options = csv.WriteOptions(include_header=False, quoting_style=quoting)
    csv.write_csv(pa.table(columns, names=table.column_names), sink, options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def score_rows(
    table: pa.Table,
    invoke: Invoke,
    *,
    batch_rows: int,
    reach: Callable[[int], None],
    max_body: int = MAX_BODY,
) -> NDArray[np.float32]:
    """Score a table of raw feature columns through an endpoint.

    Parameters
    ----------
    table : pyarrow.Table
        The model's input columns, in order.
    invoke : callable
        Sends one CSV body and returns the CSV answer.
    batch_rows : int
        Rows of a request, at most.
    reach : callable
        Told how many rows have been scored.
    max_body : int
        Bytes of a request, at most.

    Returns
    -------
    ndarray of float32, shape (rows,)

    Raises
    ------
    DataError
        Where a single row is too large for the endpoint.
    EndpointError
        Where an answer has another number of scores than rows were sent.
    """
    import numpy as np

    scores = np.empty(table.num_rows, dtype=np.float32)
    done = 0
    for batch in score_batches(table, invoke, batch_rows=batch_rows, max_body=max_body):
        scores[done : done + batch.size] = batch
        done += batch.size
        reach(done)
    return scores


def score_batches(
    table: pa.Table, invoke: Invoke, *, batch_rows: int, max_body: int = MAX_BODY
) -> Iterator[NDArray[np.float32]]:
    """Score a table as :func:`score_rows` does; the scores of some rows after the other, in order."""
    return read_batches(table, invoke, read_scores, batch_rows=batch_rows, max_body=max_body)


def read_batches(
    table: pa.Table,
    invoke: Invoke,
    read: Callable[[bytes, int], Read],
    *,
    batch_rows: int,
    max_body: int = MAX_BODY,
) -> Iterator[Read]:
    """What is read of the answers for a table, some rows after the other, in order.

    Parameters
    ----------
    table, invoke, batch_rows, max_body
        As of :func:`score_rows`.
    read : callable
        Given an answer, and the number of rows that it is for.
    """
    cut = _Cut(table, batch_rows, max_body)
    waiting: list[Future[list[Read]]] = []
    start = 0
    pool = ThreadPoolExecutor(_IN_FLIGHT)
    try:
        while start < table.num_rows:
            batch = table.slice(start, cut.rows)
            waiting.append(pool.submit(_ask, batch, start, invoke, read, cut))
            start += batch.num_rows
            if len(waiting) > _IN_FLIGHT:
                yield from waiting.pop(0).result()
        while waiting:
            yield from waiting.pop(0).result()
    finally:
        # After an error nobody waits for what is still under way.
        pool.shutdown(wait=False, cancel_futures=True)


def csv_bodies(table: pa.Table, *, batch_rows: int, max_body: int) -> Iterator[tuple[int, bytes]]:
    """Write a table as CSV bodies, one after the other.

    Parameters
    ----------
    table : pyarrow.Table
    batch_rows, max_body : int
        Rows and bytes of a body, at most.

    Yields
    ------
    int
        Rows of the body.
    bytes
        The body.

    Raises
    ------
    DataError
        Where a single row is larger than a body may be.
    """
    cut = _Cut(table, batch_rows, max_body)
    start = 0
    while start < table.num_rows:
        batch = table.slice(start, cut.rows)
        body = csv_rows(batch)
        if len(body) <= max_body:
            yield batch.num_rows, body
            start += batch.num_rows
        elif batch.num_rows == 1:
            raise _too_long(start, body)
        else:
            cut.lower(len(body), batch.num_rows, max_body)


class _Cut:
    """How large requests are; they become smaller where the endpoint takes less than was thought.

    Parameters
    ----------
    table : pyarrow.Table
    max_rows, max_bytes : int
        Of a request.
    """

    def __init__(self, table: pa.Table, max_rows: int, max_bytes: int) -> None:
        self.bytes = max_bytes
        self.rows = max_rows
        sample = table.slice(0, _SAMPLE_ROWS)
        if sample.num_rows:
            self.lower(len(csv_rows(sample)), sample.num_rows, max_bytes)

    def lower(self, size: int, rows: int, max_bytes: int) -> None:
        """Take note that `rows` were of `size` bytes, and that a body may have `max_bytes`."""
        self.bytes = min(self.bytes, max_bytes)
        self.rows = max(1, min(self.rows, int(_FILL * self.bytes / size * rows)))


def _ask(
    batch: pa.Table, start: int, invoke: Invoke, read: Callable[[bytes, int], Read], cut: _Cut
) -> list[Read]:
    """Score some rows, of which `start` is the first, in as many requests as it takes."""
    body = csv_rows(batch)
    if len(body) <= cut.bytes:
        try:
            answer = invoke(body)
        except RequestTooLarge:
            # It may count something else than bytes, such as rows: half of either is less.
            cut.lower(len(body), batch.num_rows, max(1, len(body) // 2))
        else:
            return [read(answer, batch.num_rows)]
    else:
        cut.lower(len(body), batch.num_rows, cut.bytes)
    if batch.num_rows == 1:
        raise _too_long(start, body)
    half = batch.num_rows // 2
    parts = (batch.slice(0, half), start), (batch.slice(half), start + half)
    return [found for part, first in parts for found in _ask(part, first, invoke, read, cut)]


def _too_long(start: int, body: bytes) -> DataError:
    return DataError(
        f"Row {start + 1} has {len(body):,} bytes as CSV, more than the endpoint takes at once.",
        fix="shorten its longest value, or let the endpoint take more (FRAUDLAB_MAX_BODY, in bytes)",
    )


def read_scores(
    answer: bytes,
    rows: int,
    *,
    of: str = "The endpoint answered",
    error: type[EndpointError | JobFailed] = EndpointError,
) -> NDArray[np.float32]:
    """Read the scores of some rows, one per line.

    Parameters
    ----------
    answer : bytes
    rows : int
        How many scores there must be.
    of : str
        What the error begins with.
    error : type
        Raised where there are other or no scores.
    """
    import numpy as np

    log = "logs/serve.log" if error is EndpointError else "logs/transform.log"
    try:
        received = np.array(answer.split(), dtype=np.float32)
    except ValueError as odd:
        raise error(f"{of} no scores: {answer[:100].decode(errors='replace')}", fix=_NO_FRAUDLAB) from odd
    if received.size != rows:
        raise error(f"{of} {received.size} scores for {rows} rows.", fix=f"read {log} of the run")
    return received


def as_array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers without missing values as an array; Arrow's own ``to_numpy`` imports pandas."""
    import numpy as np

    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return bool(pc.any(pc.match_substring_regex(column, _QUOTED)).as_py())


def _nan_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.if_else(pc.is_nan(column), None, column)
