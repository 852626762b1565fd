"""One rulebook of columns: launcher and job refuse the same, in the same words, and accept the same."""

from pathlib import Path
from typing import Any

import pytest

from fraudlab import errors
from fraudlab.compose import compose
from fraudlab.container.column_rules import ColumnNames, NameFault, Unusable, name_faults
from fraudlab.container.failure import ConfigError, JobError
from fraudlab.container.roles import read_roles
from fraudlab.data.sources import resolve

TABLE = ["data=table", "data.path=t.csv"]

CONTRADICTIONS = [
    ({"label": "y", "time": "y"}, "column 'y' is both data.label and data.time"),
    ({"label": "y", "drop": ["y"]}, "column 'y' is both data.label and data.drop"),
    ({"label": "y", "id": ["y"]}, "column 'y' is both data.label and data.id"),
    ({"label": "y", "card": "y"}, "column 'y' is both data.label and data.card"),
    ({"label": "y", "amount": "y"}, "column 'y' is both data.label and data.amount"),
    ({"label": "y", "features": ["y"]}, "column 'y' is both data.label and data.features"),
    ({"label": "y", "id": ["a"], "drop": ["a"]}, "column 'a' is both data.id and data.drop"),
    ({"label": "y", "time": "a", "id": ["a"]}, "column 'a' is both data.time and data.id"),
    ({"label": "y", "time": "a", "card": "a"}, "column 'a' is both data.time and data.card"),
    ({"label": "y", "id": ["a"], "features": ["a"]}, "column 'a' is both data.id and data.features"),
    ({"label": "y", "drop": ["a"], "features": ["a"]}, "column 'a' is both data.drop and data.features"),
    ({"label": "y", "drop": ["a"], "categorical": ["a"]}, "data.categorical names 'a', not a feature"),
    ({"label": "y", "id": ["a"], "categorical": ["a"]}, "data.categorical names 'a', not a feature"),
    ({"label": "y", "categorical": ["y"]}, "data.categorical names 'y', not a feature"),
    ({"label": "y", "features": ["a"], "categorical": ["b"]}, "data.categorical names 'b', not a feature"),
    ({"label": "y", "card": "a", "categorical": ["a"]}, "data.categorical names 'a', not a feature"),
]
FINE: list[dict[str, Any]] = [
    {"label": "y", "amount": "a", "id": ["a"]},
    {"label": "y", "card": "a", "features": ["a"], "categorical": ["a"]},
    {"label": "y", "amount": "a", "features": ["a"]},
    {"label": "y", "categorical": ["a"]},
]


def overrides(names: dict[str, Any]) -> list[str]:
    def text(value: Any) -> str:
        return f"[{','.join(value)}]" if isinstance(value, list) else value

    return [*TABLE, *(f"data.{key}={text(value)}" for key, value in names.items())]


@pytest.mark.parametrize(("names", "sentence"), CONTRADICTIONS)
def test_a_contradiction_is_refused_on_both_sides_in_the_same_words(
    place: Any, names: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as job:
        read_roles(place("", **names).process_request)
    with pytest.raises(errors.ConfigError) as launcher:
        compose(overrides(names))
    assert job.value.sentence == sentence
    assert (launcher.value.message, launcher.value.fix) == (f"{sentence}.", job.value.fix)


@pytest.mark.parametrize("names", FINE, ids=str)
def test_what_is_no_contradiction_is_accepted_on_both_sides(place: Any, names: dict[str, Any]) -> None:
    assert read_roles(place("", **names).process_request).label == "y"
    assert compose(overrides(names)).data.label == "y"


def test_a_time_may_be_learnt_where_a_request_says_so_and_never_in_a_run(place: Any) -> None:
    names = {"label": "y", "time": "t", "features": ["t"]}
    assert read_roles(place("", **names).process_request).inputs(["t", "y"]) == ["t"]
    with pytest.raises(errors.ConfigError, match="column 't' is both data.time and data.features"):
        compose(overrides(names))


@pytest.mark.parametrize("key", ["drop", "id", "features", "categorical"])
def test_a_name_is_given_once(place: Any, key: str) -> None:
    names = {"label": "y", key: ["a", "a"]}
    with pytest.raises(ConfigError, match=f"'{key}' in process.json is .*, not a list of distinct"):
        read_roles(place("", **names).process_request)
    with pytest.raises(errors.ConfigError, match=f"data.{key} names 'a' more than once"):
        compose(overrides(names))


@pytest.mark.parametrize("header", ["a,a,y", ",a,y", "  ,a,y", "fraudlab.row,y", "a,b"])
def test_names_of_a_table_are_refused_on_both_sides(place: Any, tmp_path: Path, header: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(header + "\n" + "1," * header.count(",") + "0\n")
    with pytest.raises(errors.FraudlabError):
        resolve(table, label="y", cache=tmp_path / "cache")
    with pytest.raises(JobError):
        read_roles(place("", label="y").process_request).inputs(header.split(","))


def test_every_fault_of_names_is_found() -> None:
    assert list(name_faults(["a", " ", "b", "a", "fraudlab.row", "a"])) == [
        NameFault(Unusable.TWICE, "a", 0, 3),
        NameFault(Unusable.NAMELESS, " ", 1, 1),
        NameFault(Unusable.RESERVED, "fraudlab.row", 4, 1),
    ]
    assert list(name_faults(["a", "b", "my.fraudlab.row"])) == []


def test_a_name_is_absent_once_for_each_key() -> None:
    names = ColumnNames(label="y", time="t", amount="m", features=("a", "m"), categorical=("a",))
    assert names.absent(["y", "t"]) == [
        ("data.amount", "m"),
        ("data.features", "a"),
        ("data.features", "m"),
        ("data.categorical", "a"),
    ]
    assert names.absent(["y", "t", "m", "a"]) == []
