"""What is wrong with a table is said at once, with what to do; what is right is hashed once."""

import hashlib
import json
import os
import re
import time

import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.data import file_hashes
from fraudlab.data.file_hashes import file_sha256
from fraudlab.data.sources import check_was_read, resolve
from fraudlab.errors import ConfigError, DataError

ROWS = "ts,amount,label\n1,2.5,0\n2,3.5,1\n"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(ROWS)
    return path


def refusal(kind, path, cache, **roles):
    with pytest.raises(kind) as caught:
        resolve(path, **{"label": "label", **roles}, cache=cache)
    return str(caught.value)


def test_a_csv_file_is_described_without_reading_its_rows(table, cache):
    source = resolve(table, label="label", time="ts", amount="amount", cache=cache)
    assert source.path == table
    assert source.sha256 == hashlib.sha256(ROWS.encode()).hexdigest()
    assert source.columns == ("ts", "amount", "label")
    assert (source.format, source.bytes, source.rows) == ("csv", len(ROWS), None)


def test_a_parquet_file_says_its_rows(tmp_path, cache):
    path = tmp_path / "table.PARQUET"
    parquet.write_table(pa.table({"label": [0, 1, 0], "a": [1.0, 2.0, None]}), path)
    source = resolve(str(path), label="label", cache=cache)
    assert (source.columns, source.format, source.rows) == (("label", "a"), "parquet", 3)


def test_a_relative_path_becomes_absolute(table, cache, monkeypatch):
    monkeypatch.chdir(table.parent)
    assert resolve("table.csv", label="label", cache=cache).path == table


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"\xef\xbb\xbflabel,a\r\n0,1\r\n", ("label", "a")),
        (b'label,"a, b"\n0,1\n', ("label", "a, b")),
        (b'label,"a\nb"\n0,1', ("label", "a\nb")),
        (b"\n\nlabel,a\n\n0,1\n", ("label", "a")),
        ("label,größe\n0,1\n".encode(), ("label", "größe")),
    ],
)
def test_headers_as_programs_write_them(tmp_path, cache, content, columns):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert resolve(path, label="label", cache=cache).columns == columns


def test_a_character_cut_by_the_end_of_the_head_is_no_error(tmp_path, cache):
    path = tmp_path / "t.csv"
    path.write_text("label,a\n0," + "x" * ((1 << 20) - 11) + "ü\n")
    assert resolve(path, label="label", categorical=["a"], cache=cache).columns == ("label", "a")


def test_a_missing_file_names_near_ones(table, cache):
    text = refusal(DataError, table.with_name("tabel.csv"), cache)
    assert text.startswith(f"{table.with_name('tabel.csv')} does not exist.\n")
    assert f"fix: did you mean {table}?" in text
    assert "holds table.csv" in refusal(DataError, table.with_name("zzzzzzzzzzzzzzzzzzz"), cache)
    assert "there is no folder" in refusal(DataError, table.parent / "no" / "t.csv", cache)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.xlsx", b"PK", "has an ending that is not known.\nfix: valid: .csv, .parquet"),
        ("t.csv", b"", "is empty."),
        ("t.csv", b"\n\n", "t.csv has no header."),
        ("t.csv", b"label,a\n", "t.csv has a header but no rows."),
        ("t.csv", b"label,a\n\n\r\n", "t.csv has a header but no rows."),
        ("t.csv", b"label,a,label\n0,1,0\n", "t.csv has two columns named 'label'."),
        ("t.csv", b",label\n0,1\n", "Column 1 of t.csv has no name.\nfix: name it; if it is a row number"),
        ("t.csv", "größe,label\n1,0\n".encode("latin-1"), "it is not UTF-8 text at byte 2"),
        ("t.csv", b'"label\n0\n', "its header is not CSV (unexpected end of data)"),
        ("t.csv", b"x" * (1 << 21), "its header is not CSV (field larger than field limit"),
        ("t.csv", b"x," * (1 << 20), "its header does not end within 1 MiB"),
        ("t.parquet", b"PAR1 but cut short", "t.parquet cannot be read: it is not a complete Parquet file"),
        ("t.parquet", ROWS.encode(), "t.parquet cannot be read: it is not a complete Parquet file"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path, cache, name, content, text):
    (tmp_path / name).write_bytes(content)
    assert text in refusal(DataError, tmp_path / name, cache)


def test_parquet_without_rows_or_with_equal_names(tmp_path, cache):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"label": pa.array([], pa.int8())}), path)
    assert "t.parquet has columns but no rows." in refusal(DataError, path, cache)
    parquet.write_table(pa.table([[0], [1]], names=["label", "label"]), path)
    assert "t.parquet has two columns named 'label'." in refusal(DataError, path, cache)


def test_what_is_neither_file_nor_folder_is_refused(tmp_path, cache):
    os.mkfifo(tmp_path / "t.csv")
    assert "is not a file." in refusal(DataError, tmp_path / "t.csv", cache)


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        ({"label": "Label"}, "data.label names 'Label', which is not a column of table.csv."),
        ({"time": "tss"}, "fix: did you mean 'ts'? Valid: amount, label, ts"),
        ({"id": ["ts", "tx"]}, "data.id names 'tx'"),
        ({"card": "c"}, "data.card names 'c'"),
        ({"amount": "amunt"}, "data.amount names 'amunt'"),
        ({"features": ["amount", "x"]}, "data.features names 'x'"),
        ({"drop": ["x"]}, "data.drop names 'x'"),
        ({"categorical": ["country"]}, "data.categorical names 'country'"),
    ],
)
def test_a_named_column_has_to_be_there(table, cache, roles, text):
    assert text in refusal(ConfigError, table, cache, **roles)


def test_a_given_hash_has_to_be_the_files(table, cache):
    right = hashlib.sha256(ROWS.encode()).hexdigest()
    assert resolve(table, label="label", sha256=right.upper(), cache=cache).sha256 == right
    text = refusal(DataError, table, cache, sha256="0" * 64)
    assert f"is not the file that data.sha256 names: its sha256 is {right}." in text
    assert "data.sha256='abc' is no sha256." in refusal(ConfigError, table, cache, sha256="abc")


@pytest.fixture
def later(monkeypatch):
    """Pretend that a minute goes by: no program can set back a file's time of change."""
    now = time.time
    monkeypatch.setattr(file_hashes.clock, "time", lambda: now() + 60)


def test_an_unchanged_file_is_hashed_once(table, cache, later):
    digest = file_sha256(table, cache=cache)
    memo = next((cache / "digests").iterdir())
    memo.write_text(memo.read_text().replace(digest, "remembered"))
    assert file_sha256(table, cache=cache) == "remembered"


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", '{"sha256": 3}'])
def test_a_broken_memory_is_forgotten(table, cache, broken, later):
    digest = file_sha256(table, cache=cache)
    memo = next((cache / "digests").iterdir())
    memo.write_text(broken)
    assert file_sha256(table, cache=cache) == digest
    assert json.loads(memo.read_text())["sha256"] == digest


def test_a_changed_file_is_hashed_again(table, cache, later):
    before = file_sha256(table, cache=cache)
    table.write_text(re.sub("2.5", "9.5", ROWS))
    assert file_sha256(table, cache=cache) != before


def copied_over(table, new):
    """Bytes of the same number into the same file, as `cp -p` does it."""
    with table.open("r+b") as file:
        file.write(new)


def renamed_over(table, new):
    other = table.with_name("other")
    other.write_bytes(new)
    other.replace(table)


def linked_over(table, new):
    other = table.with_name("other")
    other.write_bytes(new)
    table.unlink()
    os.link(other, table)


@pytest.mark.parametrize("swap", [copied_over, renamed_over, linked_over])
def test_other_bytes_under_the_same_size_and_time_are_other_bytes(table, cache, later, swap):
    """`cp -p new.csv t.csv` keeps size and mtime: the old hash was remembered, and old splits were used."""
    times = table.stat().st_atime_ns, table.stat().st_mtime_ns
    before = file_sha256(table, cache=cache)
    swap(table, ROWS.replace("2.5", "9.5").encode())
    os.utime(table, ns=times)
    assert table.stat().st_mtime_ns == times[1]
    digest = file_sha256(table, cache=cache)
    assert digest == hashlib.sha256(table.read_bytes()).hexdigest() != before


def test_a_clock_that_was_set_back_leaves_nothing_remembered(table, cache, monkeypatch):
    monkeypatch.setattr(file_hashes.clock, "time", lambda: 1_000_000_000.0)
    file_sha256(table, cache=cache)
    assert not (cache / "digests").exists()


def test_a_file_that_others_link_meanwhile_is_hashed_again_and_right(table, cache, monkeypatch):
    read, links = file_hashes._read, []

    def read_while_linked(path):
        digest = read(path)
        if not links:
            links.append(path.with_name("link"))
            os.link(path, links[0])
        return digest

    monkeypatch.setattr(file_hashes, "_read", read_while_linked)
    assert file_sha256(table, cache=cache) == hashlib.sha256(table.read_bytes()).hexdigest()


def test_a_file_that_grows_meanwhile_is_refused(table, cache, monkeypatch):
    read = file_hashes._read

    def read_and_grow(path):
        digest = read(path)
        with path.open("a") as file:
            file.write("3,1,0\n")
        return digest

    monkeypatch.setattr(file_hashes, "_read", read_and_grow)
    with pytest.raises(DataError, match="changed while it was read"):
        file_sha256(table, cache=cache)


def test_a_file_written_just_now_is_not_remembered(table, cache):
    file_sha256(table, cache=cache)
    assert not (cache / "digests").exists()


def test_a_folder_and_a_pattern_are_the_same_table(tmp_path, cache):
    folder = tmp_path / "t"
    folder.mkdir()
    for name, row in (("b.csv", "1,2,0\n"), ("a.csv", "2,3,1\n")):
        (folder / name).write_text("ts,amount,label\n" + row)
    (folder / "README.md").write_text("not a table")
    one = resolve(folder, label="label", cache=cache)
    listing = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in ("a.csv", "b.csv")
    )
    assert one.sha256 == hashlib.sha256(listing.encode()).hexdigest()
    assert one.layout.files == ("a.csv", "b.csv")
    assert "t: left out, as they are no tables: README.md" in one.notes[-1]
    assert resolve(str(folder / "*.csv"), label="label", cache=cache).sha256 == one.sha256
    assert "matches no file" in refusal(DataError, folder / "*.parquet", cache)
    (tmp_path / "empty").mkdir()
    assert "is a folder that holds no table" in refusal(DataError, tmp_path / "empty", cache)


def test_what_a_job_read_is_what_was_hashed(table, cache, tmp_path):
    source = resolve(table, label="label", cache=cache)
    placed = tmp_path / "placed.csv"
    os.link(table, placed)
    before = [file_hashes.identity(placed)]
    check_was_read(source, [placed], before)
    os.link(table, tmp_path / "other")  # another run: only the time of change is another
    check_was_read(source, [placed], before)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(table.read_bytes())
    check_was_read(source, [copy], [file_hashes.identity(copy)])
    times = table.stat().st_atime_ns, table.stat().st_mtime_ns
    with table.open("r+b") as file:
        file.write(ROWS.replace("2.5", "9.5").encode())
    os.utime(table, ns=times)
    with pytest.raises(DataError, match="table.csv has changed while the run read it"):
        check_was_read(source, [placed], before)
