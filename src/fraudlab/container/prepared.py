"""The Parquet file of a split: what the process job writes and the train job reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from fraudlab.container.column_rules import RESERVED
from fraudlab.container.contract import whole_file
from fraudlab.container.failure import TableError
from fraudlab.container.features import Column, Features, Matrix

ROW, LABEL, TIME = RESERVED + "row", RESERVED + "label", RESERVED + "time"
CARD, AMOUNT, DUPLICATE = RESERVED + "card", RESERVED + "amount", RESERVED + "duplicate"
#: labels of train as they are known by when the model is refitted; absent where all were known at once
REFIT_LABEL = RESERVED + "refit_label"
#: before the name of a column whose values are measured one by one; only test has them
SLICE = RESERVED + "slice."
#: rows turned into matrix rows at once, so that a block of them stays in the processor's cache
_BATCH_ROWS = 1 << 13
#: more where there are categories: each batch costs a look at its whole dictionary
_BATCH_ROWS_WITH_CATEGORIES = 1 << 17
_ROW_GROUP_ROWS = 1 << 17


def write_split(path: Path, columns: Mapping[str, pa.Array]) -> str:
    """Write one split; the same columns give the same bytes.

    Returns
    -------
    str
        SHA-256 of the file.
    """
    table = pa.table(dict(columns))
    texts = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    with whole_file(path) as file:
        # Numbers of a feature hardly repeat and are never filtered by: dictionaries and statistics only cost.
        parquet.write_table(
            table,
            file,
            compression="lz4",
            use_dictionary=texts,
            write_statistics=False,
            row_group_size=_ROW_GROUP_ROWS,
        )
    return file.sha256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A split as the train job uses it.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
    label : ndarray of uint8, shape (rows,)
    amount : ndarray of float64, shape (rows,), or None
    weight : ndarray of float32, shape (rows,), or None
        Above 0; None weighs all rows alike.
    refit_label : ndarray of uint8, shape (rows,), or None
        The labels that are known by the time of the refit; None where they are the same.
    """

    matrix: Matrix
    label: NDArray[np.uint8]
    amount: NDArray[np.float64] | None = None
    weight: NDArray[np.float32] | None = None
    refit_label: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return self.label.size

    @property
    def frauds(self) -> int:
        """Rows whose label is 1."""
        return int(self.label.sum())

    def take(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Prepared:
        """Some of the rows, copied, so that the others can be given back."""

        def of(values: NDArray[Any] | None) -> Any:
            return None if values is None else np.ascontiguousarray(values[rows])

        return Prepared(
            of(self.matrix), of(self.label), of(self.amount), of(self.weight), of(self.refit_label)
        )

    def at_refit(self) -> Prepared:
        """The same rows with the labels that are known by the time of the refit."""
        return self if self.refit_label is None else replace(self, label=self.refit_label, refit_label=None)


def read_split(folder: Path, features: Features) -> Prepared:
    """Read every Parquet file of a channel into one matrix.

    Parameters
    ----------
    folder : Path
        The channel; nested folders are read, hidden files are not.
    features : Features
        The columns to read, and how they become the model's inputs.

    Raises
    ------
    TableError
        If the channel has no rows, or a file lacks a column or has one of another type.
    """
    files = [_open(path, features) for path in split_files(folder)]
    rows = sum(file.metadata.num_rows for file in files)
    if not rows:
        raise TableError(f"channel {folder.name} has no rows", fix="run the process job first")
    matrix = np.empty((rows, len(features.inputs)), np.float32)
    label = np.empty(rows, np.uint8)
    has_amount = all(AMOUNT in file.schema_arrow.names for file in files)
    amount = np.empty(rows, np.float64) if has_amount else None
    has_later = all(REFIT_LABEL in file.schema_arrow.names for file in files)
    later = np.empty(rows, np.uint8) if has_later else None
    names = [_stored(column) for column in features.columns]
    wanted = [LABEL, *([AMOUNT] if has_amount else []), *([REFIT_LABEL] if has_later else []), *names]
    batch_rows = _BATCH_ROWS_WITH_CATEGORIES if features.categorical else _BATCH_ROWS
    start = 0
    for file in files:
        for batch in file.iter_batches(batch_rows, columns=wanted):
            block = slice(start, start + batch.num_rows)
            label[block] = batch.column(LABEL)
            if amount is not None:
                amount[block] = batch.column(AMOUNT).to_numpy(zero_copy_only=False)
            if later is not None:
                later[block] = batch.column(REFIT_LABEL)
            features.fill(matrix[block], batch.select(names))
            start += batch.num_rows
    return Prepared(matrix, label, amount, refit_label=later)


def read_times(folder: Path) -> NDArray[np.float64] | None:
    """The time of each row of a channel, in seconds, as :func:`read_split` reads its rows; None without."""
    read = []
    for path in split_files(folder):
        with parquet.ParquetFile(path) as file:
            if TIME not in file.schema_arrow.names:
                return None
            read.append(file.read([TIME])[TIME].to_numpy())
    return np.concatenate(read).astype(np.float64) if read else None


def card_numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[np.integer]:
    """A number for each card of a column of texts; a row without a card is a card of its own."""
    coded = (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).dictionary_encode()
    known = len(coded.dictionary)
    numbers = np.asarray(np.from_dlpack(coded.indices.fill_null(-1))).astype(np.int32)
    missing = numbers < 0
    numbers[missing] = known + np.arange(int(missing.sum()))
    return numbers


def split_files(folder: Path) -> list[Path]:
    """The Parquet files of a split, in the order they are read."""
    paths = (path for path in folder.rglob("*.parquet") if path.is_file())
    return sorted(
        path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _stored(column: Column) -> str:
    """What a split calls a column."""
    return column.name if column.clock is None else TIME


def _type_of(column: Column) -> str:
    if column.clock is not None:
        return "double"
    return "float" if column.categories is None else "dictionary"


def _open(path: Path, features: Features) -> Any:
    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise TableError(
            f"{path.name} is not readable Parquet: {reason}", fix="run the process job again"
        ) from error
    schema = file.schema_arrow
    wanted = {LABEL: "uint8"} | {_stored(column): _type_of(column) for column in features.columns}
    for name, kind in wanted.items():
        found = str(schema.field(name).type) if name in schema.names else "absent"
        if not found.startswith(kind):
            raise TableError(
                f"column {name!r} of channel {path.parent.name} is {found}, not {kind}",
                fix="give the split and the manifest of one process job",
            )
    return file
