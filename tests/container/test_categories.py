"""A category has one name: every type and file format it can come in, at every place that reads one."""

import io
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.bodies import MEDIA_TYPES, BodyError, finish
from fraudlab.container.categories import canonical_text, category_text, codes_of, sent_text
from fraudlab.container.channels import read_channel
from fraudlab.container.contract import Fields
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import TableError
from fraudlab.container.features import Column, Features
from fraudlab.container.formats.columns import category
from fraudlab.container.tables.reading import find_layout, read_table
from fraudlab.stages.scoring import csv_rows

#: of each kind of value, its name and what stands for it: text in CSV, a value in JSON, arrays in Parquet
KINDS: dict[str, tuple[str, list[str], list[Any], list[pa.Array]]] = {
    "integer": (
        "5",
        ["5", "5.0", "5.", "5.00"],
        [5, 5.0, "5", "5.0"],
        [
            *(pa.array([5], kind()) for kind in (pa.int8, pa.int16, pa.int32, pa.int64)),
            *(pa.array([5], kind()) for kind in (pa.uint8, pa.uint16, pa.uint32, pa.uint64)),
            pa.array([5.0], pa.float32()),
            pa.array([5.0], pa.float64()),
            pa.array([Decimal("5.00")], pa.decimal128(9, 2)),
            pa.array([Decimal("5.00")], pa.decimal256(50, 2)),
        ],
    ),
    "negative": ("-7", ["-7", "-7.0"], [-7, -7.0, "-7"], [pa.array([-7]), pa.array([-7.0])]),
    "zero": ("0", ["0", "0.0", "-0.0"], [0, 0.0, -0.0], [pa.array([0]), pa.array([-0.0])]),
    "id of 16 digits": (
        "1234567890123456",
        ["1234567890123456", "1234567890123456.0", "1.234567890123456e+15", "1.234567890123456E15"],
        [1234567890123456, 1234567890123456.0, 1.234567890123456e15],
        [
            pa.array([1234567890123456]),
            pa.array([1234567890123456.0]),
            pa.array([Decimal(1234567890123456)], pa.decimal128(20, 0)),
        ],
    ),
    "round id": ("1000000000000000", ["1e+15", "1000000000000000"], [1e15], [pa.array([1e15])]),
    "largest": (
        "18446744073709551615",
        ["18446744073709551615"],
        ["18446744073709551615"],
        [
            pa.array([2**64 - 1], pa.uint64()),
            pa.array([Decimal(18446744073709551615)], pa.decimal128(38, 4)),
        ],
    ),
    "float32's integer": ("16777216", ["16777216"], [16777216], [pa.array([2.0**24], pa.float32())]),
    "float32 whose digits are few": (
        "1234567936",
        ["1234567936"],
        [1234567936],
        [pa.array([1234567936.0], pa.float32())],
    ),
    "decimal": (
        "0.1",
        ["0.1"],
        [0.1, "0.1"],
        [
            pa.array([0.1], pa.float32()),
            pa.array([0.1], pa.float64()),
            pa.array(np.array([0.1], np.float16)),
            pa.array([Decimal("0.10")], pa.decimal128(9, 2)),
        ],
    ),
    "small": ("0.00001", ["0.00001", "1e-05"], [1e-5], [pa.array([1e-5]), pa.array([1e-5], pa.float32())]),
    "true": ("true", ["true", "True", "TRUE"], [True, "true", "True"], [pa.array([True])]),
    "false": ("false", ["false", "False", "FALSE"], [False, "FALSE"], [pa.array([False])]),
    "text": ("casino", ["casino"], ["casino"], []),
    "text with a comma": ("kiosk, 24h", ['"kiosk, 24h"'], ["kiosk, 24h"], []),
    "leading zeros": ("0742", ["0742"], ["0742"], []),
    "country": ("NA", ["NA"], ["NA"], []),
}
#: spellings of text: a file may hold it in any of these types
TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))
MISSING: tuple[list[str], list[Any], list[pa.Array]] = (
    [""],
    [None, ""],
    [pa.array([math.nan]), pa.array([None], pa.int64()), pa.array([None], pa.string()), pa.array([""])],
)


def _parquet_of(arrays: list[pa.Array], texts: list[str]) -> list[pa.Array]:
    spelt = [pa.array([text.strip('"')]) for text in texts]
    dictionaries = [array.dictionary_encode() for array in arrays if not pa.types.is_float16(array.type)]
    return [*arrays, *dictionaries, *(one.cast(kind) for one in spelt for kind in TEXTS)]


def _file(array: pa.Array) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table({"m": array, "a": [1.0] * len(array)}), sink)
    return sink.getvalue()


def _features(*names: str) -> Features:
    return Features([Column("m", names), Column("a")])


def _code(kind: str, body: bytes | str, features: Features) -> float:
    rows = MEDIA_TYPES[kind](body.encode() if isinstance(body, str) else body, features, 10)
    code = finish([rows], features)[0, 0].item()
    assert rows.unseen == 0, body
    return float(code)


def _read(path: Any) -> list[str | None]:
    """The names of a column as the process job learns them."""
    layout, _ = find_layout(path.parent, [path.name], name=path.name)
    table = read_table(path.parent, layout, columns=["m", "a"], numeric={"a"})
    return category(table.column("m"), "m").cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", KINDS)
def test_every_place_finds_the_same_category(kind, tmp_path):
    name, texts, values, arrays = KINDS[kind]
    arrays = _parquet_of(arrays, texts)
    features = _features("another", name)
    for text in texts:
        assert _code("text/csv", f"{text},1\n", features) == 1, text
        assert _code("text/csv", f"{text},1\n{text},1\n", features) == 1, text
        assert _code("text/csv", f'another,1\n"{text}",1\n'.replace('""', '"'), features) == 0
        path = tmp_path / "t.csv"
        path.write_text(f"m,a\n{text},1\n")
        assert _read(path) == [name], text
    for value in values:
        assert _code("application/json", json.dumps([[value, 1]]), features) == 1, value
        assert _code("application/json", json.dumps([{"m": value, "a": 1}]), features) == 1, value
        assert _code("application/json", json.dumps({"instances": [[value, 1]]}), features) == 1, value
        assert _code("application/jsonlines", json.dumps([value, 1]), features) == 1, value
        assert _code("application/jsonlines", json.dumps({"m": value, "a": 1}) + "\n" * 2, features) == 1
    for array in arrays:
        assert _code("application/x-parquet", _file(array), features) == 1, array.type
        path = tmp_path / "t.parquet"
        path.write_bytes(_file(array))
        assert _read(path) == [name], array.type
        sent = category(pa.chunked_array([array]), "m", spell=sent_text)
        body = csv_rows(pa.table({"m": sent, "a": [1.0]}))
        assert _code("text/csv", body, features) == 1, (array.type, body)


def test_missing_is_missing_everywhere(tmp_path):
    texts, values, arrays = MISSING
    features = _features("another")
    for text in texts:
        assert math.isnan(_code("text/csv", f"{text},1\n", features))
    for value in values:
        assert math.isnan(_code("application/json", json.dumps([[value, 1]]), features))
    for array in arrays:
        assert math.isnan(_code("application/x-parquet", _file(array), features))
        path = tmp_path / "t.parquet"
        path.write_bytes(_file(array))
        assert _read(path) == [None]


@pytest.mark.parametrize("kind", ["integer", "id of 16 digits", "decimal", "true"])
def test_libsvm_values_have_the_same_names(kind):
    name, _, values, _ = KINDS[kind]
    assert _code("text/libsvm", f"0:{float(values[0])!r} 1:1\n", _features("another", name)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "007", "0742", "00", "00.0", "1e5", "12E4", "1E5", "0x1F", "1.10", "1.1", "v1.0", "1.0.0", "1,0",
        "+5", " 5", "5 ", "5.0 ", "1_000", "１.0",
        "٥.0", "-", ".", ".0", "-.0", "--5.0", "inf", "nan", "NaN", "NA",
        "null", "None", "t", "yes", "Y", "truе", "ﬁ", "é", "1e+999", "9e+9999", "1e+03", "1.5e+00", "5.3E2",
        "1E+15", "0e+15", "10e+15", "1.e+15",
    ],
)  # fmt: skip
def test_a_text_with_more_than_one_meaning_keeps_its_spelling(text):
    assert canonical_text(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("5.0", "5"),
        ("5.", "5"),
        ("-5.000", "-5"),
        ("12345678901234567890123.0", "12345678901234567890123"),
        ("1e+22", "10000000000000000000000"),
        ("1.0E7", "10000000"),
        ("1.0E-5", "0.00001"),
        ("2.5e-07", "0.00000025"),
        ("1.2345678901234568e+16", "12345678901234568"),
        ("TRUE", "true"),
        ("fAlse", "false"),
        ("", None),
        ("cafe\u0301", "caf\u00e9"),
        ("ﬁ", "ﬁ"),
    ],
)
def test_a_text_with_one_meaning_has_the_name_of_its_value(text, name):
    assert canonical_text(text) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, None),
        ("", None),
        (math.nan, None),
        (np.float32("nan"), None),
        (2.5, "2.5"),
        (np.float32(0.1), "0.1"),
        (np.float64(0.1), "0.1"),
        (np.int16(7), "7"),
        (np.bool_(True), "true"),
        (Decimal("1.50"), "1.5"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+3"), "1000"),
        (math.inf, "inf"),
        (2.0**60, "1152921504606846976"),
    ],
)
def test_typed_values(value, name):
    assert category_text(value) == name


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", object()])
def test_what_is_no_category(value):
    with pytest.raises(ValueError, match="not a category"):
        category_text(value)


@pytest.mark.parametrize(
    ("categories", "found"),
    [
        (("true", "false"), {"1": 0, "0": 1, "True": 0, "1.0": 0}),
        (("false", "true", "unknown"), {"1": 1, "0": 0}),
        (("true",), {"1": 0, "0": None}),
        (("0", "1"), {"true": 1, "FALSE": 0, "1.0": 1}),
        (("0.0", "1.0"), {"true": 1, "0": 0, "1": 1, "1.0": 1}),
        (("False", "True"), {"true": 1, "0": 0, "False": 0}),
        (("0", "1", "2"), {"true": None, "false": None, "2.0": 2}),
        (("1", "true"), {"1": 0, "true": 1, "0": None}),
        (("5.0", "6.0"), {"5": 0, "6.0": 1, "6.00": 1, "7": None}),
        # an older model in which two spellings are two categories says what it said
        (("5", "5.0"), {"5": 0, "5.0": 1, "5.00": 0}),
        (("cafe\u0301",), {"caf\u00e9": 0, "cafe\u0301": 0, "cafe": None}),
        (("caf\u00e9",), {"caf\u00e9": 0, "cafe\u0301": 0}),
        (("1.1", "1.10"), {"1.1": 0, "1.10": 1, "1.100": None}),
        ((), {"1": None, "true": None}),
    ],
)
def test_a_model_finds_its_categories_by_every_name_they_have(categories, found):
    features = _features(*categories)
    for text, code in found.items():
        assert features.code(0, text) == code, text
        rows = MEDIA_TYPES["text/csv"](f"{text},1\n".encode(), features, 10)
        assert rows.unseen == (code is None), text
        matrix = finish([rows], features)
        assert math.isnan(matrix[0, 0]) if code is None else matrix[0, 0] == code
    assert set(categories) <= codes_of(categories).keys()


@pytest.mark.parametrize("kind", ["integer", "negative", "zero", "decimal", "small", "true", "false"])
def test_a_job_that_stands_alone_reads_the_same_number(kind, tmp_path):
    name, texts, _, arrays = KINDS[kind]
    number = np.float32({"true": 1, "false": 0}.get(name, name))
    for text in texts:
        folder = tmp_path / "csv" / "train"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.csv").write_text(f"0,{text}\n1,{text}\n")
        assert read_channel(folder, content_type="text/csv").matrix.tolist() == [[number]] * 2, text
    for array in arrays:
        folder = tmp_path / "parquet" / "train"
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.table({"label": [0, 1], "m": pa.concat_arrays([array, array])})
        parquet.write_table(table, folder / "a.parquet")
        found = read_channel(folder, content_type="application/x-parquet").matrix
        np.testing.assert_allclose(found, np.float32([[number]] * 2), rtol=1e-3, err_msg=str(array.type))


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.time32("s"), pa.binary()])
def test_values_without_a_name_are_refused_wherever_they_come(kind, tmp_path):
    array = pa.array([b"x"] if pa.types.is_binary(kind) else [1], kind)
    path = tmp_path / "t.parquet"
    path.write_bytes(_file(array))
    with pytest.raises(TableError, match="which are no categories"):
        _read(path)
    with pytest.raises(BodyError, match="which are no categories"):
        _code("application/x-parquet", _file(array), _features("x"))


def test_a_model_json_of_before_is_read_and_written_unchanged():
    column = {"name": "mcc", "type": "category", "categories": ["10.0", "5.0"]}
    content = {"columns": [column], "preprocessing": {"scale": None}}
    features = read_features(Fields(content, source="model.json"))
    assert features.as_json()["columns"] == [column]
    assert features.code(0, "5") == 1
