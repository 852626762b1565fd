"""What a run's record says of its jobs, as another launcher reads it."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fraudlab import redaction
from fraudlab.files import write_json
from fraudlab.stages import ahead
from fraudlab.stages import context as context_module
from fraudlab.stages.context import ASKED, JOBS, Context

BUCKET = "fraudlab-000000000000-eu-west-1"


def test_a_bucket_that_the_environment_names_is_found_in_handles_and_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_BUCKET", BUCKET)
    monkeypatch.setattr(redaction, "_interpolated", {BUCKET: "TEAM_BUCKET"})
    train = {"backend": "sagemaker", "job": "train", "name": "n", "output": f"s3://{BUCKET}/out"}
    record = redaction.hide({JOBS: {"train": train}, ASKED: {"job": "transform"}})
    asked = {"TransformJobName": "t", "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/out"}}
    write_json(tmp_path / "requests" / "transform-job.json", redaction.hide(asked))
    assert BUCKET not in str(record)

    monkeypatch.setattr(redaction, "_interpolated", {})
    nothing: Any = None
    folder: Any = SimpleNamespace(record=record, path=tmp_path)
    backend: Any = SimpleNamespace(name="sagemaker")
    context = Context(nothing, folder, nothing, tmp_path, backend, nothing, nothing)
    assert context.job("train", pytest.fail).output == f"s3://{BUCKET}/out"
    assert [(handle.name, handle.output) for handle in context.unfinished()] == [
        ("n", f"s3://{BUCKET}/out"),
        ("t", ""),
    ]
    assert context._asked("transform", "transform-job") == asked


def test_who_goes_on_after_a_job_meets_no_import_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package and a part of it, imported by two threads at once, may each wait for the other."""
    under_way, may_go_on = threading.Event(), threading.Event()

    def slow() -> None:
        under_way.set()
        may_go_on.wait(60)

    monkeypatch.setattr(ahead, "_import", slow)
    monkeypatch.setattr(context_module, "import_ahead", cache(ahead.import_ahead.__wrapped__))
    nothing: Any = None
    folder: Any = SimpleNamespace(record={}, path=tmp_path)
    tracker: Any = SimpleNamespace(begin=lambda: None)
    config: Any = SimpleNamespace(verbose=False)
    context = Context(config, folder, nothing, tmp_path, nothing, tracker, nothing)
    with context.job_log("process"):
        assert under_way.wait(60)
        (imports,) = [thread for thread in threading.enumerate() if thread.name == "imports"]
        threading.Timer(0.05, may_go_on.set).start()
    assert not imports.is_alive()
