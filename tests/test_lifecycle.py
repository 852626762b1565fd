"""How a run ends where its backend cannot be closed."""

import io

import pytest

from fraudlab.errors import BackendError, DataError
from fraudlab.lifecycle import _closed
from fraudlab.terminal import Terminal


class Stuck:
    """A backend whose engine does not answer."""

    def close(self) -> None:
        raise BackendError("The engine does not answer.", fix="start it")


def test_what_cannot_be_taken_down_is_said_and_left_and_the_run_has_still_completed():
    shown, left = io.StringIO(), []
    with _closed(Stuck(), Terminal(file=shown), unfinished=lambda: left.append("workspace")):
        pass
    assert shown.getvalue() == "The engine does not answer. start it\n"
    assert left == ["workspace"]


def test_it_does_not_hide_why_a_run_failed():
    left = []
    with (
        pytest.raises(DataError, match="no frauds"),
        _closed(Stuck(), Terminal(quiet=True), unfinished=lambda: left.append("workspace")),
    ):
        raise DataError("no frauds", fix="add some")
    assert left == ["workspace"]
