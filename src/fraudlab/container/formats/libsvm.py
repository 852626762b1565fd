"""The libsvm format, one row per line: ``label index:value index:value …``, for channels and for request
bodies.

Two parsers with one meaning: what is small, and whatever the fast one would not take, is read or refused with
its row by the careful one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import orjson
from numpy.typing import NDArray

#: from this size on, the fast parser gains more than it costs to set up
BULK_BYTES = 2 << 10
#: of an index: more have no exact float64
_DIGITS = 15
_INDEX = rb"[0-9]{1,%d}+:" % _DIGITS
_NUMBER = rb"[-+.0-9eEnNaA]++"
# A possessive repetition of a group is matched wrongly by Python before 3.11.5; of one character it is right.
_FEATURES = rb"(?:[ \t]++" + _INDEX + _NUMBER + rb")*[ \t\r]*+"
#: bytes the expressions see at once: their memory grows with the rows they see
_BLOCK_BYTES = 64 << 10
_SEPARATORS = bytes.maketrans(b": \t\n", b",,,,")

Labels = Literal["required", "optional"]


class LibsvmError(ValueError):
    """A row that is not libsvm.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence goes on that begins with the row.
    row : int
        The row, from 1; a line that is only a comment is none.
    """

    def __init__(self, problem: str, *, row: int) -> None:
        self.problem = problem
        self.row = row
        self.sentence = f"row {row} {problem}"
        super().__init__(self.sentence)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of libsvm in compressed sparse form: row ``i`` has entries ``indptr[i]`` to ``indptr[i + 1]``.

    Attributes
    ----------
    label : ndarray of float64, shape (rows,)
        NaN where a row has none.
    weight : ndarray of float64, shape (rows,), or None
        From ``label:weight``, finite and above 0; None where no row has one.
    indptr : ndarray of int64, shape (rows + 1,)
    index : ndarray of int64, shape (entries,)
        As the text has it, strictly increasing in a row.
    value : ndarray of float64, shape (entries,)
        NaN is missing, and so is an index that a row does not have.
    """

    label: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    indptr: NDArray[np.int64]
    index: NDArray[np.int64]
    value: NDArray[np.float64]


def parse_libsvm(data: bytes, *, labels: Labels) -> Sparse:
    """Read rows of libsvm.

    A comment (``# …``) ends a line, and a line that is only a comment is no row. Empty data has no rows.

    Parameters
    ----------
    data : bytes
    labels : {"required", "optional"}
        Where they are required, the first token of a row is ``label`` or ``label:weight``. Where they are
        optional, a first token with a colon is a feature: a request body has no weights.

    Raises
    ------
    LibsvmError
        If a row is blank (but at the end of the data), has a ``qid``, an index that is negative, repeated or
        below the one before, or a value that is infinite or no number; or if some rows have a weight and
        others none.
    """
    data = data.rstrip()
    found = _parse_bulk(data, labels) if len(data) >= BULK_BYTES else None
    return found or _parse_lines(data, labels)


def _rows_of(lead: bytes) -> re.Pattern[bytes]:
    row = rb"[ \t]*+" + lead + _FEATURES
    return re.compile(row + rb"(?:\n" + row + rb")*")


#: what all rows of some data may begin with, by how many numbers that is
_SHAPES: dict[Labels, dict[int, re.Pattern[bytes]]] = {
    "required": {1: _rows_of(_NUMBER), 2: _rows_of(_NUMBER + b":" + _NUMBER)},
    "optional": {1: _rows_of(_NUMBER), 0: _rows_of(_INDEX + _NUMBER)},
}


def _parse_bulk(data: bytes, labels: Labels) -> Sparse | None:
    """Rows that all begin alike and have no comments; None for anything else, or in error."""
    lead = next((lead for lead, shape in _SHAPES[labels].items() if _has_shape(data, shape)), None)
    numbers = _numbers(data) if lead is not None else None
    if lead is None or numbers is None:
        return None
    features = np.array([line.count(b":") for line in data.split(b"\n")], np.int64) - (lead == 2)
    first = np.cumsum(features * 2 + lead) - (features * 2 + lead)
    indptr = np.concatenate(([0], np.cumsum(features)))
    at = np.arange(indptr[-1]) * 2 + np.repeat(np.arange(1, features.size + 1) * lead, features)
    index, value = numbers[at].astype(np.int64), numbers[at + 1]
    falls = np.flatnonzero(np.diff(index) <= 0) + 1
    weight = numbers[first + 1] if lead == 2 else None
    if not np.isin(falls, indptr).all() or (weight is not None and not (weight > 0).all()):
        return None
    label = numbers[first] if lead else np.full(features.size, np.nan)
    return Sparse(label, weight, indptr, index, value)


def _has_shape(data: bytes, shape: re.Pattern[bytes]) -> bool:
    start = 0
    while start <= len(data):
        end = data.find(b"\n", start + _BLOCK_BYTES)
        end = len(data) if end < 0 else end
        if not shape.fullmatch(data, start, end):
            return False
        start = end + 1
    return True


def _numbers(data: bytes) -> NDArray[np.float64] | None:
    """All numbers of well-formed rows in a row; None if one is infinite or none."""
    try:
        # JSON's are a part of ours, and its parser is several times as fast as float().
        found = orjson.loads(b"[%b]" % data.replace(b"\r", b"").translate(_SEPARATORS))
    except orjson.JSONDecodeError:
        try:
            found = list(map(float, data.replace(b":", b" ").split()))
        except ValueError:
            return None
    numbers = np.array(found, np.float64)
    return None if np.isinf(numbers).any() else numbers


def _parse_lines(data: bytes, labels: Labels) -> Sparse:
    label: list[float] = []
    weight: list[float] = []
    indptr = [0]
    index: list[int] = []
    value: list[float] = []
    for line in data.split(b"\n") if data else ():
        content, comment, _ = line.partition(b"#")
        tokens = content.split()
        row = len(label) + 1
        if not tokens:
            if comment:
                continue
            raise LibsvmError("is blank", row=row)
        leads = labels == "required" or b":" not in tokens[0]
        first, colon, rest = tokens.pop(0).partition(b":") if leads else (b"nan", b"", b"")
        label.append(_number(first, "the label", row))
        if colon:
            weight.append(_weight(rest, row))
        if len(weight) not in (0, row):
            has, before = ("a weight", "none") if colon else ("no weight", "one")
            raise LibsvmError(f"has {has}, where the rows before it have {before}", row=row)
        last = -1
        for token in tokens:
            last = _index(token, last, row)
            index.append(last)
            value.append(_number(token.partition(b":")[2], f"index {last}", row))
        indptr.append(len(index))
    return Sparse(
        np.array(label, np.float64),
        np.array(weight, np.float64) if weight else None,
        np.array(indptr, np.int64),
        np.array(index, np.int64),
        np.array(value, np.float64),
    )


def _index(token: bytes, last: int, row: int) -> int:
    """The index of a feature, above the last one of its row."""
    text, colon, _ = token.partition(b":")
    if text == b"qid":
        raise LibsvmError("has a qid: rows of a fraud model are in no groups", row=row)
    if not colon:
        raise LibsvmError(f"holds {_shown(token)}, which is not index:value", row=row)
    if text.startswith(b"-") and text[1:].isdigit():
        raise LibsvmError(f"has index {text.decode()}, which is negative", row=row)
    if not text.isdigit():
        raise LibsvmError(f"has {_shown(text)} for an index, which is not a whole number", row=row)
    if len(text) > _DIGITS:
        raise LibsvmError(f"has index {_shown(text)[1:-1]}, which is too large", row=row)
    index = int(text)
    if index == last:
        raise LibsvmError(f"has index {index} twice", row=row)
    if index < last:
        raise LibsvmError(f"has index {index} after {last}: they must increase", row=row)
    return index


def _number(text: bytes, of: str, row: int) -> float:
    try:
        # float() also reads 1_000, which no table means.
        number = float(text) if b"_" not in text else None
    except ValueError:
        number = None
    if number is None:
        raise LibsvmError(f"has {_shown(text)} for {of}, which is not a number", row=row)
    if math.isinf(number):
        raise LibsvmError(f"has {_shown(text)} for {of}, which is infinite", row=row)
    return number


def _weight(text: bytes, row: int) -> float:
    weight = _number(text, "the weight", row)
    if not weight > 0:
        raise LibsvmError(f"has {_shown(text)} for the weight, which is not above 0", row=row)
    return weight


def _shown(token: bytes) -> str:
    text = token.decode(errors="backslashreplace")
    return repr(text if len(text) <= 40 else text[:39] + "…")
