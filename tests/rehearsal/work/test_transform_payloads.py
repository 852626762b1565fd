"""An object of a batch transform job as requests, and the answers as its output."""

import json
import struct

import pytest

from fraudlab.rehearsal.work.payloads import (
    DataProcessing,
    TooLarge,
    answers_of,
    assembled,
    payloads,
    records,
)


def recordio(body):
    return struct.pack("<II", 0xCED7230A, len(body)) + body + bytes(-len(body) % 4)


def tfrecord(body):
    return struct.pack("<Q", len(body)) + b"crc." + body + b"crc."


@pytest.mark.parametrize(
    ("content", "split", "expected"),
    [
        (b"a\nb\n", "None", [b"a\nb\n"]),
        (b"a\nb\n", "Line", [b"a", b"b"]),
        (b"a\nb", "Line", [b"a", b"b"]),
        (b"a\r\nb\r\n", "Line", [b"a", b"b"]),
        (b"a\n\nb\n", "Line", [b"a", b"", b"b"]),
        (b"", "Line", []),
        (recordio(b"12345") + recordio(b""), "RecordIO", [recordio(b"12345"), recordio(b"")]),
        (tfrecord(b"123") + tfrecord(b"4"), "TFRecord", [tfrecord(b"123"), tfrecord(b"4")]),
    ],
)
def test_an_object_is_cut_into_records(content, split, expected):
    assert records(content, split) == expected


@pytest.mark.parametrize(
    ("content", "split", "words"),
    [
        (recordio(b"12345")[:-1], "RecordIO", "cut short"),
        (recordio(b"1")[:6], "RecordIO", "cut short"),
        (b"no recordio", "RecordIO", "no RecordIO file"),
        (tfrecord(b"123")[:-1], "TFRecord", "cut short"),
    ],
)
def test_an_object_that_is_no_such_file_is_refused(content, split, words):
    with pytest.raises(ValueError, match=words):
        records(content, split)


@pytest.mark.parametrize(
    ("strategy", "most", "expected"),
    [
        ("SingleRecord", 9, [(b"aa", 1), (b"bb", 1), (b"cc", 1)]),
        ("MultiRecord", 9, [(b"aa\nbb\ncc", 3)]),
        ("MultiRecord", 8, [(b"aa\nbb\ncc", 3)]),
        ("MultiRecord", 7, [(b"aa\nbb", 2), (b"cc", 1)]),
        ("MultiRecord", 5, [(b"aa\nbb", 2), (b"cc", 1)]),
        ("MultiRecord", 4, [(b"aa", 1), (b"bb", 1), (b"cc", 1)]),
        ("MultiRecord", 0, [(b"aa\nbb\ncc", 3)]),
    ],
)
def test_records_fill_requests_up_to_their_size(strategy, most, expected):
    parts = [b"aa", b"bb", b"cc"]
    assert list(payloads(parts, split="Line", strategy=strategy, max_bytes=most)) == expected


def test_a_record_that_fits_in_no_request_is_refused():
    with pytest.raises(TooLarge, match="a record has 4 bytes where 3 are allowed"):
        list(payloads([b"aaaa"], split="Line", strategy="MultiRecord", max_bytes=3))


@pytest.mark.parametrize(
    ("answers", "assemble", "expected"),
    [([b"1", b"2\n"], "Line", b"1\n2\n"), ([b"1", b"2"], "None", b"12"), ([], "Line", b"")],
)
def test_answers_are_put_together(answers, assemble, expected):
    assert assembled(answers, assemble) == expected


def test_an_answer_to_several_records_has_a_line_for_each():
    assert answers_of(b"1\n2\n", 2) == [b"1", b"2"]
    assert answers_of(b"1\n", 1) == [b"1"]
    with pytest.raises(ValueError, match="the answer to 3 records has 2 lines"):
        answers_of(b"1\n2\n", 3)


@pytest.mark.parametrize(
    ("request_", "record", "answer", "sent", "stored"),
    [
        ({}, b"7,1,2", b"0.5", b"7,1,2", b"0.5"),
        ({"InputFilter": "$[1:]"}, b"7,1,2", b"0.5", b"1,2", b"0.5"),
        ({"JoinSource": "Input"}, b"7,1,2", b"0.5", b"7,1,2", b"7,1,2,0.5"),
        ({"JoinSource": "Input", "OutputFilter": "$[0,-1]"}, b'"a,b",1', b"0.5,x", b'"a,b",1', b'"a,b",x'),
    ],
)
def test_rows_are_filtered_and_joined(request_, record, answer, sent, stored):
    processing = DataProcessing(request_, content_type="text/csv", accept="text/csv")
    assert processing.idle == (request_ == {})
    assert (processing.sent(record), processing.stored(record, answer)) == (sent, stored)


@pytest.mark.parametrize(
    ("record", "answer", "stored"),
    [
        ({"id": 7}, {"score": 1}, {"id": 7, "SageMakerOutput": {"score": 1}}),
        ([7], 0.5, {"SageMakerInput": [7], "SageMakerOutput": 0.5}),
    ],
)
def test_json_is_joined_under_the_names_that_are_documented(record, answer, stored):
    processing = DataProcessing({"JoinSource": "Input"}, content_type="application/json", accept="")
    given = processing.stored(json.dumps(record).encode(), json.dumps(answer).encode())
    assert json.loads(given) == stored
