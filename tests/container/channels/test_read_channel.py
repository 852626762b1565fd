"""What holds for every format."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container.channels import read_channel
from fraudlab.container.failure import JobError

from .example_channel import (
    FORMATS,
    LABEL,
    MATRIX,
    NAN,
    as_csv,
    as_libsvm,
    as_table,
    assert_is_the_table,
    put,
    read,
    refusal,
    sentence,
)


def damaged(content_type: str) -> Any:
    """A file of some format, with a byte that is another."""
    write, _ = FORMATS[content_type]
    content = write(LABEL[:20], MATRIX[:20])
    if isinstance(content, pa.Table):
        parquet.write_table(content, file := io.BytesIO())
        content = file.getvalue()
    content = content.encode() if isinstance(content, str) else content
    return st.tuples(st.integers(0, len(content) - 1), st.binary(min_size=1, max_size=1)).map(
        lambda change: content[: change[0]] + change[1] + content[change[0] + 1 :]
    )


@pytest.mark.parametrize("content_type", FORMATS)
def test_every_format_gives_the_same_table(folder: Path, content_type: str, blocks: None) -> None:
    write, names = FORMATS[content_type]
    halves = {"a/part-1": write(LABEL[:90], MATRIX[:90]), "b": write(LABEL[90:], MATRIX[90:])}
    for declared in (None, content_type):
        found = read(folder, halves, declared)
        assert_is_the_table(found)
        assert found.names == names
        assert found.content_type == content_type


@pytest.mark.parametrize("content_type", FORMATS)
def test_a_channel_beside_train_has_its_columns(folder: Path, content_type: str) -> None:
    write, names = FORMATS[content_type]
    some = {"part": write([0] * 12, MATRIX[:12])}
    found = read(folder, some, columns=names)
    assert found.names == names
    assert found.label.sum() == 0


@pytest.mark.parametrize(
    "content_type", ["text/csv", "application/x-parquet", "application/x-recordio-protobuf"]
)
def test_another_number_of_columns(tmp_path: Path, content_type: str) -> None:
    write, names = FORMATS[content_type]
    error = refusal(tmp_path / "validation", {"part": write(LABEL, MATRIX[:, :4])}, columns=names)
    assert error.sentence == "channel validation has 4 feature columns, and channel train has 5"


def test_a_channel_of_another_format_than_train(folder: Path) -> None:
    assert read(folder, {"a": as_csv(LABEL, MATRIX)}, columns=tuple("abcde")).names == tuple("abcde")
    put(folder, {"a": as_libsvm(LABEL, MATRIX)})
    assert refusal(folder, {}, columns=tuple("abcde")).sentence == (
        "channel train is libsvm, whose columns are numbers, and channel train has 'a'"
    )


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize(
    ("value", "what"), [(float("-inf"), "infinite"), (-4e38, "-4e+38, too large for 32 bits,")]
)
def test_numbers_that_float32_does_not_have(folder: Path, content_type: str, value: float, what: str) -> None:
    write, names = FORMATS[content_type]
    matrix = MATRIX.copy()
    matrix[150, 3] = value
    found = sentence(folder, {"a": write(LABEL[:90], matrix[:90]), "b": write(LABEL[90:], matrix[90:])})
    if content_type == "text/libsvm" and what == "infinite":
        assert found == "row 61 of b has '-inf' for index 4, which is infinite"
    else:
        assert found == f"column {names[3]!r} is {what} in row 61 of b"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.lists(
            st.floats(allow_infinity=False, min_value=-3e38, max_value=3e38) | st.just(NAN),
            min_size=3,
            max_size=3,
        ),
        min_size=2,
        max_size=30,
    )
)
@pytest.mark.parametrize("write", [as_csv, as_libsvm, as_table])
def test_what_is_written_comes_back(tmp_path: Path, write: Any, rows: Any) -> None:
    matrix = np.array([*rows, [1.5] * 3])
    label = np.arange(len(matrix)) % 2
    found = read(tmp_path / "train", {"a": write(label, matrix)}, keep_counter=True)
    np.testing.assert_array_equal(found.matrix, matrix.astype(np.float32))
    np.testing.assert_array_equal(found.label, label)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80)
    | st.text("01,.:;\"' \n\r\t#-eEnaNif", max_size=80).map(str.encode)
    | st.sampled_from(list(FORMATS)).flatmap(damaged),
    st.sampled_from([None, *FORMATS]),
    st.booleans(),
)
def test_whatever_comes_is_a_table_or_refused(
    tmp_path: Path, content: bytes, content_type: str | None, weights: bool
) -> None:
    put(tmp_path / "train", {"a": content})
    try:
        found = read_channel(tmp_path / "train", content_type=content_type, csv_weights=weights, columns=None)
    except JobError as error:
        outcome = error.sentence
    else:
        outcome = f"{len(found.label)} rows"
        assert found.matrix.shape == (len(found.label), len(found.names))
        assert np.isfinite(found.matrix[~np.isnan(found.matrix)]).all()
        assert set(found.label) == {0, 1}
    assert "\n" not in outcome


def xgboost_table(path: Path, options: str) -> tuple[Any, Any]:
    """What xgboost itself reads, NaN where it has nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xgboost

        data = xgboost.DMatrix(f"{path}?{options}", silent=True)
    sparse = data.get_data()
    matrix = np.full(sparse.shape, np.nan, np.float32)
    matrix[np.repeat(np.arange(sparse.shape[0]), np.diff(sparse.indptr)), sparse.indices] = sparse.data
    return matrix, data.get_label()


def test_csv_is_what_xgboost_reads(folder: Path) -> None:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(500, 8)).astype(np.float32)
    label = random.integers(0, 2, 500)
    found = read(folder, {"a.csv": as_csv(label, matrix)})
    np.testing.assert_array_equal(found.matrix, matrix)
    theirs = xgboost_table(folder / "a.csv", "format=csv&label_column=0")
    # Theirs is off by the last bit at times.
    np.testing.assert_allclose(found.matrix, theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(found.label, theirs[1])


def test_libsvm_is_what_xgboost_reads(folder: Path) -> None:
    random = np.random.default_rng(6)
    matrix = np.round(random.normal(size=(500, 8)), 3)
    matrix[random.random(matrix.shape) < 0.4] = np.nan
    matrix[0] = 1
    label = random.integers(0, 2, 500)
    found = read(folder, {"a.svm": as_libsvm(label, matrix, 0)})
    theirs = xgboost_table(folder / "a.svm", "format=libsvm")
    np.testing.assert_allclose(found.matrix, theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(found.label, theirs[1])
