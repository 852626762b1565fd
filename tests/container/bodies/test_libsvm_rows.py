"""Rows of libsvm: which column an index means, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.bodies import BodyError, read_content_type, rows
from fraudlab.container.features import Column, Features

from .models import MANY, MIXED, NAN, ONE, read, refusal

LIBSVM = "text/libsvm"
NAMED = Features([Column("f5"), Column("f1"), Column("f2")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:1 1:2.5 2:-3e2", [[1, 2.5, -300]]),
        ("1 0:1 2:3\n0 1:2\n", [[1, NAN, 3], [NAN, 2, NAN]]),
        ("2:3\r\n0:1\r\n\r\n", [[NAN, NAN, 3], [1, NAN, NAN]]),
        ("1\n0 1:5 # a label alone is a row of missing values", [[NAN, NAN, NAN], [NAN, 5, NAN]]),
        ("# no row\n0:nan 1:.5", [[NAN, 0.5, NAN]]),
        ("1:1 2:2", [[NAN, 1, 2]]),
    ],
)
def test_indices_are_positions_from_0(text: str, expected: list[list[float]]) -> None:
    matrix, unseen = read(LIBSVM, text)
    np.testing.assert_array_equal(matrix, np.float32(expected))
    assert unseen == 0


def test_indices_are_names_where_all_columns_are_named_so() -> None:
    matrix, _ = read(LIBSVM, "1:1 2:2 5:3\n2:4", NAMED)
    np.testing.assert_array_equal(matrix, np.float32([[3, 1, 2], [NAN, NAN, 4]]))
    only_some = Features([Column("f5"), Column("amount"), Column("f2")])
    np.testing.assert_array_equal(read(LIBSVM, "0:0 1:1 2:2", only_some)[0], np.float32([[0, 1, 2]]))
    padded = Features([Column("f01"), Column("f00")])
    np.testing.assert_array_equal(read(LIBSVM, "0:1 1:2", padded)[0], np.float32([[1, 2]]))


def test_a_number_can_name_a_category() -> None:
    matrix, unseen = read(LIBSVM, "0:1 1:12\n1:12.0\n1:7\n1:nan", MIXED)
    np.testing.assert_array_equal(matrix, np.float32([[1, 2, NAN], [NAN, 2, NAN], [NAN] * 3, [NAN] * 3]))
    assert unseen == 1


@pytest.mark.parametrize(
    ("text", "sentence", "row", "column"),
    [
        (
            "0:1\n3:1",
            (
                "row 2 has index 3, which no column of the model has: they are 0 to 2, as in training;"
                " send it as 'text/libsvm; base=1' if it counts from 1"
            ),
            2,
            None,
        ),
        ("0:1 1:x", "row 1 has 'x' for index 1, which is not a number", 1, None),
        ("0:1\n1:inf", "row 2 has 'inf' for index 1, which is infinite", 2, None),
        ("0:1\n1:-1e39", "row 2: column 'b' is -1e+39, too large for 32 bits", 2, "b"),
        ("0:1\n\n0:1", "row 2 is blank", 2, None),
        ("\n0:1", "row 1 is blank", 1, None),
        ("1:0 0:1", "row 1 has index 0 after 1: they must increase", 1, None),
        ("1,2,3", "row 1 has '1,2,3' for the label, which is not a number", 1, None),
        ("", "the body holds no rows; send one row a line: index:value index:value …", None, None),
        (" \n\n", "the body holds no rows; send one row a line: index:value index:value …", None, None),
        ("# nothing", "the body holds no rows; send one row a line: index:value index:value …", None, None),
    ],
)
def test_refusals(text: str, sentence: str, row: int | None, column: str | None) -> None:
    error = refusal(LIBSVM, text)
    assert (error.sentence, error.row, error.column, error.status) == (sentence, row, column, 400)


def test_an_index_that_no_column_is_named_by() -> None:
    for index in (0, 3, 6):
        error = refusal(LIBSVM, f"{index}:1", NAMED)
        assert error.sentence == f"row 1 has index {index}, which no column of the model has: they are 1 to 5"
    assert "has: 0 is the only one, or 1 to 1" in refusal(LIBSVM, "2:1", ONE).sentence


def test_large_bodies_are_read_in_slices_and_refused_by_row() -> None:
    lines = [f"{number % 3}:{number}" for number in range(30_000)]
    matrix, _ = read(LIBSVM, "\n".join(lines))
    assert np.nansum(matrix.astype(np.float64)) == sum(range(30_000))
    assert (np.isnan(matrix).sum(axis=1) == 2).all()
    for bad, sentence in (
        ("3:1", "has index 3"),
        ("", "is blank"),
        ("0:x", "has 'x'"),
        ("0:1e39", ": column"),
    ):
        for row in (5_000, 20_000):
            changed = lines.copy()
            changed[row] = bad
            error = refusal(LIBSVM, "\n".join(changed))
            assert error.row == row + 1
            assert sentence in error.sentence


@given(st.lists(st.sampled_from(["0:1", "1 2:5", "1", ""]), min_size=1, max_size=12), st.integers(1, 30))
def test_slices_say_what_the_whole_says(lines: list[str], slice_bytes: int) -> None:
    text = "\n".join(lines).rstrip()
    blank = next((number for number, line in enumerate(text.split("\n"), 1) if not line), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "SLICE_BYTES", slice_bytes)
        if blank is not None:
            assert refusal(LIBSVM, text).row == (blank if text else None)
        else:
            np.testing.assert_array_equal(
                read(LIBSVM, text)[0],
                [
                    [1 if "0:1" in line else NAN, NAN, 5 if "2:5" in line else NAN]
                    for line in text.split("\n")
                ],
            )


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(LIBSVM, "1\n1\n1", max_rows=2)
    assert (error.sentence, error.status) == ("the body holds more than 2 rows; send fewer at once", 413)
    wide = Features([Column(f"f{number}") for number in range(5_000)])
    error = refusal(LIBSVM, "1\n" * 30_000, wide)
    assert (error.sentence, error.status) == ("the body holds more than 13,421 rows; send fewer at once", 413)
    long = "0:1" + " " * (rows.MAX_ROW_BYTES + rows.SLICE_BYTES)
    assert refusal(LIBSVM, f"0:1\n{long}1:1").sentence == "row 2 is longer than 1,048,576 bytes"


# --- from 0 or from 1 ------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
MODELS = {
    "libsvm from 0": Features([Column("f0"), Column("f1"), Column("f2")], libsvm_base=0),
    "libsvm from 1": Features([Column("f1"), Column("f2"), Column("f3")], libsvm_base=1),
    "csv": Features([Column("f0"), Column("f1"), Column("f2")]),
    "parquet": Features([Column(name) for name in NAMES]),
}
FROM_0, FROM_1, BOTH = "0:5 1:6 2:7\n1:8", "1:8\n1:5 2:6 3:7", "0:1\n1:8\n3:7"
UNCLEAR, EMPTY, BEYOND = "1:5\n1:6 2:7", "1\n0", "1:8\n7:1"


def meaning(body: str, base: int) -> list[list[float]]:
    matrix = [[NAN] * 3 for _ in body.split("\n")]
    for row, line in zip(matrix, body.split("\n"), strict=True):
        for index, _, value in (token.partition(":") for token in line.split() if ":" in token):
            row[int(index) - base] = float(value)
    return matrix


@pytest.mark.parametrize(
    ("model", "body", "said", "base"),
    [
        # What the request says counts, whatever the model is.
        *((model, FROM_0, 0, 0) for model in MODELS),
        *((model, UNCLEAR, 0, 0) for model in MODELS),
        *((model, FROM_1, 1, 1) for model in MODELS),
        *((model, UNCLEAR, 1, 1) for model in MODELS),
        *((model, FROM_1, 0, None) for model in MODELS),
        *((model, FROM_0, 1, None) for model in MODELS),
        # A model that was trained on libsvm counts as its files did.
        ("libsvm from 0", FROM_0, None, 0),
        ("libsvm from 0", UNCLEAR, None, 0),
        ("libsvm from 0", FROM_1, None, None),
        ("libsvm from 1", FROM_1, None, 1),
        ("libsvm from 1", UNCLEAR, None, 1),
        ("libsvm from 1", FROM_0, None, None),
        # To the others the body has to tell.
        *((model, FROM_0, None, 0) for model in ("csv", "parquet")),
        *((model, FROM_1, None, 1) for model in ("csv", "parquet")),
        *((model, UNCLEAR, None, None) for model in ("csv", "parquet")),
        # No reading has an index of both kinds, or one beyond them; where nothing is, nothing is unclear.
        *((model, body, said, None) for model in MODELS for body in (BOTH, BEYOND) for said in (None, 0, 1)),
        *((model, EMPTY, said, 0) for model in MODELS for said in (None, 0, 1)),
    ],
)
@pytest.mark.parametrize("slice_bytes", [1, 1 << 16])
def test_columns_are_counted_as_request_model_or_body_say(
    monkeypatch: pytest.MonkeyPatch,
    slice_bytes: int,
    model: str,
    body: str,
    said: int | None,
    base: int | None,
) -> None:
    monkeypatch.setattr(rows, "SLICE_BYTES", slice_bytes)
    kind = "text/libsvm" if said is None else f"Text/X-LibSVM; charset=utf-8; base={said}"
    _, parse = read_content_type(kind)
    if base is None:
        with pytest.raises(BodyError) as caught:
            parse(body.encode(), MODELS[model], MANY)
        assert caught.value.status == 400
        assert len(caught.value.sentence) < 250
    else:
        found = np.frombuffer(parse(body.encode(), MODELS[model], MANY).inputs, np.float32)
        np.testing.assert_array_equal(found.reshape(-1, 3), np.float32(meaning(body, base)))


@pytest.mark.parametrize(
    ("model", "body", "sentence"),
    [
        (
            "parquet",
            "1\n2:5",
            (
                "row 2 has index 2: column 'c' where columns are counted from 0, 'b' from 1, and nothing says"
                " which; send it as 'text/libsvm; base=0' or 'text/libsvm; base=1'"
            ),
        ),
        (
            "csv",
            BOTH,
            ("row 3 has index 3, which no column of the model has: they are 0 to 2, as the body has index 0"),
        ),
        (
            "csv",
            BEYOND,
            (
                "row 2 has index 7, which no column of the model has: they are 0 to 2, or 1 to 3 where"
                " they are counted from 1"
            ),
        ),
        (
            "libsvm from 1",
            FROM_0,
            (
                "row 1 has index 0, which no column of the model has: they are 1 to 3, as in training; send"
                " it as 'text/libsvm; base=0' if it counts from 0"
            ),
        ),
    ],
)
def test_what_does_not_fit_says_both_readings(model: str, body: str, sentence: str) -> None:
    assert refusal(LIBSVM, body, MODELS[model]).sentence == sentence


def test_a_late_row_decides_for_those_before_it() -> None:
    lines = ["1:1"] * 30_000
    for last, column in (("0:1", 1), ("3:1", 0)):
        matrix, _ = read(LIBSVM, "\n".join([*lines, last]), MODELS["csv"])
        np.testing.assert_array_equal(matrix[:-1, column], 1)
        assert np.isnan(np.delete(matrix[:-1], column, axis=1)).all()
    assert refusal(LIBSVM, "\n".join([*lines, "0:1", *lines, "3:1"]), MODELS["csv"]).row == 60_002
    assert refusal(LIBSVM, "\n".join(lines), MODELS["csv"]).row == 1
