"""Rows of recordio-protobuf, as SageMaker's own package writes them."""

import io
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fraudlab.container.features import Column, Features

from .models import MIXED, NAN, NUMBERS, SCALED, read, refusal

RECORDIO = "application/x-recordio-protobuf"


@pytest.fixture(scope="module")
def sdk() -> Any:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
        from sagemaker.amazon import common
    return common


def dense(sdk: Any, matrix: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    sdk.write_numpy_to_dense_tensor(file, matrix, labels)
    return file.getvalue()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("labels", [False, True])
def test_dense_rows(sdk: Any, kind: Any, labels: bool) -> None:
    matrix = np.arange(900).reshape(300, 3).astype(kind)
    body = dense(sdk, matrix, np.arange(300.0) if labels else None)
    np.testing.assert_array_equal(read(RECORDIO, body)[0], matrix.astype(np.float32))
    scaled = SCALED.scaled(matrix.astype(np.float32))
    assert read(RECORDIO, body, SCALED)[0].tobytes() == scaled.tobytes()


def test_missing_values(sdk: Any) -> None:
    body = dense(sdk, np.float32([[1, NAN, 3], [NAN, NAN, NAN]]))
    np.testing.assert_array_equal(read(RECORDIO, body)[0], [[1, NAN, 3], [NAN] * 3])
    file = io.BytesIO()
    sdk.write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix([[0, 5.0, 0], [1, 0, 0.5]]))
    np.testing.assert_array_equal(read(RECORDIO, file.getvalue())[0], [[NAN, 5, NAN], [1, NAN, 0.5]])


def test_numbers_that_name_categories(sdk: Any) -> None:
    matrix, unseen = read(RECORDIO, dense(sdk, np.float32([[1, 12, 2], [1, 7, 2], [1, NAN, 2]])), MIXED)
    np.testing.assert_array_equal(matrix, np.float32([[1, 2, 2], [1, NAN, 2], [1, NAN, 2]]))
    assert unseen == 1
    fractions = Features([Column("m", ("0.1", "0.2"))])
    for kind in (np.float32, np.float64):
        matrix, unseen = read(RECORDIO, dense(sdk, np.array([[0.1], [0.2]] * 40, kind)), fractions)
        assert matrix.ravel().tolist() == [0, 1] * 40
        assert unseen == 0


def test_refusals(sdk: Any) -> None:
    good = dense(sdk, np.float32([[1, 2, 3]] * 5))
    for body, sentence, row, column in (
        (dense(sdk, np.float32([[1, 2]])), "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        (good + dense(sdk, np.float32([[1, 2]])), "row 6 has 2 values where those before it have 3", 6, None),
        (good[:-2], "row 5 is cut short", 5, None),
        (b"1,2,3", "row 1 is cut short", 1, None),
        (b"1,2,3\n4,5,6", "row 1 does not begin with RecordIO's magic number", 1, None),
        (dense(sdk, np.float32([[1, 2, 3], [1, np.inf, 3]])), "row 2: column 'b' is infinite", 2, "b"),
        (
            good + dense(sdk, np.float64([[1, 2, 1e39]])),
            "row 6: column 'c' is 1e+39, too large for 32 bits",
            6,
            "c",
        ),
    ):
        error = refusal(RECORDIO, body)
        assert (error.sentence, error.row, error.column, error.status) == (sentence, row, column, 400)
    assert refusal(RECORDIO, good, max_rows=4).status == 413
    assert refusal(RECORDIO, good, NUMBERS, max_rows=4).sentence.startswith("the body holds more than 4 rows")
