"""Where the cache keeps synthetic tables: to look there, nothing has to be computed."""

from __future__ import annotations

from pathlib import Path

# Add 1 whenever the same arguments make another table than before.
VERSION = 2


def place_of(cache: Path, *, rows: int, fraud_rate: float, seed: int) -> Path:
    """Where :func:`fraudlab.data.synthetic.cached` keeps the table of these arguments."""
    return cache / "synthetic" / f"v{VERSION}-{rows}-{fraud_rate!r}-{seed}.parquet"
