"""The booster's own scores, from a process of its own."""

import numpy as np
import pytest

from fraudlab.errors import JobFailed
from fraudlab.stages.booster import Reference


def test_a_booster_that_cannot_be_loaded_is_an_error_with_its_reason(tmp_path):
    with Reference(tmp_path, tmp_path, tmp_path / "work") as reference, pytest.raises(JobFailed) as caught:
        reference.result()
    assert "The booster cannot score the test split: " in caught.value.message
    assert "model.json is missing" in caught.value.message


def test_a_reference_nobody_waited_for_is_stopped(tmp_path):
    with Reference(tmp_path, tmp_path, tmp_path / "work") as reference:
        process = reference._process
    assert process.returncode is not None


def test_columns_become_arrays_without_pandas():
    import pyarrow as pa

    from fraudlab.stages.scoring import as_array

    column = pa.chunked_array([[1.5, 2.5], [3.5]])
    assert np.array_equal(as_array(column), [1.5, 2.5, 3.5])
