"""Which format a channel has, declared or not."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fraudlab.container.channels import channel_files
from fraudlab.container.failure import ConfigError, TableError

from .example_channel import FORMATS, LABEL, MATRIX, assert_is_the_table, read, refusal


@pytest.mark.parametrize(
    ("content_type", "canonical"),
    [
        ("text/csv", "text/csv"),
        ("CSV", "text/csv"),
        ("text/csv;label_size=1", "text/csv"),
        ('Text/CSV; charset=utf-8; Label_Size="1"', "text/csv"),
        ("text/libsvm", "text/libsvm"),
        ("text/x-libsvm", "text/libsvm"),
        (" libsvm ;charset=utf8", "text/libsvm"),
        ("application/x-parquet", "application/x-parquet"),
        ("application/parquet", "application/x-parquet"),
        ("parquet", "application/x-parquet"),
        ("application/x-recordio-protobuf", "application/x-recordio-protobuf"),
        ("recordio-protobuf", "application/x-recordio-protobuf"),
    ],
)
def test_content_types(folder: Path, content_type: str, canonical: str) -> None:
    write, _ = FORMATS[canonical]
    found = read(folder, {"part": write(LABEL, MATRIX)}, content_type)
    assert_is_the_table(found)
    assert found.content_type == canonical


VALID = (
    "text/csv, text/libsvm, application/x-parquet, application/x-recordio-protobuf, csv, text/x-libsvm,"
    " libsvm, application/parquet, parquet, recordio-protobuf"
)


@pytest.mark.parametrize(
    ("content_type", "sentence", "fix"),
    [
        (
            "text/cvs",
            "channel train has the content type 'text/cvs' (did you mean 'text/csv'?)",
            f"use one of: {VALID}; or none, to go by the files",
        ),
        (
            "image/png",
            "channel train has the content type 'image/png'",
            f"use one of: {VALID}; or none, to go by the files",
        ),
        ("", "channel train has the content type ''", f"use one of: {VALID}; or none, to go by the files"),
        (
            "text/csv;label_size=0",
            "channel train has the content type 'text/csv;label_size=0': a row has one label",
            "use text/csv;label_size=1, with the label in the first column",
        ),
        (
            "CSV; charset=utf-8; label_size=2",
            "channel train has the content type 'CSV; charset=utf-8; label_size=2': a row has one label",
            "use csv;label_size=1, with the label in the first column",
        ),
        (
            "text/csv; charset=latin-1",
            "channel train has the content type 'text/csv; charset=latin-1', and rows are read as UTF-8",
            "write the files in UTF-8, and leave charset out",
        ),
    ],
)
def test_unknown_content_types(folder: Path, content_type: str, sentence: str, fix: str) -> None:
    error = refusal(folder, {"a.csv": "1,2\n0,3\n"}, content_type)
    assert isinstance(error, ConfigError)
    assert (error.sentence, error.fix) == (sentence, fix)


CSV_TEXT, SVM_TEXT = "1,2\n0,3\n", "1 1:2\n0 1:3\n"
TABLE = pa.table({"y": [0, 1], "a": [2.0, 3.0]})


@pytest.mark.parametrize(
    ("files", "content_type", "sentence", "fix"),
    [
        (
            {"a": TABLE},
            "text/csv",
            "a holds Parquet, and channel train is declared text/csv",
            "set the channel's ContentType to application/x-parquet",
        ),
        (
            {"a.parquet": CSV_TEXT},
            None,
            "a.parquet holds CSV, and its suffix says something else",
            "rename the file, or set the channel's ContentType to text/csv",
        ),
        (
            {"a.csv": SVM_TEXT},
            "csv",
            "a.csv holds libsvm, and channel train is declared text/csv",
            "set the channel's ContentType to text/libsvm",
        ),
        (
            {"a.svm": CSV_TEXT},
            None,
            "a.svm holds CSV, and its suffix says something else",
            "rename the file, or set the channel's ContentType to text/csv",
        ),
        (
            {"a": "1\n"},
            "parquet",
            "a holds text, and channel train is declared application/x-parquet",
            "write it as Parquet",
        ),
        (
            {"a": b"\x0a\x23\xd7\xce1234"},
            "libsvm",
            "a holds recordio-protobuf, and channel train is declared text/libsvm",
            "set the channel's ContentType to application/x-recordio-protobuf",
        ),
        (
            {"a.csv": CSV_TEXT, "b.parquet": TABLE, "c.csv": CSV_TEXT},
            None,
            "channel train mixes formats: a.csv is CSV, b.parquet is Parquet",
            "give each channel files of one format",
        ),
        (
            {"a.csv.gz": b"\x1f\x8b\x08\x00"},
            "text/csv",
            "a.csv.gz of channel train is packed with gzip",
            "unpack it if it is packed, and write CSV, libsvm, Parquet, recordio-protobuf",
        ),
        ({"a": b"PK\x03\x04"}, None, "a of channel train is packed with zip", None),
        ({"a": b"BZh9"}, None, "a of channel train is packed with bzip2", None),
        (
            {"a.csv": "1,2\n".encode("utf-16")},
            None,
            "a.csv of channel train is binary data of another kind, or text that is not UTF-8",
            None,
        ),
    ],
)
def test_files_that_are_something_else(
    folder: Path, files: Any, content_type: Any, sentence: str, fix: str | None
) -> None:
    error = refusal(folder, files, content_type)
    assert isinstance(error, TableError)
    assert error.sentence == sentence
    assert fix is None or error.fix == fix


@pytest.mark.parametrize(
    ("head", "held"),
    [
        (b"1 1:2\n", "text/libsvm"),
        (b"# a, b\n\n1\n0 7:nan 8:1 # x,y\n", "text/libsvm"),
        (b"1 qid:3 1:2\n", "text/libsvm"),
        (b"1 -1:2\n", "text/libsvm"),
        (b"1,2\n", "text/csv"),
        (b"2024-01-01 10:30:00,5\n", "text/csv"),
        (b"1\n0\n", None),
        (b"1\t2\n", None),
        (b"", None),
        (b"1 " + b"1:2 " * 20_000, "text/libsvm"),
        (b"1:0.5 1:2\n" * 20_000, "text/libsvm"),
        (b"1,222" * 20_000, "text/csv"),
    ],
)
def test_what_a_file_holds(head: bytes, held: str | None) -> None:
    assert channel_files.held_format(head[: 64 << 10]) == held
