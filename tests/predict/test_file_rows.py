"""predict reads what training reads: encodings, separators, compression, folders; all in its own words."""

import gzip

import numpy as np
import pytest

from fraudlab.container.features import Column, Features
from fraudlab.errors import ConfigError, DataError
from fraudlab.predict.file_rows import CsvOptions, read_rows

FEATURES = Features([Column("amount"), Column("shop", ("Café", "5", "web"))])
PLAIN = "shop,note,amount\nCafé,x,1.5\n5,y,\nweb,z,-2\n"
GERMAN = "shop;note;amount\nCafé;x;1,5\n5;y;\nweb;z;-2\n"


def check(path, options=None):
    table, notes = read_rows(path, FEATURES, options)
    assert table.column_names == ["amount", "shop"]
    np.testing.assert_array_equal(table["amount"].to_numpy(), np.float32([1.5, np.nan, -2]))
    assert table["shop"].to_pylist() == ["Café", "5", "web"]
    return notes


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("plain.csv", PLAIN.encode(), {}),
        ("bom.csv", PLAIN.encode("utf-8-sig"), {}),
        ("utf-16.csv", PLAIN.encode("utf-16"), {}),
        ("latin.csv", PLAIN.encode("latin-1"), {"encoding": "latin-1"}),
        ("windows.csv", PLAIN.encode("cp1252"), {"encoding": "cp1252"}),
        ("blank-line.csv", b"\n" + PLAIN.encode(), {}),
        ("excel.csv", b"sep=,\r\n" + PLAIN.replace("\n", "\r\n").encode(), {}),
        ("german.csv", GERMAN.encode(), {}),
        ("declared.csv", GERMAN.encode(), {"separator": "semicolon", "decimal": ","}),
        ("tabs.tsv", PLAIN.replace(",", "\t").encode(), {}),
        ("zipped.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), {}),
        ("line-break.csv", PLAIN.replace("x", '"two\nlines"').encode(), {}),
        ("unnamed.csv", PLAIN.replace("note", "").encode(), {}),
        ("twice.csv", PLAIN.replace("note", "note,note").replace(",x", ",x,x").replace(",y", ",y,y")
         .replace(",z", ",z,z").encode(), {}),
    ],
)  # fmt: skip
def test_what_training_reads_is_read(tmp_path, name, content, options):
    path = tmp_path / name
    path.write_bytes(content)
    check(path, CsvOptions(**options))


def test_several_files_of_a_folder_are_one_table(tmp_path):
    header, *rows = PLAIN.splitlines(keepends=True)
    for number, row in enumerate(rows):
        (tmp_path / f"part-{number}.csv").write_text(header + row, encoding="utf-8")
    check(tmp_path)


def test_what_was_seen_is_said(tmp_path):
    path = tmp_path / "german.csv"
    path.write_text(GERMAN, encoding="utf-8")
    assert any("separated by semicolons" in note for note in check(path))


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (PLAIN.encode("latin-1"), {}, ["t.csv", "not UTF-8 text", "--encoding=latin-1"]),
        (b"shop,note\nweb,x\n", {}, ["t.csv has no column 'amount'", "the model takes amount, shop"]),
        (b"shop,amount,amount\nweb,1,2\n", {}, ["t.csv has 2 columns named 'amount'"]),
        (
            b"shop,amount\nweb,1\n" * 1 + b"web,1\n" * 30_000 + b"web\n",
            {},
            ["row 30002 of t.csv has 1 value"],
        ),
        (b'shop,amount\n"a\nb",1\nweb,x\n', {}, ["t.csv", "'amount' is not numeric: row 2 holds 'x'"]),
        (b"shop,amount\n", {}, ["t.csv has a header but no rows"]),
        (b"PK\x03\x04[Content_Types].xml", {}, ["t.csv is an Excel workbook"]),
    ],
)
def test_a_mistake_is_a_data_error_that_names_the_file(tmp_path, content, options, words):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_rows(path, FEATURES, CsvOptions(**options))
    for word in words:
        assert word in str(caught.value)
    assert "data." not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"encoding": "klingon"}, "--encoding='klingon' is no encoding"),
        ({"separator": "ab"}, "--separator='ab' is not one character"),
        ({"decimal": "x"}, "--decimal='x' is no decimal mark"),
    ],
)
def test_an_option_that_cannot_work_is_refused_by_its_own_name(tmp_path, options, words):
    path = tmp_path / "t.csv"
    path.write_text(PLAIN, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_rows(path, FEATURES, CsvOptions(**options))
    assert words in str(caught.value)


def test_a_folder_without_tables_is_said(tmp_path):
    with pytest.raises(DataError, match="holds no table"):
        read_rows(tmp_path, FEATURES)
