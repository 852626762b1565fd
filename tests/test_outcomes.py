"""What passed in one run of pytest is left out by the next, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from .outcomes import Outcomes, pytest_collection_modifyitems, seen_beside
from .seen_actions import LAST


def report(name, when="call", *, passed=True):
    return SimpleNamespace(nodeid=name, when=when, passed=passed, failed=not passed)


def test_only_what_passed_to_its_end_is_left_out(tmp_path):
    file = tmp_path / "new" / "outcomes"
    outcomes = Outcomes(file)
    for one in [
        report("passed"),
        report("passed", "teardown"),
        report("failed", passed=False),
        report("end failed"),
        report("end failed", "teardown", passed=False),
        report("skipped", "setup"),
    ]:
        outcomes.pytest_runtest_logreport(one)
    outcomes.pytest_sessionfinish()
    assert file.read_text() == "passed\n"
    assert seen_beside(file).exists()

    names = ["passed", "failed", "end failed", "skipped", "new"]
    items = [SimpleNamespace(nodeid=name, path=Path("test_any.py")) for name in names]
    items.append(SimpleNamespace(nodeid="passed", path=Path(LAST)))
    pytest_collection_modifyitems(SimpleNamespace(option=SimpleNamespace(rest_of=[file])), items)
    assert [item.nodeid for item in items] == [*names[1:], "passed"]


def test_runs_that_share_a_file_add_to_it(tmp_path):
    for name in ("one", "two"):
        outcomes = Outcomes(tmp_path / "outcomes")
        outcomes.pytest_runtest_logreport(report(name))
        outcomes.pytest_sessionfinish()
    assert (tmp_path / "outcomes").read_text() == "one\ntwo\n"
