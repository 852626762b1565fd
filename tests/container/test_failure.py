import errno
from pathlib import Path

import pytest

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


def test_job_error_is_itself() -> None:
    error = JobError("s", fix="f")
    assert job_error(error) is error


def test_near_and_listing() -> None:
    assert near("Clas", ["Class", "Time"]) == " (did you mean 'Class'?)"
    assert near("zzz", ["Class"]) == ""
    assert listing(["a", "b"]) == "a, b"
    assert listing([str(i) for i in range(42)]).endswith("39 and 2 more")
