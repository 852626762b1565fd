"""The test split scored by a batch transform job: files of rows in, a file of scores for each out.

Each file is one request to the model, sent whole: the very bytes that an endpoint is sent. Where SageMaker
splits files at line breaks, a text that holds one is cut in two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab import api_requests
from fraudlab.errors import BackendError, FraudlabError, JobFailed
from fraudlab.files import storage
from fraudlab.stages.context import Context
from fraudlab.stages.scoring import csv_bodies, read_scores
from fraudlab.stages.served_model import model_request
from fraudlab.stages.train import Trained

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: rows that the image takes in one request
_MAX_ROWS = 1_000_000


def score_through_transform(context: Context, trained: Trained, features: pa.Table) -> NDArray[np.float32]:
    """Score rows by the run's transform job: the one that was started for this run, or one started now.

    Parameters
    ----------
    context : Context
    trained : Trained
    features : pyarrow.Table
        The model's input columns, in order.

    Returns
    -------
    ndarray of float32, shape (rows,)

    Raises
    ------
    JobFailed
        Where the job has not written a score for each row.
    """
    config, backend = context.config, context.backend
    folder = context.workspace / "transform-input"
    # also where the job has been started already: how many rows each file has is known from writing them
    rows = write_files(
        features,
        folder,
        max_rows=_rows_of_a_file(context, features.num_rows),
        max_bytes=api_requests.payload_mb(config) * 1_000_000,
    )

    def request() -> api_requests.Request:
        return api_requests.transform_job(
            config,
            backend.placement,
            run_id=context.run_id,
            data=backend.files.stage(folder, name="transform-input") + "/",
            output=backend.files.destination("transform-output"),
        )

    handle = context.job("transform", request, model=lambda: model_request(context, trained))
    minutes = config.compute.transform.max_minutes
    with context.job_log("transform") as log, no_longer_than(minutes, lambda: backend.stop(handle)):
        context.wait(handle, log)
    return read_files(backend.files.fetch(handle.output), rows)


@contextmanager
def no_longer_than(minutes: float, stop: Callable[[], None]) -> Iterator[None]:
    """Stop the transform job that a block waits for when its time is over: its request cannot say how long.

    Raises
    ------
    JobFailed
        Where it was stopped.
    """
    over = threading.Event()

    def end() -> None:
        over.set()
        with suppress(BackendError):  # whoever waits for the job hears what is wrong
            stop()

    timer = threading.Timer(minutes * 60, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except FraudlabError as error:
        if not over.is_set():
            raise
        raise JobFailed(
            f"The transform job took longer than compute.transform.max_minutes={minutes:g} and was stopped.",
            fix="raise compute.transform.max_minutes, or choose a faster instance type",
        ) from error
    finally:
        timer.cancel()


def write_files(features: pa.Table, folder: Path, *, max_rows: int, max_bytes: int) -> dict[str, int]:
    """Write rows as CSV files, each small enough for one request, and nothing else into a folder.

    Parameters
    ----------
    features : pyarrow.Table
    folder : Path
        Which is made.
    max_rows, max_bytes : int
        Of a file.

    Returns
    -------
    dict of str to int
        The rows of each file by its name, in the order of the rows.

    Raises
    ------
    DataError
        Where a single row is too large.
    StorageError
        Where the disk is full.
    """
    written: dict[str, int] = {}
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for count, body in csv_bodies(features, batch_rows=max_rows, max_body=max_bytes):
            name = f"rows-{len(written):06}.csv"
            (folder / name).write_bytes(body)
            written[name] = count
    return written


def read_files(folder: Path, rows: Mapping[str, int]) -> NDArray[np.float32]:
    """Read the scores that a transform job has written, in the order of the rows.

    Parameters
    ----------
    folder : Path
        What the job wrote: a file ``NAME.out`` for each file ``NAME``, at any depth.
    rows : mapping of str to int
        As of :func:`write_files`.

    Raises
    ------
    JobFailed
        Where a file is missing, or has another number of scores than its file has rows.
    """
    import numpy as np

    found = {path.name: path for path in folder.rglob("*.out")}
    missing = [name for name in rows if f"{name}.out" not in found]
    if missing:
        raise JobFailed(
            f"The transform job completed without the scores of {len(missing)} of its {len(rows)} files,"
            f" such as {missing[0]}.",
            fix="read logs/transform.log of the run",
        )
    parts = []
    for name, count in rows.items():
        with storage(found[f"{name}.out"]):
            answer = found[f"{name}.out"].read_bytes()
        parts.append(read_scores(answer, count, of=f"The transform job wrote for {name}", error=JobFailed))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def _rows_of_a_file(context: Context, rows: int) -> int:
    """So many that every machine has a file."""
    machines = context.config.compute.transform.instance_count
    return min(context.config.evaluation.batch_rows, -(-rows // machines) or 1, _MAX_ROWS)
