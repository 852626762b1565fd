"""recordio-protobuf: what SageMaker's own writer writes comes back, whatever else comes is refused."""

import io
import struct
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.formats import recordio
from fraudlab.container.formats.record_message import MAX_COLUMNS, parse_record
from fraudlab.container.formats.recordio import MAGIC, MAX_RECORD_BYTES, RecordError, Records, read_records


def read(data: bytes) -> Records:
    found = list(read_records(io.BytesIO(data)))
    matrix = np.concatenate([records.matrix for records in found])
    label = np.concatenate([records.label for records in found])
    return Records(label, matrix, sparse=any(records.sparse for records in found))


def refusal(data: bytes) -> RecordError:
    with pytest.raises(RecordError) as caught:
        read(data)
    return caught.value


# A writer of the wire format in a few lines, to be able to write what no writer would.


def varint(number: int) -> bytes:
    number %= 1 << 64
    octets = b""
    while number > 0x7F:
        octets += bytes([number & 0x7F | 0x80])
        number >>= 7
    return octets + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def floats(*values: float) -> bytes:
    return field(1, struct.pack(f"<{len(values)}f", *values))


def ints(number: int, *values: int) -> bytes:
    return field(number, b"".join(map(varint, values)))


def entry(number: int, tensor: bytes, *, key: bytes = b"values", kind: int = 2) -> bytes:
    return field(number, field(1, key) + field(2, field(kind, tensor)))


def features(tensor: bytes, **other: Any) -> bytes:
    return entry(1, tensor, **other)


def label(*values: float) -> bytes:
    return entry(2, floats(*values))


def frame(content: bytes, flag: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", flag << 29 | len(content)) + content + bytes(-len(content) % 4)


GOOD = features(floats(1, 2)) + label(1)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Any]:
    """SageMaker's own writer."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
        from sagemaker.amazon import common

        yield common


TYPES = [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.int64), (np.float32, np.int64)]


@pytest.mark.parametrize(("of_values", "of_label"), TYPES)
@pytest.mark.parametrize("chunk", [100, 4 << 20])
def test_dense_tensors(
    sdk: Any, monkeypatch: pytest.MonkeyPatch, of_values: Any, of_label: Any, chunk: int
) -> None:
    monkeypatch.setattr(recordio, "_CHUNK_BYTES", chunk)
    random = np.random.default_rng(1)
    matrix = (random.normal(size=(1000, 7)) * 1000).astype(of_values)
    if of_values != np.int64:
        matrix[3, 2] = np.nan
    labels = (random.random(1000) < 0.3).astype(of_label)
    file = io.BytesIO()
    sdk.write_numpy_to_dense_tensor(file, matrix, labels)
    found = read(file.getvalue())
    np.testing.assert_array_equal(found.matrix, matrix)
    np.testing.assert_array_equal(found.label, labels)
    assert not found.sparse


def test_dense_tensors_are_not_parsed_one_by_one(sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr(recordio, "parse_record", lambda data: parsed.append(data) or parse_record(data))
    file = io.BytesIO()
    sdk.write_numpy_to_dense_tensor(file, np.ones((5000, 3), np.float32), np.ones(5000))
    assert len(read(file.getvalue()).label) == 5000
    assert len(parsed) == 1


@pytest.mark.parametrize("of_values", [np.float32, np.float64, np.int64])
def test_sparse_tensors_miss_what_they_do_not_have(sdk: Any, of_values: Any) -> None:
    from scipy import sparse

    random = np.random.default_rng(2)
    matrix = (random.normal(size=(300, 200)) * 100).astype(of_values)
    matrix[random.random(matrix.shape) < 0.9] = 0
    matrix[5] = 0
    file = io.BytesIO()
    sdk.write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix(matrix), np.arange(300.0) % 2)
    found = read(file.getvalue())
    np.testing.assert_array_equal(found.matrix, np.where(matrix == 0, np.nan, matrix.astype(np.float64)))
    assert found.label.tolist() == [0, 1] * 150
    assert found.sparse


def test_a_record_may_have_no_label(sdk: Any) -> None:
    file = io.BytesIO()
    sdk.write_numpy_to_dense_tensor(file, np.ones((40, 3)))
    found = read(file.getvalue())
    assert found.matrix.shape == (40, 3)
    assert np.isnan(found.label).all()


def test_records_that_alternate_between_layouts() -> None:
    rows = []
    for number in range(200):
        tensor = (
            field(2, floats(number, 1)) if number % 3 else field(3, field(1, struct.pack("<2d", number, 1)))
        )
        values = field(1, field(1, b"values") + field(2, tensor))
        flag = number % 2 if number % 5 else 200
        rows.append(frame(values + entry(2, ints(1, flag), kind=7) + field(3, b"uid-%d" % (number // 40))))
    found = read(b"".join(rows))
    assert found.matrix[:, 0].tolist() == list(range(200))
    assert found.label.tolist() == [number % 2 if number % 5 else 200 for number in range(200)]


def test_unpacked_and_divided_tensors() -> None:
    unpacked = b"".join(varint(1 << 3 | 5) + struct.pack("<f", value) for value in (1, 2, 3))
    tensor = unpacked + floats(4)
    integers = varint(1 << 3) + varint(-5) + ints(1, 300, -7)
    assert read(frame(features(tensor))).matrix.tolist() == [[1, 2, 3, 4]]
    assert read(frame(features(integers, kind=7))).matrix.tolist() == [[-5, 300, -7]]


def test_shapes_of_one_row() -> None:
    assert read(frame(features(floats(1, 2) + ints(3, 1, 2)))).matrix.tolist() == [[1, 2]]
    sparse = read(frame(features(floats(7, 8) + ints(2, 2, 0) + ints(3, 1, 4))))
    np.testing.assert_array_equal(sparse.matrix, [[8, np.nan, 7, np.nan]])
    np.testing.assert_array_equal(read(frame(features(ints(3, 2)))).matrix, [[np.nan, np.nan]])


def test_what_is_not_asked_for_is_skipped() -> None:
    other = field(3, b"uid") + field(4, b"{}") + varint(9 << 3) + varint(7) + varint(10 << 3 | 1) + bytes(8)
    assert read(frame(other + GOOD)).matrix.tolist() == [[1, 2]]


def test_parts_are_joined_by_the_magic_number_they_were_cut_at() -> None:
    magic = struct.unpack("<f", MAGIC)[0]
    content = field(3, b"x" * 2) + features(floats(1, magic, 3, magic)) + label(1)
    parts = content.split(MAGIC)
    assert len(parts) == 3
    data = frame(parts[0], 1) + frame(parts[1], 2) + frame(parts[2], 3)
    expected = np.array([[1, magic, 3, magic]] * 3, np.float32)
    # A writer that does not cut is understood as well: the length says where the record ends.
    np.testing.assert_array_equal(read(data + data + frame(content)).matrix, expected)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no features"),
        (label(1), "has no features"),
        (features(floats(1), key=b"image"), "has features named 'image', not 'values'"),
        (GOOD + entry(2, floats(1), key=b"l"), "has a label named 'l', not 'values'"),
        (features(floats(1)) * 2, "has features twice"),
        (GOOD + label(1), "has a label twice"),
        (features(b"x", kind=9), "has features that are bytes"),
        (features(b"", kind=8), "has features that are not one tensor"),
        (field(1, field(1, b"values")), "has features that are not one tensor"),
        (features(b""), "has no values"),
        (features(floats(1)) + label(), "has 0 labels where one is expected"),
        (features(floats(1)) + label(1, 0), "has 2 labels where one is expected"),
        (features(floats(1, 2) + ints(3, 3)), "has 2 values and a shape of 3"),
        (features(floats(1, 2) + ints(2, 0, 1)), "is sparse and has no shape"),
        (features(floats(1) + ints(2, 0, 1) + ints(3, 3)), "has 2 keys for 1 values"),
        (features(floats(1) + ints(2, 3) + ints(3, 3)), "has key 3, outside its shape of 3"),
        (features(floats(1, 2) + ints(2, 1, 1) + ints(3, 3)), "has a key twice"),
        (features(ints(3, 0)), "has 0 columns; 1 to 100,000 are possible"),
        (features(ints(3, 1 << 40)), "has 1,099,511,627,776 columns; 1 to 100,000 are possible"),
        (features(ints(3, 1 << 40, 1 << 40)), f"has {1 << 80:,} columns; 1 to 100,000 are possible"),
        (features(floats(1) + b"\x08\x01"), "is malformed: a tensor has values of another type than it says"),
        (features(field(1, b"123")), "is malformed: a tensor ends inside a value"),
        (features(field(1, b"\x80"), kind=7), "is malformed: a number does not end"),
        (features(field(1, b"\x80" * 10 + b"\x01"), kind=7), "is malformed: a number has more than 64 bits"),
        (features(field(1, b"\xff" * 9 + b"\x02"), kind=7), "is malformed: a number has more than 64 bits"),
        (features(ints(1, 1 << 31), kind=7), "is malformed: an int32 has more than 32 bits"),
        (b"\x80", "is malformed: a number does not end"),
        (b"\x08" + b"\xff" * 10, "is malformed: a number does not end"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "is malformed: a number has more than 64 bits"),
        (b"\x0a\x05abc", "is malformed: a field is longer than what it stands in"),
        (b"\x0a" + varint(1 << 62), "is malformed: a field is longer than what it stands in"),
        (b"\x0d\x00", "is malformed: a field is longer than what it stands in"),
        (b"\x0b", "is malformed: it has a field of wire type 3"),
        (b"\x08\x01", "is malformed: a message has wire type 0"),
    ],
)
def test_refused_messages(content: bytes, problem: str) -> None:
    error = refusal(frame(GOOD) * 2 + frame(content))
    assert error.problem == problem
    assert error.record == 3
    assert error.sentence == str(error) == f"record 3 {problem}"


def test_records_of_another_width() -> None:
    sentence = "record 3 has 3 values where those before it have 2"
    assert refusal(frame(GOOD) * 2 + frame(features(floats(1, 2, 3)))).sentence == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PAR1" + bytes(8), "record 2 does not begin with RecordIO's magic number"),
        (frame(GOOD)[:-1], "record 2 is cut short"),
        (MAGIC + b"\x01", "record 2 is cut short"),
        (MAGIC + struct.pack("<I", 1 << 20) + b"abc", "record 2 is cut short"),
        (frame(GOOD[:5], 1), "record 2 is cut short"),
        (MAGIC + struct.pack("<I", (1 << 29) - 1), "record 2 has 536,870,911 bytes, more than 16,777,216"),
        (frame(GOOD, 2), "record 2 is in parts that do not belong together"),
        (frame(GOOD, 3), "record 2 is in parts that do not belong together"),
        (frame(GOOD, 5), "record 2 is in parts that do not belong together"),
        (frame(GOOD[:5], 1) + frame(GOOD[5:]), "record 2 is in parts that do not belong together"),
        (
            frame(b"", 1) + frame(bytes(1 << 20), 2) * 16,
            "record 2 has 16,777,280 bytes, more than 16,777,216",
        ),
    ],
)
def test_refused_frames(data: bytes, sentence: str) -> None:
    assert refusal(frame(GOOD) + data).sentence == sentence


def test_limits_leave_room_for_the_widest_record() -> None:
    tensor = field(1, np.arange(MAX_COLUMNS, dtype="<f8").tobytes()) + ints(2, *range(MAX_COLUMNS))
    data = frame(features(tensor + ints(3, MAX_COLUMNS), kind=3))
    assert len(data) < MAX_RECORD_BYTES
    assert read(data).matrix.shape == (1, MAX_COLUMNS)


def outcome(data: bytes) -> Records | RecordError:
    try:
        return read(data)
    except RecordError as error:
        return error


@given(st.binary(max_size=80))
def test_whatever_comes_is_a_record_or_refused(data: bytes) -> None:
    for content in (data, features(data) + label(1), features(data, kind=7), field(1, data)):
        found = outcome(frame(content))
        assert isinstance(found, Records) or found.record == 1
    after = outcome(frame(GOOD) + data)
    assert isinstance(after, Records) or after.record >= 2


@given(st.data(), st.integers(0, 30))
def test_damage_is_noticed_or_harmless(data: Any, before: int) -> None:
    good = frame(GOOD) * (before + 3)
    at = data.draw(st.integers(0, len(good) - 1))
    found = outcome(good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :])
    if isinstance(found, Records):
        assert found.matrix.shape == (before + 3, 2)
    else:
        assert found.record >= at // len(frame(GOOD)) + 1


@given(st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=40))
def test_float32_comes_back_to_the_bit(rows: list[list[float]]) -> None:
    found = read(b"".join(frame(features(floats(*row)) + label(1)) for row in rows))
    np.testing.assert_array_equal(found.matrix, np.array(rows, np.float32))
