"""Parquet: types, names and damage."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from .example_channel import LABEL, MATRIX, NAN, as_table, assert_is_the_table, put, read, refusal, sentence


def test_parquet_types(folder: Path) -> None:
    table = pa.table(
        {
            "label": pa.array([1, 0, 1], pa.int8()),
            "f4": pa.array([0.1, None, 3], pa.float32()),
            "f8": pa.array([0.1, None, 3]),
            "f2": pa.array(np.array([0.5, 1, 2], np.float16)),
            "i8": pa.array([1, None, 3]),
            "u1": pa.array([1, 2, 255], pa.uint8()),
            "b": pa.array([True, None, False]),
            "d": pa.array([Decimal("1.25"), None, Decimal(-3)], pa.decimal128(9, 2)),
            "n": pa.nulls(3),
        }
    )
    found = read(folder, {"a": table})
    assert found.names == tuple(table.column_names[1:])
    expected = [
        [0.1, 0.1, 0.5, 1, 1, 1, 1.25, NAN],
        [NAN, NAN, 1, NAN, 2, NAN, NAN, NAN],
        [3, 3, 2, 3, 255, 0, -3, NAN],
    ]
    np.testing.assert_array_equal(found.matrix, np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["a", "b"], "string"),
        ([[1], [2]], "list<element: int64>"),
        (pa.array([1, 2], pa.timestamp("us")), "timestamp[us]"),
        (pa.array([1, 2], pa.date32()), "date32[day]"),
        (pa.array(["a", "b"]).dictionary_encode(), "dictionary<values=string, indices=int32, ordered=0>"),
        ([{"x": 1}, {"x": 2}], "struct<x: int64>"),
    ],
)
@pytest.mark.parametrize("name", ["y", "country"])
def test_parquet_that_is_not_numeric(folder: Path, column: Any, kind: str, name: str) -> None:
    columns = {"y": [0, 1], "country": [1.0, 2.0], name: column}
    error = refusal(folder, {"a.parquet": pa.table(columns)})
    assert error.sentence == f"column {name!r} of a.parquet is of type {kind}, which is not numeric"
    assert error.fix == "write it as numbers, or leave it out"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (pa.table({"y": [0, 1]}), "a has 1 column; a row is the label, then the features"),
        (
            pa.table([[0, 1], [1.0, 2.0], [1.0, 2.0]], names=["y", "v", "v"]),
            "a has 2 columns named 'v'",
        ),
        (pa.table({"y": [0, 1], "Unnamed: 0": [5, 9]}), "column 'Unnamed: 0' of a is an index column"),
        (pa.table({"Unnamed: 0": [0, 1], "y": [0, 1]}), "column 'Unnamed: 0' of a is an index column"),
        (
            pa.table({"y": [0, 1], "v": [2, 3], "__index_level_0__": [5, 9]}),
            "column '__index_level_0__' of a is an index column",
        ),
    ],
)
def test_refused_parquet(folder: Path, table: pa.Table, sentence: str) -> None:
    assert refusal(folder, {"a": table}).sentence == sentence


def test_an_index_that_pandas_named(folder: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"y": [0, 1], "v": [2.5, 3.5]}, index=pd.Index([7, 9], name="tx"))
    put(folder, {})
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    assert read(folder, {}).names == ("v",)
    assert read(folder, {}, keep_counter=True).names == ("v", "tx")
    frame.to_parquet(folder / "a.parquet", index=False)
    assert read(folder, {}).names == ("v",)


@pytest.mark.parametrize(
    "index",
    [
        [7, 9, 4],
        ["a", "b", "c"],
        [[1, 1, 2], ["x", "y", "z"]],
    ],
    ids=["numbers", "texts", "two levels"],
)
def test_an_index_without_a_name_or_of_texts_is_left_out(folder: Path, index: Any) -> None:
    import pandas as pd

    frame = pd.DataFrame({"y": [0, 1, 1], "v": [2.5, 3.5, 4.5]}, index=index)
    put(folder, {})
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    found = read(folder, {})
    assert found.names == ("v",)
    assert (found.label.tolist(), found.matrix.tolist()) == ([0, 1, 1], [[2.5], [3.5], [4.5]])


def test_files_with_and_without_an_index_have_the_same_columns(folder: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"y": [0, 1], "v": [2.5, 3.5]}, index=pd.Index([7, 9], name="tx"))
    put(folder, {})
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    frame.to_parquet(folder / "b.parquet", index=False)
    assert read(folder, {}).matrix.tolist() == [[2.5], [3.5], [2.5], [3.5]]


def test_parquet_metadata_that_pandas_did_not_write(folder: Path) -> None:
    for noted in (b"{", b"[]", b'{"index_columns": 3}', b'{"index_columns": [{"kind": "range"}]}'):
        table = as_table(LABEL, MATRIX).replace_schema_metadata({b"pandas": noted})
        assert_is_the_table(read(folder, {"a": table}))


def test_a_label_column_that_is_an_index_cannot_be_kept(folder: Path) -> None:
    table = pa.table({"Unnamed: 0": [0, 1], "y": [0, 1]})
    error = refusal(folder, {"a": table}, keep_counter=True)
    assert error.sentence == "column 'Unnamed: 0' of a is an index column"
    assert error.fix == "leave the index out: pandas writes none with index=False"


def test_parquet_files_that_differ(folder: Path) -> None:
    table = pa.table({"y": [0, 1], "a": [1, 2], "b": [1, 2]})
    error = refusal(folder, {"1": table, "2": table.select(["y", "b", "a"])})
    assert error.sentence == "column 2 of 2 is 'b', and of 1 'a'"
    assert error.fix == "give both the same columns in the same order"
    found = sentence(folder, {"2": table.select(["y", "a"])})
    assert found == "2 has 1 feature column, and 1 has 2"
    found = read(folder, {"2": table.set_column(1, "a", pa.array([0.5, 1.5]))})
    assert found.matrix[:, 0].tolist() == [1, 2, 0.5, 1.5]


def test_a_parquet_channel_beside_train(tmp_path: Path) -> None:
    folder = tmp_path / "validation"
    table = pa.table({"y": [0, 0], "a": [1, 2], "b": [1, 2]})
    assert read(folder, {"1": table}, columns=("a", "b")).names == ("a", "b")
    found = sentence(folder, {}, columns=("b", "a"))
    assert found == "column 2 of channel validation is 'a', and of channel train 'b'"


def test_parquet_of_many_batches(folder: Path) -> None:
    rows = 20_000
    values = np.random.default_rng(4).normal(size=rows)
    table = pa.table({"y": np.arange(rows) % 2, "v": values})
    found = read(folder, {"a": table, "b": table})
    np.testing.assert_array_equal(found.matrix[:, 0], np.tile(values, 2).astype(np.float32))
    values[15_000] = np.inf
    found = sentence(folder, {"b": pa.table({"y": np.arange(rows) % 2, "v": values})})
    assert found == "column 'v' is infinite in row 15001 of b"


def test_damaged_parquet(folder: Path) -> None:
    path = put(folder, {"a.parquet": as_table(LABEL, MATRIX)}) / "a.parquet"
    content = path.read_bytes()
    assert sentence(folder, {"a.parquet": content[:-20]}).startswith("a.parquet is not readable Parquet: ")
    broken = bytearray(content)
    broken[4:600] = bytes(596)
    assert sentence(folder, {"a.parquet": bytes(broken)}).startswith("a.parquet is not readable Parquet: ")
