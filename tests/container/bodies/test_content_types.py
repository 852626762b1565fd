"""What a Content-Type says of a body."""

import numpy as np
import pytest

from fraudlab.container.bodies import MEDIA_TYPES, BodyError, read_content_type

from .models import MANY, MIXED, NUMBERS


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        (" text/csv ;", "text/csv"),
        ("csv", "text/csv"),
        ("text/csv; charset=utf-8", "text/csv"),
        ('text/csv;charset="UTF-8"', "text/csv"),
        ("text/csv; charset=us-ascii; header=absent", "text/csv"),
        ("text/csv; label_size=0", "text/csv"),
        ("libsvm", "text/libsvm"),
        ("Parquet", "application/x-parquet"),
        ("recordio-protobuf", "application/x-recordio-protobuf"),
        ("text/x-libsvm; charset=utf8", "text/x-libsvm"),
        ("application/json; verbose=True", "application/json"),
        ("application/json; base=7; label_size=9", "application/json"),
    ],
)
def test_case_and_what_says_nothing_of_rows_do_not_matter(header: str, kind: str) -> None:
    assert read_content_type(header) == (kind, MEDIA_TYPES[kind])


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("", "content type '': send one of text/csv,"),
        ("text/plain", "content type 'text/plain': send one of text/csv,"),
        ("image/png; label_size=0", "content type 'image/png': send one of"),
        ("text/csv; charset=latin-1", "charset='latin-1': send the rows in UTF-8"),
        ("text/csv; charset=utf-16", "charset='utf-16': send the rows in UTF-8"),
        (
            "text/csv; label_size=2",
            "label_size='2': rows have no label (0), or one in front of the features (1)",
        ),
        ("text/csv; label_size=", "label_size='': rows have no label (0)"),
        ("text/csv; label_size=-1", "label_size='-1': rows have no label (0)"),
        ("text/libsvm; base=2", "base='2': columns are counted from 0 or from 1"),
        ("text/libsvm; base=auto", "base='auto': columns are counted from 0 or from 1"),
    ],
)
def test_what_is_not_read(header: str, sentence: str) -> None:
    with pytest.raises(BodyError) as caught:
        read_content_type(header)
    assert caught.value.status == 415
    assert caught.value.sentence.startswith(sentence)


@pytest.mark.parametrize(
    "body", ["1,2,3,4", "0,2,3,4\n", "x,2,3,4\r\n", ",2,3,4", '"1",2,3,4', "\ufeff1,2,3,4"]
)
def test_a_label_in_front_is_left_out_where_the_request_says_there_is_one(body: str) -> None:
    _, parse = read_content_type("text/csv; label_size=1")
    for copies in (1, 3, 20_000):
        text = "\n".join([body.strip()] + [body.strip("\r\n\ufeff")] * (copies - 1))
        rows = parse(text.encode(), NUMBERS, MANY)
        np.testing.assert_array_equal(
            np.frombuffer(rows.inputs, np.float32).reshape(-1, 3), [[2, 3, 4]] * copies
        )


def test_a_label_beside_texts_with_commas_and_line_breaks() -> None:
    _, parse = read_content_type("text/csv; label_size=1")
    rows = parse(b'0,1,"kiosk, 24h",2\n1,3,"a\nb",4\n', MIXED, MANY)
    assert (len(rows), rows.unseen) == (2, 1)


@pytest.mark.parametrize(
    ("header", "body", "sentence"),
    [
        (
            "text/csv; label_size=1",
            b"1,2,3",
            "row 1 has 2 values where 3 are expected (a, b, c) (behind the label, as label_size=1 says)",
        ),
        ("text/csv; label_size=1", b"0,2,3,4\n2,3,4", "row 2 has 2 values where 3 are expected"),
        ("text/csv; label_size=1", b"1,2,3,4\n1\n", "row 2 has a label and no features (behind the label"),
        ("text/csv; label_size=1", b'"1"\n', "row 1 has a label and no features"),
        ("text/csv; label_size=1", b"\n\n", "the body holds no rows"),
        ("text/csv; label_size=0", b"0,2,3,4", "row 1 has 4 values where 3 are expected (a, b, c)"),
        ("text/csv", b"0,2,3,4", "row 1 has 4 values where 3 are expected (a, b, c)"),
    ],
)
def test_rows_of_another_width_than_label_size_and_columns_make(
    header: str, body: bytes, sentence: str
) -> None:
    _, parse = read_content_type(header)
    with pytest.raises(BodyError) as caught:
        parse(body, NUMBERS, MANY)
    assert caught.value.status == 400
    assert caught.value.sentence.startswith(sentence)
