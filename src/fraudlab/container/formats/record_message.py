"""SageMaker's ``aialgs.data.Record`` messages, every byte of them checked.

Sources: ``record.proto`` of the SageMaker SDK, and protobuf's "Encoding" page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_COLUMNS = 100_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: the tensors of a Value, by field: the type of their numbers
_TENSORS = {2: "<f4", 3: "<f8", 7: "<i4"}
_OTHER_VALUE = 9
_FIXED_BYTES = {_FIXED32: 4, _FIXED64: 8}
#: a varint goes on after a byte from here on, and has at most ten
_MORE, _MAX_VARINT = 0x80, 10
_WIRES = {"<f4": _FIXED32, "<f8": _FIXED64, "<i4": _VARINT}


class MalformedError(Exception):
    """What is wrong with the record at hand, as a sentence goes on that begins with it."""


@dataclass(frozen=True, slots=True)
class Tensor:
    dtype: str
    values: NDArray[Any]
    keys: Sequence[int]
    shape: Sequence[int]
    #: where all its values stand in the record; None where they stand in several places
    span: slice | None


@dataclass(frozen=True, slots=True)
class Record:
    features: Tensor
    label: Tensor | None
    width: int

    @property
    def sparse(self) -> bool:
        return bool(self.features.keys) or not self.features.values.size


def parse_record(data: bytes) -> Record:
    """A Record message; what is neither a feature nor a label (uid, metadata) is skipped.

    Raises
    ------
    MalformedError
        If it is not a message, or is not one row: one tensor of features, and one label at most.
    """
    found: dict[int, Tensor] = {}
    for field, wire, content in _fields(data, slice(0, len(data))):
        if field not in (1, 2):
            continue
        what = "features" if field == 1 else "a label"
        key, tensor = _entry(data, _message(wire, content), what)
        if key != b"values":
            raise MalformedError(f"has {what} named {key.decode(errors='replace')!r}, not 'values'")
        if field in found:
            raise MalformedError(f"has {what} twice")
        found[field] = tensor
    if 1 not in found:
        raise MalformedError("has no features")
    label = found.get(2)
    if label and (label.values.size != 1 or label.keys):
        raise MalformedError(f"has {label.values.size} labels where one is expected")
    return Record(found[1], label, _width(found[1]))


def _width(tensor: Tensor) -> int:
    """Columns of a tensor that is one row."""
    values, keys = tensor.values.size, tensor.keys
    sparse = bool(keys) or not values
    width = math.prod(tensor.shape) if tensor.shape else values
    if sparse and not tensor.shape:
        raise MalformedError("is sparse and has no shape" if keys else "has no values")
    if not 0 < width <= MAX_COLUMNS:
        raise MalformedError(f"has {width:,} columns; 1 to {MAX_COLUMNS:,} are possible")
    if not sparse and width != values:
        raise MalformedError(f"has {values} values and a shape of {width}")
    if sparse and len(keys) != values:
        raise MalformedError(f"has {len(keys)} keys for {values} values")
    if keys and max(keys) >= width:
        raise MalformedError(f"has key {max(keys)}, outside its shape of {width}")
    if len(set(keys)) != len(keys):
        raise MalformedError("has a key twice")
    return width


def _entry(data: bytes, span: slice, what: str) -> tuple[bytes, Tensor]:
    """An entry of a map of Values."""
    key, value = b"", None
    for field, wire, content in _fields(data, span):
        if field == 1:
            key = data[_message(wire, content)]
        elif field == 2:
            value = _message(wire, content)
    tensors = [] if value is None else list(_fields(data, value))
    if len(tensors) != 1 or tensors[0][0] not in _TENSORS:
        other = any(field == _OTHER_VALUE for field, _, _ in tensors)
        raise MalformedError(f"has {what} that {'are bytes' if other else 'are not one tensor'}")
    field, wire, content = tensors[0]
    return key, _tensor(data, _message(wire, content), _TENSORS[field])


def _tensor(data: bytes, span: slice, dtype: str) -> Tensor:
    """A tensor; repeated fields may be packed or not, and in several pieces."""
    values: list[slice] = []
    keys: list[int] = []
    shape: list[int] = []
    for field, wire, content in _fields(data, span):
        if not 1 <= field <= 3:
            continue
        if wire not in (_BYTES, _WIRES[dtype] if field == 1 else _VARINT):
            raise MalformedError("is malformed: a tensor has values of another type than it says")
        if field == 1:
            values.append(content)
        else:
            (keys if field == 2 else shape).extend(_varints(data[content]))
    return Tensor(dtype, _numbers(data, values, dtype), keys, shape, values[0] if len(values) == 1 else None)


def _numbers(data: bytes, pieces: Sequence[slice], dtype: str) -> NDArray[Any]:
    if dtype == "<i4":
        # A negative int32 is the varint of the int64 of its value.
        integers = [number for piece in pieces for number in _varints(data[piece])]
        numbers = np.array(integers, np.uint64).view(np.int64)
        if ((numbers < -(1 << 31)) | (numbers >= 1 << 31)).any():
            raise MalformedError("is malformed: an int32 has more than 32 bits")
        return numbers
    packed = b"".join([data[piece] for piece in pieces])
    if len(packed) % np.dtype(dtype).itemsize:
        raise MalformedError("is malformed: a tensor ends inside a value")
    return np.frombuffer(packed, dtype)


def _fields(data: bytes, span: slice) -> Iterator[tuple[int, int, slice]]:
    """Number and wire type of each field of a message, and where its content stands."""
    at, stop = span.start, span.stop
    while at < stop:
        tag, at = _varint(data, at, stop)
        wire = tag & 7
        if wire == _BYTES:
            length, at = _varint(data, at, stop)
        elif wire == _VARINT:
            length = _varint(data, at, stop)[1] - at
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise MalformedError(f"is malformed: it has a field of wire type {wire}")
        if length > stop - at:
            raise MalformedError("is malformed: a field is longer than what it stands in")
        yield tag >> 3, wire, slice(at, at + length)
        at += length


def _message(wire: int, content: slice) -> slice:
    if wire != _BYTES:
        raise MalformedError(f"is malformed: a message has wire type {wire}")
    return content


def _varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = shift = 0
    while at < stop and shift < 7 * _MAX_VARINT:
        octet = data[at]
        at += 1
        if octet < _MORE and not shift:
            return octet, at
        number |= (octet & (_MORE - 1)) << shift
        shift += 7
        if octet < _MORE:
            break
    else:
        raise MalformedError("is malformed: a number does not end")
    if number >> 64:
        raise MalformedError("is malformed: a number has more than 64 bits")
    return number, at


def _varints(packed: bytes) -> list[int]:
    """Numbers one after the other."""
    if packed.isascii():
        return list(packed)
    if packed[-1] >= _MORE:
        raise MalformedError("is malformed: a number does not end")
    octets = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(octets < _MORE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _MAX_VARINT or (octets[ends[lengths == _MAX_VARINT]] > 1).any():
        raise MalformedError("is malformed: a number has more than 64 bits")
    shifts = (np.arange(octets.size) - np.repeat(starts, lengths)).astype(np.uint64) * np.uint64(7)
    parts = (octets & np.uint8(_MORE - 1)).astype(np.uint64) << shifts
    numbers: list[int] = np.bitwise_or.reduceat(parts, starts).tolist()
    return numbers
