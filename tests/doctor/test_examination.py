"""All checks are made, whatever one of them does."""

import threading

import pytest

from fraudlab.doctor.examination import begin, exit_code
from fraudlab.doctor.finding import Check, Finding, State, well
from fraudlab.errors import DataError


def raising(error):
    def ask():
        raise error

    return ask


def test_a_check_that_raises_or_does_not_end_is_unknown_and_stops_no_other():
    never = threading.Event()
    checks = [
        Check("ours", raising(DataError("The table is odd.", fix="mend it"))),
        Check("theirs", raising(ValueError("two\nlines"))),
        Check("slow", lambda: [well("slow", str(never.wait()))], seconds=0.01),
        Check("good", lambda: [well("good", "yes"), well("good", "and again")]),
    ]
    findings = [finding for asked in begin(checks) for finding in asked.findings()]
    never.set()
    assert [(one.check, one.state.value, one.said) for one in findings] == [
        ("ours", "unknown", "The table is odd."),
        ("theirs", "unknown", "cannot be told: ValueError: two"),
        ("slow", "unknown", "did not answer in 0.01 s"),
        ("good", "well", "yes"),
        ("good", "well", "and again"),
    ]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 0),
        ([State.well, State.note], 0),
        ([State.well, State.unknown], 11),
        ([State.unknown, State.wrong, State.note], 4),
    ],
)
def test_the_exit_code_is_for_scripts(states, code):
    assert exit_code([Finding("x", state, "said", "fix") for state in states]) == code
