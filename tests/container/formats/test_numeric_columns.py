"""Reading raw tables; the exact sentence of every refusal."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.contract import Tree
from fraudlab.container.failure import TableError
from fraudlab.container.formats.numeric_columns import NotANumberError, numbers
from fraudlab.container.processing.raw import read_raw
from fraudlab.container.roles import read_roles


@pytest.fixture
def read(place: Any) -> Any:
    def run(table: Any, **roles: Any) -> pa.Table:
        tree: Tree = place(table, **roles)
        found = read_roles(tree.process_request)
        return read_raw(tree.raw / found.file, found)[0]

    return run


def refusal(read: Any, table: Any, **roles: Any) -> TableError:
    with pytest.raises(TableError) as caught:
        read(table, **roles)
    return caught.value


def test_csv_types(read: Any) -> None:
    table = read(
        "id,t,a,m,y\n007,1,0.5,NA,0\n,2,,,1\n", id=["id"], time="t", categorical=["m"], duplicates="flag"
    )
    assert table.column_names == ["id", "t", "a", "m", "y"]
    assert table.column("id").to_pylist() == ["007", ""]
    assert table.column("a").to_pylist() == [0.5, None]
    assert table.column("m").to_pylist() == ["NA", ""]
    assert table.column("t").type == pa.float64()


def test_only_what_is_needed_is_read_where_duplicates_are_kept(read: Any) -> None:
    text = "a,b,c,y\n1,2,x,0\n"
    assert read(text, drop=["c"], duplicates="keep").column_names == ["a", "b", "y"]
    assert read(text, drop=["c"], duplicates="drop").column_names == ["a", "b", "c", "y"]


def test_byte_order_mark_quotes_and_blank_lines(read: Any) -> None:
    table = read('\ufeff"a","y"\r\n"1.5",0\r\n\r\n2,1\r\n')
    assert table.column_names == ["a", "y"]
    assert table.column("a").to_pylist() == [1.5, 2.0]


def test_line_breaks_inside_quotes(read: Any) -> None:
    rows = "".join(f'{i},"line one\nline, two {i % 3}",{i % 2}\n' for i in range(2000))
    table = read("a,m,y\n" + rows, categorical=["m"])
    assert table.num_rows == 2000
    assert table.column("m")[1].as_py() == "line one\nline, two 1"


def test_true_and_false_are_numbers(read: Any) -> None:
    table = read("a,y\nTrue,false\nFalse,true\n,true\n")
    assert table.column("y").to_pylist() == [0.0, 1.0, 1.0]
    assert numbers(table.column("a"))[:2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "table.csv is empty"),
        ("a,b,y\n", "table.csv has a header but no rows"),
        ("a,b,y\n\n\n", "table.csv has a header but no rows"),
        ("a,b,y\n1,2\n", "row 1 of table.csv has 2 values where the header has 3"),
        ("a,b,y\n1,2,0\n1,2,1\n1,2,3,4\n", "row 3 of table.csv has 4 values where the header has 3"),
        ("a,a,y\n1,2,0\n", "table.csv has 2 columns named 'a'"),
        ("a,b,class\n1,2,0\n", "table.csv has no column 'y'"),
        (
            b"a\xff,y\n1,0\n",
            "table.csv cannot be read: it is not UTF-8 text at byte 1 (0xff, in line 1)",
        ),
    ],
)
def test_csv_refusals(read: Any, text: str | bytes, sentence: str) -> None:
    found = refusal(read, text)
    assert found.sentence.startswith(sentence)
    assert found.exit_code == 3
    assert found.fix


def test_missing_column_suggests_the_near_one(read: Any) -> None:
    assert refusal(read, "a,Class\n1,0\n", label="class").sentence == (
        "table.csv has no column 'class' (did you mean 'Class'?)"
    )


def test_missing_file(place: Any) -> None:
    tree = place("a,y\n1,0\n")
    (tree.raw / "table.csv").unlink()
    roles = read_roles(tree.process_request)
    with pytest.raises(TableError) as caught:
        read_raw(tree.raw / "table.csv", roles)
    assert caught.value.sentence == "there is no file table.csv"


def test_parquet_refusals(read: Any, place: Any, frauds: pa.Table) -> None:
    assert refusal(read, frauds.slice(0, 0)).sentence == "table.parquet has columns but no rows"
    tree = place(frauds)
    path: Path = tree.raw / "table.parquet"
    whole = path.read_bytes()
    roles = read_roles(tree.process_request)
    for damaged in (b"PAR1 is not enough", whole[:-40], whole[: len(whole) // 2] + bytes(60) + whole[-600:]):
        path.write_bytes(damaged)
        with pytest.raises(TableError, match=r"^table.parquet is not a readable Parquet file: "):
            read_raw(path, roles)
    path.write_bytes(b"")
    with pytest.raises(TableError, match=r"^table.parquet is empty$"):
        read_raw(path, roles)


def test_parquet_with_two_columns_of_one_name(read: Any) -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0]), pa.array([0])], names=["a", "a", "y"])
    assert refusal(read, table).sentence == "table.parquet has 2 columns named 'a'"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 3], pa.int64()),
        ([1.0, None, 3.0], pa.float32()),
        ([True, None, False], pa.bool_()),
        (["1", "", "3"], pa.string()),
        ([1, None, 3], pa.decimal128(9, 2)),
        ([1, None, 3], pa.uint8()),
    ],
)
def test_numbers_of_every_type(values: list[Any], kind: pa.DataType) -> None:
    found = numbers(pa.chunked_array([pa.array(values[:2], kind), pa.array(values[2:], kind)]))
    assert found.dtype == np.float64
    last = 0.0 if kind == pa.bool_() else 3.0
    np.testing.assert_array_equal(found, [1.0, np.nan, last])


def test_numbers_in_dictionaries_and_columns_of_nothing() -> None:
    column = pa.chunked_array(
        [pa.array([1.5, 2.5]).dictionary_encode(), pa.array([2.5, 3.5]).dictionary_encode()]
    )
    assert numbers(column).tolist() == [1.5, 2.5, 2.5, 3.5]
    assert np.isnan(numbers(pa.chunked_array([pa.nulls(3)]))).all()


def test_the_first_value_that_is_no_number() -> None:
    with pytest.raises(NotANumberError) as caught:
        numbers(pa.chunked_array([["1", "2"], ["x", "y"]]))
    assert (caught.value.value, caught.value.row) == ("x", 3)
    with pytest.raises(NotANumberError) as caught:
        numbers(pa.chunked_array([pa.array([None, [1]])]))
    assert (caught.value.value, caught.value.row) == ([1], 2)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=40))
def test_every_double_survives_csv(
    tmp_path_factory: pytest.TempPathFactory, values: list[float | None]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    text = "a,y\n" + "".join(f"{'' if value is None else repr(value)},0\n" for value in values)
    (folder / "table.csv").write_text(text)
    roles = _roles(folder)
    table, header = read_raw(folder / "table.csv", roles)
    assert header == ["a", "y"]
    np.testing.assert_array_equal(
        numbers(table.column("a")), [np.nan if value is None else value for value in values]
    )


def _roles(folder: Path) -> Any:
    import json

    content = {"file": "table.csv", "label": "y", "duplicates": "keep", "scale": "none", "seed": 1}
    split = {"kind": "stratified", "train": 0.6, "validation": 0.2, "test": 0.2}
    (folder / "process.json").write_text(json.dumps({**content, "split": split}))
    return read_roles(folder / "process.json")


def test_parquet_is_read_with_its_types(read: Any, frauds: pa.Table) -> None:
    table = read(frauds, id=["tx"], time="t", categorical=["merchant"], duplicates="flag")
    assert table.schema.types == frauds.schema.types
