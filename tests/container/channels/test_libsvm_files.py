"""libsvm as a table."""

from pathlib import Path

import numpy as np
import pytest

from fraudlab.container.channels import libsvm_files

from .example_channel import NAN, read, refusal, sentence


def test_columns_keep_their_numbers(tmp_path: Path, blocks: None) -> None:
    """Train and endpoint agree on what column 1 is, whether or not there is a column 0."""
    found = read(tmp_path / "one", {"a": "1 1:10 3:30\n0 2:20\n"})
    assert found.names == ("f1", "f2", "f3")
    np.testing.assert_array_equal(found.matrix, np.array([[10, NAN, 30], [NAN, 20, NAN]], np.float32))
    found = read(tmp_path / "zero", {"a": "1 2:10\n", "b": "0 0:20\n"})
    assert found.names == ("f0", "f1", "f2")
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, NAN, 10], [20, NAN, NAN]], np.float32))
    found = read(tmp_path / "three", {"a": "1 3:10\n0 3:11\n"})
    assert found.names == ("f1", "f2", "f3")


def test_a_libsvm_channel_beside_train(tmp_path: Path) -> None:
    folder = tmp_path / "validation"
    found = read(folder, {"a": "0 2:5\n"}, columns=("f1", "f2", "f3"))
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, 5, NAN]], np.float32))
    found = read(folder, {"a": "0 2:5\n"}, columns=("f0", "f1", "f2"))
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, NAN, 5]], np.float32))
    for index, first in ((4, 1), (0, 1), (3, 0)):
        columns = tuple(f"f{number}" for number in range(first, first + 3))
        expected = f"row 2 of a has index {index}, and channel train has {first} to {first + 2}"
        assert sentence(folder, {"a": f"0 2:5\n0 {index}:5\n"}, columns=columns) == expected


def test_libsvm_weights(folder: Path, blocks: None) -> None:
    found = read(folder, {"a": "1:0.5 1:2\n" * 50, "b": "0:2 1:3\n"})
    assert found.weight is not None
    assert found.weight.tolist() == [0.5] * 50 + [2]
    expected = "row 1 of b has no weight, where the rows before it have one"
    assert sentence(folder, {"b": "0 1:3\n"}) == expected
    expected = "row 1 of b has a weight, where the rows before it have none"
    assert sentence(folder, {"a": "1 1:3\n", "b": "0:2 1:3\n"}) == expected


def test_refused_libsvm(folder: Path, blocks: None) -> None:
    good = "1 1:2.5 2:3\n0 1:4\n" * 40
    assert sentence(folder, {"a": good, "b": good + "\n\n" + good}) == "row 81 of b is blank"
    assert sentence(folder, {"b": good + "1 2:1 2:1\n"}) == "row 81 of b has index 2 twice"
    assert sentence(folder, {"b": good + "1 qid:1 2:1\n"}).startswith("row 81 of b has a qid")
    assert sentence(folder, {"b": good + "1 x:1\n"}, "libsvm").startswith("row 81 of b has 'x' for an index")
    assert read(folder, {"b": good + "\n \n\n"}).label.size == 160
    error = refusal(folder, {"b": good + "1 1:x\n"})
    assert error.fix == "write a row as: label index:value index:value, with indices that increase"


def test_libsvm_without_features(folder: Path) -> None:
    assert sentence(folder, {"a": "1\n0\n"}, "libsvm") == "channel train has no features"


def test_tables_too_large_to_be_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "row 2 of a has index 100001; at most 100,000 are possible"
    assert sentence(folder, {"a": "1 1:2\n0 100001:3\n"}) == expected
    assert "index 999999999999999;" in sentence(folder, {"a": "1 999999999999999:2\n"})
    assert read(folder, {"a": "1 1:2\n0 100000:3\n"}).matrix.shape == (2, 100_000)
    monkeypatch.setattr(libsvm_files, "MAX_TABLE_BYTES", 1 << 30)
    expected = "channel train would have 4,000 rows of 100,000 columns as a table: 1.5 GiB, more than 1"
    assert sentence(folder, {"a": "1 1:2\n0 100000:3\n" * 2000}) == expected
