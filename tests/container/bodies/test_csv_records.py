"""CSV with other separators than commas: read where nothing else can be meant."""

import numpy as np
import pytest

from fraudlab.container.bodies import BodyError, read_content_type
from fraudlab.container.bodies.rows import SLICE_BYTES
from fraudlab.container.features import Column, Features

from .models import CATEGORIES, MANY, MIXED, NAN, NUMBERS, ONE, read, refusal

CSV = "text/csv"
MARKS = {"tabs": "\t", "semicolons": ";", "bars": "|", "spaces": " "}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("copies", [1, 2, 20_000])
def test_rows_mean_what_they_mean_in_commas(mark: str, end: str, copies: int) -> None:
    rows = ["1,2.5,-3e2", "4,NaN,6"] * copies
    body = (end or "\n").join(row.replace(",", mark) for row in rows) + end
    assert copies < 20_000 or len(body) > SLICE_BYTES
    matrix, _ = read(CSV, body)
    np.testing.assert_array_equal(matrix, np.float32([[1, 2.5, -300], [4, NAN, 6]] * copies))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("1;;3", [[1, NAN, 3]]),
        ("1\t\t", [[1, NAN, NAN]]),
        ("||3", [[NAN, NAN, 3]]),
        ("  1   2 3 ", [[1, 2, 3]]),
        ('"1";"2";"3"', [[1, 2, 3]]),
        ("\ufeff1;2;3", [[1, 2, 3]]),
        ("1\t 2 \t3", [[1, 2, 3]]),
    ],
)
def test_missing_values_quotes_and_spaces(body: str, expected: list[list[float]]) -> None:
    np.testing.assert_array_equal(read(CSV, body)[0], np.float32(expected))


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_texts(mark: str) -> None:
    matrix, unseen = read(CSV, f"1{mark}casino{mark}2\n3{mark}12{mark}4", MIXED)
    np.testing.assert_array_equal(matrix, np.float32([[1, 0, 2], [3, 2, 4]]))
    assert unseen == 0


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_texts_may_have_commas_and_spaces(mark: str) -> None:
    for text in ("kiosk, 24h", '"kiosk, 24h"'):
        matrix, unseen = read(CSV, f"1{mark}{text}{mark}2", MIXED)
        np.testing.assert_array_equal(matrix, np.float32([[1, 1, 2]]))
        assert unseen == 0
    named = Features([Column("a"), Column("m", ("a;b", "c|d e"))])
    assert read(CSV, "1,a;b\n2,c|d e", named)[0][:, 1].tolist() == [0, 1]
    assert read(CSV, "1\tc|d e", named)[0].tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("body", "features", "sentence"),
    [
        (
            "1,5;2,5;3",
            NUMBERS,
            "row 1: column 'a' holds '1,5' between semicolons; write numbers with a decimal point",
        ),
        ("1;2;3\n1;2;1.234,5", NUMBERS, "row 2: column 'c' holds '1.234,5' between semicolons"),
        (
            "1,5;casino",
            Features([Column("a"), Column("m", ("casino",))]),
            "row 1: column 'a' holds '1,5' between",
        ),
        ("1,5\t2,5\t3,5", NUMBERS, "row 1: column 'a' holds '1,5' between tabs"),
        (
            "1|2;3|4;5",
            NUMBERS,
            "row 1 could be separated by semicolons or by bars; separate values by commas",
        ),
        ("a;b;c\n1;2;3", NUMBERS, "row 1 is a header; send rows only"),
        ("1;2;3\n1;2", NUMBERS, "row 2 has 2 values where 3 are expected"),
        ("1;2;3\n1,2,3", NUMBERS, "row 2 has 1 values where 3 are expected"),
        ("1;2;3\n\n1;2;3", NUMBERS, "row 2 is blank"),
        ("1;2;x", NUMBERS, "row 1: column 'c' holds 'x', which is not a number"),
        ("1;2", NUMBERS, "row 1 has 1 values where 3 are expected"),
        ("1 2", NUMBERS, "row 1 has 1 values where 3 are expected"),
        ("1 2 x", NUMBERS, "row 1 has 1 values where 3 are expected"),
        ("1  3", NUMBERS, "row 1 has 1 values where 3 are expected"),
        ("1:2:3", NUMBERS, "row 1 has 1 values where 3 are expected"),
        ("1;2;3;4", NUMBERS, "row 1 has 1 values where 3 are expected"),
        # One text of two words is not two columns.
        ("New York", CATEGORIES, "row 1 has 1 values where 2 are expected"),
        ("1;2", ONE, "row 1: column 'x' holds '1;2', which is not a number"),
    ],
)
def test_what_is_not_certain_or_wrong(body: str, features: Features, sentence: str) -> None:
    assert refusal(CSV, body, features).sentence.startswith(sentence)


@pytest.mark.parametrize("mark", [",", *MARKS.values()])
def test_labels_in_front_with_any_separator(mark: str) -> None:
    _, parse = read_content_type("text/csv; label_size=1")
    body = "\n".join(["0,1,2,3".replace(",", mark)] * 3)
    found = np.frombuffer(parse(body.encode(), NUMBERS, MANY).inputs, np.float32)
    assert found.reshape(-1, 3).tolist() == [[1, 2, 3]] * 3
    with pytest.raises(BodyError) as caught:
        parse(b"0;1,5;2;3", NUMBERS, MANY)
    assert caught.value.sentence.startswith("row 1: column 'a' holds '1,5' between semicolons")
