"""Rows of CSV: what they mean, by way of a slow reader, and the sentence and place of every refusal."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudlab.container.bodies import BodyError, rows
from fraudlab.container.categories import category_text
from fraudlab.container.features import Column, Features
from fraudlab.container.formats.parsing import parse_number

from .models import ALL, CATEGORIES, MIXED, NAN, ONE, SCALED, read, refusal

CSV = "text/csv"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2.5,-3e2", [[1, 2.5, -300]]),
        ("1,2,3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
        ("1,2,3\r\n4,5,6\r\n", [[1, 2, 3], [4, 5, 6]]),
        ("1,2,3\r\n", [[1, 2, 3]]),
        ("1,,3\n", [[1, NAN, 3]]),
        ("1,2,\n,2,3", [[1, 2, NAN], [NAN, 2, 3]]),
        (",,\n,,", [[NAN, NAN, NAN], [NAN, NAN, NAN]]),
        ("NaN,null,nan", [[NAN, NAN, NAN]]),
        ("NA,#N/A,None", [[NAN, NAN, NAN]]),
        (' 1 ,"2",3', [[1, 2, 3]]),
        ('"1","","3"\r\n"4","5","6"\r\n', [[1, NAN, 3], [4, 5, 6]]),
        ("true,False,+1", [[1, 0, 1]]),
        (".5,1.,007", [[0.5, 1, 7]]),
        ("1,2,3\n4,5,6\n\n\r\n", [[1, 2, 3], [4, 5, 6]]),
        ('1,2,3\n"4",5,6\n\n\n', [[1, 2, 3], [4, 5, 6]]),
        ("\ufeff1,2,3", [[1, 2, 3]]),
        ("123456789012345678901234567890,16777217,1e-400", [[1.2345679e29, 16777216, 0]]),
    ],
)
def test_values(text: str, expected: list[list[float]]) -> None:
    matrix, unseen = read(CSV, text)
    np.testing.assert_array_equal(matrix, np.float32(expected))
    assert unseen == 0


def test_a_blank_row_of_one_column_is_a_missing_value() -> None:
    for text, expected in [("\n", [NAN]), ("1\n", [1]), ("1\n\n", [1, NAN]), ("\n\n2", [NAN, NAN, 2])]:
        np.testing.assert_array_equal(read(CSV, text, ONE)[0][:, 0], np.float32(expected))
    np.testing.assert_array_equal(read(CSV, '"1"\n\n""\n', ONE)[0][:, 0], np.float32([1, NAN, NAN]))


def test_categories() -> None:
    matrix, unseen = read(CSV, '1,casino,2\n1,"kiosk, 24h",2\n1,,2\n1,yacht,2\n1,12,2', MIXED)
    np.testing.assert_array_equal(matrix[:, 1], [0, 1, NAN, NAN, 2])
    assert unseen == 1
    matrix, unseen = read(CSV, "1,casino,2", MIXED)
    assert (matrix.tolist(), unseen) == ([[1, 0, 2]], 0)
    matrix, unseen = read(CSV, "1,casino ,2\n1,Casino,2\n1,12.0,2", MIXED)
    assert unseen == 2
    assert matrix[:, 1].tolist()[2] == 2
    matrix, unseen = read(CSV, "\ufeffb,x", CATEGORIES)
    assert (matrix.tolist(), unseen) == ([[1, 0]], 0)


def test_line_breaks_between_quotes_belong_to_the_category() -> None:
    features = Features([Column("m", ("two\nlines", "two\r\nlines", 'so "called"')), Column("a")])
    matrix, unseen = read(CSV, '"two\nlines",1\n"two\r\nlines",2\r\n"so ""called""",3', features)
    assert matrix.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert unseen == 0


@pytest.mark.parametrize(
    ("text", "sentence", "row", "column"),
    [
        ("1,2", "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        ("1,2,3\n1,2,3,4", "row 2 has 4 values where 3 are expected (a, b, c)", 2, None),
        ("1,2,3\n1,x,3", "row 2: column 'b' holds 'x', which is not a number", 2, "b"),
        ("1,1_0,3", "row 1: column 'b' holds '1_0', which is not a number", 1, "b"),
        ("1,٣,3", "row 1: column 'b' holds '٣', which is not a number", 1, "b"),
        ("1,0x1,3", "row 1: column 'b' holds '0x1', which is not a number", 1, "b"),
        ("1,[2],3", "row 1: column 'b' holds '[2]', which is not a number", 1, "b"),
        ("1,{},3", "row 1: column 'b' holds '{}', which is not a number", 1, "b"),
        ("1,nan(2),3", "row 1: column 'b' holds 'nan(2)', which is not a number", 1, "b"),
        ("1,2\x00,3", "row 1: column 'b' holds '2\\x00', which is not a number", 1, "b"),
        ("1,inf,3", "row 1: column 'b' is infinite", 1, "b"),
        ("1,2,3\n1,2,-Infinity", "row 2: column 'c' is infinite", 2, "c"),
        ("1,1e999,3", "row 1: column 'b' is infinite", 1, "b"),
        ("1,1e300,3", "row 1: column 'b' is 1e+300, too large for 32 bits", 1, "b"),
        ("1,2,-3.4028235677973366e38", "row 1: column 'c' is -3.40282e+38, too large for 32 bits", 1, "c"),
        ("a,b,c\n1,2,3", "row 1 is a header; send rows only", 1, None),
        ('"c"," b","a"\n1,2,3', "row 1 is a header; send rows only", 1, None),
        ("time,a,b,c,label\n1,2,3,4,5", "row 1 is a header; send rows only", 1, None),
        ("", "the body holds no rows; send one row a line", None, None),
        ("\n\r\n", "the body holds no rows; send one row a line", None, None),
        ("1,2,3\n\n4,5,6", "row 2 is blank", 2, None),
        ("\n1,2,3", "row 1 is blank", 1, None),
        ('1,2,3\n\n\n"4",5,6', "row 2 is blank", 2, None),
        ("1,2\n,3", "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        ("1,2],[3,4", "row 1 has 4 values where 3 are expected (a, b, c)", 1, None),
        ("1,2,3\n1,2,3],[4,5,6", "row 2 has 6 values where 3 are expected (a, b, c)", 2, None),
        (
            "1,2,3\r4,5,6\r",
            "row 1 holds a carriage return that ends no line; end lines with LF or CRLF",
            1,
            None,
        ),
        ("1,2,3\r", "row 1 holds a carriage return that ends no line; end lines with LF or CRLF", 1, None),
        ("1\r,2,3", "row 1 holds a carriage return that ends no line; end lines with LF or CRLF", 1, None),
        ('1,2,3\n"1"\r,2,3', "row 2 holds a carriage return that ends no line", 2, None),
        ('1,"2,3', "row 1 is not CSV: unexpected end of data", 1, None),
        ('1,2,3\n1,"2"x,3', "row 2 is not CSV: ',' expected after '\"'", 2, None),
        (b"1,2,3\n1,\xff,3", "row 2 is not UTF-8: invalid start byte", 2, None),
        (b'1,2,3\n1,"\xff",3', "row 2 is not UTF-8: invalid start byte", 2, None),
        ("1,2,3".encode("utf-16"), "row 1 is not UTF-8: invalid start byte", 1, None),
        ("1," + "x" * 100 + ",3", "row 1: column 'b' holds 'xxxxx", 1, "b"),
    ],
)
def test_refusals(text: str | bytes, sentence: str, row: int | None, column: str | None) -> None:
    error = refusal(CSV, text)
    assert error.sentence.startswith(sentence)
    assert (error.row, error.column, error.status) == (row, column, 400)


def test_many_columns_are_named_by_the_first_and_the_last() -> None:
    features = Features([Column(f"V{i}") for i in range(1, 30)])
    for count in (28, 30):
        error = refusal(CSV, ",".join(["1"] * count), features)
        assert error.sentence == f"row 1 has {count} values where 29 are expected (V1, …, V29)"
    assert refusal(CSV, "1,2", ONE).sentence == "row 1 has 2 values where 1 is expected (x)"


def test_a_header_of_categories_is_no_row_of_unseen_ones() -> None:
    assert refusal(CSV, "m,n\na,x", CATEGORIES).sentence == "row 1 is a header; send rows only"
    assert refusal(CSV, '"m","n"\na,x', CATEGORIES).sentence == "row 1 is a header; send rows only"
    named_like_its_column = Features([Column("m", ("m", "o"))])
    assert read(CSV, "m\no", named_like_its_column)[0].tolist() == [[0], [1]]


def test_bytes_that_are_not_utf8_are_no_unseen_category() -> None:
    for body in (b"1,\xff,2", b"1,casino,2\n1,\xff,2", b'1,"\xff",2'):
        assert "is not UTF-8" in refusal(CSV, body, MIXED).sentence


def test_row_limit() -> None:
    for text in ("1,2,3\n" * 3, '"1",2,3\n' * 3, "1,2,3\n" * 50_000):
        error = refusal(CSV, text, max_rows=2)
        assert (error.sentence, error.status) == ("the body holds more than 2 rows; send fewer at once", 413)
        assert len(read(CSV, text, max_rows=50_000)[0]) == text.count("\n")


def test_inputs_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_BYTES", 24)
    assert len(read(CSV, "1,2,3\n1,2,3")[0]) == 2
    error = refusal(CSV, "1,2,3\n1,2,3\n1,2,3")
    assert (error.sentence, error.status) == ("the body holds more than 2 rows; send fewer at once", 413)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_has_a_longest_length(quote: str) -> None:
    long = "1" + " " * (rows.MAX_ROW_BYTES + rows.SLICE_BYTES)
    error = refusal(CSV, f"1,2,{quote}3{quote}\n{long},2,3")
    assert (error.sentence, error.row) == ("row 2 is longer than 1,048,576 bytes", 2)


def test_large_bodies_are_read_in_slices_and_refused_by_row() -> None:
    expected = np.random.default_rng(3).normal(size=(40_000, 3)).astype(np.float32)
    lines = [",".join(map(repr, row)) for row in expected.tolist()]
    lines[30_000] = ",,7"
    expected[30_000] = [NAN, NAN, 7]
    np.testing.assert_array_equal(read(CSV, "\n".join(lines))[0], expected)
    lines[35_000] = "1,x,2"
    assert refusal(CSV, "\r\n".join(lines)).row == 35_001


# --- against a reader that takes its time ------------------------------------------------------------------


def slow(body: bytes, features: Features, separator: str = ",") -> np.ndarray | None:
    """The matrix a body means, or None where it has to be refused."""
    try:
        text = body.decode("utf-8-sig").replace("\r\n", "\n")
        if '"' not in text and "\r" in text:
            return None
        records = list(csv.reader(io.StringIO(text, newline="\n"), strict=True, delimiter=separator))
        while len(features) > 1 and records and not records[-1]:
            records.pop()
        matrix = [
            [
                _value(field, column.categories)
                for field, column in zip(record or [""], features.columns, strict=True)
            ]
            for record in records
        ]
    except (ValueError, csv.Error):
        return None
    with np.errstate(over="ignore"):
        found = np.array(matrix, np.float64).astype(np.float32)
    return found if records and not np.isinf(found).any() else None


def _value(field: str, categories: tuple[str, ...] | None) -> float:
    if categories is None:
        return parse_number(field)
    text = category_text(field)
    return float(categories.index(text)) if text in categories else math.nan


fields = st.one_of(
    st.floats(width=32, allow_infinity=False).map(repr),
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str),
    st.sampled_from(
        [
            "", "NaN", "null", "NA", " 1", "+2", "TRUE", "x", "inf", "1e999", "1_0", "-", '"3"', '"',
            "[1]", "]", "[", "casino", '"kiosk, 24h"', "12", "a", "b", "é", "1.", ".5", "-0", "00",
            "1e5", "nan(1)", "\r", "{", '""', "m", "n", "\t2 ", "\x0b", "\xa03",
        ]
    ),
)  # fmt: skip


@given(
    st.lists(st.lists(fields, min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n"]),
    st.sampled_from(list(ALL.values())),
)
@example([["0.0", "0.0", "\t2 "]], "\n", "", Features([Column("a", ("1", "2")), Column("b", ("1", "2"))]))
def test_what_is_taken_is_what_a_slow_reader_reads(
    records: list[list[str]], newline: str, end: str, features: Features
) -> None:
    body = (newline.join(",".join(record) for record in records) + end).encode()
    expected = slow(body, features)
    try:
        found, _ = read(CSV, body, features)
    except BodyError as error:
        found, sentence = None, error.sentence
    if found is not None and expected is None:
        expected = slow(body, features, separator="\t")  # fits it where commas do not
    if found is not None and expected is not None:
        np.testing.assert_array_equal(found, features.scaled(expected))
    else:
        # A header is the one thing that is refused although it could be read.
        assert found is None
        assert expected is None or "header" in sentence


@given(st.lists(st.tuples(st.text(max_size=8), st.floats(-1e6, 1e6)), min_size=1, max_size=6), st.data())
def test_categories_survive_quoting(records: list[tuple[str, float]], data: st.DataObject) -> None:
    file = io.StringIO(newline="")
    style = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(file, quoting=style).writerows([1.0, text, number] for text, number in records)
    known = tuple(sorted({text for text, _ in records if text}))
    features = Features([Column("a"), Column("m", known), Column("b")])
    matrix, unseen = read(CSV, file.getvalue(), features)
    np.testing.assert_array_equal(
        matrix[:, 1], np.float32([known.index(text) if text else NAN for text, _ in records])
    )
    assert unseen == 0


def test_scaling_is_applied() -> None:
    assert read(CSV, "5,1,1", SCALED)[0].tolist() == [[2, 1, 1000]]
    assert read(CSV, "5,1,3e38", SCALED)[0].tolist() == [[2, 1, np.finfo(np.float32).max]]
