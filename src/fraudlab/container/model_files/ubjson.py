"""Reading UBJSON as XGBoost writes it, byte by byte as expected or not at all.

XGBoost's own reader trusts lengths and ends the process on bytes it does not understand. This one knows
beforehand what comes next, so it has no recursion to exhaust, allocates nothing for a length that the bytes
do not bear out, and cannot read a file in another way than XGBoost does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: an array's values, by UBJSON's marker for their type
_DTYPES: dict[str, np.dtype[Any]] = {
    "U": np.dtype("u1"),
    "l": np.dtype(">i4"),
    "L": np.dtype(">i8"),
    "d": np.dtype(">f4"),
}
_WHOLE = {ord("i"): 1, ord("I"): 2, ord("l"): 4, ord("L"): 8}
_LENGTH = 8
_TEXT_BYTES = 1 << 20


class Malformed(ValueError):
    """What a file holds in place of what XGBoost writes there."""


def key(name: str) -> bytes:
    """A name as it stands in an object."""
    return b"L" + len(name).to_bytes(_LENGTH, "big") + name.encode()


def text(content: str) -> bytes:
    """A string as it stands as a value."""
    return b"S" + key(content)


def array_key(name: str, marker: str) -> bytes:
    """A name and the head of its typed array, up to the number of values."""
    return key(name) + f"[${marker}#L".encode()


@dataclass(slots=True)
class Cursor:
    """A place in a file.

    Parameters
    ----------
    data : bytes or bytearray
        All of the file.
    at : int
        The next byte.
    where : str
        Which part of the model the place is in, for errors.
    """

    data: bytes | bytearray
    at: int = 0
    where: str = "the model"

    def malformed(self, sentence: str) -> Malformed:
        """An error about this place."""
        return Malformed(f"{self.where}, byte {self.at}: {sentence}")

    def finds(self, literal: bytes) -> bool:
        """Step over bytes if they are what comes next."""
        found = self.data.startswith(literal, self.at)
        if found:
            self.at += len(literal)
        return found

    def expect(self, literal: bytes, what: str) -> None:
        """Step over bytes that must come next."""
        if not self.finds(literal):
            raise self.malformed(f"{what} is expected" + self._rest())

    def length(self, width: int, what: str) -> int:
        """A number of values of `width` bytes or more, which the file is long enough for."""
        end = self.at + _LENGTH
        if end > len(self.data):
            raise self.malformed(f"the length of {what} is expected" + self._rest())
        count = int.from_bytes(self.data[self.at : end], "big", signed=True)
        if not 0 <= count * width <= len(self.data) - end:
            raise self.malformed(f"{what} cannot have {count} values in a file of {len(self.data)} bytes")
        self.at = end
        return count

    def array(self, head: bytes, marker: str, what: str) -> NDArray[Any]:
        """A typed array after its head, in place."""
        self.expect(head, what)
        dtype = _DTYPES[marker]
        count = self.length(dtype.itemsize, what)
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def values(self, name: str, width: int) -> int:
        """Step over the head of an untyped array: how many values of at least `width` bytes follow."""
        self.expect(key(name) + b"[#L", repr(name))
        return self.length(width, repr(name))

    def text(self, what: str) -> str:
        """A string."""
        self.expect(b"SL", what)
        return self.name(what)

    def name(self, what: str) -> str:
        """A string without its marker, after its ``L``."""
        count = self.length(1, what)
        if count > _TEXT_BYTES:
            raise self.malformed(f"{what} is a text of {count} bytes; the limit is {_TEXT_BYTES}")
        try:
            text = self.data[self.at : self.at + count].decode()
        except UnicodeDecodeError as error:
            raise self.malformed(f"{what} is not UTF-8") from error
        self.at += count
        return text

    def whole(self, what: str) -> int:
        """A whole number."""
        width = _WHOLE.get(self.data[self.at]) if self.at < len(self.data) else None
        end = self.at + 1 + (width or 0)
        if width is None or end > len(self.data):
            raise self.malformed(f"{what}, a whole number, is expected" + self._rest())
        number = int.from_bytes(self.data[self.at + 1 : end], "big", signed=True)
        self.at = end
        return number

    def _rest(self) -> str:
        return "" if self.at < len(self.data) else ", where the file ends"
