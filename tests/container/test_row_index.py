"""What numbers the rows: one rule for the process job and for the image's own train."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.failure import TableError, override
from fraudlab.container.row_index import counts_from, is_given_name, may_be, reason

ROWS = 400
COUNT = np.arange(ROWS, dtype=np.float64)
SHUFFLED = np.random.default_rng(3).permutation(COUNT)
SOME = np.flatnonzero(np.random.default_rng(4).random(9 * ROWS) < 0.1)[:300].astype(np.float64)
REAL = np.random.default_rng(5).normal(size=ROWS)


def why(name: str, column: Any) -> str | None:
    column = np.asarray(column, np.float64)
    found = reason(name, column, [slice(0, column.size)])
    # What is passed over by a look at the first rows must be none.
    assert found is None or may_be(name, column[:10])
    return found


@pytest.mark.parametrize("name", ["tx", "Unnamed: 3", "index", "V1", "a"])
@pytest.mark.parametrize("start", [0, 1])
def test_what_counts_the_rows_is_an_index_under_any_name(name: str, start: int) -> None:
    assert why(name, COUNT + start) == f"it counts the rows from {start}"


@pytest.mark.parametrize(
    "name",
    ["index", "Index", "idx", "level_0", "level_1", "row", "row_id", "row id", "RowNumber", "row.names"],
)  # fmt: skip
@pytest.mark.parametrize("column", [SHUFFLED, SOME, np.random.default_rng(6).permutation(SOME), COUNT + 7])
def test_a_usual_name_and_another_whole_number_in_every_row(name: str, column: Any) -> None:
    assert why(name, column) == "it holds another whole number in every row"


@pytest.mark.parametrize("name", ["X", "X.1", "X1", "V1", "...1", "id", "ID", "no", "nr", "#"])
@pytest.mark.parametrize(
    ("column", "is_one"),
    [(SHUFFLED, True), (SHUFFLED + 1, True), (SOME, True), (SOME[::-1], False)],
)  # fmt: skip
def test_a_name_that_features_have_as_well(name: str, column: Any, is_one: bool) -> None:
    assert (why(name, column) is not None) == is_one


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("index", COUNT // 2),  # a real feature: a number more than once
        ("index", REAL),
        ("index", np.abs(REAL)),
        ("index", -COUNT),
        ("index", np.where(COUNT == 5, np.nan, SHUFFLED)),
        ("V1", REAL),
        ("X", np.round(REAL * 100)),
        ("amount", SHUFFLED),
        ("level", SOME),
        ("a", COUNT + 2),
        ("a", COUNT * 2),
        ("a", np.arange(9)),  # too few rows to count
        ("index", np.array([3, 1, 2])),
    ],
)
def test_what_is_no_index(name: str, column: Any) -> None:
    assert why(name, column) is None


def test_names_that_only_a_library_gives() -> None:
    for name in ("__index_level_0__", "__index_level_12__", "Unnamed: 0", "Unnamed: 0.1", "Unnamed: 0.1.1"):
        assert is_given_name(name)
    for name in ("Unnamed: 32", "Unnamed", "index_level_0", "index"):
        assert not is_given_name(name)


def test_a_count_that_begins_anew_in_every_file() -> None:
    column = np.concatenate([np.arange(15), np.arange(3), np.arange(3, 9)])
    assert counts_from(column, [slice(0, 15), slice(15, 18), slice(18, 24)]) == 0
    assert counts_from(column, [slice(0, 24)]) is None


def test_process_refuses_every_index_at_once(prepare: Any, frauds: pa.Table) -> None:
    table = frauds.append_column("index", pa.array(SHUFFLED.astype(np.int32)))
    with pytest.raises(TableError) as caught:
        prepare(table, drop=["t"], categorical=["merchant"])
    assert caught.value.sentence == (
        "column 'tx' is a row index: it counts the rows from 0,"
        " and column 'index' is a row index: it holds another whole number in every row"
    )
    assert caught.value.fix == (
        "write the table with index=False, or add data.drop=[t,tx,index]; data.features keeps what it names"
    )


def test_process_knows_an_index_by_its_name_alone(prepare: Any, frauds: pa.Table) -> None:
    table = frauds.append_column("Unnamed: 0", pa.array(REAL)).append_column("Unnamed: 0.1", pa.array(REAL))
    with pytest.raises(TableError) as caught:
        prepare(table, id=["tx"], time="t", categorical=["merchant"])
    assert caught.value.sentence == (
        "column 'Unnamed: 0' is the row index pandas left behind,"
        " and column 'Unnamed: 0.1' is the row index pandas left behind"
    )
    assert 'add \'data.drop=["Unnamed: 0","Unnamed: 0.1"]\'; data.features' in caught.value.fix


def test_process_knows_an_index_that_pandas_noted(prepare: Any, frauds: pa.Table) -> None:
    noted = frauds.replace_schema_metadata({"pandas": '{"index_columns": ["a"]}'})
    with pytest.raises(TableError) as caught:
        prepare(noted, id=["tx"], time="t", categorical=["merchant"])
    assert caught.value.sentence == "column 'a' was the index of the frame that pandas wrote"
    assert prepare(noted, id=["tx", "a"], time="t", categorical=["merchant"])["columns"][0]["name"] == "b"


def test_what_data_features_names_is_kept(prepare: Any, frauds: pa.Table) -> None:
    table = frauds.append_column("__index_level_0__", pa.array(COUNT))
    manifest = prepare(table, features=["tx", "__index_level_0__"])
    assert [column["name"] for column in manifest["columns"]] == ["tx", "__index_level_0__"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a", "b_2"], "data.drop=[a,b_2]"),
        (["Unnamed: 0", "a"], "'data.drop=[\"Unnamed: 0\",a]'"),
        (["true", "1"], '\'data.drop=["true","1"]\''),
        (["it's"], "'data.drop=[\"it'\"'\"'s\"]'"),
    ],
)
def test_names_as_an_override(names: list[str], text: str) -> None:
    assert override("data.drop", names) == text
