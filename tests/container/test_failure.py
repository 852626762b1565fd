import errno
from pathlib import Path

import numpy as np
import pytest
import xgboost

from fraudlab.container.failure import (
    ConfigError,
    JobError,
    StorageError,
    TableError,
    job_error,
    listing,
    near,
    report_failure,
)


def test_a_failure_is_told_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "output" / "failure"
    assert report_failure(TableError("t.csv is empty", fix="give it rows"), path) == 3
    assert path.read_text().splitlines() == ["t.csv is empty", "fix: give it rows", "kind: data"]
    expected = ["t.csv is empty", "fix: give it rows", "kind: data"]
    assert capsys.readouterr().err.splitlines() == [f"fraudlab-failure: {line}" for line in expected]


def test_a_defect_keeps_its_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("trees collided\nsecond line")
    assert report_failure(caught.value, tmp_path / "failure") == 1
    lines = (tmp_path / "failure").read_text().splitlines()
    assert lines[0] == "unexpected RuntimeError: trees collided"
    assert lines[2] == "kind: internal"
    assert "Traceback (most recent call last):" in lines
    assert "Traceback" in capsys.readouterr().err


def test_an_unwritable_failure_file_does_not_hide_the_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert report_failure(ConfigError("bad", fix="do"), tmp_path / "file" / "failure") == 2
    assert "fraudlab-failure: bad\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "part-0"), "storage", 8),
        (OSError(errno.EROFS, "Read-only file system", "x"), "storage", 8),
        (OSError(errno.ENOENT, "No such file", "x"), "internal", 1),
        (MemoryError(), "internal", 1),
        (StorageError("s", fix="f"), "storage", 8),
        (ConfigError("s", fix="f"), "config", 2),
    ],
)
def test_kinds_and_exit_codes(error: BaseException, kind: str, code: int) -> None:
    found = job_error(error)
    assert (found.kind, found.exit_code) == (kind, code)
    assert found.fix


def test_a_full_disk_names_the_file() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "out/part-0.parquet")
    assert job_error(error).sentence == "cannot write out/part-0.parquet: No space left on device"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[15:28:51] /src/obj.cu:114: Check failed: is_valid: base_score must be in (0,1)\nStack trace:\n",
            "base_score must be in (0,1)",
        ),
        (
            "[16:47:45] /src/data.cc:5: Check failed: p->n() % n == 0 (3 vs. 0) : Bad size\nStack trace:\n",
            "Bad size",
        ),
        (
            "[16:47:45] /workspace/src/objective.cc:27: Unknown objective function: `nope`\nCandidate: a",
            "Unknown objective function: `nope`",
        ),
        ("[16:47:45] /workspace/src/x.cc:1: Check failed: a == b\nStack trace:\n", "Check failed: a == b"),
        (
            "[15:32:22] /src/r.cc:83: [api.cc:38|15:32:22]:\n\n- [all.cc:135|15:32:22]: Ring failed.\nS",
            "Ring failed.",
        ),
        (
            "value 1 for Parameter max_bin should be greater equal to 2\nmax_bin: if using",
            "value 1 for Parameter max_bin should be greater equal to 2",
        ),
    ],
)
def test_xgboost_says_it_in_one_sentence(text: str, sentence: str) -> None:
    assert job_error(xgboost.core.XGBoostError(text)).sentence == f"unexpected XGBoostError: {sentence}"


def test_real_errors_of_xgboost() -> None:
    with pytest.raises(xgboost.core.XGBoostError) as caught:
        xgboost.DMatrix(np.zeros((3, 1)), label=[0, 1])
    sentence = job_error(caught.value).sentence
    assert sentence.startswith("unexpected XGBoostError: Invalid size for `label`")
    assert "/" not in sentence


def test_memory_that_runs_out_inside_xgboost() -> None:
    found = job_error(xgboost.core.XGBoostError("std::bad_alloc"))
    assert found.sentence == job_error(MemoryError()).sentence == "the job ran out of memory"


def test_job_error_is_itself() -> None:
    error = JobError("s", fix="f")
    assert job_error(error) is error


def test_near_and_listing() -> None:
    assert near("Clas", ["Class", "Time"]) == " (did you mean 'Class'?)"
    assert near("zzz", ["Class"]) == ""
    assert listing(["a", "b"]) == "a, b"
    assert listing([str(i) for i in range(42)]).endswith("39 and 2 more")
