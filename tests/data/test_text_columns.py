"""Columns of text that are not declared are one error, before any job; so are names that are no columns."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.data.sources import resolve
from fraudlab.errors import ConfigError, DataError

KINDS = ["travel", "cash"]


def table(rows=60):
    return {
        "amount": [f"${row}.50" for row in range(rows)],
        "channel": [KINDS[row % 2] for row in range(rows)],
        "country": ["DE"] * rows,
        "tx": [f"T{row:04d}" for row in range(rows)],
        "note": ["a long sentence that somebody wrote about this transaction"] * rows,
        "flag": ["true"] * rows,
        "label": [row % 2 for row in range(rows)],
    }


def write(folder, kind):
    columns = table()
    if kind == "parquet":
        parquet.write_table(pa.table(columns), folder / "t.parquet")
        return folder / "t.parquet"
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_all_of_them_in_one_error_with_what_to_paste(tmp_path, kind):
    path = write(tmp_path, kind)
    with pytest.raises(DataError) as caught:
        resolve(path, label="label", categorical=["flag"], cache=tmp_path / "cache")
    assert caught.value.message == (
        f"4 columns of t.{kind} are not numeric, and are not in data.categorical: 'channel' ('travel'),"
        " 'country' ('DE'), 'tx' ('T0000'),"
        " 'note' ('a long sentence that somebody wrote about this transaction')."
    )
    assert "data.categorical=[flag,channel,country] data.drop=[tx,note]" in caught.value.fix
    declared = ["flag", "channel", "country"]
    resolve(path, label="label", categorical=declared, drop=["tx", "note"], cache=tmp_path / "cache")
    resolve(path, label="label", features=["amount"], cache=tmp_path / "cache")


@pytest.mark.parametrize("word", ["-", "unknown", "(null)", "\\N"])
def test_numbers_with_a_word_for_what_is_missing_are_not_called_ids(tmp_path, word):
    rows = [f"{word if row % 5 == 0 else row / 8},{row % 2}" for row in range(60)]
    (tmp_path / "t.csv").write_text("score,label\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError) as caught:
        resolve(tmp_path / "t.csv", label="label", cache=tmp_path / "cache")
    assert caught.value.fix.endswith("or, where 'score' is meant as numbers, leave the other fields empty")


def test_types_that_no_number_has_are_among_them(tmp_path):
    columns = {"at": pa.array([1], pa.timestamp("s")), "list": [[1]], "n": [1], "label": [0]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(
        DataError, match=r"2 columns of t.parquet .*'at' \(1970-01-01 00:00:01\), 'list' \(\[1\]"
    ) as caught:
        resolve(tmp_path / "t.parquet", label="label", cache=tmp_path / "cache")
    assert "data.drop=[at,list]" in caught.value.fix


def test_what_folders_name_is_among_them(tmp_path):
    for day in ("2023-01-01", "2023-01-02"):
        folder = tmp_path / "t" / f"day={day}" / "shop=3"
        folder.mkdir(parents=True)
        parquet.write_table(pa.table({"a": [1.0], "label": [0]}), folder / "part-0.parquet")
    with pytest.raises(DataError, match="t: column 'day' is not numeric, "):
        resolve(tmp_path / "t", label="label", cache=tmp_path / "cache")
    source = resolve(tmp_path / "t", label="label", drop=["day"], cache=tmp_path / "cache")
    assert source.columns == ("a", "label", "day", "shop")
    assert source.notes == ("t: 2 files, read in order of their names",)


def test_all_names_that_are_no_columns_are_one_error(tmp_path):
    (tmp_path / "t.csv").write_text("ts,amount,label\n1,2,0\n")
    with pytest.raises(ConfigError) as caught:
        resolve(tmp_path / "t.csv", label="lable", time="tss", id=["tx"], cache=tmp_path / "cache")
    assert caught.value.message == (
        "data.label names 'lable'; data.time names 'tss'; data.id names 'tx', which are no columns of t.csv."
    )
    assert "did you mean 'label'?" in caught.value.fix
    assert "did you mean 'ts'?" in caught.value.fix
