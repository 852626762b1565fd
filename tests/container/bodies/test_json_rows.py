"""Rows of JSON and of JSON lines: what they mean, and the sentence and place of every refusal."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.bodies import BodyError, json_rows, json_text, rows
from fraudlab.container.features import Column, Features

from .models import ALL, MIXED, NAN, NUMBERS, ONE, SCALED, read, refusal

JSON, LINES = "application/json", "application/jsonlines"
NO_ROWS = 'the body holds no rows; send [[…]], {"instances": [[…]]} or one object a row'


@pytest.mark.parametrize(
    "content",
    [
        [[1, None, 2.5]],
        [1, None, 2.5],
        {"instances": [[1, None, 2.5]]},
        [{"c": 2.5, "a": 1, "b": None}],
        {"instances": [{"a": 1, "b": None, "c": 2.5}]},
        {"instances": [{"features": [1, None, 2.5]}]},
        [{"features": [1, None, 2.5]}],
        {"features": [1, None, 2.5]},
        {"a": 1, "b": NAN, "c": 2.5},
        [[1, NAN, 2.5]],
        [[True, "", "2.5"]],
        [["1", "NaN", " 2.5"]],
        [{"a": "true", "b": "null", "c": "+2.5"}],
    ],
)
def test_values(content: Any) -> None:
    for text in (json.dumps(content), "\ufeff" + json.dumps(content, indent=2) + "\r\n"):
        matrix, unseen = read(JSON, text)
        np.testing.assert_array_equal(matrix, np.float32([[1, NAN, 2.5]]))
        assert unseen == 0


def test_numbers_are_rounded_by_way_of_float64() -> None:
    text = "[[16777217, 123456789012345678901234567890, 1e-400], [0.1, -0.0, 3.4028235e38]]"
    expected = np.float32([[16777216, 1.2345679e29, 0], [0.1, -0.0, 3.4028235e38]])
    assert read(JSON, text)[0].tobytes() == expected.tobytes()


def test_categories() -> None:
    features = Features([Column("a"), Column("m", ("3", "true", "x"))])
    content = [[1, "x"], [1, 3], [1, 3.0], [1, True], [1, None], [1, "y"], {"m": "", "a": 1}, [1, NAN]]
    for kind, text in ((JSON, json.dumps(content)), (LINES, "\n".join(map(json.dumps, content)))):
        matrix, unseen = read(kind, text, features)
        np.testing.assert_array_equal(matrix[:, 1], [2, 0, 0, 1, NAN, NAN, NAN, NAN])
        assert unseen == 1


@pytest.mark.parametrize("features", [NUMBERS, MIXED])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_values_that_are_deep(features: Features, brackets: tuple[str, str]) -> None:
    for depth in (900, 1_000, 1_020):
        deep = brackets[0] * depth + '"\\""' + brackets[1] * depth
        for text in (f"[[1, {deep}, 3]]", f"[{deep}]", deep, f'[{{"{features.names[1]}": {deep}}}]'):
            refusal(JSON, text, features)
            refusal(LINES, text, features)


@pytest.mark.parametrize("kind", [JSON, LINES])
def test_one_column(kind: str) -> None:
    for content in ([5], {"x": 5}, {"features": [5]}):
        assert read(kind, json.dumps(content), ONE)[0].tolist() == [[5]]
    assert refusal(kind, "[1, 2]", ONE).sentence == "row 1 has 2 values where 1 is expected (x)"


@pytest.mark.parametrize("name", ["features", "instances"])
def test_a_column_may_be_called_as_the_format_calls_rows(name: str) -> None:
    features = Features([Column(name)])
    assert read(JSON, json.dumps({name: 5}), features)[0].tolist() == [[5]]
    assert read(JSON, json.dumps([{name: 5}, {name: 6}]), features)[0].tolist() == [[5], [6]]
    assert read(JSON, json.dumps({"instances": [{"features": [5]}, [6]]}), features)[0].tolist() == [[5], [6]]


ROW_REFUSALS = [
    ([1, 2], "row 1 has 2 values where 3 are expected (a, b, c)", None),
    ([], "row 1 has 0 values where 3 are expected (a, b, c)", None),
    ({"features": [1, 2]}, "row 1 has 2 values where 3 are expected (a, b, c)", None),
    ({"a": 1, "b": 2}, "row 1 has no column 'c'; send null where it is missing", "c"),
    ({}, "row 1 has no column 'a'; send null where it is missing", "a"),
    ({"a": 1, "b": 2, "c": 3, "aa": 4}, "row 1 has an unknown column 'aa' (did you mean 'a'?)", "aa"),
    ({"a": 1, "b": 2, "features": [3]}, "row 1 has an unknown column 'features'", "features"),
    ({"a": 1, "b": 2, "C" * 999: 3}, "row 1 has an unknown column 'CCC", "C" * 100),
    ([1, "x", 3], "row 1: column 'b' holds 'x', which is not a number", "b"),
    ([1, [2], 3], "row 1: column 'b' holds [2], which is not a number", "b"),
    ([1, {"a": 2}, 3], "row 1: column 'b' holds {'a': 2}, which is not a number", "b"),
    ({"a": 1, "b": {}, "c": 3}, "row 1: column 'b' holds {}, which is not a number", "b"),
    ([1, "1_0", 3], "row 1: column 'b' holds '1_0', which is not a number", "b"),
    ([1, NAN, math.inf], "row 1: column 'c' is infinite", "c"),
    ([1, -math.inf, 2], "row 1: column 'b' is infinite", "b"),
    ([1, "Infinity", 2], "row 1: column 'b' is infinite", "b"),
    ([1, 2, 10**400], "row 1: column 'c' is 10000000000000000", "c"),
    ([1, 2, 1e39], "row 1: column 'c' is 1e+39, too large for 32 bits", "c"),
    ([1, 2, "1e39"], "row 1: column 'c' is 1e+39, too large for 32 bits", "c"),
    ({"a": 1, "b": 2, "c": -1e39}, "row 1: column 'c' is -1e+39, too large for 32 bits", "c"),
]


@pytest.mark.parametrize(("content", "sentence", "column"), ROW_REFUSALS)
def test_row_refusals(content: Any, sentence: str, column: str | None) -> None:
    row = json.dumps(content)
    good = "[1, 2, 3]"
    forms = [
        (JSON, f"[{row}]", 1),
        (JSON, f"[{good}, {row}]", 2),
        (JSON, f'{{"instances": [{good}, {good}, {row}, {good}]}}', 3),
        (LINES, row, 1),
        (LINES, f"{good}\n{row}\n{good}\n", 2),
    ]
    for kind, text, number in forms:
        error = refusal(kind, text)
        assert error.sentence.startswith(sentence.replace("row 1", f"row {number}"))
        assert (error.row, error.column, error.status) == (number, column, 400)


@pytest.mark.parametrize(
    ("text", "sentence", "row", "column"),
    [
        ("[[1, 2, 1e400]]", "row 1: column 'c' is infinite", 1, "c"),
        ("[[1, 2, 3], 5]", "row 2 is neither a list nor an object: 5", 2, None),
        ("[[1, 2, 3], null]", "row 2 is neither a list nor an object: None", 2, None),
        ('[[1, 2, 3], "1,2"]', "row 2 is neither a list nor an object: '1,2'", 2, None),
        ("[[[1, 2, 3]]]", "row 1 has 1 values where 3 are expected (a, b, c)", 1, None),
        ("[1, 2]", "row 1 has 2 values where 3 are expected (a, b, c)", 1, None),
        ("[]", NO_ROWS, None, None),
        ('"text"', NO_ROWS, None, None),
        ("null", NO_ROWS, None, None),
        ('{"instances": 5}', NO_ROWS, None, None),
        ('{"instances": []}', NO_ROWS, None, None),
        (
            '{"instances": [[1,2,3]], "id": 5}',
            "the body has an unknown key 'id' beside 'instances'",
            None,
            None,
        ),
        ('{"a": 1, "a": 2, "b": 3, "c": 4}', "the body names 'a' twice", None, "a"),
        ('[{"a": 1, "\\u0061": 2, "b": 3, "c": 4}]', "the body names 'a' twice", None, "a"),
        ('[{"a": "1", "b": 3, "c": 4, "a": "2"}]', "the body names 'a' twice", None, "a"),
        (
            '{"instances": [[9]], "instances": [[1,2,3]]}',
            "the body names 'instances' twice",
            None,
            "instances",
        ),
        ('[{"features": [9], "features": [1,2,3]}]', "the body names 'features' twice", None, "features"),
        ('[{"a": NaN, "b": 3, "c": 4, "a": "2"}]', "the body names 'a' twice", None, "a"),
    ],
)
def test_body_refusals(text: str, sentence: str, row: int | None, column: str | None) -> None:
    error = refusal(JSON, text)
    assert error.sentence == sentence
    assert (error.row, error.column, error.status) == (row, column, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[[1,2,3]",
        b"[[1,2,3]]]",
        b"[[1,2,3],]",
        b"NaN,",
        b"[[01,2,3]]",
        b"[[.5,2,3]]",
        b"\xff",
        b"[[1,2,3]]\x00",
        b'["\xff",2,3]',
        b'["\\ud800",2,3]',
        b'[["\\ud800",NaN,3]]',
        b'[{"\\ud800":NaN}]',
        "[[1,2,3]]".encode("utf-16"),
        b"[" * 100_000,
        b"NaN" + b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[[1,2," + b"9" * 5000 + b"]]",
        b"",
    ],
)
def test_what_is_no_json(body: bytes) -> None:
    error = refusal(JSON, body)
    assert error.sentence.startswith("the body is not JSON: ")
    assert (error.row, error.column, error.status) == (None, None, 400)
    if body:
        error = refusal(LINES, b"[1,2,3]\n" + body)
        assert error.sentence.startswith("row 2 is not JSON: ")
        assert error.row == 2


def test_a_list_is_no_category() -> None:
    error = refusal(JSON, "[[1, [1], 2]]", MIXED)
    assert error.sentence == "row 1: column 'm' holds [1], which is not a category"
    assert (error.row, error.column) == (1, "m")


def test_escaped_quotes_are_no_repeated_keys() -> None:
    features = Features([Column("a"), Column("m", ('say "a"',))])
    text = '[{"a": 1, "m": "say \\"a\\""}, {"a": "2", "m": "{\\"a\\": 1}"}]'
    matrix, unseen = read(JSON, text, features)
    np.testing.assert_array_equal(matrix, np.float32([[1, 0], [2, NAN]]))
    assert unseen == 1


# --- lines ---------------------------------------------------------------------------------------------


def test_lines() -> None:
    text = '[1, 2, 3]\r\n{"c": 6, "b": 5, "a": 4}\n{"features": [7, null, "9"]}\n\n'
    np.testing.assert_array_equal(read(LINES, text)[0], np.float32([[1, 2, 3], [4, 5, 6], [7, NAN, 9]]))


@pytest.mark.parametrize(
    ("text", "sentence", "row"),
    [
        ("", "the body holds no rows; send one list or object a line", None),
        ("\r\n\n", "the body holds no rows; send one list or object a line", None),
        ("[1,2,3]\n\n[1,2,3]", "row 2 is blank", 2),
        ("\n[1,2,3]", "row 1 is blank", 1),
        ("[1,2,3]\n \r\n[1,2,3]", "row 2 is blank", 2),
        ("[1,2,3]\n5", "row 2 is neither a list nor an object: 5", 2),
        ("[1,2,3]\n[1,2\n,3]", "row 2 is not JSON: unexpected end of data: line 1 column 5 (char 4)", 2),
        (
            "[1,2,3],[1,2,3]",
            "row 1 is not JSON: unexpected content after document: line 1 column 8 (char 7)",
            1,
        ),
        ("[1,2,3]\n[[1,2,3]]", "row 2 has 1 values where 3 are expected (a, b, c)", 2),
        ('[1,2,3]\n{"a":1,"b":2,"b":3,"c":4}', "row 2 names 'b' twice", 2),
        ('{"instances": [[1,2,3]]}', "row 1 has an unknown column 'instances'", 1),
    ],
)
def test_line_refusals(text: str, sentence: str, row: int | None) -> None:
    error = refusal(LINES, text)
    assert (error.sentence, error.row, error.status) == (sentence, row, 400)


# --- limits and large bodies ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 50_000])
def test_row_limit(count: int) -> None:
    content = [[1, 2, 3]] * count
    for kind, text in ((JSON, json.dumps(content)), (LINES, "\n".join(map(json.dumps, content)))):
        error = refusal(kind, text, max_rows=2)
        assert (error.sentence, error.status) == ("the body holds more than 2 rows; send fewer at once", 413)
        assert len(read(kind, text, max_rows=count)[0]) == count


LARGE = np.random.default_rng(5).normal(size=(30_000, 3)).round(5)
BRACKETS = "],[ },{" * 9
WITH_TEXT = Features([Column("a"), Column("m", (BRACKETS, "é" * 50)), Column("c")])


def large(form: str, **options: Any) -> str:
    rows: Any = LARGE.tolist()
    if form == "objects":
        rows = [dict(zip("abc", row, strict=True)) for row in rows]
    elif form == "features":
        rows = [{"features": row} for row in rows]
    return json.dumps({"instances": rows} if form != "lists" else rows, **options)


@pytest.mark.parametrize("options", [{}, {"indent": 1}, {"separators": (",", ":")}])
@pytest.mark.parametrize("form", ["lists", "objects", "features"])
def test_large_bodies(form: str, options: dict[str, Any]) -> None:
    text = large(form, **options)
    assert len(text) > 3 * json_text.LARGE_BYTES
    np.testing.assert_array_equal(read(JSON, f" \n{text}\r\n ", SCALED)[0], SCALED.scaled(np.float32(LARGE)))


def test_large_bodies_with_what_orjson_alone_would_not_read() -> None:
    rows = LARGE.tolist()
    rows[20_000] = [1, NAN, "3"]
    rows[25_000] = [4, "", None]
    matrix, _ = read(JSON, json.dumps(rows))
    np.testing.assert_array_equal(matrix[20_000], np.float32([1, NAN, 3]))
    np.testing.assert_array_equal(matrix[25_000], np.float32([4, NAN, NAN]))
    assert len(matrix) == len(rows)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_texts_that_look_like_the_end_of_a_row(ascii_only: bool) -> None:
    rows = [[number, BRACKETS if number % 3 else "é" * 50, number] for number in range(8_000)]
    for content in (rows, [dict(zip("amc", row, strict=True)) for row in rows]):
        matrix, unseen = read(JSON, json.dumps(content, ensure_ascii=ascii_only), WITH_TEXT)
        assert unseen == 0
        np.testing.assert_array_equal(matrix[:, 0], np.arange(8_000))
        np.testing.assert_array_equal(matrix[:, 1], np.arange(8_000) % 3 == 0)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("[1,2]", "row 20001 has 2 values where 3 are expected (a, b, c)"),
        ("[1,2,Infinity]", "row 20001: column 'c' is infinite"),
        ("[1,2,1e400]", "row 20001: column 'c' is infinite"),
        ("[1,2,3", "row 20001 is not JSON: Expecting ',' delimiter: line 1 column"),
        ("[1,2,3] 5", "row 20001 is not JSON: no comma behind it"),
        ("x", "row 20001 is not JSON: Expecting value: line 1 column"),
        ("", "row 20001 is not JSON: Expecting value: line 1 column"),
        ('{"a":1,"a":2,"b":2,"c":2}', "row 20001 names 'a' twice"),
        ('{"a":1,"\\ud800":2,"\\ud800":2}', "row 20001 names '\\\\ud800' twice"),
        ('["\\ud800",2,3]', "row 20001 is not JSON: 'utf-8' codec can't encode"),
        ("[" * 100_000, "row 20001 is not JSON: maximum recursion depth exceeded"),
        ("[" + "1," * (1 << 20) + "1]", "row 20001 is longer than 1,048,576 bytes"),
    ],
)
def test_refusals_in_large_bodies(row: str, sentence: str) -> None:
    rows = [json.dumps(values) for values in LARGE.tolist()]
    rows[20_000] = row
    error = refusal(JSON, f"[{', '.join(rows)}]")
    assert error.sentence.startswith(sentence)
    assert error.row == 20_001


@pytest.mark.parametrize(
    ("begin", "end", "sentence"),
    [
        ("", ",", "row 30001 is not JSON: Expecting value: line 1 column"),
        ("", "]", "row 30000 is not JSON: no comma behind it"),
        ("[", "", "row 1 is not JSON: "),
        ('{"rows": ', "}", NO_ROWS),
        ('{"instances": ', "", NO_ROWS),
        ("", "}", NO_ROWS),
        ('{"instances": ', ', "more": 1}', NO_ROWS),
        ("x", "", NO_ROWS),
    ],
)
def test_large_bodies_that_are_no_list_of_rows(begin: str, end: str, sentence: str) -> None:
    text = json.dumps(LARGE.tolist())
    inner = end in {",", "]"}
    body = f"{begin}{text[:-1]}{end}]" if inner else f"{begin}{text}{end}"
    assert refusal(JSON, body).sentence.startswith(sentence)


def test_a_comma_at_the_end_of_any_slice_is_refused() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "LARGE_BYTES", 0)
        for size in range(1, 80):
            patch.setattr(json_text, "SLICE_BYTES", size)
            for text in ("[[1,2,3],[1,2,3],]", '{"instances": [[1,2,NaN], ] }', "[[1,2,3],,[1,2,3]]"):
                assert "is not JSON" in refusal(JSON, text).sentence


def test_large_bodies_in_another_encoding() -> None:
    text = json.dumps(LARGE.tolist()).encode()
    assert refusal(JSON, text[:600_000] + b"\xff" + text[600_000:]).sentence.startswith(
        "the body is not UTF-8"
    )
    assert refusal(JSON, text.decode().encode("utf-16-le")).sentence == NO_ROWS


def test_a_row_has_a_longest_length() -> None:
    long = "[1, 2, 3" + " " * (rows.MAX_ROW_BYTES + rows.SLICE_BYTES) + "]"
    error = refusal(LINES, f"[1, 2, 3]\n{long}")
    assert (error.sentence, error.row) == ("row 2 is longer than 1,048,576 bytes", 2)


# --- slices of any size --------------------------------------------------------------------------------


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(["", "x", "12", "casino", "1e5", "NaN", "inf", "],[", '"', "{", "é", 10**400]),
    st.lists(st.integers(), max_size=2),
)
rows_of = st.one_of(
    st.lists(values, min_size=2, max_size=4),
    st.dictionaries(st.sampled_from(["a", "b", "c", "m", "x", "n"]), values, min_size=2, max_size=4),
    st.fixed_dictionaries({"a": values, "b": values, "c": values}),
    st.fixed_dictionaries({"b": values, "m": values, "a": values}),
    st.fixed_dictionaries({"features": st.lists(values, min_size=3, max_size=3)}),
    st.sampled_from([5, "x", None]),
)


def outcome(kind: str, text: str, features: Features) -> Any:
    try:
        matrix, unseen = read(kind, text, features)
    except BodyError as error:
        return error.row, error.column
    return matrix.tobytes(), unseen


@given(st.lists(rows_of, min_size=1, max_size=6), st.sampled_from(list(ALL.values())), st.integers(1, 40))
def test_slices_and_lines_say_what_the_whole_says(
    content: list[Any], features: Features, slice_bytes: int
) -> None:
    if not isinstance(content[0], (list, dict)):
        content.insert(0, [1, 2, 3])
    text = json.dumps(content)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (json_rows, "read_objects"),
            (json_rows, "read_object"),
            (json_text, "read_objects"),
        ):
            patch.setattr(module, name, lambda *_: None)
        expected = outcome(JSON, text, features)
    assert outcome(JSON, text, features) == expected
    with pytest.MonkeyPatch.context() as patch:
        for module in (rows, json_text):
            patch.setattr(module, "SLICE_BYTES", slice_bytes)
        assert outcome(LINES, "\n".join(map(json.dumps, content)), features) == expected
        patch.setattr(json_rows, "LARGE_BYTES", 0)
        assert outcome(JSON, text, features) == expected
        assert outcome(JSON, json.dumps({"instances": content}, indent=1), features) == expected
