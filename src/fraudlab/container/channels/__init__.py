"""The channels of a training job without a process job: CSV, libsvm, Parquet or recordio-protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.channels import channel_rows as checks
from fraudlab.container.channels.channel_files import (
    CSV,
    LIBSVM,
    PARQUET,
    ChannelFile,
    canonical,
    format_of,
    list_files,
)
from fraudlab.container.channels.channel_rows import ChannelRows
from fraudlab.container.failure import ConfigError, TableError


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
        One per column.
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
        If the content type is unknown, or there are weights where the format has none.
    TableError
        If the channel has no rows, or a file is not what it should be: the sentence names file, row, column.
    """
    channel = folder.name
    declared = None if content_type is None else canonical(content_type, channel)
    try:
        sources = list_files(folder)
        format_ = format_of(sources, declared, channel)
        if csv_weights and format_ != CSV:
            raise ConfigError(
                f"csv_weights is set, and channel {channel} is {format_}",
                fix="leave csv_weights out, or give the channel as text/csv",
            )
        rows = _read(
            sources, format_, channel, csv_weights=csv_weights, keep_counter=keep_counter, columns=columns
        )
    except OSError as error:
        raise TableError(
            f"channel {channel} cannot be read: {error}",
            fix="make its files readable to the user the job runs as",
        ) from error
    return _checked(rows, format_, channel, keep_counter=keep_counter, columns=columns)


def _read(
    sources: Sequence[ChannelFile],
    format_: str,
    channel: str,
    *,
    csv_weights: bool,
    keep_counter: bool,
    columns: tuple[str, ...] | None,
) -> ChannelRows:
    if format_ == CSV:
        from fraudlab.container.channels.csv_files import read_csv

        return read_csv(sources, weighted=csv_weights)
    if format_ == LIBSVM:
        from fraudlab.container.channels.libsvm_files import read_libsvm

        return read_libsvm(sources, columns=columns, channel=channel)
    if format_ == PARQUET:
        from fraudlab.container.channels.parquet_files import read_parquet

        return read_parquet(sources, keep_counter=keep_counter)
    from fraudlab.container.channels.recordio_files import read_recordio

    return read_recordio(sources, channel=channel)


def _checked(
    rows: ChannelRows, format_: str, channel: str, *, keep_counter: bool, columns: tuple[str, ...] | None
) -> ChannelTable:
    if not rows.label.size:
        raise TableError(f"channel {channel} has no rows", fix="give it files with rows")
    if not rows.names:
        raise TableError(f"channel {channel} has no features", fix="give its rows features")
    if columns is not None:
        # Names that a format lacks are made up, and those of a libsvm file are its numbers.
        found = rows.names if format_ == PARQUET or len(rows.names) != len(columns) else columns
        checks.refuse_other_columns(
            ("label", *found), ("label", *columns), of=f"channel {channel}", like="channel train"
        )
    checks.refuse_counters(rows, channel, keep_counter=keep_counter)
    label, weight = checks.checked_labels(rows), checks.checked_weights(rows)
    return ChannelTable(rows.matrix, label, weight, columns or rows.names, format_)
