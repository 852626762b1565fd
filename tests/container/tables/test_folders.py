"""Tables of several files: partitions, types, headers, order."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.failure import TableError
from fraudlab.container.tables.folders import table_files
from fraudlab.container.tables.reading import find_layout, read_table


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            parquet.write_table(pa.table(content), path)
        else:
            path.write_text(content)
    return folder


def read(folder: Path) -> pa.Table:
    layout, found = find_layout(folder, table_files(folder)[0], name="t")
    return read_table(folder, layout, columns=found.columns, numeric={"a", "label"})


def test_a_partitioned_folder_has_its_keys_as_columns(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "day=2023-01-02/part-0.parquet": {"a": [3.0], "label": [1]},
            "day=2023-01-01/part-1.parquet": {"a": [2.0], "label": [0]},
            "day=2023-01-01/part-0.parquet": {"a": [1.0], "label": [0]},
            "day=__HIVE_DEFAULT_PARTITION__/part-0.parquet": {"a": [4.0], "label": [0]},
            "_SUCCESS": "",
            "_metadata": "x",
            ".part.parquet.crc": "x",
            "_temporary/0/part.parquet": "x",
        },
    )
    assert read(folder).to_pydict() == {
        "a": [1.0, 2.0, 3.0, 4.0],
        "label": [0, 0, 1, 0],
        "day": ["2023-01-01", "2023-01-01", "2023-01-02", None],
    }


def test_csv_files_of_one_header(tmp_path: Path) -> None:
    folder = write(tmp_path, {"2.csv": "a,label\n2,1\n", "1.csv": "a,label\n1,0\n", "0.csv": "a,label\n"})
    assert read(folder).to_pydict() == {"a": [1.0, 2.0], "label": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        (pa.array([1], pa.int32()), pa.array([2], pa.int64()), pa.int64()),
        (pa.array([1], pa.int64()), pa.array([2.5]), pa.float64()),
        (pa.array([1.0], pa.float32()), pa.array([2.5]), pa.float64()),
        (pa.array(["x"]), pa.array(["y"]).dictionary_encode(), pa.string()),
        (pa.array(["x"], pa.large_string()), pa.array(["y"], pa.string_view()), pa.string()),
        (pa.nulls(1), pa.array(["y"]), pa.string()),
        (pa.array([1], pa.timestamp("s")), pa.array([1], pa.timestamp("us")), pa.timestamp("us")),
    ],
)
def test_types_that_go_together(tmp_path: Path, one: Any, two: Any, kind: Any) -> None:
    table = read(write(tmp_path, {"1.parquet": {"c": one}, "2.parquet": {"c": two}}))
    assert (table.schema.field("c").type, table.num_rows) == (kind, 2)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"1.parquet": {"c": [1]}, "2.parquet": {"c": ["x"]}},
            "'c' is int64 in 1.parquet and string in 2",
        ),
        (
            {"1.parquet": {"c": [1]}, "2.parquet": {"c": [True]}},
            "'c' is int64 in 1.parquet and bool in 2",
        ),
        (
            {"1.parquet": {"c": [1]}, "2.parquet": {"d": [1]}},
            "2.parquet lacks 'c' and also has 'd', unlike",
        ),
        (
            {"1.parquet": {"c": [2**53 + 1]}, "2.parquet": {"c": [0.5]}},
            "'c' of 1.parquet does not fit",
        ),
        (
            {"1.csv": "a,label\n1,0\n", "2.csv": "b,label\n1,0\n"},
            "2.csv lacks 'a' and also has 'b', unlike",
        ),
        ({"1.csv": "a,label\n1,0\n", "2.csv": "label,a\n1,0\n"}, "2.csv has its columns in another"),
        (
            {"1.csv": "a,label\n1,0\n", "2.csv": "a,label\nx,0\n"},
            "'a' is not numeric: row 1 of 2.csv",
        ),
        ({"1.csv": "a,label\n1,0\n", "2.csv": "a,label\n1\n"}, "row 1 of 2.csv has 1 values"),
        ({"1.csv": "a,label\n1,0\n", "2.csv": ""}, "2.csv is empty"),
        ({"1.csv": "a,label\n1,0\n", "2.parquet": {"a": [1]}}, "t holds Parquet (2.parquet) and other files"),
        ({"d=1/1.csv": "a,label\n1,0\n", "2.csv": "a,label\n1,0\n"}, "the folders of t name the columns"),
        ({"d=1/1.parquet": {"d": [2]}}, "lies in a folder d=1, and its column 'd' holds 2"),
    ],
)
def test_files_that_do_not_go_together(tmp_path: Path, files: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        read(write(tmp_path, files))
    assert sentence in caught.value.sentence
