"""Rows through an endpoint: written exactly, in order, and counted."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.bodies import finish
from fraudlab.container.bodies.csv_rows import parse_csv
from fraudlab.container.features import Column, Features
from fraudlab.errors import DataError, EndpointError, RequestTooLarge
from fraudlab.stages.scoring import csv_rows, score_rows


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_numbers_are_written_so_that_they_are_read_back_exactly(values):
    column = np.array(values, dtype=np.float32)
    text = csv_rows(pa.table({"a": column, "b": column}))
    read = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.float64, ndmin=2).astype(np.float32)
    assert np.array_equal(read[:, 0], column)


def test_missing_values_are_empty_fields_and_texts_are_quoted():
    table = pa.table(
        {
            "number": pa.array([1.5, None, float("nan")], pa.float32()),
            "text": pa.array(["a,b", None, 'c"d']).dictionary_encode(),
        }
    )
    assert csv_rows(table).decode().splitlines() == ['1.5,"a,b"', ",", ',"c""d"']


TEXTS = ["a;b", "a b", "x\ty", "p|q", "cr\rx", "lf\ny", "crlf\r\nz", 'q"q', "a,b", " lead", "trail ",
         "\ufeffbom", "null", "NaN", "é", "[1]", "{", "5", "-", "'s'", "", "0742"]  # fmt: skip


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("text", [*TEXTS, None])
def test_a_text_arrives_as_it_was(text, copies):
    known = tuple(filter(None, TEXTS))
    for names in (("m",), ("a", "m"), ("m", "o")):
        features = Features([Column(name, None if name == "a" else known) for name in names])
        texts = TEXTS if text is None else [text]
        column = pa.array([one or None for one in texts] * copies).dictionary_encode()
        numbers = pa.array([1.0] * len(column), pa.float32())
        body = csv_rows(pa.table({name: numbers if name == "a" else column for name in names}))
        rows = parse_csv(body, features, 1000)
        assert rows.unseen == 0
        codes = finish([rows], features)[:, names.index("m")]
        position = names.index("m")
        np.testing.assert_array_equal(codes, [features.code(position, one) for one in texts] * copies)


def test_texts_are_quoted_only_where_they_need_it():
    plain = pa.table({"m": pa.array(["a", "b c", None]).dictionary_encode()})
    assert csv_rows(plain) == b"a\nb c\n\n"


@pytest.mark.parametrize("batch_rows", [1, 3, 10, 100])
def test_scores_come_back_in_the_order_of_the_rows(batch_rows):
    values = np.arange(10, dtype=np.float32)
    reached = []

    def endpoint(body: bytes) -> bytes:
        return b"".join(b"%f\n" % (float(line) / 16) for line in body.split())

    scores = score_rows(pa.table({"a": values}), endpoint, batch_rows=batch_rows, reach=reached.append)
    assert np.array_equal(scores, values / 16)
    assert reached[-1] == 10
    assert reached == sorted(reached)


def test_an_answer_of_another_length_is_an_error():
    with pytest.raises(EndpointError, match="answered 1 scores for 2 rows"):
        score_rows(pa.table({"a": [1.0, 2.0]}), lambda body: b"0.5\n", batch_rows=2, reach=lambda count: None)


def test_an_error_of_the_endpoint_is_not_swallowed():
    def endpoint(body: bytes) -> bytes:
        raise EndpointError("The endpoint answered 400: row 1 …", fix="read the log")

    with pytest.raises(EndpointError, match="400"):
        score_rows(pa.table({"a": np.zeros(100)}), endpoint, batch_rows=1, reach=lambda count: None)


def echo(body: bytes) -> bytes:
    return b"".join(line.split(b",")[0] + b"\n" for line in body.splitlines())


def wide(rows, columns=20):
    rng = np.random.default_rng(1)
    table = pa.table({f"v{position}": rng.normal(size=rows).astype("f4") for position in range(columns)})
    return table, table["v0"].to_numpy()


@pytest.mark.parametrize("max_body", [500, 5_000, 200_000, 10_000_000])
def test_batches_are_cut_by_bytes_as_well_as_by_rows(max_body):
    table, expected = wide(1000)
    sizes = []

    def endpoint(body: bytes) -> bytes:
        sizes.append((len(body), body.count(b"\n")))
        return echo(body)

    reached = []
    scores = score_rows(table, endpoint, batch_rows=400, max_body=max_body, reach=reached.append)
    assert np.array_equal(scores, expected)
    assert max(size for size, _ in sizes) <= max_body
    assert max(rows for _, rows in sizes) <= 400
    assert sum(rows for _, rows in sizes) == 1000 == reached[-1]


def test_rows_that_become_longer_are_cut_again():
    texts = ["a"] * 500 + ["b" * 300] * 500
    table = pa.table({"number": np.arange(1000, dtype="f4"), "text": pa.array(texts).dictionary_encode()})
    sizes = []

    def endpoint(body: bytes) -> bytes:
        sizes.append(len(body))
        return echo(body)

    scores = score_rows(table, endpoint, batch_rows=1000, max_body=2000, reach=lambda count: None)
    assert np.array_equal(scores, np.arange(1000))
    assert max(sizes) <= 2000


@pytest.mark.parametrize("limit", ["bytes", "rows"])
def test_a_request_the_endpoint_calls_too_large_is_halved_and_scoring_goes_on(limit):
    table, expected = wide(1000)
    refused = []

    def endpoint(body: bytes) -> bytes:
        if (len(body) if limit == "bytes" else body.count(b"\n")) > (9_000 if limit == "bytes" else 60):
            refused.append(len(body))
            raise RequestTooLarge("The endpoint answered 413.", fix="send less")
        return echo(body)

    assert np.array_equal(score_rows(table, endpoint, batch_rows=900, reach=lambda count: None), expected)
    assert 0 < len(refused) < 20


@pytest.mark.parametrize("knows", [True, False])
def test_one_row_that_is_too_large_is_an_error_of_the_data_that_names_it(knows):
    texts = ["a"] * 700 + ["b" * 5000] + ["a"] * 10
    table = pa.table({"number": np.zeros(711, "f4"), "text": pa.array(texts).dictionary_encode()})

    def endpoint(body: bytes) -> bytes:
        if len(body) > 4000:
            raise RequestTooLarge("The endpoint answered 413.", fix="send less")
        return echo(body)

    limit = {"max_body": 4000} if knows else {}
    with pytest.raises(DataError, match=r"Row 701 has 5,00\d bytes as CSV, more than the endpoint takes"):
        score_rows(table, endpoint, batch_rows=100, reach=lambda count: None, **limit)


def test_an_answer_that_is_no_scores_is_an_error():
    with pytest.raises(EndpointError, match="answered no scores: <html>"):
        score_rows(pa.table({"a": [1.0]}), lambda body: b"<html>", batch_rows=2, reach=lambda count: None)
