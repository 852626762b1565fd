"""Some rows of a prepared split: all frauds as far as there is room, and legitimate rows beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.features import Features
from fraudlab.container.prepared import LABEL, TIME, split_files


@dataclass(frozen=True, slots=True)
class SampledRows:
    """What a split's sample is.

    Attributes
    ----------
    chosen : ndarray of int64
        Positions in the split, ascending.
    label : ndarray of uint8
        Of the chosen.
    rows, frauds : int
        Of the whole split.
    """

    chosen: NDArray[np.int64]
    label: NDArray[np.uint8]
    rows: int
    frauds: int


def sample_rows(folder: Path, *, frauds: int, legitimate: int, seed: int) -> SampledRows:
    """Choose rows of a split by their labels alone.

    Parameters
    ----------
    folder : Path
        The split's.
    frauds, legitimate : int
        How many of each at most.
    seed : int
    """
    label = _labels(folder)
    rng = np.random.default_rng(seed)
    parts = [
        rng.permutation(np.flatnonzero(label == value))[:most]
        for value, most in ((1, frauds), (0, legitimate))
    ]
    chosen = np.sort(np.concatenate(parts))
    return SampledRows(chosen, label[chosen], label.size, int(label.sum()))


def read_sampled(folder: Path, features: Features, sample: SampledRows) -> NDArray[np.float32]:
    """What the booster is given for the rows of a sample, shape (rows, inputs); nothing else is held."""
    from pyarrow import parquet

    names = [column.name if column.clock is None else TIME for column in features.columns]
    matrix = np.empty((sample.chosen.size, len(features.inputs)), np.float32)
    start = done = 0
    for path in split_files(folder):
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=names):
                until = int(np.searchsorted(sample.chosen, start + batch.num_rows))
                inside: Any = batch.take(_positions(sample.chosen[done:until] - start))
                features.fill(matrix[done:until], inside.select(names))
                start, done = start + batch.num_rows, until
    return matrix


def _positions(chosen: NDArray[np.int64]) -> Any:
    import pyarrow as pa

    return pa.array(chosen, pa.int64())


def _labels(folder: Path) -> NDArray[np.uint8]:
    from pyarrow import parquet

    read = []
    for path in split_files(folder):
        with parquet.ParquetFile(path) as file:
            read.append(file.read([LABEL])[LABEL].to_numpy())
    return np.concatenate(read).astype(np.uint8) if read else np.empty(0, np.uint8)
