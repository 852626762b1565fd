"""The copy of a run's folder that other machines find: who finishes it, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fraudlab.errors import RunTaken
from fraudlab.runs import RunFolder
from fraudlab.runs.claims import StoredObject
from fraudlab.runs.shared_copy import SharedCopy, bring_run
from fraudlab.runs.shared_state import SharedState

from .test_shared_state import Store, state


def left(store: Store, runs: Path) -> Path:
    """A run that its launcher has left, with its copy."""
    folder = RunFolder.create(runs, "r", backend="somewhere")
    copy = SharedCopy(folder, state(store))
    copy.begin()
    (folder.path / "config.yaml").write_text("a: 1\n")
    folder.note(status="detached")
    copy.keep()
    copy.let_go()
    folder.leave()
    return folder.path


def finished_elsewhere(store: Store, runs: Path, *, error: Exception | None = None) -> None:
    """Finish a run on another machine."""
    folder = RunFolder.take_up(bring_run(state(store), runs, "r"))
    copy = SharedCopy(folder, state(store))
    assert not copy.take_up()
    (folder.path / "report.html").write_text("the report")
    folder.complete() if error is None else folder.fail(error)
    copy.keep(everything=True)
    copy.let_go()


def test_a_run_that_was_finished_elsewhere_is_brought(tmp_path: Path) -> None:
    path = left(store := Store(), tmp_path / "here")
    finished_elsewhere(store, tmp_path / "there")
    folder = RunFolder.take_up(path)
    copy = SharedCopy(folder, state(store))
    assert copy.take_up()
    assert (path / "report.html").read_text() == "the report"
    copy.let_go()


class Meanwhile(Store):
    """Lets something happen right after somebody has read who has the run."""

    happens: Callable[[], None] | None = None

    def read(self, name: str) -> StoredObject:
        found = super().read(name)
        if name == "owner.json" and self.happens is not None:
            happens, self.happens = self.happens, None
            happens()
        return found


def test_who_is_overtaken_between_looking_and_claiming_does_not_finish_it_too(tmp_path: Path) -> None:
    path = left(store := Meanwhile(), tmp_path / "here")
    folder = RunFolder.take_up(path)
    copy = SharedCopy(folder, SharedState(store, run_id="r", lease_seconds=1000.0))
    store.happens = lambda: finished_elsewhere(store, tmp_path / "there")
    with pytest.raises(RunTaken, match="has let go of it again"):
        copy.take_up()
    assert copy.take_up()  # the next time, all of it is there
    copy.let_go()
    folder.leave()


class Counting(Store):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        self.written.append(name)
        return super().write_if(name, content, tag=tag)


def test_the_claim_is_made_sure_of_once_for_all_files(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "r", backend="somewhere")
    copy = SharedCopy(folder, state(store := Counting()))
    copy.begin()
    for number in range(26):
        (folder.path / f"{number}.json").write_text(str(number))
    store.written.clear()
    copy.keep(everything=True)
    assert store.written.count("owner.json") == 2  # for the files, and for the record
    assert len(store.written) == 29
    assert store.written[-1] == "run.json"
    store.written.clear()
    (folder.path / "7.json").write_text("changed")
    copy.keep(everything=True)
    assert store.written == ["owner.json", "7.json", "owner.json", "run.json"]
    copy.let_go()
    folder.leave()


def test_a_file_of_a_completed_run_that_is_gone_is_named_unless_it_is_here(tmp_path: Path) -> None:
    path = left(store := Store(), tmp_path / "here")
    finished_elsewhere(store, tmp_path / "there")
    del store.objects["report.html"]
    folder = RunFolder.take_up(path)
    copy = SharedCopy(folder, state(store))
    assert copy.take_up()
    assert copy.missing == ["report.html"]
    copy.let_go()
    again = SharedCopy(folder, state(store))
    (path / "report.html").write_text("the report")
    finished = state(store).claim()
    finished.release()
    assert again.take_up()
    assert again.missing == []
    again.let_go()
    folder.leave()
