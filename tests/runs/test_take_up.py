"""A run whose launcher has ended is taken up by one other process, with what it was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fraudlab.compose import as_dict, as_yaml, compose
from fraudlab.errors import ConfigError, RunError
from fraudlab.recorded_config import read_config
from fraudlab.runs import Run, RunFolder


def begun(runs: Path) -> RunFolder:
    return RunFolder.create(runs, "r", backend="somewhere")


def test_a_run_that_was_left_is_taken_up_and_ended(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.note(jobs={"train": {"name": "n"}})
    first.leave()
    assert Run(tmp_path / "r").status == "dead"
    second = RunFolder.take_up(tmp_path / "r")
    assert Run(tmp_path / "r").status == "running"
    assert second.record["jobs"] == {"train": {"name": "n"}}
    second.complete()
    assert Run(tmp_path / "r").status == "completed"
    assert (tmp_path / "latest").resolve() == tmp_path / "r"


def test_two_processes_do_not_take_up_one_run(tmp_path: Path) -> None:
    begun(tmp_path).leave()
    held = RunFolder.take_up(tmp_path / "r")
    with pytest.raises(RunError, match="is being carried out by another process"):
        RunFolder.take_up(tmp_path / "r")
    held.leave()
    RunFolder.take_up(tmp_path / "r").leave()


@pytest.mark.parametrize("status", ["completed", "failed", "interrupted"])
def test_a_run_that_has_ended_is_not_taken_up(tmp_path: Path, status: str) -> None:
    folder = begun(tmp_path)
    ends = {"failed": ValueError(), "interrupted": KeyboardInterrupt()}
    if status == "completed":
        folder.complete()
    else:
        folder.fail(ends[status])
    before = sorted(path.name for path in (tmp_path / "r").iterdir())
    with pytest.raises(RunError, match=f"is {status}: there is nothing to go on with"):
        RunFolder.take_up(tmp_path / "r")
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == before


def test_the_seconds_of_a_stage_are_those_of_all_who_carried_it_out(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    folder.record["stages"]["train"] = {"seconds": 100.0}
    with folder.stage("train"):
        pass
    assert folder.record["stages"]["train"]["seconds"] >= 100.0


def test_what_a_run_was_asked_for_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_TAG", "somebody-unusual")
    words = [
        "model.max_depth=3",
        "tracking.tags=[a,'${oc.env:OWN_TAG}']",
        "data.rows=5000",
        "backend.fallback=error",
    ]
    config = compose(words)
    folder = tmp_path / "elsewhere" / "r"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(as_yaml(config), encoding="utf-8")
    read = as_dict(read_config(folder))
    asked = as_dict(config)
    assert read.pop("paths") == {"runs": str(folder.parent), "cache": str(folder.parent / ".cache")}
    asked.pop("paths")
    assert read == asked


def test_a_cache_of_ones_own_stays(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(as_yaml(compose([f"paths.cache={tmp_path}/c"])), encoding="utf-8")
    assert read_config(tmp_path).paths.cache == f"{tmp_path}/c"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (None, RunError, "cannot be read: No such file"),
        ("a: [", RunError, "is no configuration of a run"),
        ("- a\n", RunError, "is no configuration of a run"),
        ("backend: {nonsense: 1}\n", RunError, "is no configuration of a run"),
        ("seed: x\n", RunError, "is no configuration of a run"),
        ("backend: {kind: gone}\n", ConfigError, "must be given"),
    ],
)
def test_what_is_no_configuration_is_refused(
    tmp_path: Path, text: str | None, error: type[Exception], said: str
) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=said):
        read_config(tmp_path)
