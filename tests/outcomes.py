"""All tests of a commit, shared by several runs of pytest: what passed in one need not run in the next.

``--outcomes=FILE`` writes down which tests passed, and beside it what rehearsals were asked meanwhile.
``--rest-of=FILE`` runs what passed in none of these files: what one run skipped, the next runs, or fails.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .seen_actions import LAST, VARIABLE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of these tests."""
    group = parser.getgroup("fraudlab")
    group.addoption("--outcomes", type=Path, metavar="FILE", help="write down in FILE which tests passed")
    group.addoption(
        "--rest-of",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="run what passed in none of these files (may be given again)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Note outcomes where somebody asked for them."""
    if config.option.outcomes is not None:
        config.pluginmanager.register(Outcomes(config.option.outcomes))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Take over what rehearsals were asked in earlier runs."""
    for file in session.config.option.rest_of:
        with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as stream:
            stream.write(seen_beside(file).read_text(encoding="utf-8"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has passed; nobody is told that these were left out, as what they do was seen."""
    files = config.option.rest_of
    passed = {name for file in files for name in file.read_text(encoding="utf-8").splitlines()}
    items[:] = [item for item in items if item.nodeid not in passed or item.path.name == LAST]


def seen_beside(outcomes: Path) -> Path:
    """Where a run that writes `outcomes` writes what rehearsals were asked."""
    return outcomes.with_name(f"{outcomes.name}.seen-actions")


class Outcomes:
    """Writes down which tests passed.

    Parameters
    ----------
    file : Path
        Is added to, so that several runs may share it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has passed where its end went well too."""
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)
        elif report.failed:
            self.passed.discard(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write while what was seen is still there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        seen = Path(os.environ[VARIABLE])
        for file, text in (
            (self.file, "".join(f"{name}\n" for name in sorted(self.passed))),
            (seen_beside(self.file), seen.read_text(encoding="utf-8") if seen.exists() else ""),
        ):
            with file.open("a", encoding="utf-8") as stream:
                stream.write(text)
