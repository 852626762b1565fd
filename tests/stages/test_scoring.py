"""Rows through an endpoint: written exactly, in order, and counted."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.errors import EndpointError
from fraudlab.stages.scoring import csv_rows, score_rows


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_numbers_are_written_so_that_they_are_read_back_exactly(values):
    column = np.array(values, dtype=np.float32)
    text = csv_rows(pa.table({"a": column, "b": column}))
    read = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.float64, ndmin=2).astype(np.float32)
    assert np.array_equal(read[:, 0], column)


def test_missing_values_are_empty_fields_and_texts_are_quoted():
    table = pa.table(
        {
            "number": pa.array([1.5, None, float("nan")], pa.float32()),
            "text": pa.array(["a,b", None, 'c"d']).dictionary_encode(),
        }
    )
    assert csv_rows(table).decode().splitlines() == ['1.5,"a,b"', ",", ',"c""d"']


@pytest.mark.parametrize("batch_rows", [1, 3, 10, 100])
def test_scores_come_back_in_the_order_of_the_rows(batch_rows):
    values = np.arange(10, dtype=np.float32)
    reached = []

    def endpoint(body: bytes) -> bytes:
        return b"".join(b"%f\n" % (float(line) / 16) for line in body.split())

    scores = score_rows(pa.table({"a": values}), endpoint, batch_rows=batch_rows, reach=reached.append)
    assert np.array_equal(scores, values / 16)
    assert reached[-1] == 10
    assert reached == sorted(reached)


def test_an_answer_of_another_length_is_an_error():
    with pytest.raises(EndpointError, match="answered 1 scores for 2 rows"):
        score_rows(pa.table({"a": [1.0, 2.0]}), lambda body: b"0.5\n", batch_rows=2, reach=lambda count: None)


def test_an_error_of_the_endpoint_is_not_swallowed():
    def endpoint(body: bytes) -> bytes:
        raise EndpointError("The endpoint answered 400: row 1 …")

    with pytest.raises(EndpointError, match="400"):
        score_rows(pa.table({"a": np.zeros(100)}), endpoint, batch_rows=1, reach=lambda count: None)
