from typing import Any

import pytest

from fraudlab.container.failure import ConfigError, JobError, TableError
from fraudlab.container.roles import Roles, read_roles

COLUMNS = ["t", "a", "b", "c", "y"]


@pytest.fixture
def roles(place: Any) -> Any:
    def build(**changes: Any) -> Roles:
        return read_roles(place("", **changes).process_request)

    return build


def test_features_are_every_other_column_in_table_order(roles: Any) -> None:
    assert roles().inputs(COLUMNS) == ["t", "a", "b", "c"]
    assert roles(time="t", id=["a"], drop=["c"]).inputs(COLUMNS) == ["b"]
    assert roles(amount="b", card="c").inputs(COLUMNS) == ["t", "a", "b"]
    assert roles(features=["c", "a"]).inputs(COLUMNS) == ["c", "a"]
    assert roles(time="t", features=["t", "a"]).inputs(COLUMNS) == ["t", "a"]
    assert roles(card="c", features=["c"], categorical=["c"]).inputs(COLUMNS) == ["c"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": {"kind": "time"}}, "a time split needs a time column"),
        ({"split": {"train": 0.9}}, "the split's shares are 0.9, 0.2 and 0.2 of the rows"),
        (
            {"split": {"train": 1.0, "validation": 0.0, "test": 0.0}},
            "the split's shares are 1, 0 and 0 of the rows",
        ),
        ({"split": {"gap_seconds": -1}}, "the split's gap is -1 s"),
        ({"split": {"kind": "weekly"}}, "'kind' in 'split' in process.json is 'weekly'"),
        ({"time": "y"}, "column 'y' is both data.label and data.time"),
        ({"id": ["a"], "features": ["a"]}, "column 'a' is both data.id and data.features"),
        ({"features": ["y", "a"]}, "column 'y' is both data.label and data.features"),
        ({"amount": "y"}, "column 'y' is both data.label and data.amount"),
        ({"duplicates": "remove"}, "'duplicates' in process.json is 'remove'"),
        ({"seed": "x"}, "'seed' in process.json is 'x', where int is expected"),
        ({"labels": "y"}, "process.json has an unknown field 'labels' (did you mean 'label'?)"),
        ({"file": "../t.csv"}, "'../t.csv' is not a file name, but a path"),
    ],
)
def test_contradictions(roles: Any, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        roles(**changes)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("changes", "columns", "kind", "sentence"),
    [
        ({"label": "Y"}, COLUMNS, TableError, "table.csv has no column 'Y'"),
        (
            {"drop": ["bb"]},
            ["a", "b", "bbb", "y"],
            TableError,
            "table.csv has no column 'bb' (did you mean 'bbb'?)",
        ),
        ({}, ["a", "a", "y"], TableError, "table.csv has 2 columns named 'a'"),
        ({}, ["", "a", "y"], TableError, "column 1 of table.csv has no name"),
        (
            {},
            ["fraudlab.row", "y"],
            TableError,
            "column 'fraudlab.row' of table.csv has a name fraudlab keeps",
        ),
        ({}, ["y"], TableError, "no column is left to learn from"),
        (
            {},
            ["__index_level_0__", "y"],
            TableError,
            "column '__index_level_0__' is the row index pandas left behind",
        ),
        (
            {"categorical": ["a"], "drop": ["a"]},
            COLUMNS,
            ConfigError,
            "data.categorical names 'a', not a feature",
        ),
    ],
)
def test_columns_that_cannot_be_used(
    roles: Any, changes: dict[str, Any], columns: list[str], kind: type[JobError], sentence: str
) -> None:
    with pytest.raises(kind) as caught:
        roles(**changes).inputs(columns)
    assert caught.value.sentence == sentence


def test_a_missing_column_names_the_key_and_the_columns_there_are(roles: Any) -> None:
    with pytest.raises(TableError) as caught:
        roles(time="time").inputs(COLUMNS)
    assert caught.value.fix == "set data.time to one of its columns: t, a, b, c, y"
