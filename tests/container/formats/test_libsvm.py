"""libsvm: two parsers with one meaning, and the exact sentence of every refusal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.formats import libsvm
from fraudlab.container.formats.libsvm import LibsvmError, Sparse, parse_libsvm


def dense(sparse: Sparse, width: int) -> list[list[float]]:
    matrix = np.full((sparse.label.size, width), np.nan)
    matrix[np.repeat(np.arange(sparse.label.size), np.diff(sparse.indptr)), sparse.index] = sparse.value
    return matrix.tolist()


def refusal(data: bytes, labels: Any = "required") -> LibsvmError:
    with pytest.raises(LibsvmError) as caught:
        parse_libsvm(data, labels=labels)
    return caught.value


def test_rows_with_labels() -> None:
    found = parse_libsvm(b"1 0:0.5 3:-2e3\n0\n0.0\t1:.5  2:+7 \r\n1 2:nan\n", labels="required")
    assert found.label.tolist() == [1, 0, 0, 1]
    assert found.weight is None
    assert found.indptr.tolist() == [0, 2, 2, 4, 5]
    assert found.index.tolist() == [0, 3, 1, 2, 2]
    np.testing.assert_array_equal(found.value, [0.5, -2000, 0.5, 7, np.nan])
    assert found.label.dtype == found.value.dtype == np.float64
    assert found.indptr.dtype == found.index.dtype == np.int64


def test_weights_follow_the_label() -> None:
    found = parse_libsvm(b"1:0.5 1:2 2:3\n0:2\n", labels="required")
    assert found.label.tolist() == [1, 0]
    assert found.weight is not None
    assert found.weight.tolist() == [0.5, 2]
    assert found.index.tolist() == [1, 2]


def test_rows_of_a_body_need_no_label() -> None:
    found = parse_libsvm(b"1:2 2:3\n0 2:4\n", labels="optional")
    np.testing.assert_array_equal(found.label, [np.nan, 0])
    assert found.weight is None
    np.testing.assert_array_equal(dense(found, 3), [[np.nan, 2, 3], [np.nan, np.nan, 4]])


def test_comments_are_no_rows() -> None:
    found = parse_libsvm(b"# made by hand: 1:2\n1 1:2 # a fraud\n  # and\n0 1:3#no\n", labels="required")
    assert found.label.tolist() == [1, 0]
    assert found.value.tolist() == [2, 3]
    assert refusal(b"# one\n1 1:2\n# two\n0 1:x").row == 2


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\n", b"# nothing\n"])
def test_no_rows(data: bytes) -> None:
    found = parse_libsvm(data, labels="required")
    assert found.label.size == found.index.size == 0
    assert found.indptr.tolist() == [0]


def test_blank_lines_at_the_end_are_nothing() -> None:
    assert parse_libsvm(b"1 1:2\n\n \n\t\r\n", labels="required").label.tolist() == [1]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b"", "is blank"),
        (b"  \t", "is blank"),
        (b"1 qid:3 1:2", "has a qid: rows of a fraud model are in no groups"),
        (b"1 1:2 3", "holds '3', which is not index:value"),
        (b"1 -1:2", "has index -1, which is negative"),
        (b"1 1.5:2", "has '1.5' for an index, which is not a whole number"),
        (b"1 0x1:2", "has '0x1' for an index, which is not a whole number"),
        (b"1 1_0:2", "has '1_0' for an index, which is not a whole number"),
        ("1 ١:2".encode(), "has '١' for an index, which is not a whole number"),
        (b"1 :2", "has '' for an index, which is not a whole number"),
        (b"1 1234567890123456:2", "has index 1234567890123456, which is too large"),
        (b"1 3:1 3:2", "has index 3 twice"),
        (b"1 5:1 3:2", "has index 3 after 5: they must increase"),
        (b"1 1:", "has '' for index 1, which is not a number"),
        (b"1 1:2:3", "has '2:3' for index 1, which is not a number"),
        (b"1 1:abc", "has 'abc' for index 1, which is not a number"),
        (b"1 1:1_0", "has '1_0' for index 1, which is not a number"),
        (b"1 1:0x10", "has '0x10' for index 1, which is not a number"),
        ("1 1:١".encode(), "has '١' for index 1, which is not a number"),
        (b"1 1:" + b"y" * 90, "has '" + "y" * 39 + "…' for index 1, which is not a number"),
        (b"1 1:inf", "has 'inf' for index 1, which is infinite"),
        (b"1 1:-Infinity", "has '-Infinity' for index 1, which is infinite"),
        (b"1 1:1e999", "has '1e999' for index 1, which is infinite"),
        (b"fraud 1:2", "has 'fraud' for the label, which is not a number"),
        (b"inf 1:2", "has 'inf' for the label, which is infinite"),
        (b"1,0.5,2", "has '1,0.5,2' for the label, which is not a number"),
        (b"0:1 1:2", "has a weight, where the rows before it have none"),
    ],
)
@pytest.mark.parametrize("rows_before", [1, 500])
def test_refusals(row: bytes, problem: str, rows_before: int) -> None:
    error = refusal(b"1 1:2 2:3\n" * rows_before + row + b"\n0 1:2\n")
    assert error.problem == problem
    assert error.row == rows_before + 1
    assert error.sentence == str(error) == f"row {rows_before + 1} {problem}"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b"0:-1 1:2", "has '-1' for the weight, which is not above 0"),
        (b"0:nan 1:2", "has 'nan' for the weight, which is not above 0"),
        (b"0: 1:2", "has '' for the weight, which is not a number"),
        (b"0:inf 1:2", "has 'inf' for the weight, which is infinite"),
        (b"0 1:2", "has no weight, where the rows before it have one"),
    ],
)
@pytest.mark.parametrize("rows_before", [1, 500])
def test_refusals_of_weights(row: bytes, problem: str, rows_before: int) -> None:
    error = refusal(b"1:2 1:2 2:3\n" * rows_before + row)
    assert error.sentence == f"row {rows_before + 1} {problem}"


def test_in_a_body_a_weight_would_be_a_feature() -> None:
    assert refusal(b"1:0.5 1:2\n", "optional").sentence == "row 1 has index 1 twice"
    assert refusal(b"qid:1 1:2\n", "optional").problem.startswith("has a qid")


NUMBERS = st.floats(allow_infinity=False).map(lambda value: repr(value).encode()) | st.sampled_from(
    [b"1", b"-0", b"+2", b".5", b"5.", b"1e5", b"1E-7", b"NaN", b"00", b"123456789012345678901234567890"]
)


@st.composite
def rows_of_text(draw: Any, label: Callable[[], Any]) -> bytes:
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        indices = sorted(draw(st.sets(st.integers(0, 10**15 - 1), max_size=5)))
        tokens = [draw(label()), *(b"%d:%b" % (index, draw(NUMBERS)) for index in indices)]
        gap = draw(st.sampled_from([b" ", b" ", b"\t", b"  "]))
        rows.append(gap.join(token for token in tokens if token))
    return draw(st.sampled_from([b"\n", b"\n", b"\r\n"])).join(rows) + draw(st.sampled_from([b"", b"\n"]))


def both_ways(data: bytes, labels: Any) -> list[Any]:
    """The outcome of the fast parser, with what it leaves to the careful one, and of that one alone."""
    outcomes: list[Any] = []
    for least in (0, 1 << 30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(libsvm, "BULK_BYTES", least)
            try:
                outcomes.append(parse_libsvm(data, labels=labels))
            except LibsvmError as error:
                outcomes.append((error.problem, error.row))
    return outcomes


def assert_same(fast: Any, careful: Any) -> None:
    if isinstance(careful, tuple):
        assert fast == careful
        return
    for field in ("label", "weight", "indptr", "index", "value"):
        np.testing.assert_array_equal(getattr(fast, field), getattr(careful, field))


@given(
    st.one_of(
        st.tuples(st.just("required"), rows_of_text(lambda: NUMBERS)),
        st.tuples(st.just("required"), rows_of_text(lambda: NUMBERS.map(lambda n: b"1:" + n))),
        st.tuples(st.just("optional"), rows_of_text(lambda: NUMBERS)),
        st.tuples(st.just("optional"), rows_of_text(lambda: st.just(b""))),
        st.tuples(st.just("optional"), rows_of_text(lambda: st.sampled_from([b"", b"1"]))),
    )
)
def test_both_parsers_mean_the_same(case: tuple[Any, bytes]) -> None:
    assert_same(*both_ways(case[1], case[0]))


@given(
    st.text("01:. \n\t\r#-+eEnNaAif_,q\u0661", max_size=60).map(str.encode) | st.binary(max_size=60),
    st.sampled_from(["required", "optional"]),
)
def test_whatever_comes_is_read_or_refused_alike(data: bytes, labels: Any) -> None:
    assert_same(*both_ways(data, labels))


def test_the_fast_parser_reads_plain_rows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libsvm, "_parse_lines", None)
    for labels, row in (("required", b"1 1:0.5"), ("required", b"1:2 1:0.5"), ("optional", b"1:0.5 2:NaN")):
        assert parse_libsvm((row + b"\n") * 1000, labels=labels).indptr.size == 1001  # type: ignore[arg-type]


@given(st.lists(st.lists(st.floats(width=32, allow_infinity=False), min_size=3, max_size=3), min_size=1))
def test_what_repr_writes_comes_back(rows: list[list[float]]) -> None:
    lines = [" ".join(["0", *(f"{at}:{value!r}" for at, value in enumerate(row))]) for row in rows]
    found = parse_libsvm("\n".join(lines).encode(), labels="required")
    np.testing.assert_array_equal(np.array(dense(found, 3), np.float32), np.array(rows, np.float32))


@pytest.mark.parametrize("broken", [b"1 0:\n1.5 3:2", b"1 0:1.5 3:\n2", b"1 0: 3:2", b"1 0:1.5\n:2"])
@pytest.mark.parametrize("before", [1, 90, 7_000])
def test_a_break_within_a_feature_is_refused_at_its_row(broken: bytes, before: int) -> None:
    """Python before 3.11.5 took the first of these for well-formed: a possessive repetition of a group."""
    good = [b"1 0:1.5 3:2"]
    data = b"\n".join([*good * before, broken, *good * 200])
    fast, careful = both_ways(data, "optional")
    assert fast == careful
    assert careful[1] in (before + 1, before + 2)
