"""What holds for every format: the same values give the same bits, and any bytes are scored or refused."""

import contextlib
import io
import json
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container.bodies import BULK_BYTES, MEDIA_TYPES, SLOW_PARSERS, BodyError, Rows, finish
from fraudlab.container.bodies.rows import SLICE_BYTES
from fraudlab.container.features import Column, Features
from fraudlab.container.formats.recordio import MAGIC

from .models import ALL, MANY, MIXED, NAN, NUMBERS, SCALED, read

KINDS = (
    "text/csv",
    "application/json",
    "application/jsonlines",
    "text/libsvm",
    "application/x-parquet",
    "application/x-recordio-protobuf",
)


def test_every_format_has_its_names() -> None:
    parsers = dict.fromkeys(MEDIA_TYPES.values())
    assert [next(kind for kind in MEDIA_TYPES if MEDIA_TYPES[kind] is parse) for parse in parsers] == list(
        KINDS
    )
    for alias, kind in {
        "application/x-jsonlines": "application/jsonlines",
        "application/x-ndjson": "application/jsonlines",
        "text/x-libsvm": "text/libsvm",
        "application/vnd.apache.parquet": "application/x-parquet",
        "application/parquet": "application/x-parquet",
    }.items():
        assert MEDIA_TYPES[alias] is MEDIA_TYPES[kind]
    assert {MEDIA_TYPES["application/parquet"]} == SLOW_PARSERS
    assert BULK_BYTES == SLICE_BYTES


def parquet_body(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def bodies(rows: list[list[float | None]], features: Features) -> dict[str, list[bytes]]:
    """The same rows in every form there is; None is missing."""
    names = features.names
    texts = [["" if value is None else repr(value) for value in row] for row in rows]
    objects = [dict(zip(names[::-1], row[::-1], strict=True)) for row in rows]
    columns = dict(zip(names[::-1], list(zip(*rows, strict=True))[::-1], strict=True))
    sparse = [
        " ".join(f"{index}:{value!r}" for index, value in enumerate(row) if value is not None) for row in rows
    ]
    return {
        "text/csv": [
            "\n".join(map(",".join, texts)).encode(),
            "\r\n".join(",".join(f'"{text}"' for text in row) for row in texts).encode() + b"\r\n",
        ],
        "application/json": [
            json.dumps(content).encode()
            for content in (rows, objects, {"instances": rows}, [{"features": row} for row in rows])
        ],
        "application/jsonlines": [
            "\n".join(map(json.dumps, rows)).encode(),
            "\n".join(map(json.dumps, objects)).encode(),
        ],
        "text/libsvm": [
            "\n".join(f"1 {row}" for row in sparse).encode(),
            *(["\n".join(sparse).encode()] if all(sparse) else []),
        ],
        "application/x-parquet": [
            parquet_body({name: pa.array(values, pa.float64()) for name, values in columns.items()}),
            parquet_body({name: pa.array([v if v is None else repr(v) for v in values], pa.string())
                          for name, values in columns.items()}),
        ],
        "application/x-recordio-protobuf": [b"".join(map(double_record, rows))],
    }  # fmt: skip


def double_record(row: list[float | None]) -> bytes:
    """A record of doubles in the bytes that SageMaker's own package writes."""
    values = struct.pack(f"<{len(row)}d", *[NAN if value is None else value for value in row])
    assert len(values) < 100
    tensor = b"\x0a" + bytes([len(values)]) + values
    value = b"\x1a" + bytes([len(tensor)]) + tensor
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    record = b"\x0a" + bytes([len(entry)]) + entry
    return MAGIC + struct.pack("<I", len(record)) + record + bytes(-len(record) % 4)


numbers = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False) | st.floats(-1e38, 1e38)


@given(
    st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([NUMBERS, SCALED]),
)
def test_every_format_gives_the_same_bits(rows: list[list[float | None]], features: Features) -> None:
    with np.errstate(over="ignore"):
        raw = np.array(rows, np.float64).astype(np.float32)
    if np.isinf(raw).any():
        return
    expected = features.scaled(raw).tobytes()
    for kind, forms in bodies(rows, features).items():
        for body in forms:
            matrix, unseen = read(kind, body, features)
            assert matrix.tobytes() == expected, (kind, body)
            assert unseen == 0


CODED = Features([Column("a"), Column("m", ("3", "7", "x"))], libsvm_base=0)


@given(st.lists(st.tuples(numbers, st.none() | st.integers(2, 8)), min_size=1, max_size=5))
def test_every_format_names_categories_alike(rows: list[tuple[float | None, int | None]]) -> None:
    found = [
        (matrix.tobytes(), unseen)
        for kind, forms in bodies([list(row) for row in rows], CODED).items()
        for matrix, unseen in (read(kind, body, CODED) for body in forms)
    ]
    # The text of a Parquet column and of CSV is the category itself, and 3.0 as a number is 3.
    assert set(found) == {found[0]}
    assert found[0][1] == sum(code in (2, 4, 5, 6, 8) for _, code in rows)


def test_rows_of_many_requests_are_one_matrix() -> None:
    batch = [
        MEDIA_TYPES["text/csv"](b"3,2,1\n,5,6", SCALED, MANY),
        MEDIA_TYPES["application/json"](b"[[7,8,9]]", SCALED, MANY),
        MEDIA_TYPES["text/libsvm"](b"0:1", SCALED, MANY),
    ]
    matrix = finish(batch, SCALED)
    one_by_one = np.concatenate([finish([rows], SCALED) for rows in batch])
    assert matrix.tobytes() == one_by_one.tobytes()
    assert [len(rows) for rows in batch] == [2, 1, 1]
    np.testing.assert_array_equal(matrix[:, 0], np.float32([1, np.nan, 3, 0]))
    assert finish([Rows(np.float32([[1, 2, 3]]).tobytes(), 1)], NUMBERS).tolist() == [[1, 2, 3]]


FRAGMENTS = st.sampled_from(
    [
        b"1,2,3", b"1", b",", b"\n", b"\r", b"\r\n", b'"', b"[", b"]", b"{", b"}", b":", b" ", b"\x00",
        b"\xff", b"NaN", b"inf", b"1e999", b"1_0", b"null", b"true", b'"a"', b'"b"', b'"c"', b'"m"',
        b'"x"', b'"features"', b'"instances"', b"0:1", b"2:5", b"99:1", b"-1:2", b"#", b"qid:1",
        b"casino", b"\xef\xbb\xbf", b"[1,2,3]", b"\\u", b"\\ud800", b"PAR1", b"a,b,c", b"m,n", b".5",
        b"nan", b"9" * 320,
    ]
)  # fmt: skip
hostile = st.binary(max_size=80) | st.lists(FRAGMENTS, max_size=14).map(b"".join)


@given(hostile, st.sampled_from(KINDS), st.sampled_from(list(ALL.values())), st.integers(1, 3))
def test_any_bytes_are_scored_or_refused(body: bytes, kind: str, features: Features, most: int) -> None:
    with contextlib.suppress(BodyError):
        matrix, unseen = read(kind, body, features, max_rows=most)
        assert 1 <= len(matrix) <= most
        assert 0 <= unseen <= matrix.size


PARQUET = [
    parquet_body(
        {"a": [1.0, None, 3.0], "m": ["casino", None, "x"], "b": [1, 2, 3]}, compression=codec, **options
    )
    for codec in ("none", "snappy", "zstd")
    for options in ({}, {"use_dictionary": False}, {"data_page_version": "2.0", "write_page_index": True})
]


@given(
    st.sampled_from(PARQUET),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 60),
)
def test_damaged_parquet_is_scored_or_refused(
    body: bytes, damage: list[tuple[int, int]], missing: int
) -> None:
    damaged = bytearray(body)
    for at, byte in damage:
        damaged[at % len(body)] = byte
    if missing > 40:
        del damaged[missing : missing + 20]
    with contextlib.suppress(BodyError):
        matrix, _ = read("application/x-parquet", bytes(damaged), MIXED, max_rows=10)
        assert 1 <= len(matrix) <= 10


@pytest.mark.parametrize("body", PARQUET)
def test_those_files_are_good(body: bytes) -> None:
    matrix, unseen = read("application/x-parquet", body, MIXED)
    np.testing.assert_array_equal(matrix, np.float32([[1, 0, 1], [np.nan, np.nan, 2], [3, np.nan, 3]]))
    assert unseen == 1


@pytest.mark.parametrize("beside", ["1", "9,58", "1.009,58", "1,009.58", "$1", "12%", "", "-3e5"])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.009", 1.009),
        (" 7 ", 7),
        ("1e3", 1000),
        ("+4.", 4),
        ("TRUE", 1),
        ("NA", NAN),
        ("null", NAN),
        ("1,009", None),
        ("9,58", None),
        ("1.009,58", None),
        ("1,009.58", None),
        ("1'009", None),
        ("1 009", None),
        ("1_009", None),
        ("$9", None),
        ("9 EUR", None),
        ("12%", None),
        ("(9)", None),
        ("9-", None),
        ("\u22129", None),
        ("yes", None),
        ("\u0661", None),
    ],
)
def test_a_text_is_the_same_number_in_every_format_whatever_is_beside_it(
    text: str, number: float | None, beside: str
) -> None:
    rows = [[text, "1", "2"], [beside, "1", "2"]]
    plain = pa.array([text, beside])
    rest = {"b": ["1", "1"], "c": ["2", "2"]}
    sent = {
        "application/json": [
            json.dumps(rows),
            json.dumps([dict(zip("abc", row, strict=True)) for row in rows]),
        ],
        "application/jsonlines": ["\n".join(map(json.dumps, rows))],
        "text/csv": ["\n".join(",".join(f'"{value}"' for value in row) for row in rows)],
        "application/x-parquet": [
            parquet_body({"a": column, **rest})
            for column in (plain, plain.cast(pa.large_string()), plain.dictionary_encode())
        ],
    }
    found = set()
    for kind, forms in sent.items():
        for body in forms:
            try:
                found.add(read(kind, body)[0][0, 0].item().hex())
            except BodyError as error:
                found.add(f"{error.row} {error.column}")
    if number is None:
        assert found == {"1 a"}
    elif beside in ("1", "", "-3e5"):
        assert found == {np.float32(number).item().hex()}
    else:
        assert found == {"2 a"}
