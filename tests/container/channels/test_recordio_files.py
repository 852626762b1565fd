"""recordio-protobuf as a table."""

import io
from pathlib import Path

import numpy as np
import pytest

from fraudlab.container.channels import libsvm_files

from .example_channel import LABEL, MATRIX, as_recordio, read, refusal, sentence


def test_refused_recordio(folder: Path) -> None:
    good = as_recordio(LABEL, MATRIX)
    error = refusal(folder, {"a": good, "b": good[:-3]})
    assert error.sentence == "record 200 of b is cut short"
    assert error.fix == (
        "write records of one tensor named 'values', dense or sparse with its shape, and one label"
    )
    found = sentence(folder, {"b": as_recordio(LABEL, MATRIX[:, :4])})
    assert found == "record 1 of b has 4 values where those before it have 5"
    found = sentence(folder, {"b": good + b"PAR1" * 5})
    assert found == "record 201 of b does not begin with RecordIO's magic number"


def test_a_signalling_nan_is_missing(folder: Path) -> None:
    signalling = np.float64(2).tobytes(), np.array(0x7FF4_0000_0000_0000, np.uint64).tobytes()
    records = as_recordio(np.arange(4.0) % 2, np.float64([[1, 2], [2, 3], [3, 2], [2, 2]]))
    matrix = read(folder, {"a": records.replace(*signalling)}).matrix
    np.testing.assert_array_equal(matrix, np.float32([[1, np.nan], [np.nan, 3], [3, np.nan], [np.nan] * 2]))


def test_sparse_records_too_large_to_be_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import sparse

    as_recordio(LABEL, MATRIX)
    from sagemaker.amazon.common import write_spmatrix_to_sparse_tensor

    file = io.BytesIO()
    write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix((40, 90_000)), np.arange(40.0) % 2)
    assert read(folder, {"a": file.getvalue()}).matrix.shape == (40, 90_000)
    monkeypatch.setattr(libsvm_files, "MAX_TABLE_BYTES", 9 << 20)
    assert sentence(folder, {}).endswith(" rows of 90,000 columns as a table: 0.0 GiB, more than 0")
