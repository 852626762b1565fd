"""The synthetic table has the real one's shape at any size, the same bytes each time, and is hard."""

import hashlib
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from fraudlab.data.synthetic import COLUMNS, cached, generate, write_synthetic
from fraudlab.errors import ConfigError, StorageError
from fraudlab.evaluation.metrics import average_precision


@pytest.fixture(scope="module")
def table():
    return generate()


def distinct(table):
    return table.group_by(table.column_names).aggregate([]).num_rows


def test_default_has_the_counts_of_the_real_table(table):
    assert tuple(table.column_names) == COLUMNS
    assert table.num_rows == 284_807
    assert set(table.schema.types[:-1]) == {pa.float64()}
    label = table["Class"].to_numpy()
    assert np.unique(label).tolist() == [0, 1]
    assert label.sum() == 492
    assert table.num_rows - distinct(table) == 1081
    frauds = table.filter(pa.array(label == 1))
    assert frauds.num_rows - distinct(frauds) == 19
    assert all(column.null_count == 0 for column in table.columns)


def test_time_and_amount_look_like_the_real_ones(table):
    second, amount = table["Time"].to_numpy(), table["Amount"].to_numpy()
    assert np.all(np.diff(second) >= 0)
    assert np.all(second == np.floor(second))
    assert (second[0], second[-1] < 48 * 3600, second[-1] > 47.9 * 3600) == (0, True, True)
    by_hour = np.histogram(second / 3600, 48)[0]
    assert by_hour.max() > 5 * by_hour.min()
    assert np.all(amount == np.round(amount, 2))
    assert amount.min() == 0
    assert 15 < np.median(amount) < 30
    assert 70 < amount.mean() < 110


@pytest.mark.parametrize(
    ("rows", "rate", "frauds"), [(1000, 0.001, 1), (5000, 0.5, 2500), (100_003, 0.01, 1000), (10, 0.9, 9)]
)
def test_rows_and_frauds_are_exact_at_any_size(rows, rate, frauds):
    made = generate(rows, rate, seed=3)
    assert (made.num_rows, made["Class"].to_numpy().sum()) == (rows, frauds)


def test_arguments_decide_the_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        for ending in ("csv", "parquet"):
            write_synthetic(tmp_path / f"{name}.{ending}", rows=70_000, seed=seed)
    digests = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(tmp_path.iterdir())
    }
    assert len(digests) == 6, "nothing temporary is left"
    for ending in ("csv", "parquet"):
        assert digests[f"a.{ending}"] == digests[f"b.{ending}"] != digests[f"c.{ending}"]


def test_both_formats_hold_the_generated_values(tmp_path):
    made = generate(70_000, seed=5)
    write_synthetic(tmp_path / "t.csv", rows=70_000, seed=5)
    write_synthetic(tmp_path / "t.parquet", rows=70_000, seed=5)
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet").equals(made)
    assert pyarrow.csv.read_csv(tmp_path / "t.csv").cast(made.schema).equals(made)


def test_the_cache_makes_a_table_once(tmp_path):
    first = cached(tmp_path, rows=1000, fraud_rate=0.01, seed=1)
    written = first.stat().st_mtime_ns
    assert cached(tmp_path, rows=1000, fraud_rate=0.01, seed=1) == first
    assert first.stat().st_mtime_ns == written
    others = {
        cached(tmp_path, rows=1001, fraud_rate=0.01, seed=1),
        cached(tmp_path, rows=1000, fraud_rate=0.02, seed=1),
        cached(tmp_path, rows=1000, fraud_rate=0.01, seed=2),
    }
    assert len(others | {first}) == 4


def test_default_takes_little_time():
    generate()
    started = time.process_time()
    generate()
    # Measured 0.2 s; the room is for a slower machine.
    assert time.process_time() - started < 2.0


def test_memory_does_not_grow_with_the_rows(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from fraudlab.data.synthetic import write_synthetic;"
        "write_synthetic(Path(sys.argv[1]), rows=int(sys.argv[2]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", code, str(tmp_path / "t.parquet"), str(rows)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for rows in (100_000, 1_000_000)
    ]
    # A million rows are 248 MB of values.
    assert (peaks[1] - peaks[0]) / 1024 < 120


def test_frauds_that_round_to_none_are_refused():
    with pytest.raises(ConfigError, match=r"1000 rows at a fraud rate of 1e-05 are 0 frauds\."):
        generate(1000, 1e-5)
    with pytest.raises(ConfigError, match=r"1000 rows at a fraud rate of 1 are 1000 frauds\."):
        generate(1000, 1.0)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"t\.xlsx is neither \.csv nor \.parquet\."):
        write_synthetic(tmp_path / "t.xlsx", rows=1000)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        write_synthetic(tmp_path / "file" / "t.csv", rows=1000, fraud_rate=0.01)
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(StorageError, match="Cannot write"):
        write_synthetic(tmp_path / "t.csv", rows=1000, fraud_rate=0.01)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "t.csv"]


@pytest.mark.slow
def test_a_good_model_reaches_what_it_reaches_on_the_real_table():
    import xgboost

    found = []
    for seed in (7, 42, 20150):
        made = generate(seed=seed)
        y = made["Class"].to_numpy()
        x = np.column_stack([made[name].to_numpy() for name in COLUMNS[:-1]]).astype(np.float32)
        train, test = int(0.70 * len(y)), int(0.85 * len(y))
        model = xgboost.train(
            {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "base_score": 0.5},
            xgboost.QuantileDMatrix(x[:train], y[:train]),
            100,
        )
        found.append(average_precision(y[test:], model.inplace_predict(x[test:])))
    assert min(found) > 0.70
    assert 0.75 < np.mean(found) < 0.85
