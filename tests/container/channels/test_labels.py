"""Labels, weights and indices."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.failure import ConfigError

from .example_channel import (
    FORMATS,
    LABEL,
    MATRIX,
    NAN,
    as_csv,
    as_libsvm,
    as_recordio,
    as_table,
    read,
    refusal,
    sentence,
)


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize(("value", "shown"), [(2, "2"), (-1, "-1"), (0.5, "0.5"), (NAN, "missing")])
def test_other_labels(folder: Path, content_type: str, value: float, shown: str) -> None:
    write, _ = FORMATS[content_type]
    label = LABEL.astype(float)
    label[123] = value
    found = sentence(folder, {"a": write(label[:100], MATRIX[:100]), "b": write(label[100:], MATRIX[100:])})
    name = "the label 'y'" if content_type == "application/x-parquet" else "the label"
    assert found == f"{name} in row 24 of b is {shown}; a label is 0 or 1"


def test_labels_may_be_decimals_and_parquet_has_booleans(folder: Path) -> None:
    assert read(folder, {"a": "1.0,2\n0.0,3\n1e0,3\n"}).label.tolist() == [1, 0, 1]
    assert read(folder, {"a": pa.table({"y": [True, False], "a": [1, 2]})}).label.tolist() == [1, 0]


def counting(first: int, rows: int = 10) -> list[list[Any]]:
    return [[number % 2, first + number, number * 1.5] for number in range(rows)]


def lines(rows: list[list[Any]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "write", [as_csv, as_recordio, as_table, lambda label, matrix: as_libsvm(label, matrix, 0)]
)
def test_a_feature_that_counts_the_rows(folder: Path, first: int, write: Any) -> None:
    rows = np.array(counting(first, 30))
    files = {
        "a": write(rows[:20, 0].astype(int), rows[:20, 1:]),
        "b": write(rows[20:, 0].astype(int), rows[20:, 1:]),
    }
    error = refusal(folder, files)
    name = "v0" if write is as_table else "f0"
    assert error.sentence == (
        f"column {name!r} of channel train is an index column: it counts the rows from {first}"
    )
    assert error.fix == (
        "leave the index out: pandas writes none with index=False;"
        " or set keep_counter=true, if it is a feature"
    )
    found = read(folder, {}, keep_counter=True)
    assert found.matrix[:, 0].tolist() == list(range(first, first + 30))


def test_a_feature_that_counts_the_rows_wherever_it_stands(folder: Path) -> None:
    rows = [[number % 2, number * 1.5, number] for number in range(30)]
    error = refusal(folder, {"a": lines(rows)})
    assert error.sentence == "column 'f1' of channel train is an index column: it counts the rows from 0"
    assert read(folder, {}, keep_counter=True).names == ("f0", "f1")


def test_an_index_that_was_shuffled_with_its_rows(folder: Path) -> None:
    numbers = np.random.default_rng(2).permutation(30)
    table = pa.table({"y": [number % 2 for number in range(30)], "a": numbers, "index": numbers})
    error = refusal(folder, {"a": table})
    assert error.sentence == (
        "column 'index' of channel train is an index column: it holds another whole number in every row"
    )
    assert read(folder, {}, keep_counter=True).names == ("a", "index")


@pytest.mark.parametrize("keep_counter", [True, False])
def test_a_label_that_counts_the_rows(folder: Path, keep_counter: bool) -> None:
    error = refusal(folder, {"a": lines([row[1:] for row in counting(1)])}, keep_counter=keep_counter)
    assert error.sentence == "the label of channel train is an index column: it counts the rows from 1"
    assert error.fix == "leave the index out: pandas writes none with index=False"


def test_a_weight_that_counts_the_rows(folder: Path) -> None:
    error = refusal(folder, {"a": lines(counting(1))}, csv_weights=True)
    assert error.sentence == "the weight of channel train is an index column: it counts the rows from 1"


def test_an_index_that_begins_anew_in_every_file(folder: Path) -> None:
    files = {"a": lines(counting(0, 15)), "b": lines(counting(0, 3)), "c": lines(counting(3, 3))}
    assert "is an index column" in sentence(folder, files)


@pytest.mark.parametrize(
    "files",
    [
        {"a": lines(counting(0, 9))},
        {"a": lines(counting(2, 30))},
        {"a": lines(counting(-1, 30))},
        {"a": lines([*counting(0, 30), [0, 5, 5]])},
        {"a": lines(counting(0, 30)), "b": lines(counting(31, 30))},
        {f"{number}": "0,0,2\n1,1,3\n" for number in range(10)},
        {f"{number}": f"{number % 2},0,2\n" for number in range(20)},
    ],
)
def test_what_is_no_index(folder: Path, files: Any) -> None:
    assert read(folder, files).names == ("f0", "f1")


def test_an_index_is_found_beyond_what_float32_counts(folder: Path) -> None:
    from fraudlab.container.channels.channel_rows import Part, _counts_from

    rows = (1 << 24) + 1000
    column = np.arange(rows).astype(np.float32)
    assert _counts_from(column, [Part("a", 0, rows)]) == 0
    column[-1] += 4
    assert _counts_from(column, [Part("a", 0, rows)]) is None


def test_csv_weights(folder: Path) -> None:
    found = read(folder, {"a": "1,2.5,7\n0,1,8\n"}, "text/csv", csv_weights=True)
    assert found.weight is not None
    assert found.weight.tolist() == [2.5, 1]
    assert found.weight.dtype == np.float32
    assert found.matrix.tolist() == [[7], [8]]
    assert found.names == ("f0",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0", "0"), ("-1", "-1"), ("", "missing"), ("inf", "inf"), ("1e39", "1e+39"), ("1e-50", "1e-50")],
)
def test_other_weights(folder: Path, value: str, shown: str) -> None:
    found = sentence(folder, {"a": f"1,2.5,7\n0,{value},8\n"}, "text/csv", csv_weights=True)
    assert found == f"the weight in row 2 of a is {shown}; a weight is above 0 and finite"


def test_weights_are_for_csv(folder: Path) -> None:
    error = refusal(folder, {"a": as_table(LABEL, MATRIX)}, csv_weights=True)
    assert isinstance(error, ConfigError)
    assert error.sentence == "csv_weights is set, and channel train is application/x-parquet"
