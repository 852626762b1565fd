"""Filters of batch transform: the part of JSONPath that its documentation shows."""

import pytest

from fraudlab.rehearsal.work.json_paths import path_filter

ROW = ["id", 1, 2, 3]
RECORD = {"id": 7, "a": {"b": [10, 20]}, "odd name": 1, "SageMakerOutput": 0.5}


@pytest.mark.parametrize(
    ("expression", "record", "expected"),
    [
        ("$", ROW, ROW),
        ("$[1:]", ROW, [1, 2, 3]),
        ("$[:2]", ROW, ["id", 1]),
        ("$[1:3]", ROW, [1, 2]),
        ("$[-1:]", ROW, [3]),
        ("$[4:]", ROW, []),
        ("$[0]", ROW, "id"),
        ("$[-1]", ROW, 3),
        ("$[0,-1]", ROW, ["id", 3]),
        ("$[0,2:]", ROW, ["id", 2, 3]),
        ("$[ 0 , 1 ]", ROW, ["id", 1]),
        ("$[*]", ROW, ROW),
        ("$.*", {"x": 1, "y": 2}, [1, 2]),
        ("$.id", RECORD, 7),
        ("$.a.b[1]", RECORD, 20),
        ("$['odd name']", RECORD, 1),
        ('$["id"]', RECORD, 7),
        ("$['id','SageMakerOutput']", RECORD, {"id": 7, "SageMakerOutput": 0.5}),
    ],
)
def test_a_filter_takes_its_part(expression, record, expected):
    assert path_filter(expression)(record) == expected


@pytest.mark.parametrize("expression", ["", "id", "$..id", "$[?(@.a)]", "$[1:2:3]", "$.", "$[", "$x"])
def test_what_is_not_documented_is_refused(expression):
    with pytest.raises(ValueError, match="does not begin|cannot be read"):
        path_filter(expression)


@pytest.mark.parametrize(
    ("expression", "record"),
    [
        ("$.id", ROW),
        ("$.none", RECORD),
        ("$[9]", ROW),
        ("$[-9]", ROW),
        ("$[0]", RECORD),
        ("$[5:]", ROW),
        ("$[0:]", RECORD),
    ],
)
def test_what_a_record_has_not_is_an_error(expression, record):
    with pytest.raises(ValueError, match="a record"):
        path_filter(expression)(record)
