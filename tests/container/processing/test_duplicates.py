import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.processing import duplicates
from fraudlab.container.processing.duplicates import find_duplicates


def repeats(**columns: Any) -> list[bool]:
    table = pa.table(columns)
    return find_duplicates(table, table.column_names).repeats.tolist()


def test_later_copies_are_repeats() -> None:
    found = find_duplicates(pa.table({"a": [1.0, 2.0, 1.0, 1.0], "b": ["x", "y", "x", "z"]}), ["a", "b"])
    assert found.repeats.tolist() == [False, False, True, False]
    assert found.groups == 1


def test_columns_that_are_left_out_do_not_tell_rows_apart() -> None:
    table = pa.table({"tx": ["1", "2"], "a": [5, 5]})
    assert find_duplicates(table, ["a"]).repeats.tolist() == [False, True]
    assert find_duplicates(table, ["tx", "a"]).repeats.tolist() == [False, False]


def test_missing_values_and_zeros_are_equal() -> None:
    negative_nan = np.frombuffer(np.uint64(0xFFF8000000000001).tobytes(), np.float64)[0]
    assert repeats(a=[np.nan, negative_nan, 0.0, -0.0]) == [False, True, False, True]
    assert repeats(a=pa.array([1, None, None, 0])) == [False, False, True, False]
    assert repeats(a=pa.array(["", None, None])) == [False, False, True]
    assert repeats(a=pa.array([1.0, None, np.nan])) == [False, False, True]


def test_equal_values_in_other_columns_are_not_equal_rows() -> None:
    assert repeats(a=[1.0, 2.0], b=[2.0, 1.0]) == [False, False]


def test_chunks_of_different_lengths() -> None:
    a = pa.chunked_array([[1, 2], [1], [2, 1]])
    b = pa.chunked_array([pa.array(["x"]), pa.array(["y", "x", "y", "z"])])
    assert find_duplicates(pa.table({"a": a, "b": b}), ["a", "b"]).repeats.tolist() == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_different_rows_that_meet_in_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hash, seeds = duplicates._mix, []

    def collide_at_first(hashes: Any, column: pa.ChunkedArray) -> None:
        if hashes[0] == 1:
            seeds.append(1)
            return
        by_hash(hashes, column)

    monkeypatch.setattr(duplicates, "_mix", collide_at_first)
    found = find_duplicates(pa.table({"a": [1, 2, 1]}), ["a"])
    assert seeds == [1]
    assert found.repeats.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("values", "repeats"),
    [
        ([[1], [1], [2], None, None, []], [False, True, False, False, True, False]),
        ([{"q": 1.0, "r": "x"}, {"q": 1.0, "r": "y"}, {"q": 1.0, "r": "x"}], [False, False, True]),
        (
            pa.array([[("k", 1)], [("k", 1)], [("k", 2)]], pa.map_(pa.string(), pa.int64())),
            [False, True, False],
        ),
    ],
)
def test_lists_and_structures_are_compared_by_what_they_hold(values: Any, repeats: list[bool]) -> None:
    """Such a column is no feature, and stays in the table that is searched for duplicates."""
    assert find_duplicates(pa.table({"a": values}), ["a"]).repeats.tolist() == repeats


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -0.0, 1.5, float("nan"), None]),
            st.sampled_from(["a", "b", None]),
            st.integers(0, 1),
        ),
        max_size=30,
    )
)
def test_agrees_with_comparing_every_pair(rows: list[tuple[float | None, str | None, int]]) -> None:
    seen: list[tuple[Any, ...]] = []
    expected = []
    for number, text, whole in rows:
        missing = number is None or math.isnan(number)
        key = (None if missing else number + 0.0, text, whole)
        expected.append(key in seen)
        seen.append(key)
    table = pa.table(
        {
            "a": pa.array([row[0] for row in rows], pa.float64()),
            "b": pa.array([row[1] for row in rows], pa.string()),
            "c": pa.array([row[2] for row in rows], pa.int32()),
        }
    )
    found = find_duplicates(table, ["a", "b", "c"])
    assert found.repeats.tolist() == expected
    repeated = [key for key, again in zip(seen, expected, strict=True) if again]
    assert found.groups == len(set(repeated))
