"""Rows of Parquet: columns by name, types that fit, and files that are larger than they look."""

import io
import json
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.bodies import BodyError, parquet_pages
from fraudlab.container.bodies.parquet_pages import uncompressed_bytes
from fraudlab.container.bodies.parquet_rows import parse_parquet
from fraudlab.container.bodies.thrift import BINARY, I32, I64, Reader, ThriftError
from fraudlab.container.features import Column, Features

from .models import MANY, NAN, NUMBERS, ONE, read, refusal

PARQUET = "application/x-parquet"
CODES = Features([Column("m", ("3", "true", "x"))])


def written(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table if isinstance(table, pa.Table) else pa.table(table), sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1.0, None], "b": [2.0, NAN], "c": [3.0, 4.0]},
        {"c": pa.array([3, 4], pa.int8()), "b": pa.array([2, None], pa.uint64()), "a": [True, None]},
        {"a": ["1", ""], "b": ["2.0", "NA"], "c": [" 3", "+4"]},
        {
            "a": pa.array(["1", None]).dictionary_encode(),
            "b": pa.array(["2", None], pa.large_string()),
            "c": [3, 4],
        },
        {"a": pa.array([1, None]).dictionary_encode(), "b": [2.0, None], "c": pa.array([3, 4], pa.float16())},
        {"a": [Decimal("1.0"), None], "b": [Decimal(2), None], "c": [3, 4]},
    ],
)
@pytest.mark.parametrize(
    "options", [{}, {"store_schema": False}, {"use_dictionary": False, "row_group_size": 1}]
)
def test_numbers(columns: dict[str, Any], options: dict[str, Any]) -> None:
    matrix, unseen = read(PARQUET, written(columns, **options))
    np.testing.assert_array_equal(matrix, np.float32([[1, 2, 3], [NAN, NAN, 4]]))
    assert unseen == 0


def test_a_signalling_nan_is_missing() -> None:
    signalling = np.array([0x7FF4_0000_0000_0000, 0x3FF0_0000_0000_0000], np.uint64).view(np.float64)
    matrix, _ = read(PARQUET, written({"a": signalling, "b": [1, 2], "c": [3, 4]}))
    np.testing.assert_array_equal(matrix, np.float32([[NAN, 1, 3], [1, 2, 4]]))


def test_a_column_of_nothing_is_missing() -> None:
    columns = {"a": pa.nulls(2), "b": pa.array([None, None], pa.string()), "c": [3, 4]}
    np.testing.assert_array_equal(
        read(PARQUET, written(columns))[0], np.float32([[NAN, NAN, 3], [NAN, NAN, 4]])
    )


@pytest.mark.parametrize(
    ("values", "expected", "unseen"),
    [
        (["x", None, "", "3", "y"], [2, NAN, NAN, 0, NAN], 1),
        (pa.array(["x", None, "y", "y"]).dictionary_encode(), [2, NAN, NAN, NAN], 2),
        ([3, None, 4], [0, NAN, NAN], 1),
        ([3.0, NAN, 3.5], [0, NAN, NAN], 1),
        ([True, False, None], [1, NAN, NAN], 1),
    ],
)
def test_categories(values: Any, expected: list[float], unseen: int) -> None:
    matrix, found = read(PARQUET, written({"m": values}, row_group_size=2), CODES)
    np.testing.assert_array_equal(matrix[:, 0], np.float32(expected))
    assert found == unseen


@pytest.mark.parametrize(
    ("columns", "sentence", "row", "column"),
    [
        ({"a": [1], "b": [2]}, "the body has no column 'c'; send null where it is missing", None, "c"),
        (
            {"a": [1], "b": [2], "c": [3], "aa": [4]},
            "the body has an unknown column 'aa' (did you mean 'a'?)",
            None,
            "aa",
        ),
        (
            {"a": [1], "b": [2], "c": [3], "__index_level_0__": [0]},
            "the body has an unknown column '__index_level_0__'",
            None,
            "__index_level_0__",
        ),
        (pa.table([pa.array([1])] * 4, ["a", "b", "c", "b"]), "the body has two columns 'b'", None, "b"),
        (
            {"a": [1, 2], "b": ["2", "x"], "c": [3, 4]},
            "row 2: column 'b' holds 'x', which is not a number",
            2,
            "b",
        ),
        ({"a": [1, 2], "b": [2, np.inf], "c": [3, 4]}, "row 2: column 'b' is infinite", 2, "b"),
        ({"a": [1], "b": [2], "c": ["-inf"]}, "row 1: column 'c' is infinite", 1, "c"),
        ({"a": [1], "b": [-1e39], "c": [3]}, "row 1: column 'b' is -1e+39, too large for 32 bits", 1, "b"),
        (
            {"a": [1], "b": [[2]], "c": [3]},
            "column 'b' holds values of type list<element: int64>, which are no numbers",
            None,
            "b",
        ),
        (
            {"a": [1], "b": pa.array([0], pa.timestamp("us")), "c": [3]},
            "column 'b' holds values of type timestamp[us], which are no numbers",
            None,
            "b",
        ),
        (
            {"a": [1], "b": [b"2"], "c": [3]},
            "column 'b' holds values of type binary, which are no numbers",
            None,
            "b",
        ),
        (
            {name: pa.array([], pa.int64()) for name in "abc"},
            "the body holds no rows; write one row a transaction",
            None,
            None,
        ),
    ],
)
def test_refusals(columns: Any, sentence: str, row: int | None, column: str | None) -> None:
    error = refusal(PARQUET, written(columns))
    assert (error.sentence, error.row, error.column, error.status) == (sentence, row, column, 400)


def test_what_is_no_category() -> None:
    for values, kind in (([[1]], "list<element: int64>"), ([b"x"], "binary")):
        error = refusal(PARQUET, written({"m": values}), CODES)
        assert error.sentence == f"column 'm' holds values of type {kind}, which are no categories"
        assert error.column == "m"
    _, unseen = read(PARQUET, written({"m": [Decimal("1.5")]}), CODES)
    assert unseen == 1


def test_text_in_another_encoding() -> None:
    body = written({"x": ["caf\u00e9"]}, use_dictionary=False, compression="none", write_statistics=False)
    broken = body.replace("caf\u00e9".encode(), b"caf\xe9\xe9")
    assert refusal(PARQUET, broken, ONE).sentence.startswith("the body is not a readable Parquet file: ")


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1PAR1", b"1,2,3\n", b"PARE" * 20, b"x" * 100 + b"PAR1"])
def test_what_is_no_parquet(body: bytes) -> None:
    error = refusal(PARQUET, body)
    assert error.sentence.startswith("the body is not a readable Parquet file: ")
    assert error.status == 400


def test_files_cut_short() -> None:
    body = written({"a": [1.0, 2.0], "b": [1, 2], "c": ["1", "2"]})
    for length in range(0, len(body), 7):
        assert "Parquet" in refusal(PARQUET, body[:length]).sentence


# --- limits ---------------------------------------------------------------------------------------------


def test_row_limit() -> None:
    body = written({name: [1, 2, 3] for name in "abc"})
    error = refusal(PARQUET, body, max_rows=2)
    assert (error.sentence, error.status) == ("the body holds more than 2 rows; send fewer at once", 413)
    assert len(read(PARQUET, body, max_rows=3)[0]) == 3


def bomb(**options: Any) -> bytes:
    return written({"a": ["x" * 50_000] * 1_000, "b": [1] * 1_000, "c": [1] * 1_000}, **options)


@pytest.mark.parametrize("codec", ["gzip", "zstd", "brotli", "snappy", "lz4"])
def test_a_bomb_is_refused_before_it_is_uncompressed(codec: str) -> None:
    body = bomb(compression=codec, use_dictionary=False, store_schema=False)
    assert 50_000_000 < uncompressed_bytes(body) < 51_000_000
    before = pa.total_allocated_bytes()
    with pytest.raises(BodyError) as caught:
        parse_parquet(body, NUMBERS, MANY, max_bytes=49_000_000)
    assert pa.total_allocated_bytes() == before
    assert caught.value.sentence == "the body is of more than 49,000,000 bytes when uncompressed"
    assert caught.value.status == 413


def test_a_bomb_that_lies_about_its_size_is_one() -> None:
    """The metadata's claim is not believed: here 50 MB are said to be 5."""
    body = bomb(compression="zstd", use_dictionary=False, store_schema=False, write_statistics=False)
    claimed = parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).total_uncompressed_size
    lying = bytearray(body)
    at = lying.rindex(varint(claimed))
    lying[at : at + len(varint(claimed))] = varint(5, len(varint(claimed)))
    told = parquet.ParquetFile(io.BytesIO(lying)).metadata.row_group(0).column(0).total_uncompressed_size
    assert told == 5
    with pytest.raises(BodyError, match="when uncompressed"):
        parse_parquet(bytes(lying), NUMBERS, MANY, max_bytes=49_000_000)


@pytest.mark.parametrize("claimed", [4_999, 5_002, 8_000])
def test_every_number_of_rows_is_checked(claimed: int) -> None:
    """Arrow makes room for as many as a group is said to have: a body of 377 bytes took 16 GB."""
    options = {"store_schema": False, "use_dictionary": False, "compression": "none"}
    body = written({name: np.arange(5_001) * 1.0 for name in "abc"}, **options)
    honest, lie = varint(5_001), varint(claimed)
    assert len(honest) == len(lie)
    places = [found.start() for found in re.finditer(re.escape(honest), body)]
    refused = 0
    for at in places:
        try:
            uncompressed_bytes(body[:at] + lie + body[at + len(lie) :])
        except ThriftError:
            refused += 1
    # of the file, the group, and of three columns and their one page
    assert refused == 8


def test_a_dictionary_of_more_values_than_bytes() -> None:
    body = written({name: np.arange(70) % 65 * 1.0 for name in "abc"}, store_schema=False, compression="none")
    places = [found.start() for found in re.finditer(re.escape(varint(65)), body[: body.index(bytes(8))])]
    assert len(places) == 1
    lying = body[: places[0]] + varint(8_000) + body[places[0] + 2 :]
    assert refusal(PARQUET, lying).sentence.endswith("a dictionary has more values than bytes")


def varint(number: int, length: int = 1) -> bytes:
    """A number as Thrift writes it, or longer."""
    number <<= 1
    digits = []
    while number or len(digits) < length:
        digits.append(number & 127)
        number >>= 7
    return bytes([digit | 128 for digit in digits[:-1]] + digits[-1:])


def test_one_long_text_of_many_rows_is_read_once() -> None:
    """As one text a row these would be 50 GB."""
    text = "x" * 50_000
    column = pa.DictionaryArray.from_arrays(np.zeros(MANY, np.int32), [text])
    body = written({"a": column, "b": np.ones(MANY), "c": np.ones(MANY)})
    assert len(body) < 100_000
    assert refusal(PARQUET, body).sentence.startswith("row 1: column 'a' holds 'xxxxx")
    matrix, unseen = read(PARQUET, body, Features([Column("a", (text,)), Column("b"), Column("c")]))
    assert (len(matrix), matrix[:, 0].max(), unseen) == (MANY, 0, 0)


def test_encodings_by_which_few_bytes_are_many_texts_are_refused() -> None:
    body = bomb(use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY", "b": "PLAIN", "c": "PLAIN"})
    assert "Not yet implemented" in refusal(PARQUET, body).sentence


def test_pages_and_metadata_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    body = written({name: np.arange(200) for name in "abc"}, data_page_size=1, write_batch_size=1)
    assert len(read(PARQUET, body)[0]) == 200
    monkeypatch.setattr(parquet_pages, "_MAX_PAGES", 50)
    assert refusal(PARQUET, body).sentence.endswith("it has more than 50 pages")
    monkeypatch.setattr(parquet_pages, "_MAX_METADATA", 100)
    assert refusal(PARQUET, body).sentence.endswith("its metadata is longer than 100 bytes")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "none"},
        {"use_dictionary": False},
        {"data_page_version": "2.0", "compression": "gzip"},
        {"write_page_index": True, "write_page_checksum": True, "data_page_size": 100, "row_group_size": 70},
        {"column_encoding": dict.fromkeys("abc", "BYTE_STREAM_SPLIT"), "use_dictionary": False},
    ],
)
def test_pages_add_up_to_what_an_honest_file_says(options: dict[str, Any]) -> None:
    body = written({name: np.random.default_rng(1).normal(size=300) for name in "abc"}, **options)
    metadata = parquet.ParquetFile(io.BytesIO(body)).metadata
    chunks = [
        metadata.row_group(group).column(position)
        for group in range(metadata.num_row_groups)
        for position in range(metadata.num_columns)
    ]
    claimed = sum(chunk.total_uncompressed_size for chunk in chunks)
    # The claim counts the headers as well, of 20 to 60 bytes.
    assert 0.5 * claimed < uncompressed_bytes(body) < claimed
    assert len(read(PARQUET, body)[0]) == 300


def test_metadata_that_cannot_be() -> None:
    body = written({"x": [1.0]}, store_schema=False)
    end = len(body) - 8
    size = int.from_bytes(body[end : end + 4], "little")
    refused = 0
    for at in range(end - size, end):
        for byte in (0, 0x15, 0xFF):
            try:
                uncompressed_bytes(body[:at] + bytes([byte]) + body[at + 1 :])
            except ThriftError:
                refused += 1
    assert refused > size


# --- Thrift ---------------------------------------------------------------------------------------------


def test_a_struct() -> None:
    data = bytes([
        0x15, 0x03,                          # 1: i32 -2
        0x18, 0x02, 0x68, 0x69,              # 2: "hi"
        0x11,                                # 3: true
        0x19, 0x25, 0x02, 0x04,              # 4: [1, 2]
        0x1C, 0x16, 0xAC, 0x02, 0x00,        # 5: {1: i64 150}
        0x05, 0x28, 0x00,                    # 20: i32 0
        0x17, 1, 2, 3, 4, 5, 6, 7, 8,        # 21: a double
        0x13, 0x07,                          # 22: a byte
        0x00,
    ])  # fmt: skip
    reader = Reader(data, 0, len(data))
    assert reader.struct() == {
        1: (I32, -2),
        2: (BINARY, b"hi"),
        3: (1, True),
        4: (9, [1, 2]),
        5: (12, {1: (I64, 150)}),
        20: (I32, 0),
        21: (7, bytes(range(1, 9))),
        22: (3, 7),
    }
    assert reader.at == len(data)
    for end in range(len(data)):
        with pytest.raises(ThriftError, match="cut short"):
            Reader(data, 0, end).struct()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x15\x02\x05\x02\x02\x00", "field 1 of its metadata is there twice"),
        (b"\x1c" * 50, "its metadata is too deep"),
        (b"\x19\x19" * 50, "its metadata is cut short"),
        (b"\x1b\x00", "its metadata has a value of type 11"),
        (b"\x15" + b"\xff" * 20, "its metadata has a number without an end"),
        (b"\x19\xf5\xff\xff\xff\x0f\x00", "its metadata is cut short"),
        (b"\x18\xff\xff\xff\x0f\x00", "its metadata is cut short"),
    ],
)
def test_what_is_no_struct(data: bytes, sentence: str) -> None:
    with pytest.raises(ThriftError) as caught:
        Reader(data, 0, len(data)).struct()
    assert str(caught.value) == sentence


def with_index(*names: str, **more: Any) -> bytes:
    """A table of which pandas says that some columns were the index."""
    columns = {"a": [1.0, 4.0], "b": [2.0, 5.0], "c": [3.0, 6.0], **more}
    notes = json.dumps({"index_columns": [*names, {"kind": "range"}], "columns": []})
    return written(pa.table(columns).replace_schema_metadata({"pandas": notes}))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("__index_level_0__", [7, 8]),
        ("transaction_id", ["x", "y"]),
        ("when", pa.array([1, 2], pa.timestamp("s"))),
        ("d.e", [7, 8]),
        ("parts", [[1], [2]]),
    ],
)
def test_an_index_that_pandas_notes_is_no_column(name: str, values: Any) -> None:
    matrix, _ = read(PARQUET, with_index(name, **{name: values}))
    np.testing.assert_array_equal(matrix, [[1, 2, 3], [4, 5, 6]])
    assert refusal(PARQUET, with_index(**{name: values})).sentence == (
        f"the body has an unknown column {name!r}"
    )


def test_an_index_that_the_model_has_is_a_column() -> None:
    np.testing.assert_array_equal(read(PARQUET, with_index("a"))[0], [[1, 2, 3], [4, 5, 6]])


def test_an_index_that_arrow_takes_for_a_part_of_a_column_is_refused() -> None:
    assert "unknown column 'a.x'" in refusal(PARQUET, with_index("a.x", **{"a.x": [7, 8]})).sentence


@pytest.mark.parametrize(
    "notes", [b"[" * 100_000, b"{", b"[]", b'{"index_columns": 7}', b'{"index_columns": [[]]}']
)
def test_notes_that_pandas_does_not_write_are_none(notes: bytes) -> None:
    table = pa.table({"a": [1.0], "b": [2.0], "c": [3.0]}).replace_schema_metadata({"pandas": notes})
    np.testing.assert_array_equal(read(PARQUET, written(table))[0], [[1, 2, 3]])
