"""Heads of CSV files as programs and people write them: read where certain, else refused in a sentence."""

import bz2
import gzip
import lzma
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fraudlab.container.failure import TableError
from fraudlab.container.table_layout import Declared
from fraudlab.container.tables.reading import find_layout, read_table

TABLE = "amount,kind,label\n9.58,travel,0\n23.98,cash,1\n"
NUMBERS = {"amount", "label"}
BOTH = [(9.58, "travel", 0.0), (23.98, "cash", 1.0)]


def read(folder: Path, content: bytes, *, name: str = "t.csv", **declared: str) -> tuple[Any, Any]:
    (folder / name).write_bytes(content)
    found = find_layout(folder, [name], name=name, declared=Declared.checked(**declared), known=["label"])
    layout, head = found
    return read_table(folder, layout, columns=head.columns, numeric=NUMBERS), found


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TABLE.encode(), id="plain"),
        pytest.param(TABLE.rstrip().encode(), id="no final newline"),
        pytest.param(b"\n" + TABLE.encode(), id="blank first line"),
        pytest.param(b"\r\n , ,\r\n" + TABLE.encode(), id="blank lines of Excel"),
        pytest.param(b"sep=,\n" + TABLE.encode(), id="sep=,"),
        pytest.param(b'"sep=;"\r\n' + TABLE.replace(",", ";").encode(), id="quoted sep=;"),
        pytest.param(b"sep=\t\r\n" + TABLE.replace(",", "\t").encode(), id="sep= tab"),
        pytest.param(TABLE.replace(",", ";").encode(), id="semicolons"),
        pytest.param(TABLE.replace(",", ";").replace(".", ",").encode(), id="semicolons and decimal commas"),
        pytest.param(TABLE.replace(",", "\t").encode(), id="tabs"),
        pytest.param(TABLE.replace(",", "\t").replace(".", ",").encode(), id="tabs and decimal commas"),
        pytest.param(TABLE.replace(",", "|").encode(), id="bars"),
        pytest.param(TABLE.replace(",", " ").encode(), id="spaces"),
        pytest.param(TABLE.encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(TABLE.encode("utf-16"), id="UTF-16 with a mark"),
        pytest.param(b"\xfe\xff" + TABLE.encode("utf-16-be"), id="UTF-16 BE with a mark"),
        pytest.param(TABLE.encode("utf-16-le"), id="UTF-16 LE without a mark"),
        pytest.param(TABLE.encode("utf-16-be"), id="UTF-16 BE without a mark"),
        pytest.param(TABLE.encode("utf-32"), id="UTF-32 with a mark"),
        pytest.param(gzip.compress(TABLE.encode()), id="gzip"),
        pytest.param(gzip.compress(TABLE[:30].encode()) + gzip.compress(TABLE[30:].encode()), id="two gzips"),
        pytest.param(bz2.compress(TABLE.encode()), id="bz2"),
        pytest.param(lzma.compress(TABLE.encode()), id="xz"),
        pytest.param(pa.compress(TABLE.encode(), "lz4", asbytes=True), id="lz4"),
        pytest.param(gzip.compress(TABLE.encode("utf-16")), id="UTF-16 in gzip"),
        pytest.param(b"# made by hand\n" + TABLE.encode(), id="a comment"),
        pytest.param(b"# made by hand, with, three\n" + TABLE.encode(), id="a comment with separators"),
        pytest.param(b"Transactions 2023\n\n" + TABLE.encode(), id="a title"),
        pytest.param(b"Transactions 2023,,\n,,\n" + TABLE.encode(), id="a title of Excel"),
        pytest.param(TABLE.replace("\n", ",\n").encode(), id="a separator after every line"),
        pytest.param(TABLE.replace("\n", "\r").encode(), id="CR ends lines"),
        pytest.param(TABLE.replace("\n", "\r\n", 2).encode(), id="mixed line ends"),
        pytest.param(TABLE.replace(",", ", ", 2).encode(), id="spaces before names"),
        pytest.param(b'"amount","kind","label"\n"9.58","travel","0"\n"23.98","cash","1"\n', id="quotes"),
    ],
)
def test_one_table_however_it_was_written(tmp_path: Path, content: bytes) -> None:
    table, _ = read(tmp_path, content)
    assert table.column_names == ["amount", "kind", "label"]
    assert rows(table) == BOTH


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("latin-1", "latin-1"), ("cp1252", "windows-1252"), ("cp1250", "cp1250"), ("shift_jis", "sjis")],
)
def test_an_encoding_that_is_declared(tmp_path: Path, encoding: str, declared: str) -> None:
    kind = "カード" if encoding == "shift_jis" else "größe"
    content = f"größe,label\n{kind},0\n".replace("größe", kind).encode(encoding)
    table, _ = read(tmp_path, content, encoding=declared)
    assert rows(table) == [(kind, 0.0)]


@pytest.mark.parametrize(
    ("content", "sentence", "fix"),
    [
        ("größe,label\n1,0\n".encode("latin-1"), "at byte 2 (0xf6, in line 1)", "data.encoding=latin-1"),
        ("a,label\n1,0\nü,1\n".encode("cp1252"), "at byte 12 (0xfc, in line 3)", "data.encoding=cp1252"),
        (b"a,label\n1,0\n\x00,1\n", "t.csv holds a zero byte in line 3", "write it again"),
        (b"PK\x03\x04....[Content_Types].xml", "t.csv is an Excel workbook (.xlsx)", "save the table as CSV"),
        (b"PK\x03\x04....a.csv", "t.csv is a zip archive", "unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "t.csv is an Excel workbook (.xls)", "save the table as CSV"),
        (b"<!DOCTYPE html><html>", "t.csv is an HTML page, not a table", "download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "t.csv is a pointer of Git LFS", "git lfs pull"),
        (b'{"a": 1}\n', "t.csv is JSON, not CSV", "save the table as CSV"),
        (b"ARROW1\0\0", "t.csv is an Arrow (Feather) file", "save the table as CSV"),
        (gzip.compress(TABLE.encode() * 9, mtime=0)[:-30], "t.csv cannot be read: ", "copied completely"),
        (b"amount,kind,label\n", "t.csv has a header but no rows", "rows"),
        (
            b"a,label\n1,0\n1,0,7\n",
            "row 2 of t.csv has 3 values where the header has 2",
            "separate values by",
        ),
        (b"a,label,\n1,0,\n1,0,7\n", "Column 3 of", ""),
        (b'a,label\n1,"0\n2,1\n', "t.csv ends inside quotes", "cut short"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, sentence: str, fix: str) -> None:
    if sentence.startswith("Column"):
        _, (_, found) = read(tmp_path, content)
        assert "" in found.columns  # whoever checks the names refuses it
        return
    with pytest.raises(TableError) as caught:
        read(tmp_path, content)
    assert sentence in caught.value.sentence
    assert fix in caught.value.fix


def test_a_bad_byte_far_from_the_head_is_named_with_its_line(tmp_path: Path) -> None:
    content = b"amount,kind,label\n" + b"1,travel,0\n" * 100_000 + b"1,caf\xe9,0\n"
    with pytest.raises(TableError) as caught:
        read(tmp_path, content)
    assert "(0xe9, in line 100002)" in caught.value.sentence
    assert content[int(caught.value.sentence.split("byte ")[1].split()[0])] == 0xE9


@pytest.mark.parametrize("row", [25_001, 300_000])
def test_a_ragged_row_far_from_the_head_is_named(tmp_path: Path, row: int) -> None:
    content = b"amount,kind,label\n" + b"1,travel,0\n" * (row - 1) + b"1,cash\n" + b"1,travel,0\n" * 9
    with pytest.raises(TableError, match=f"^row {row} of t.csv has 2 values where the header has 3$"):
        read(tmp_path, content)


def test_two_separators_that_fit_alike_are_refused_unless_one_has_the_columns(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="can be read as separated by commas and by semicolons"):
        read(tmp_path, b"a;b,c\n1;2,3\n")
    table, _ = read(tmp_path, b"a;b,label\n1;2,1\n")
    assert table.column_names == ["a;b", "label"]


def test_what_is_declared_wins(tmp_path: Path) -> None:
    table, (layout, _) = read(tmp_path, b"amount:label\n9,58:1\n", separator=":", decimal=",")
    assert (rows(table), layout.separator) == ([(9.58, 1.0)], ":")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["$9.58", "$1,009.58"], [9.58, 1009.58]),
        (["1.009,58", "9,5"], [1009.58, 9.5]),
        (["€ 9,58", "-€ 1.009,00"], [9.58, -1009.0]),
        (["(9.58)", "9.58"], [-9.58, 9.58]),
        (["9.58 USD", "1 009.50 USD"], [9.58, 1009.5]),
        (["12%", "0.5 %"], [0.12, 0.005]),
        (["1'009.58", "9.58"], [1009.58, 9.58]),
        (["1,00,000.50", "1.25"], [100000.5, 1.25]),
        (["1,009", "9.58"], [1009.0, 9.58]),
        (["1.009", "9,58"], [1009.0, 9.58]),
        (["9.58-", ""], [-9.58, None]),
        (["1.009", "2.500"], [1.009, 2.5]),
    ],
)
def test_money_and_percent(tmp_path: Path, texts: list[str], expected: list[float | None]) -> None:
    content = "amount,label\n" + "".join(f'"{text}",0\n' for text in texts)
    table, _ = read(tmp_path, content.encode())
    found = [None if value is None or math.isnan(value) else value for value in table["amount"].to_pylist()]
    assert found == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["1,009", "2,500"],
        ["9.58", "9,58"],
        ["$9.58", "€9.58"],
        ["12%", "0.5"],
        ["1,00", "1,000.5"],
        ["1.2.3", "1"],
    ],
)
def test_numbers_that_may_mean_two_things_stay_text(tmp_path: Path, texts: list[str]) -> None:
    content = "amount,label\n" + "".join(f'"{text}",0\n' for text in texts)
    table, _ = read(tmp_path, content.encode())
    assert table["amount"].to_pylist() == texts
