"""The members of an average in a report."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fraudlab.report.recorded.run_record import RunRecord
from fraudlab.report.run.members_section import members_section

ONE = {"average_precision": 0.7, "difference": 0.01, "low": 0.002, "high": 0.018}


def shown(history: dict[str, Any]) -> str:
    empty: dict[str, Any] = {item.name: {} for item in fields(RunRecord)}
    record = RunRecord(**{**empty, "folder": Path("r"), "history": history})
    found = members_section(record)
    return "" if found is None else str(found)


def history(**average: Any) -> dict[str, Any]:
    members = [
        {"parameters": {"rounds": 10, "max_depth": 3, "seed": 42}, "rounds": 14},
        {"parameters": {"rounds": 20, "max_depth": 6, "seed": 42}, "rounds": 24},
    ]
    return {"members": members, "average": average or None}


def test_each_member_and_what_averaging_brought() -> None:
    best, middle = {**ONE, "member": 2}, {**ONE, "member": 1, "low": -0.001, "average_precision": 0.69}
    page = shown(history(average_precision=0.71, members=[0.69, 0.7], best=best, middle=middle))
    for words in (
        "average of 2 models",
        "average precision 0.7100 on validation",
        "The best member alone has 0.7000, so averaging brought +0.0100 (95 % 0.0020–0.0180)",
        ": within noise",
        "max_depth",
        "<td>24</td>",
        "<td>0.6900</td>",
    ):
        assert words in page.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert page.count("within noise") == 1


@pytest.mark.parametrize("average", [{}, {"metrics": {"logloss": 0.1}}])
def test_without_validation_it_says_less(average: dict[str, Any]) -> None:
    page = shown(history(**average))
    assert "their raw scores are averaged" in page
    assert "brought" not in page


@pytest.mark.parametrize("given", [{}, {"members": []}, {"members": "two"}, {"members": [1]}])
def test_no_average_no_section(given: dict[str, Any]) -> None:
    assert shown(given) == ""
