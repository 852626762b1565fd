from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from fraudlab.container.contract import Fields
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.scaling import Scaling, fit_scaling

COLUMNS = [Column("a"), Column("m", ("bar", "casino")), Column("b")]


def test_numbers_and_codes_side_by_side() -> None:
    batch = pa.record_batch(
        {
            "a": np.float32([1.5, np.nan, 3.0]),
            "m": pa.array(["casino", "kiosk", None]).dictionary_encode(),
            "b": np.float32([4.0, 5.0, 6.0]),
        }
    )
    matrix = np.empty((3, 3), np.float32)
    assert Features(COLUMNS).fill(matrix, batch) == {"m": 1}
    np.testing.assert_array_equal(matrix, [[1.5, 1, 4], [np.nan, np.nan, 5], [3, np.nan, 6]])


def test_unseen_is_counted_and_missing_is_not() -> None:
    texts = ["bar", None, "kiosk", "casino", "", "kiosk"]
    codes, unseen = Features(COLUMNS).encode(1, texts)
    np.testing.assert_array_equal(codes, np.float32([0, np.nan, np.nan, 1, np.nan, np.nan]))
    assert unseen.tolist() == [False, False, True, False, False, True]
    again, count = Features(COLUMNS).encode_dictionary(1, pa.array(texts).dictionary_encode())
    np.testing.assert_array_equal(again, codes)
    assert count == 2


def test_scaling_leaves_categories_and_missing_values_alone() -> None:
    features = Features(COLUMNS, Scaling(np.array([1.0, 0.0, 10.0]), np.array([2.0, 1.0, 5.0])))
    matrix = np.float32([[3.0, 1.0, 10.0], [np.nan, np.nan, 20.0]])
    np.testing.assert_array_equal(features.scaled(matrix), np.float32([[1, 1, 0], [np.nan, np.nan, 2]]))
    np.testing.assert_array_equal(matrix, np.float32([[3.0, 1.0, 10.0], [np.nan, np.nan, 20.0]]))


def test_a_quotient_beyond_float32_is_the_largest_number() -> None:
    features = Features(COLUMNS, Scaling(np.zeros(3), np.array([1e-3, 1.0, 1.0])))
    largest = np.finfo(np.float32).max
    found = features.scaled(np.float32([[largest, 0, 1], [-largest, 1, np.nan]]))
    np.testing.assert_array_equal(found, np.float32([[largest, 0, 1], [-largest, 1, np.nan]]))


@given(
    st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32) | st.just(float("nan")), min_size=3, max_size=3),
        min_size=2,
        max_size=40,
    )
)
def test_scaling_is_that_of_scikit_learn(rows: list[list[float]]) -> None:
    values = np.array(rows, np.float32)
    values[:, 2] = values[0, 0] if not np.isnan(values[0, 0]) else 3.0
    if np.isnan(values).all(axis=0).any():
        return
    expected = StandardScaler().fit(values.astype(np.float64))
    found = fit_scaling(list(values.T))
    np.testing.assert_allclose(found.mean, expected.mean_, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(found.std, expected.scale_, rtol=1e-9, atol=1e-9)


def test_scaling_of_columns_that_do_not_vary() -> None:
    found = fit_scaling([np.float32([0.1] * 1000), np.float32([np.nan, np.nan]), None, np.float32([1, 3])])
    assert found.std.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert found.mean.tolist() == [float(np.float32(0.1)), 0.0, 0.0, 2.0]


@pytest.mark.parametrize("scaling", [None, Scaling(np.array([1.0, 0.0, 3.0]), np.array([2.0, 1.0, 4.0]))])
def test_json_round_trip(scaling: Scaling | None) -> None:
    written = Features(COLUMNS, scaling).as_json()
    assert written["columns"][0] == {"name": "a", "type": "number"}
    assert written["columns"][1] == {"name": "m", "type": "category", "categories": ["bar", "casino"]}
    if scaling:
        assert written["preprocessing"]["scale"] == {"mean": [1.0, None, 3.0], "std": [2.0, None, 4.0]}
    read = read_features(Fields(written, source="x"))
    assert read.as_json() == written
    assert read.names == ["a", "m", "b"]


@pytest.mark.parametrize(
    "content",
    [
        {"columns": [], "preprocessing": {}},
        {"columns": [{"name": "a"}], "preprocessing": {}},
        {"columns": [{"name": "a", "type": "number"}]},
        {"columns": ["a"], "preprocessing": {}},
        {"columns": [{"name": "a", "type": "category", "categories": ["x", "x"]}], "preprocessing": {}},
        {"columns": [{"name": "a", "type": "number"}], "preprocessing": {"scale": {"mean": [1]}}},
        {
            "columns": [{"name": "a", "type": "number"}],
            "preprocessing": {"scale": {"mean": [1, 2], "std": [1, 2]}},
        },
        {
            "columns": [{"name": "a", "type": "number"}],
            "preprocessing": {"scale": {"mean": ["1"], "std": [1]}},
        },
        {"columns": [{"name": "a", "type": "number"}] * 2, "preprocessing": {}},
        {"columns": [{"name": "a", "type": "number"}], "preprocessing": {"scale": {"mean": [1], "std": [0]}}},
    ],
)
def test_malformed_descriptions(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        read_features(Fields(content, source="model.json"))
