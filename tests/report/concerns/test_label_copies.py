"""Every way a column tells the label, in words."""

import pytest

from fraudlab.config import DataConfig
from fraudlab.report.concerns.label_copies import sentence
from fraudlab.stages.prepare import cautions

NOWHERE = {"train": 0, "validation": 0, "test": 0}


def copy(how: str, value: object = None, **different: int) -> dict[str, object]:
    return {"column": "x", "how": how, "value": value, "different": NOWHERE | different}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (copy("equal"), "column 'x' equals the label in every row of train"),
        (copy("inverted"), "column 'x' is the label, inverted, in every row of train"),
        (copy("equal", train=3), "column 'x' equals the label in all but 3 rows of train"),
        (copy("equal", train=1), "column 'x' equals the label in all but 1 row of train"),
        (
            copy("equal", test=1_234, validation=5),
            "column 'x' equals the label in every row of train (not in 5 of validation, 1,234 of test)",
        ),
        (
            copy("value_where_fraud", 100.0),
            "column 'x' is 100 where the label is 1 and nowhere else in every row of train",
        ),
        (
            copy("other_where_fraud", "ok"),
            "column 'x' is 'ok' where the label is 0 and nowhere else in every row of train",
        ),
        (
            copy("filled"),
            "column 'x' has a value where the label is 1 and nowhere else in every row of train",
        ),
        (
            copy("empty"),
            "column 'x' has no value where the label is 1, and one everywhere else in every row of train",
        ),
    ],
)
def test_sentences(found: dict[str, object], text: str) -> None:
    assert sentence(found) == text


def test_cautions_of_a_table() -> None:
    assert cautions({"notes": ["a note"], "label_copies": []}, DataConfig()) == ["a note"]
    assert cautions({"notes": [], "label_copies": [copy("equal")]}, DataConfig(drop=["tx"])) == [
        "caution: column 'x' equals the label in every row of train",
        "         if that is not known when a transaction is scored: data.drop=[tx,x]",
    ]


@pytest.mark.parametrize(
    ("data", "overrides"),
    [
        (DataConfig(categorical=["x", "kind"]), "data.drop=[x] data.categorical=[kind]"),
        (DataConfig(features=["a", "x"]), "data.features=[a]"),
        (
            DataConfig(features=["x", "b c"], categorical=["x"]),
            "'data.features=[\"b c\"]' data.categorical=[]",
        ),
    ],
)
def test_overrides_that_leave_a_column_out(data: DataConfig, overrides: str) -> None:
    assert cautions({"notes": [], "label_copies": [copy("equal")]}, data)[-1].endswith(f": {overrides}")
