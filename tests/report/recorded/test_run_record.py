from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fraudlab.errors import RunError
from fraudlab.report.recorded.run_record import dig, number, read_run, section, series
from fraudlab.report.recorded.scores import read_scores

from ..example_run import build_run


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json") as raised:
        read_run(tmp_path)
    assert "fraudlab runs list" in str(raised.value.fix)


def test_only_run_json_is_needed(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"id": "a"}')
    record = read_run(tmp_path)
    assert record.id == "a"
    assert (record.metrics, record.curves, record.importance, record.overrides) == ({}, {}, [], ())
    assert (record.threshold, record.days) == (None, None)
    assert read_scores(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", "{"),
        ("evaluation/metrics.json", "[]"),
        ("evaluation/importance.json", "{}"),
        ("data/manifest.json", "null"),
        ("config.yaml", "a: [1"),
        ("config.yaml", "- a"),
        ("overrides.yaml", "a: 1"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    folder = build_run(tmp_path / "a")
    (folder / name).write_text(content)
    with pytest.raises(RunError, match=name) as raised:
        read_run(folder)
    assert raised.value.fix


@pytest.mark.parametrize("content", [b"PAR1", b"", b"not parquet at all"])
def test_broken_scores_are_named(tmp_path: Path, content: bytes) -> None:
    folder = build_run(tmp_path / "a")
    (folder / "evaluation" / "scores.parquet").write_bytes(content)
    with pytest.raises(RunError, match=r"scores\.parquet"):
        read_scores(folder)


def test_missing_amounts_are_not_a_number(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    table = pa.table({"row": [1, 0], "label": [0, 1], "score": [0.5, 0.25], "amount": [None, 2.0]})
    pq.write_table(table, folder / "evaluation" / "scores.parquet")
    scores = read_scores(folder)
    assert scores is not None
    assert scores.amount is not None
    assert (scores.row.tolist(), scores.label.tolist(), scores.score.tolist()) == (
        [0, 1],
        [1, 0],
        [0.25, 0.5],
    )
    assert np.isnan(scores.amount).tolist() == [False, True]


def test_looking_up_never_raises() -> None:
    source = {"a": {"b": 1, "flag": True}, "list": [1, "x", None, 2.5], "text": "t"}
    assert dig(source, "a", "b") == 1
    assert dig(source, "a", "b", "c") is None
    assert section(source, "text") == {}
    assert number(source, "a", "flag") is None
    assert number(source, "text") is None
    assert series(source, "list") == [1, None, None, 2.5]
    assert series(source, "text") == []
