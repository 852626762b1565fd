"""Channels as people write them: the same table in every format, and how a test reads or is refused it."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.channels import ChannelTable, read_channel
from fraudlab.container.failure import JobError, TableError

ROWS = 200
LABEL = (np.arange(ROWS) % 4 == 0).astype(int)
MATRIX = np.round(np.random.default_rng(3).normal(size=(ROWS, 5)) * 100, 4)
MATRIX[::7, 2] = np.nan
NAN = float("nan")


def put(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(
    folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any
) -> ChannelTable:
    return read_channel(put(folder, files), content_type=content_type, **options)


def refusal(folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any) -> JobError:
    with pytest.raises(JobError) as caught:
        read(folder, files, content_type, **options)
    assert caught.value.fix
    return caught.value


def sentence(folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any) -> str:
    error = refusal(folder, files, content_type, **options)
    assert isinstance(error, TableError)
    return error.sentence


def as_csv(label: Any, matrix: Any) -> str:
    fields = [["" if value != value else repr(value) for value in row] for row in matrix.tolist()]  # noqa: PLR0124
    return "".join(",".join([str(y), *row]) + "\n" for y, row in zip(label, fields, strict=True))


def as_libsvm(label: Any, matrix: Any, first: int = 1) -> str:
    rows = [
        " ".join(f"{at}:{value!r}" for at, value in enumerate(row, first) if value == value)  # noqa: PLR0124
        for row in matrix.tolist()
    ]
    return "".join(f"{y} {row}\n" for y, row in zip(label, rows, strict=True))


def as_table(label: Any, matrix: Any) -> pa.Table:
    columns = {f"v{at}": pa.array(column, from_pandas=True) for at, column in enumerate(matrix.T)}
    return pa.table({"y": label, **columns})


def as_recordio(label: Any, matrix: Any) -> bytes:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
        from sagemaker.amazon.common import write_numpy_to_dense_tensor
    file = io.BytesIO()
    write_numpy_to_dense_tensor(file, np.asarray(matrix, np.float64), np.asarray(label, np.float64))
    return file.getvalue()


def assert_is_the_table(found: ChannelTable) -> None:
    np.testing.assert_array_equal(found.matrix, MATRIX.astype(np.float32))
    np.testing.assert_array_equal(found.label, LABEL)
    assert found.matrix.dtype == np.float32
    assert found.matrix.flags.c_contiguous
    assert found.label.dtype == np.uint8
    assert found.weight is None


NAMES = ("f0", "f1", "f2", "f3", "f4")
FORMATS = {
    "text/csv": (as_csv, NAMES),
    "text/libsvm": (as_libsvm, ("f1", "f2", "f3", "f4", "f5")),
    "application/x-parquet": (as_table, ("v0", "v1", "v2", "v3", "v4")),
    "application/x-recordio-protobuf": (as_recordio, NAMES),
}
