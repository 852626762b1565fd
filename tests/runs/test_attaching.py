"""What `fraudlab runs attach` says of a run that another machine has finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fraudlab.attaching import _as_it_ended
from fraudlab.errors import GateFailed, Interrupted, JobFailed, RunEnded, RunError
from fraudlab.runs import RunFolder
from fraudlab.taking_up import _ended_elsewhere


def ended(runs: Path, error: Exception | None = None, **fields: Any) -> RunFolder:
    folder = RunFolder.create(runs, "r", backend="somewhere", **fields)
    folder.complete() if error is None else folder.fail(error)
    return folder


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobFailed("The train job failed.", fix="read its log"), 5),
        (Interrupted("Interrupted by SIGINT.", fix="repeat the run"), 130),
        (ZeroDivisionError("a fault"), 1),
    ],
)
def test_a_run_that_failed_elsewhere_has_the_exit_code_it_had_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert _as_it_ended(ended(tmp_path, error).path) == code
    shown, told = capsys.readouterr()
    assert shown == ""
    assert told.startswith(f"error: {getattr(error, 'message', 'a fault')}\nfix: ")


def test_a_run_that_completed_elsewhere_still_has_to_pass_its_gates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = {"condition": "a<1", "value": 0.5, "failed": False, "reason": "a is 0.5"}
    assert _as_it_ended(ended(tmp_path / "good", gates=[gate]).path) == 0
    assert _as_it_ended(ended(tmp_path / "none").path) == 0
    assert capsys.readouterr().out.count("report: ") == 2
    with pytest.raises(GateFailed):
        _as_it_ended(ended(tmp_path / "bad", gates=[{**gate, "failed": True}]).path)


@pytest.mark.parametrize(
    ("error", "missing", "kind"),
    [
        (None, [], RunEnded),
        (None, ["report.html", "a"], RunError),
        (JobFailed("x", fix="y"), ["report.html"], RunEnded),
    ],
)
def test_files_of_a_completed_run_that_are_gone_are_an_error(
    tmp_path: Path, error: Exception | None, missing: list[str], kind: type[RunError]
) -> None:
    class Copy:
        where = "s3://b/p"

    copy: Any = Copy()
    copy.missing = missing
    found = _ended_elsewhere(ended(tmp_path, error), copy)
    assert type(found) is kind
    assert ("2 of its files are not in s3://b/p, such as report.html" in found.message) is (kind is RunError)
