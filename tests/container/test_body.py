"""Request bodies: what they mean, and the sentence and place of every refusal."""

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container import body as bodies
from fraudlab.container.body import BodyError, parse_csv, parse_json
from fraudlab.container.features import Column, Features, Scaling

NUMBERS = Features([Column("a"), Column("b"), Column("c")])
MIXED = Features([Column("a"), Column("m", ("casino", "kiosk, 24h")), Column("b")])
NAN = float("nan")


def csv(text: str | bytes, features: Features = NUMBERS) -> Any:
    return parse_csv(text.encode() if isinstance(text, str) else text, features)


def js(content: Any, features: Features = NUMBERS) -> Any:
    return parse_json(json.dumps(content).encode(), features)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,2.5,-3e2", [[1, 2.5, -300]]),
        ("1,2,3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
        ("1,2,3\r\n4,5,6\r\n", [[1, 2, 3], [4, 5, 6]]),
        ("1,,3\n", [[1, NAN, 3]]),
        (",,\n", [[NAN, NAN, NAN]]),
        ("NaN,null,nan", [[NAN, NAN, NAN]]),
        (' 1 ,"2",3', [[1, 2, 3]]),
        ("true,False,+1", [[1, 0, 1]]),
        ("1,2,3\n\n4,5,6\n\n", [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_csv(text: str, rows: list[list[float]]) -> None:
    found = csv(text)
    assert found.matrix.dtype == np.float32
    np.testing.assert_array_equal(found.matrix, np.float32(rows))
    assert found.unseen == 0


def test_csv_categories() -> None:
    found = csv('1,casino,2\n1,"kiosk, 24h",2\n1,,2\n1,yacht,2\n', MIXED)
    np.testing.assert_array_equal(found.matrix[:, 1], [0, 1, NAN, NAN])
    assert found.unseen == 1


def test_scaling_is_applied() -> None:
    features = Features(NUMBERS.columns, Scaling(np.array([1.0, 0, 0]), np.array([2.0, 1, 1])))
    assert csv("5,1,1", features).matrix.tolist() == [[2, 1, 1]]
    assert js([[5, 1, 1]], features).matrix.tolist() == [[2, 1, 1]]


@pytest.mark.parametrize(
    ("text", "sentence", "row", "column"),
    [
        ("1,2", "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        ("1,2,3\n1,2,3,4", "row 2 has 4 values where 3 are expected (a, b, c)", 2, None),
        ("1,2,3\n1,x,3", "row 2: column 'b' holds 'x', which is not a number", 2, "b"),
        ("1,1_0,3", "row 1: column 'b' holds '1_0', which is not a number", 1, "b"),
        ("1,inf,3", "row 1: column 'b' is infinite", 1, "b"),
        ("1,2,3\n1,2,-Infinity", "row 2: column 'c' is infinite", 2, "c"),
        ("1,1e300,3", "row 1: column 'b' is 1e+300, too large for 32 bits", 1, "b"),
        ("a,b,c\n1,2,3", "row 1 is a header; send rows only", 1, None),
        ("\n\r\n", "the body holds no rows", None, None),
        ('1,"2,3', "the body is not CSV: unexpected end of data", None, None),
        (b"1,\xff,3", "the body is not UTF-8: ", None, None),
        ("1," + "x" * 100 + ",3", "row 1: column 'b' holds 'xxxxx", 1, "b"),
    ],
)
@pytest.mark.parametrize("bulk", [False, True])
def test_csv_refusals(
    monkeypatch: pytest.MonkeyPatch,
    bulk: bool,
    text: str | bytes,
    sentence: str,
    row: int | None,
    column: str | None,
) -> None:
    monkeypatch.setattr(bodies, "BULK_BYTES", 0 if bulk else 1 << 20)
    with pytest.raises(BodyError) as caught:
        csv(text)
    assert caught.value.sentence.startswith(sentence)
    assert len(caught.value.sentence) < 200
    assert (caught.value.row, caught.value.column) == (row, column)


def test_many_columns_are_named_by_the_first_and_the_last() -> None:
    features = Features([Column(f"V{i}") for i in range(1, 30)])
    with pytest.raises(BodyError, match=r"^row 1 has 28 values where 29 are expected \(V1, …, V29\)$"):
        csv(",".join(["1"] * 28), features)
    with pytest.raises(BodyError, match=r"^row 1 has 30 values where 29 are expected \(V1, …, V29\)$"):
        csv(",".join(["1"] * 30), features)


numbers = st.one_of(
    st.floats(width=32, allow_infinity=False).map(repr),
    st.floats(-1e30, 1e30).map(repr),
    st.integers(-(10**9), 10**9).map(str),
    st.sampled_from(
        ["", "NaN", "null", "NA", " 1", "+2", "TRUE", "x", "inf", "1e999", "1_0", "-", '"3"', '"']
    ),
)


@given(st.lists(st.lists(numbers, min_size=2, max_size=4), min_size=1, max_size=6))
def test_every_parser_says_the_same(rows: list[list[str]]) -> None:
    body = "\n".join(",".join(row) for row in rows).encode()
    found = []
    for limit in (0, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bodies, "BULK_BYTES", limit)
            try:
                found.append(parse_csv(body, NUMBERS).matrix.tobytes())
            except BodyError as error:
                found.append(error.sentence.encode())
    try:
        found.append(bodies._parse_csv_carefully(body, NUMBERS).matrix.tobytes())
    except BodyError as error:
        found.append(error.sentence.encode())
    assert found[0] == found[1] == found[2]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(st.lists(st.tuples(texts, st.floats(-1e6, 1e6)), min_size=1, max_size=6))
def test_categories_survive_quoting_in_every_parser(rows: list[tuple[str, float]]) -> None:
    import csv as writer
    import io

    file = io.StringIO(newline="")
    writer.writer(file).writerows([1.0, text, number] for text, number in rows)
    known = tuple(sorted({text for text, _ in rows if text}))
    features = Features([Column("a"), Column("m", known), Column("b")])
    expected = [known.index(text) if text else NAN for text, _ in rows]
    for limit in (0, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bodies, "BULK_BYTES", limit)
            found = parse_csv(file.getvalue().encode(), features)
        np.testing.assert_array_equal(found.matrix[:, 1], np.float32(expected))
        assert found.unseen == 0


@given(st.binary(max_size=60), st.sampled_from([parse_csv, parse_json]), st.sampled_from([NUMBERS, MIXED]))
def test_any_bytes_are_scored_or_refused(body: bytes, parse: Any, features: Features) -> None:
    with contextlib.suppress(BodyError):
        rows, columns = parse(body, features).matrix.shape
        assert rows > 0
        assert columns == 3


@pytest.mark.parametrize(
    "content",
    [
        [[1, None, 2.5]],
        {"instances": [[1, None, 2.5]]},
        [{"c": 2.5, "a": 1, "b": None}],
        {"instances": [{"a": 1, "b": None, "c": 2.5}]},
        {"a": 1, "b": NAN, "c": 2.5},
        [[True, "", "2.5"]],
    ],
)
def test_json(content: Any) -> None:
    np.testing.assert_array_equal(js(content).matrix, np.float32([[1, NAN, 2.5]]))


def test_json_categories() -> None:
    features = Features([Column("a"), Column("m", ("3", "true", "x"))])
    found = js([[1, "x"], [1, 3], [1, 3.0], [1, True], [1, None], [1, "y"], {"m": "", "a": 1}], features)
    np.testing.assert_array_equal(found.matrix[:, 1], [2, 0, 0, 1, NAN, NAN, NAN])
    assert found.unseen == 1


@pytest.mark.parametrize(
    ("content", "sentence", "row", "column"),
    [
        ([[1, 2]], "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        ([[1, 2, 3], {"a": 1, "b": 2}], "row 2 has no column 'c'", 2, "c"),
        ({"a": 1, "b": 2, "c": 3, "aa": 4}, "row 1 has an unknown column 'aa' (did you mean 'a'?)", 1, "aa"),
        ([[1, "x", 3]], "row 1: column 'b' holds 'x', which is not a number", 1, "b"),
        ([[1, [2], 3]], "row 1: column 'b' holds [2], which is not a number", 1, "b"),
        ([[1, NAN, float("inf")]], "row 1: column 'c' is infinite", 1, "c"),
        ([[1, 2, 10**400]], "the body is not JSON: number is infinity when parsed as double", None, None),
        ([[1, 2, 1e39]], "row 1: column 'c' is 1e+39, too large for 32 bits", 1, "c"),
        ([1, 2, 3], "row 1 is neither a list nor an object: 1", 1, None),
        ([], "the body holds no rows", None, None),
        ("text", "the body holds no rows", None, None),
        ({"instances": 5}, "the body holds no rows", None, None),
        (None, "the body holds no rows", None, None),
    ],
)
def test_json_refusals(content: Any, sentence: str, row: int | None, column: str | None) -> None:
    with pytest.raises(BodyError) as caught:
        js(content)
    assert caught.value.sentence.startswith(sentence)
    assert len(caught.value.sentence) < 200
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.mark.parametrize(
    "body", [b"{", b"[[1,2,3]", b"NaN,", b"\xff", b"[" * 100_000, b"NaN" + b"[" * 100_000]
)
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(BodyError, match="the body is not JSON: "):
        parse_json(body, NUMBERS)


def test_a_list_is_no_category() -> None:
    with pytest.raises(BodyError, match=r"^row 1: column 'm' holds \[1\], which is not a category$"):
        js([[1, [1], 2]], MIXED)
