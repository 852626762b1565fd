"""Numbers as recordio-protobuf: one record per row, its numbers as labels by name.

The official containers answer so (``encode_selected_predictions`` of the XGBoost container). Sources: as
:mod:`fraudlab.container.formats.recordio`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.formats.recordio import MAGIC

#: fields that hold a message or packed numbers, in their one-byte tags
_KEY, _VALUE, _LABEL, _FLOAT32_TENSOR, _NUMBERS = 0x0A, 0x12, 0x12, 0x12, 0x0A


def write_records(labels: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Write a record for each row.

    All records have the same bytes but for their numbers, so they are one matrix.

    Parameters
    ----------
    labels : mapping of str to ndarray of float32, shape (rows, numbers)
        At least one.
    """
    record = b""
    places: list[int] = []
    for name, numbers in labels.items():
        packed = bytes(4 * numbers.shape[1])
        tensor = _field(_FLOAT32_TENSOR, _field(_NUMBERS, packed))
        record += _field(_LABEL, _field(_KEY, name.encode()) + _field(_VALUE, tensor))
        places.append(len(record) - len(packed))
    header = MAGIC + struct.pack("<I", len(record))
    frame = np.frombuffer(header + record + bytes(-len(record) % 4), np.uint8)
    rows = len(next(iter(labels.values())))
    frames = np.tile(frame, (rows, 1))
    for place, numbers in zip(places, labels.values(), strict=True):
        octets = np.ascontiguousarray(numbers, "<f4").view(np.uint8)
        frames[:, len(header) + place :][:, : octets.shape[1]] = octets
    return frames.tobytes()


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    octets = b""
    while number > 0x7F:
        octets += bytes([number & 0x7F | 0x80])
        number >>= 7
    return octets + bytes([number])
