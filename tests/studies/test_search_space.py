"""What may be tried: ranges and lists, and everything about them that cannot be."""

import pytest

from fraudlab.studies.search_space import read_space, tunable

REFUSED = {
    "misspelt": ({"max_dept": {"low": 3, "high": 9}}, "max_dept is no parameter", "did you mean 'max_depth'"),
    "of another section": ({"rows": [1000, 2000]}, "rows is no parameter", "Valid"),
    "not to be tuned": ({"objective": ["a", "b"]}, "model.objective cannot be tuned", "Valid"),
    "learned from validation": ({"calibration": ["none", "beta"]}, "cannot be tuned", "Valid"),
    "a list by columns": ({"monotone_constraints": [1, -1]}, "cannot be tuned", "Valid"),
    "turned round": ({"max_depth": {"low": 9, "high": 3}}, "low=9 is not below high=3", "swap them"),
    "no width": ({"max_depth": {"low": 3, "high": 3}}, "is not below", "model.max_depth=3"),
    "below what there is": ({"subsample": {"low": 0, "high": 1}}, "subsample.low", "above 0"),
    "above what there is": ({"subsample": {"low": 0.5, "high": 1.5}}, "subsample.high", "at most 1"),
    "negative": ({"gamma": {"low": -1, "high": 1}}, "gamma.low", "0"),
    "no whole number": ({"max_depth": {"low": 2.5, "high": 6}}, "max_depth.low=2.5", "whole numbers"),
    "a text": ({"max_depth": {"low": "three", "high": 6}}, "max_depth.low=three", "whole numbers"),
    "true": ({"max_depth": {"low": True, "high": 6}}, "max_depth.low=True", "whole numbers"),
    "nan": ({"gamma": {"low": float("nan"), "high": 6}}, "gamma.low=nan", "numbers"),
    "infinite": ({"gamma": {"low": 0, "high": float("inf")}}, "gamma.high=inf", "numbers"),
    "larger than any": ({"gamma": {"low": 0, "high": 10**400}}, "gamma.high", "numbers"),
    "log from 0": ({"gamma": {"low": 0, "high": 6, "log": True}}, "cannot begin at 0", "leave log out"),
    "log in words": ({"gamma": {"low": 1, "high": 6, "log": "yes"}}, "log=yes", "log: true"),
    "log and step": ({"max_depth": {"low": 2, "high": 8, "log": True, "step": 2}}, "step and a log", "leave"),
    "no step": ({"max_depth": {"low": 2, "high": 8, "step": 0}}, "step=0", "above 0"),
    "a step too far": ({"max_depth": {"low": 2, "high": 8, "step": 9}}, "step=9", "at most 6"),
    "steps past the end": ({"max_depth": {"low": 2, "high": 9, "step": 2}}, "do not reach high", "high"),
    "no high": ({"max_depth": {"low": 2}}, "has no high", "low: 3"),
    "a word too many": ({"max_depth": {"low": 2, "hihg": 9}}, "hihg", "did you mean 'high'"),
    "choices and more": ({"max_depth": {"choices": [2, 3], "low": 2}}, "has choices, and low", "leave"),
    "one value": ({"max_depth": 4}, "max_depth=4 is one value", "model.max_depth=4"),
    "one in a list": ({"max_depth": [4]}, "nothing to choose from", "two or more"),
    "none in a list": ({"max_depth": []}, "nothing to choose from", "two or more"),
    "twice": ({"max_depth": [4, 6, 4]}, "has 4 twice", "once"),
    "twice as a float": ({"max_depth": [4, 4.0]}, "has 4 twice", "once"),
    "a list in a list": ({"max_depth": [[4], [6]]}, "[4] is no value", "whole numbers"),
    "auto in a range": ({"max_depth": {"low": "auto", "high": 6}}, "max_depth.low=auto", "whole numbers"),
    "auto for a number": ({"max_leaves": ["auto", 4]}, "auto is no value", "whole numbers"),
    "a name that is none": ({"tree_method": ["hist", "histo"]}, "'histo'", "hist, approx, exact"),
    "a range of names": ({"tree_method": {"low": 1, "high": 2}}, "no number", "list"),
    "nothing": ({}, "leaves nothing to tune", "write"),
    "all left out": ({"max_depth": None}, "leaves nothing to tune", "write"),
    "no names": ([1, 2], "no parameters by name", "write"),
}


@pytest.mark.parametrize(("space", "message", "fix"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_tried_is_refused_with_what_can(space, message, fix):
    found, (error,) = read_space(space)
    assert found == []
    assert message in error.message
    assert fix in error.fix


def test_all_that_is_wrong_is_said():
    found, wrong = read_space({"max_dept": [1, 2], "gamma": {"low": 3, "high": 1}, "max_depth": [3, 4]})
    assert [dimension.name for dimension in found] == ["max_depth"]
    assert ["max_dept" in wrong[0].message, "gamma" in wrong[1].message] == [True, True]


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ({"low": 3, "high": 9}, [3, 6, 9], [2, 10, True, None, "3"]),
        ({"low": 2, "high": 8, "step": 3}, [2, 5, 8], [3, 4, 9]),
        ([3, 6], [3, 6], [4, True]),
        ({"choices": [3, 6]}, [3, 6], [4]),
    ],
)
def test_what_may_be_tried(entry, inside, outside):
    (dimension,), wrong = read_space({"max_depth": entry})
    assert wrong == []
    assert [dimension.holds(value) for value in inside] == [True] * len(inside)
    assert [dimension.holds(value) for value in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    "space",
    [
        {"model": {"max_depth": [3, 4]}},
        {"base_score": [None, 0.5]},
        {"max_depth": ["auto", 4, 6]},
        {"booster": ["gbtree", "dart"]},
        {"rate_drop": {"low": 0.05, "high": 0.3}},
        {"max_leaves": [0, 31, 63], "max_depth": {"low": 0, "high": 8}},
        {"seed_per_iteration": [True, False]},
        {"num_round": {"low": 100, "high": 1000, "step": 100}},
    ],
    ids=str,
)
def test_other_spellings_and_kinds(space):
    found, wrong = read_space(space)
    assert wrong == []
    assert {dimension.name for dimension in found} <= set(tunable())
