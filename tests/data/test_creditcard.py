"""The creditcard table is told from tables that only look like it."""

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from fraudlab.data.creditcard import check
from fraudlab.data.synthetic import generate
from fraudlab.errors import DataError


@pytest.fixture(scope="module")
def table():
    return generate()


@pytest.mark.parametrize("quoting", ["none", "needed"])
def test_a_table_of_the_right_shape_passes(table, tmp_path, quoting):
    labels = table["Class"].cast(pa.string()) if quoting == "needed" else table["Class"]
    file = tmp_path / "creditcard.csv"
    options = csv.WriteOptions(quoting_style=quoting)
    csv.write_csv(table.set_column(30, "Class", labels), file, write_options=options)
    check(file)
    parquet.write_table(table, tmp_path / "creditcard.parquet")
    check(tmp_path / "creditcard.parquet")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.slice(1), "t.parquet has 284,806 rows; the complete creditcard table has 284,807."),
        (lambda t: t.set_column(30, "Class", pa.array([0, 1] * 142_403 + [0])), "has 142,403 frauds; the"),
        (lambda t: t.set_column(30, "Class", pa.nulls(t.num_rows, pa.int64())), "has 0 frauds; the"),
        (lambda t: t.drop_columns("V7"), "has no column 'V7' of the creditcard table.\nfix: did you mean 'V"),
        (lambda t: t.rename_columns([c.lower() for c in t.column_names]), "has no column 'Time'"),
        (lambda t: t.append_column("V29", t["V1"]), "has a column 'V29' that the creditcard table has not."),
    ],
)
def test_another_table_says_what_differs(table, tmp_path, change, text):
    parquet.write_table(change(table), tmp_path / "t.parquet")
    with pytest.raises(DataError) as caught:
        check(tmp_path / "t.parquet")
    assert text in str(caught.value)


def test_a_ragged_file_cannot_be_read(tmp_path, table):
    file = tmp_path / "t.csv"
    file.write_text(",".join(table.column_names) + "\n" + "1,2,3\n" * 5)
    with pytest.raises(DataError, match=r"t\.csv cannot be read: "):
        check(file)


@pytest.mark.data
def test_the_sample_of_the_real_table_is_not_taken_for_it(data_dir):
    with pytest.raises(DataError, match=r"creditcard_sample\.csv has 1,722 rows"):
        check(data_dir / "creditcard_sample.csv")
