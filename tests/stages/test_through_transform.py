"""Rows through a transform job: the bytes of an endpoint's requests, cut to fit, and counted file by file."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.errors import BackendError, DataError, JobFailed
from fraudlab.stages.scoring import csv_rows, score_rows
from fraudlab.stages.through_transform import no_longer_than, read_files, write_files

ROWS = 1000
NUMBERS = np.random.default_rng(0).normal(size=ROWS).astype(np.float32)
TEXTS = ["plain", 'a "quote", and a comma', "two\nlines", "", "zwölf", "\ufeffmark"]
TABLE = pa.table(
    {
        "a": NUMBERS,
        "b": np.where(NUMBERS > 1, np.float32("nan"), NUMBERS),
        "c": [TEXTS[n % 6] for n in range(ROWS)],
    }
)


def as_files(folder: Path, name: str, scores: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.out").write_text("".join(f"{score!r}\n" for score in scores.tolist()))


@pytest.mark.parametrize(
    ("max_rows", "max_bytes"),
    [(ROWS, 1 << 20), (300, 1 << 20), (ROWS, 5000), (7, 200), (1, 1 << 20), (5000, 100)],
)
def test_files_hold_all_rows_in_order_and_fit(tmp_path: Path, max_rows: int, max_bytes: int) -> None:
    rows = write_files(TABLE, tmp_path / "in", max_rows=max_rows, max_bytes=max_bytes)
    paths = sorted((tmp_path / "in").iterdir())
    assert [path.name for path in paths] == list(rows)
    assert sum(rows.values()) == ROWS
    assert max(rows.values()) <= max_rows
    start = 0
    for path, count in zip(paths, rows.values(), strict=True):
        assert path.stat().st_size <= max_bytes
        assert path.read_bytes() == csv_rows(TABLE.slice(start, count))
        start += count


def test_the_bytes_are_those_an_endpoint_is_sent(tmp_path: Path) -> None:
    sent = []

    def invoke(body: bytes) -> bytes:
        sent.append(body)
        return b"0.5\n" * 250

    score_rows(TABLE, invoke, batch_rows=250, reach=lambda done: None, max_body=1 << 20)
    write_files(TABLE, tmp_path / "in", max_rows=250, max_bytes=1 << 20)
    assert sorted(path.read_bytes() for path in (tmp_path / "in").iterdir()) == sorted(sent)


def test_writing_again_gives_the_same_files(tmp_path: Path) -> None:
    """Whoever finishes a run knows from it how many rows the files have that another has sent."""
    first = write_files(TABLE, tmp_path / "a", max_rows=400, max_bytes=6000)
    assert write_files(TABLE, tmp_path / "b", max_rows=400, max_bytes=6000) == first
    assert len(first) > 3


def test_a_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    table = pa.table({"c": ["a", "b", "x" * 500]})
    with pytest.raises(
        DataError, match=r"^Row 3 has 501 bytes as CSV, more than the endpoint takes at once\."
    ):
        write_files(table, tmp_path / "in", max_rows=10, max_bytes=400)


def test_no_rows_are_no_files(tmp_path: Path) -> None:
    rows = write_files(TABLE.slice(0, 0), tmp_path / "in", max_rows=10, max_bytes=400)
    assert rows == {}
    assert read_files(tmp_path / "in", rows).size == 0


@pytest.mark.parametrize("below", ["", "transform-input", "a/b/c"])
def test_scores_are_read_in_the_order_of_the_rows_wherever_the_files_lie(tmp_path: Path, below: str) -> None:
    scores = np.random.default_rng(1).random(25).astype(np.float32)
    rows = {"rows-000000.csv": 10, "rows-000001.csv": 10, "rows-000002.csv": 5}
    for name, part in zip(reversed(rows), reversed(np.split(scores, [10, 20])), strict=True):
        as_files(tmp_path / below, name, part)
    assert read_files(tmp_path, rows).tobytes() == scores.tobytes()


def test_a_file_that_was_not_written_is_an_error(tmp_path: Path) -> None:
    as_files(tmp_path, "rows-000000.csv", np.zeros(10, np.float32))
    with pytest.raises(
        JobFailed, match=r"without the scores of 1 of its 2 files, such as rows-000001\.csv\."
    ):
        read_files(tmp_path, {"rows-000000.csv": 10, "rows-000001.csv": 10})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0.5\n" * 9, "The transform job wrote for rows-000000.csv 9 scores for 10 rows."),
        (b"0.5\n" * 11, "The transform job wrote for rows-000000.csv 11 scores for 10 rows."),
        (b"", "The transform job wrote for rows-000000.csv 0 scores for 10 rows."),
        (b"<html>", "The transform job wrote for rows-000000.csv no scores: <html>"),
    ],
)
def test_another_number_of_scores_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "rows-000000.csv.out").write_bytes(content)
    with pytest.raises(JobFailed) as failed:
        read_files(tmp_path, {"rows-000000.csv": 10})
    assert failed.value.message == message


@pytest.mark.parametrize("refuses", [False, True])
def test_a_job_whose_time_is_over_is_stopped_and_that_is_said(refuses: bool) -> None:
    """CreateTransformJob has no limit of its own."""
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        if refuses:
            raise BackendError("It cannot be asked.", fix="wait")

    words = r"longer than compute\.transform\.max_minutes=0 and was stopped"
    with pytest.raises(JobFailed, match=words), no_longer_than(0, stop):
        stopped.wait()
        raise JobFailed("The transform job was stopped.", fix="start it again")


def test_a_job_that_fails_in_time_speaks_for_itself() -> None:
    stopped = threading.Event()
    with pytest.raises(JobFailed, match="in its own words"), no_longer_than(60, stopped.set):
        raise JobFailed("in its own words", fix="mend it")
    with no_longer_than(60, stopped.set):
        pass
    assert not stopped.is_set()
