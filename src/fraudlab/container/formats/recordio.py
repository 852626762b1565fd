"""recordio-protobuf: RecordIO's framing around SageMaker's ``aialgs.data.Record`` messages.

A reader of its own rather than the protobuf package: the messages are few and every byte of them is checked,
and records laid out alike, as a writer's are, become a matrix without being parsed one by one.

Sources: ``recordio.h`` of dmlc-core for the framing, ``record.proto`` of the SageMaker SDK for the messages,
and protobuf's "Encoding" page for their bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.formats.record_message import MalformedError, Record, Tensor, parse_record

MAGIC = struct.pack("<I", 0xCED7230A)
#: of one record; a length field beyond it is taken for damage
MAX_RECORD_BYTES = 16 << 20
_HEADER = struct.Struct("<4sI")
_LENGTH_BITS = 29
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_CHUNK_BYTES = 4 << 20
#: a varint has one byte below it
_ONE_BYTE = 0x80
#: of a matrix of records that are parsed one by one
_BLOCK_CELLS = 1 << 19


class RecordError(ValueError):
    """A record that cannot be read.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence goes on that begins with the record.
    record : int
        The record, from 1.
    """

    def __init__(self, problem: str, *, record: int) -> None:
        self.problem = problem
        self.record = record
        self.sentence = f"record {record} {problem}"
        super().__init__(self.sentence)


@dataclass(frozen=True, slots=True)
class Records:
    """Some records one after the other.

    Attributes
    ----------
    label : ndarray of float64, shape (records,)
        NaN where a record has none.
    matrix : ndarray of float32 or float64, shape (records, columns)
        NaN where a sparse record has no value.
    sparse : bool
        Whether one of them is.
    """

    label: NDArray[np.float64]
    matrix: NDArray[Any]
    sparse: bool


def read_records(file: BinaryIO) -> Iterator[Records]:
    """Read records of one width, dense and sparse ones; a bounded part of the file is held at a time.

    Parameters
    ----------
    file : binary file
        Read from front to back.

    Yields
    ------
    Records

    Raises
    ------
    RecordError
        If a record is damaged or cut short, has features other than one tensor ``values``, more than one
        label, or another width than those before it.
    """
    data, at, count = b"", 0, 0
    width: int | None = None
    pending: list[Record] = []
    while True:
        try:
            frame = _next_frame(data, at)
            record = parse_record(frame.payload) if frame else None
        except MalformedError as error:
            raise RecordError(str(error), record=count + 1) from error
        if frame is None or record is None:
            chunk = file.read(_CHUNK_BYTES)
            if not chunk:
                break
            data, at = data[at:] + chunk, 0
            continue
        width = record.width if width is None else width
        if record.width != width:
            raise RecordError(
                f"has {record.width} values where those before it have {width}", record=count + 1
            )
        count += 1
        pending.append(record)
        like_it = list(_runs(data, frame, record))
        at = frame.end
        if like_it or len(pending) * width >= _BLOCK_CELLS:
            yield _stack(pending)
            pending = []
        for records in like_it:
            yield records
            count += records.label.size
            at += records.label.size * (frame.end - frame.start)
    if at < len(data):
        raise RecordError("is cut short", record=count + 1)
    if pending:
        yield _stack(pending)


@dataclass(frozen=True, slots=True)
class _Frame:
    start: int
    end: int
    payload: bytes
    whole: bool


def _next_frame(data: bytes, start: int) -> _Frame | None:
    """The record that begins at a position; None where the data ends before it does."""
    parts: list[bytes] = []
    at, size = start, 0
    while len(data) - at >= _HEADER.size:
        magic, word = _HEADER.unpack_from(data, at)
        flag, length = word >> _LENGTH_BITS, word & ((1 << _LENGTH_BITS) - 1)
        if magic != MAGIC:
            raise MalformedError("does not begin with RecordIO's magic number")
        if flag not in ((_MIDDLE, _LAST) if parts else (_WHOLE, _FIRST)):
            raise MalformedError("is in parts that do not belong together")
        size += length + (len(MAGIC) if parts else 0)
        if size > MAX_RECORD_BYTES:
            raise MalformedError(f"has {size:,} bytes, more than {MAX_RECORD_BYTES:,}")
        at += _HEADER.size
        parts.append(data[at : at + length])
        at += length + -length % 4
        if at > len(data):
            return None
        if flag in (_WHOLE, _LAST):
            # A record is cut into parts where its content has the magic number, which is then left out.
            return _Frame(start, at, MAGIC.join(parts), whole=flag == _WHOLE)
    return None


def _stack(records: Sequence[Record]) -> Records:
    # Values of one width stay of it: a category 0.1 as float32 is not the double 0.1.
    narrow = all(record.features.dtype == "<f4" for record in records)
    matrix = np.full((len(records), records[0].width), np.nan, np.float32 if narrow else np.float64)
    with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
        for row, record in zip(matrix, records, strict=True):
            row[list(record.features.keys) if record.sparse else slice(None)] = record.features.values
    label = [record.label.values[0] if record.label else math.nan for record in records]
    return Records(np.array(label, np.float64), matrix, any(record.sparse for record in records))


def _runs(data: bytes, frame: _Frame, record: Record) -> Iterator[Records]:
    """The records after one that differ from it in nothing but their values and labels."""
    values, label, stride = record.features, record.label, frame.end - frame.start
    header = data[frame.end : frame.end + _HEADER.size]
    if not frame.whole or not data.startswith(header, frame.start) or record.sparse:
        return
    if values.dtype == "<i4" or not _has_one_place(values) or (label and not _has_one_place(label)):
        return
    spans = [tensor.span for tensor in (values, label) if tensor]
    fixed = np.ones(stride, np.bool_)
    for span in spans:
        fixed[_HEADER.size :][span] = False
    places = np.flatnonzero(fixed)
    pattern = np.frombuffer(data, np.uint8, stride, frame.start)[places]
    # First a few: where records differ a lot, looking far ahead each time would cost the square.
    ahead, at = 16, frame.end
    while count := min(ahead, (len(data) - at) // stride):
        rows = np.frombuffer(data, np.uint8, count * stride, at).reshape(count, stride)
        content = [np.ascontiguousarray(rows[:, _HEADER.size :][:, span]) for span in spans]
        same = (rows[:, places] == pattern).all(axis=1)
        labels = np.full(count, np.nan)
        if label and label.dtype == "<i4":
            same &= content[1][:, 0] < _ONE_BYTE
            labels[:] = content[1][:, 0]
        elif label:
            with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
                labels[:] = content[1].view(label.dtype)[:, 0]
        alike = count if same.all() else int(np.argmin(same))
        if alike:
            yield Records(labels[:alike], content[0].view(values.dtype)[:alike], sparse=False)
        if alike < count:
            return
        ahead, at = ahead * 8, at + count * stride


def _has_one_place(tensor: Tensor) -> bool:
    """Whether other values stand where these do; an int32 is a varint, and does while it has one byte."""
    return tensor.span is not None and (tensor.dtype != "<i4" or tensor.span.stop - tensor.span.start == 1)
