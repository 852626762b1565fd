"""A table in the shape of the creditcard (ULB) data set, for when the real one is not at hand.

The class-conditional moments of V1 … V28 and the daily rhythm come from real rows: the creditcard table of
Worldline and the Machine Learning Group of ULB (Dal Pozzolo, Caelen, Johnson & Bontempi 2015, "Calibrating
Probability with Undersampling for Unbalanced Classification"), under the Open Database License and the
Database Contents License. They are in ``creditcard_moments.json``; no real row is.

What makes it as hard as the real table, where good models reach an average precision near 0.8 in time order:

- legitimate rows have heavy tails, shared by all columns of a row;
- a fraud lies between a legitimate and a typical fraudulent row, and about one in six close to the former;
- a few legitimate rows lie on the way to the frauds;
- frauds move a little closer to the legitimate rows as time goes by.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.data.synthetic_place import place_of
from fraudlab.errors import ConfigError
from fraudlab.files import publish, storage

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 284_807
FRAUD_RATE = 0.001727
SEED = 42
HOURS = 48
COLUMNS = ("Time", *(f"V{i}" for i in range(1, 29)), "Amount", "Class")

# Exact duplicates of the real table, and the frauds among them: their shares are kept at any size.
DUPLICATES = {False: (1062 / 284_315, 754 / 1062), True: (19 / 492, 19 / 19)}
TAIL_DEGREES = 4
CAMOUFLAGED, CAMOUFLAGE, TYPICAL = 0.16, 0.25, 0.55
SUSPICIOUS, SUSPICION = 0.0003, 0.50
DRIFT = 0.10
GOLDEN = (5**0.5 - 1) / 2
CHUNK = 65_536

Floats = NDArray[np.float64]


def generate(rows: int = ROWS, fraud_rate: float = FRAUD_RATE, *, seed: int = SEED) -> pa.Table:
    """Make a table of card transactions over 48 hours, in time order.

    Parameters
    ----------
    rows : int
        Rows in all, duplicates included.
    fraud_rate : float
        Share of frauds; the nearest whole number of them is made.
    seed : int
        The same arguments give the same values.

    Returns
    -------
    pyarrow.Table, shape (rows, 31)
        ``Time`` (whole seconds since the first row), ``V1`` … ``V28`` and ``Amount`` (two decimals) as
        float64, ``Class`` (1 = fraud) as int64.

    Raises
    ------
    ConfigError
        If that leaves no fraud, or no legitimate row.
    """
    import pyarrow as pa

    return pa.Table.from_batches(list(_batches(rows, fraud_rate, seed)))


def write_synthetic(
    path: Path, *, rows: int = ROWS, fraud_rate: float = FRAUD_RATE, seed: int = SEED
) -> None:
    """Write :func:`generate`'s table as CSV or Parquet, chunk by chunk, atomically.

    Parameters
    ----------
    path : Path
        Ends in ``.csv`` or ``.parquet``.
    rows, fraud_rate, seed
        As in :func:`generate`. The same arguments and versions give the same bytes.

    Raises
    ------
    ConfigError
        Also for another extension.
    StorageError
        If the disk is full or refuses to be written.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(
            f"{path.name} is neither .csv nor .parquet.", fix="give the file one of these endings"
        )
    batches = _batches(rows, fraud_rate, seed)
    first = next(batches)
    partial = path.with_name(f".{os.getpid()}-{path.name}")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _writer(partial, first.schema) as writer:
                for batch in chain([first], batches):
                    writer.write_batch(batch)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def cached(cache: Path, *, rows: int = ROWS, fraud_rate: float = FRAUD_RATE, seed: int = SEED) -> Path:
    """Find :func:`generate`'s table in the cache as Parquet, or write it there; of one name per arguments.

    Parameters
    ----------
    cache : Path
        Folder of everything that can be made again.
    rows, fraud_rate, seed
        As in :func:`generate`.
    """
    path = place_of(cache, rows=rows, fraud_rate=fraud_rate, seed=seed)
    if not path.is_file():
        made = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
        write_synthetic(made, rows=rows, fraud_rate=fraud_rate, seed=seed)
        publish(made, path)  # several runs may begin at once: whoever is first has the name
    return path


def _writer(path: Path, schema: pa.Schema) -> Any:
    from pyarrow import csv, parquet

    if path.suffix.lower() == ".csv":
        return csv.CSVWriter(path, schema, write_options=csv.WriteOptions(quoting_style="none"))
    # Values without repetition: dictionaries and compression would cost time and save nothing.
    return parquet.ParquetWriter(path, schema, use_dictionary=False, compression="none")


@dataclass(frozen=True, slots=True)
class _Moments:
    legitimate_mean: Floats
    legitimate_std: Floats
    fraud_mean: Floats
    fraud_factor: Floats
    legitimate_hours: Floats
    fraud_hours: Floats


@lru_cache
def _moments() -> _Moments:
    text = resources.files("fraudlab.data").joinpath("creditcard_moments.json").read_text(encoding="utf-8")
    legitimate, fraud = (json.loads(text)[name] for name in ("legitimate", "fraud"))
    factor = np.zeros((28, 28))
    factor[np.tril_indices(28)] = np.concatenate(fraud["cholesky"])
    rhythms = [_cumulative(of_class["two_hourly"]) for of_class in (legitimate, fraud)]
    return _Moments(
        legitimate_mean=np.array(legitimate["mean"]),
        legitimate_std=np.array(legitimate["std"]),
        fraud_mean=np.array(fraud["mean"]),
        fraud_factor=factor,
        legitimate_hours=rhythms[0],
        # Half of the real rhythm: all of it would leave a test split of the last hours a few dozen frauds.
        fraud_hours=(rhythms[0] + rhythms[1]) / 2,
    )


def _cumulative(counts: Any) -> Floats:
    return np.append(0.0, np.cumsum(counts) / np.sum(counts))


@dataclass(frozen=True, slots=True)
class _Events:
    """Distinct transactions in time order; `copies` says how many rows each becomes."""

    time: Floats
    fraud: NDArray[np.bool_]
    copies: NDArray[np.int64]
    strength: Floats


def _plan(rows: int, fraud_rate: float, seed: int) -> _Events:
    """Decide when, which class, how often and how conspicuous, for all rows; 33 bytes each."""
    frauds = round(rows * fraud_rate)
    if not 0 < frauds < rows:
        raise ConfigError(
            f"{rows} rows at a fraud rate of {fraud_rate:g} are {frauds} frauds.",
            fix="choose data.rows and data.fraud_rate so that there are frauds and legitimate rows",
        )
    rng = np.random.default_rng(seed)
    copies = [_copies(rng, count, fraud) for count, fraud in ((rows - frauds, False), (frauds, True))]
    moments = _moments()
    hours = np.linspace(0.0, HOURS, moments.legitimate_hours.size)
    time = np.concatenate(
        [
            np.interp(rng.random(many.size), of_class, hours)
            for many, of_class in zip(copies, (moments.legitimate_hours, moments.fraud_hours), strict=True)
        ]
    )
    order = np.argsort(time, kind="stable")
    time = time[order]
    fraud = order >= copies[0].size
    seconds = np.floor((time - time[0]) * 3600)
    return _Events(seconds, fraud, np.concatenate(copies)[order], _strength(rng, time, fraud))


def _copies(rng: np.random.Generator, rows: int, fraud: bool) -> NDArray[np.int64]:
    """How many rows each event of one class becomes; they sum to `rows`."""
    share, groups_per_copy = DUPLICATES[fraud]
    extra = min(round(rows * share), rows - 1)
    copies = np.ones(rows - extra, dtype=np.int64)
    groups = rng.choice(copies.size, min(round(extra * groups_per_copy), copies.size), replace=False)
    if groups.size:
        # Each group is copied once, and what is left goes to groups at random.
        chosen = np.concatenate([groups, groups[rng.integers(groups.size, size=extra - groups.size)]])
        np.add.at(copies, chosen, 1)
    return copies


def _strength(rng: np.random.Generator, time: Floats, fraud: NDArray[np.bool_]) -> Floats:
    """How far each event lies on the way from a legitimate row (0) to a typical fraud (1).

    Multiples of the golden ratio are spread evenly over any stretch of time, so that a test split is about
    as hard as the training split whatever the seed.
    """
    strength: Floats = np.zeros(time.size)
    legitimate = np.flatnonzero(~fraud)
    suspicious = np.sort(rng.choice(legitimate, round(legitimate.size * SUSPICIOUS), replace=False))
    strength[suspicious] = _even(rng, suspicious.size) * SUSPICION
    even = _even(rng, int(fraud.sum()))
    strength[fraud] = np.interp(even, (0, CAMOUFLAGED, CAMOUFLAGED, 1), (0, CAMOUFLAGE, TYPICAL, 1))
    strength *= 1 - DRIFT * time / HOURS
    return strength


def _even(rng: np.random.Generator, count: int) -> Floats:
    places: Floats = np.modf(rng.random() + GOLDEN * np.arange(count))[0]
    return places


def _batches(rows: int, fraud_rate: float, seed: int) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    events = _plan(rows, fraud_rate, seed)
    for chunk, start in enumerate(range(0, events.time.size, CHUNK)):
        part = slice(start, start + CHUNK)
        # A stream of its own for each chunk, so that memory does not grow with the rows. The plan's stream is
        # [seed, 0] already, as NumPy fills seeds up with zeros.
        rng = np.random.default_rng([seed, 1 + chunk])
        features = _features(rng, events.strength[part])
        amount = _amount(rng, events.fraud[part])
        columns = [events.time[part], *features, amount, events.fraud[part].astype(np.int64)]
        copies = events.copies[part]
        if copies.max() > 1:
            columns = [np.repeat(column, copies) for column in columns]
        yield pa.RecordBatch.from_arrays([pa.array(column) for column in columns], names=list(COLUMNS))


def _features(rng: np.random.Generator, strength: Floats) -> Floats:
    """V1 … V28 as rows, shape (28, n)."""
    moments = _moments()
    features = rng.standard_normal((28, strength.size))
    # Each row has a variance of its own, which makes the values Student's t with the sample's standard
    # deviation.
    features *= np.sqrt((TAIL_DEGREES - 2) / rng.chisquare(TAIL_DEGREES, strength.size))
    features *= moments.legitimate_std[:, None]
    features += moments.legitimate_mean[:, None]
    moved = np.flatnonzero(strength)
    noise = rng.standard_normal((28, moved.size))
    # einsum without BLAS: the sum's order, and so its last bit, is the same on every processor.
    typical = moments.fraud_mean[:, None] + np.einsum("ij,jn->in", moments.fraud_factor, noise)
    features[:, moved] += strength[moved] * (typical - features[:, moved])
    return features


def _amount(rng: np.random.Generator, fraud: NDArray[np.bool_]) -> Floats:
    """Lognormal with the real table's median, tail, and heaps at 0 and 1."""
    amount = np.where(fraud, 60.0, 22.0) * np.exp(1.7 * rng.standard_normal(fraud.size))
    heap = rng.random(fraud.size)
    amount[heap < np.where(fraud, 0.285, 0.055)] = 1.0
    amount[heap < np.where(fraud, 0.055, 0.006)] = 0.0
    rounded: Floats = np.round(np.minimum(amount, 25_691.16), 2)
    return rounded
