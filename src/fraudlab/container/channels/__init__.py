"""The channels of a training job that has no process job before it: CSV, libsvm, Parquet, recordio-protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ChannelTable:
    """All rows of a channel.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        In C order; NaN is missing.
    label : ndarray of uint8, shape (rows,)
        0 or 1.
    weight : ndarray of float32, shape (rows,), or None
        Above 0 and finite.
    names : tuple of str
        One a column.
    content_type : str
        Canonical: ``text/csv``, ``text/libsvm``, ``application/x-parquet`` or
        ``application/x-recordio-protobuf``.
    """

    matrix: NDArray[np.float32]
    label: NDArray[np.uint8]
    weight: NDArray[np.float32] | None
    names: tuple[str, ...]
    content_type: str


def read_channel(
    folder: Path,
    *,
    content_type: str | None,
    csv_weights: bool = False,
    keep_counter: bool = False,
    columns: tuple[str, ...] | None = None,
) -> ChannelTable:
    """Read every file of a channel into one matrix.

    Parameters
    ----------
    folder : Path
        The channel. Nested folders are read in sorted order; what begins with ``.`` or ``_`` is not.
    content_type : str, optional
        As the channel declares it; None to go by the files.
    csv_weights : bool
        The second column of a CSV file is the weight of the row.
    keep_counter : bool
        Take a feature that counts the rows for a feature, not for an index column.
    columns : tuple of str, optional
        The names the train channel has, where this is another one.

    Raises
    ------
    ConfigError
        If the content type is unknown.
    TableError
        If the channel has no rows, or a file is not what it should be: the sentence names file, row and column.
    """
    raise NotImplementedError
