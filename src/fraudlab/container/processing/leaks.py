"""Columns that know what they should not: which row it is, or what the label is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.formats.numeric_columns import NotANumberError, numbers
from fraudlab.container.formats.parsing import parse_number
from fraudlab.container.row_index import MIN_ROWS, may_be, pandas_indices, reason

#: rows of each class that tell of nearly every column that it is no copy of the label
_SAMPLE_ROWS = 300
#: least share of a class, in the sample, that a copy of the label gives one value
_SAMPLE_SHARE = 0.9
#: rows of train that may differ, as a share of the rarer class; or this many, where they are at most a tenth
_DIFFERENT_SHARE, _DIFFERENT_ROWS, _DIFFERENT_MOST = 0.01, 5, 0.1
Rows = NDArray[np.int64] | slice


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """How a column may tell the label: by one `value`, or by whether it has any."""

    how: str
    value: Any = None

    def tells(self, column: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The label as the column would have it."""
        if self.how in ("filled", "empty"):
            return ~missing if self.how == "filled" else missing
        found: NDArray[np.bool_] = column == self.value
        return ~found if self.how == "other_where_fraud" else found

    def different(self, column: NDArray[Any], label: NDArray[np.uint8], rows: Rows) -> int:
        """Rows of which the column tells another label; those where it is missing tell none."""
        values, labels = column[rows], label[rows]
        missing = _missing(values)
        wrong = self.tells(values, missing) != (labels == 1)
        if self.how not in ("filled", "empty"):
            wrong &= ~missing
        return int(np.count_nonzero(wrong))


def row_indices(raw: Mapping[str, pa.ChunkedArray], metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """Features that number the rows, and why each is seen to.

    Parameters
    ----------
    raw : mapping of str to ChunkedArray
        The features that are numbers, as the table has them.
    metadata : mapping of bytes to bytes, optional
        Of a Parquet file.
    """
    noted = pandas_indices(metadata)
    found = {name: "was the index of the frame that pandas wrote" for name in raw if name in noted}
    for name, column in raw.items():
        with contextlib.suppress(NotANumberError):
            if may_be(name, numbers(column.slice(0, MIN_ROWS))):
                why = reason(name, numbers(column), [slice(0, len(column))])
                if why is not None:
                    found.setdefault(name, f"is a row index: {why}")
    return found


def label_copies(
    values: Mapping[str, Any], label: NDArray[np.uint8], splits: Mapping[str, Rows]
) -> list[dict[str, Any]]:
    """Features of which one value, or a missing one, tells the label in train.

    Parameters
    ----------
    values : mapping of str to ndarray of float32 or DictionaryArray
        The features; of n rows.
    label : ndarray of uint8, shape (n,)
    splits : mapping of str to rows
        ``train`` and others.

    Returns
    -------
    list of dict
        ``column``; ``how`` it tells: ``equal`` or ``inverted``, ``value_where_fraud`` (it has `value` where
        the label is 1, and nowhere else), ``other_where_fraud`` (another than `value` there), ``filled`` (it
        has any value there alone) or ``empty`` (none there alone); ``value``; and ``different``, for each
        split, the number of its rows of which that is not so.
    """
    train = splits["train"]
    in_train = np.arange(label.size)[train] if isinstance(train, slice) else train
    is_fraud = label[in_train] == 1
    frauds, legitimate = in_train[is_fraud], in_train[~is_fraud]
    rarer = min(frauds.size, legitimate.size)
    allowed = max(_DIFFERENT_SHARE * rarer, min(_DIFFERENT_ROWS, int(_DIFFERENT_MOST * rarer)))
    samples = _sample(frauds), _sample(legitimate)
    found = []
    for name, values_of in values.items():
        column = (
            values_of if isinstance(values_of, np.ndarray) else values_of.indices.fill_null(-1).to_numpy()
        )
        for suspicion in _suspicions(*(column[sample] for sample in samples)):
            if suspicion.different(column, label, train) <= allowed:
                different = {
                    split: suspicion.different(column, label, rows) for split, rows in splits.items()
                }
                found.append({"column": name, **_described(suspicion, values_of), "different": different})
                break
    return found


def _sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:: max(1, rows.size // _SAMPLE_ROWS)]


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.isnan(column) if column.dtype.kind == "f" else column < 0
    return found


def _suspicions(fraud: NDArray[Any], legitimate: NDArray[Any]) -> Iterator[_Suspicion]:
    """How some rows of each class say that the column may tell them apart."""
    empty, other_empty = _missing(fraud).mean(), _missing(legitimate).mean()
    if empty <= 1 - _SAMPLE_SHARE and other_empty >= _SAMPLE_SHARE:
        yield _Suspicion("filled")
    if empty >= _SAMPLE_SHARE and other_empty <= 1 - _SAMPLE_SHARE:
        yield _Suspicion("empty")
    if max(empty, other_empty) > 0.5:
        return
    fraud, legitimate = fraud[~_missing(fraud)], legitimate[~_missing(legitimate)]
    # What most rows have is in the middle of their order.
    value, other = (np.partition(rows, rows.size // 2)[rows.size // 2] for rows in (fraud, legitimate))
    if (fraud == value).mean() >= _SAMPLE_SHARE and (legitimate != value).mean() >= _SAMPLE_SHARE:
        yield _Suspicion("value_where_fraud", value)
    if (legitimate == other).mean() >= _SAMPLE_SHARE and (fraud != other).mean() >= _SAMPLE_SHARE:
        yield _Suspicion("other_where_fraud", other)


def _described(suspicion: _Suspicion, column: Any) -> dict[str, Any]:
    """The suspicion as JSON values, and by a simpler name where the value is one of a label."""
    how, value = suspicion.how, suspicion.value
    if value is None:
        return {"how": how, "value": None}
    value = float(value) if isinstance(column, np.ndarray) else column.dictionary[int(value)].as_py()
    with contextlib.suppress(ValueError):
        number = value if isinstance(value, float) else parse_number(value)
        if number in (0, 1) and _has_two_values(column):
            fraud_is_one = (number == 1) == (how == "value_where_fraud")
            return {"how": "equal" if fraud_is_one else "inverted", "value": None}
    return {"how": how, "value": value}


def _has_two_values(column: Any) -> bool:
    """Whether all values are 0 or 1, as those of a label are."""
    if isinstance(column, np.ndarray):
        return bool(np.all(_missing(column) | (column == 0) | (column == 1)))
    return len(column.indices.drop_null().unique()) <= 2
