"""The comparison of two images finds every kind of difference, and says where it is."""

import io
import tarfile

import pytest

ENTRY = {
    "kind": b"0",
    "mode": 0o644,
    "owner": (0, 0),
    "time": 946684800,
    "size": 3,
    "target": "",
    "attributes": (),
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
        ("attributes", (("SCHILY.xattr.user.a", "1"),)),
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


def exported(compare, times, **changes):
    """What is read of a container with two files and what the engine puts beside them."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, time in times.items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name in ("dev", "etc") else tarfile.REGTYPE
            member.mtime = time
            for field, value in changes.get(name.replace("/", "_"), {}).items():
                setattr(member, field, value)
            archive.addfile(member)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as archive:
        return compare.read(archive)


def test_order_and_what_the_engine_adds_are_no_difference(compare):
    first = exported(compare, {"etc": 7, "etc/hosts": 7, "etc/passwd": 1, "opt/a": 1, ".dockerenv": 7})
    second = exported(compare, {"opt/a": 1, "etc": 8, "etc/passwd": 1, "etc/mtab": 8, "etc/hosts": 8})
    assert compare.differences(first, second) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"etc": {"mode": 0o700}}, "etc: mode 420 and 448"),
        ({"etc_passwd": {"mtime": 2}}, "etc/passwd: time 1 and 2"),
        (
            {"etc_passwd": {"pax_headers": {"SCHILY.xattr.user.a": "1"}}},
            "etc/passwd: attributes () and (('SCHILY.xattr.user.a', '1'),)",
        ),
    ],
)
def test_all_else_is(compare, changes, expected):
    times = {"etc": 7, "etc/passwd": 1}
    found = compare.differences(exported(compare, times), exported(compare, times, **changes))
    assert found == [expected]
