"""Raw columns as labels, times, amounts, numbers and categories; the exact sentence of every refusal."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.failure import TableError
from fraudlab.container.formats.columns import amounts, category, feature, labels


def column(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    "given",
    [
        column(0, 1, 0),
        column(0.0, 1.0, 0.0),
        column(False, True, False),
        column("0", "1", "0"),
        column("false", "True", "0"),
        column(0, 1, 0, kind=pa.int8()),
    ],
)
def test_labels(given: pa.ChunkedArray) -> None:
    found = labels(given, "y")
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (column(0, 1, 2), "label column 'y' holds 2 in row 3; a label is 0 or 1"),
        (column(0, -1), "label column 'y' holds -1 in row 2; a label is 0 or 1"),
        (column(0.5, 1.0), "label column 'y' holds 0.5 in row 1; a label is 0 or 1"),
        (column(0.0, float("inf")), "label column 'y' holds inf in row 2; a label is 0 or 1"),
        (column("0", "fraud"), "label column 'y' holds 'fraud' in row 2; a label is 0 or 1"),
        (column(0, 1, None, None), "label column 'y' is missing in row 3 (2 of 4 rows)"),
        (column(float("nan"), 1.0), "label column 'y' is missing in row 1 (1 of 2 rows)"),
        (column(*[0] * 1200), "label column 'y' has no fraud in 1,200 rows"),
        (column(1, 1), "label column 'y' has nothing but fraud in 2 rows"),
    ],
)
def test_labels_refused(given: pa.ChunkedArray, sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        labels(given, "y")
    assert caught.value.sentence == sentence
    assert caught.value.fix


def test_features_are_rounded_by_way_of_double() -> None:
    found = feature(column("0.1", "", "True"), "a")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32([0.1, np.nan, 1.0]))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (column("1", "abc"), "column 'a' is not numeric: row 2 holds 'abc'"),
        (
            column(None, dt.date(2020, 1, 1)),
            "column 'a' is not numeric: row 2 holds datetime.date(2020, 1, 1)",
        ),
        (column(1.0, float("inf")), "column 'a' is infinite in row 2"),
        (column(1.0, -1e300), "column 'a' is -1e+300, too large for 32 bits, in row 2"),
    ],
)
def test_features_refused(given: pa.ChunkedArray, sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        feature(given, "a")
    assert caught.value.sentence == sentence
    assert "data.drop" in caught.value.fix


def test_amounts() -> None:
    np.testing.assert_array_equal(amounts(column(1e300, None), "x"), [1e300, np.nan])
    with pytest.raises(TableError, match="column 'x' is not numeric: row 1 holds 'five'"):
        amounts(column("five"), "x")
    with pytest.raises(TableError, match="column 'x' is infinite in row 1"):
        amounts(column(float("inf")), "x")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (column("b", None, "a", "", "b"), ["b", None, "a", None, "b"]),
        (column(3, None, 4), ["3", None, "4"]),
        (column(3.0, 2.5, float("nan")), ["3", "2.5", None]),
        (column(True, False), ["true", "false"]),
        (
            pa.chunked_array([pa.array(["x"]).dictionary_encode(), pa.array(["y"]).dictionary_encode()]),
            ["x", "y"],
        ),
        (pa.chunked_array([pa.nulls(2)]), [None, None]),
    ],
)
def test_categories(given: pa.ChunkedArray, names: list[str | None]) -> None:
    found = category(given, "m")
    assert found.to_pylist() == names
    assert found.dictionary.null_count == 0


def test_what_has_no_name_is_no_category() -> None:
    for given in (column([1]), column(dt.date(2020, 1, 1))):
        with pytest.raises(TableError, match="column 'm' holds values of type .*, which are no categories"):
            category(given, "m")
