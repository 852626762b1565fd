"""What ``fraudlab cloud verify`` refuses, and what it makes of what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.cloud import verifying

CALL = {"service": "s3", "operation": "PutObject", "status": 200, "code": "", "answer": {"ETag": "x"}}


def side(file: Path, *calls: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["cloud", "verify", *words]) != 0
    return capsys.readouterr().err


def test_sides_that_are_there_are_compared(in_tmp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    side(in_tmp / "v" / verifying.SERVICE, {**CALL, "answer": {"ETag": "y", "Size": 1}})
    side(in_tmp / "v" / verifying.REHEARSAL, CALL)
    assert main(["cloud", "verify", "--compare", "v"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "s3:PutObject: the service always gives Size (a number), the rehearsal never",
        "1 difference; also in v/differences.json",
    ]
    side(in_tmp / "v" / verifying.SERVICE, CALL)
    assert main(["cloud", "verify", "--compare", "v"]) == 0
    assert capsys.readouterr().out == "The service and the rehearsal answered alike.\n"


@pytest.mark.parametrize("text", [None, "{", b"\xff"])
def test_a_folder_without_a_record_is_refused(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], text: str | bytes | None
) -> None:
    side(in_tmp / "v" / verifying.REHEARSAL, CALL)
    if text is not None:
        (in_tmp / "v" / verifying.SERVICE).write_bytes(text.encode() if isinstance(text, str) else text)
    said = refused(capsys, "--compare", "v")
    assert "v/service.jsonl cannot be read" in said
    assert "name a folder that `fraudlab cloud verify` made" in said


def test_nothing_is_written_over(in_tmp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (in_tmp / "v").mkdir()
    assert "v is there already.\nfix: name another: --folder FOLDER" in refused(capsys, "--folder", "v")


def test_nobody_who_can_agree_means_no_run(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = refused(capsys, "--folder", "v")
    assert "there is no terminal to ask" in said
    assert not (in_tmp / "v").exists()


def test_a_limit_of_dollars_holds(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = refused(capsys, "--folder", "v", "sagemaker.max_usd=0.01", "yes=true")
    assert "sagemaker.max_usd" in said
    assert not (in_tmp / "v").exists()
