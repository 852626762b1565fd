from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.contract import Fields, Tree, file_sha256, read_json
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import TableError
from fraudlab.container.features import Column, Features
from fraudlab.container.prepared import read_split, write_split


def columns(rows: int) -> dict[str, Any]:
    return {
        "fraudlab.label": (np.arange(rows) % 2).astype(np.uint8),
        "fraudlab.amount": np.arange(rows) * 1.5,
        "a": np.arange(rows, dtype=np.float32),
        "m": pa.array(["x", "y", None][i % 3] for i in range(rows)).dictionary_encode(),
    }


FEATURES = Features([Column("a"), Column("m", ("x", "y"))])


def test_a_split_comes_back_as_a_matrix(tmp_path: Any) -> None:
    assert write_split(tmp_path / "part-0.parquet", columns(10_000)) == file_sha256(
        tmp_path / "part-0.parquet"
    )
    found = read_split(tmp_path, FEATURES)
    assert found.matrix.dtype == np.float32
    assert found.matrix.flags.c_contiguous
    np.testing.assert_array_equal(found.matrix[:, 0], np.arange(10_000))
    np.testing.assert_array_equal(found.matrix[:6, 1], [0, 1, np.nan, 0, 1, np.nan])
    assert found.label.sum() == 5000
    assert found.amount is not None
    assert found.amount[3] == 4.5


def test_nested_folders_are_read_and_hidden_files_are_not(tmp_path: Any) -> None:
    write_split(tmp_path / "b" / "part-1.parquet", columns(3))
    write_split(tmp_path / "a.parquet", columns(5))
    (tmp_path / ".hidden.parquet").write_bytes(b"junk")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "part.parquet").write_bytes(b"junk")
    found = read_split(tmp_path, FEATURES)
    assert found.matrix[:, 0].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


def test_a_split_without_amounts(tmp_path: Any) -> None:
    some = columns(4)
    del some["fraudlab.amount"]
    write_split(tmp_path / "part-0.parquet", some)
    assert read_split(tmp_path, FEATURES).amount is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"a": None}, "column 'a' of channel {} is absent, not float"),
        ({"a": np.arange(4.0)}, "column 'a' of channel {} is double, not float"),
        ({"m": np.zeros(4, np.float32)}, "column 'm' of channel {} is float, not dictionary"),
        ({"fraudlab.label": np.zeros(4)}, "column 'fraudlab.label' of channel {} is double, not uint8"),
    ],
)
def test_a_split_of_another_manifest(tmp_path: Any, change: dict[str, Any], sentence: str) -> None:
    table = {name: values for name, values in {**columns(4), **change}.items() if values is not None}
    write_split(tmp_path / "part-0.parquet", table)
    with pytest.raises(TableError) as caught:
        read_split(tmp_path, FEATURES)
    assert caught.value.sentence == sentence.format(tmp_path.name)


def test_empty_and_unreadable_channels(tmp_path: Any) -> None:
    with pytest.raises(TableError, match="has no rows"):
        read_split(tmp_path, FEATURES)
    (tmp_path / "part-0.parquet").write_bytes(b"junk")
    with pytest.raises(TableError, match="part-0.parquet is not readable Parquet"):
        read_split(tmp_path, FEATURES)


def test_what_is_prepared_is_scaled_on_the_way_in(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    roles = {"id": ["tx"], "drop": ["merchant"], "scale": "standard"}
    prepare(frauds, **roles)
    features = read_features(Fields(read_json(tree.prepared / "manifest.json"), source="manifest"))
    matrix = read_split(tree.prepared / "train", features).matrix.astype(np.float64)
    np.testing.assert_allclose(np.nanmean(matrix, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(matrix, axis=0), 1, atol=1e-6)
    assert np.isnan(matrix).sum() > 0
