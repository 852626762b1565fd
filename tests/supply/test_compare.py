"""The comparison of two images finds every kind of difference, and says where it is."""

import pytest

ENTRY = {
    "kind": b"0",
    "mode": 0o644,
    "owner": (0, 0),
    "time": 946684800,
    "size": 3,
    "target": "",
    "sha256": "aa",
}


@pytest.fixture
def compare(script):
    return script("containers/xgboost/compare.py")


def test_equal_files_have_no_differences(compare):
    files = {"opt/a": compare.Entry(**ENTRY)}
    assert compare.differences(files, dict(files)) == []


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("kind", b"2"),
        ("mode", 0o755),
        ("owner", (1, 0)),
        ("time", 1),
        ("size", 4),
        ("target", "b"),
        ("sha256", "bb"),
    ],
)
def test_a_file_differs_in_a_field(compare, field, other):
    first, second = compare.Entry(**ENTRY), compare.Entry(**{**ENTRY, field: other})
    (line,) = compare.differences({"opt/a": first}, {"opt/a": second})
    assert line == f"opt/a: {field} {ENTRY[field]!r} and {other!r}"


def test_a_file_is_in_one_only(compare):
    entry = compare.Entry(**ENTRY)
    assert compare.differences({"a": entry}, {"b": entry}) == [
        "a: only in the first",
        "b: only in the second",
    ]
