"""Rows of CSV."""

from __future__ import annotations

from fraudlab.container.bodies.rows import Rows
from fraudlab.container.features import Features

#: from this size on a body is better parsed beside the event loop
BULK_BYTES = 32 << 10


def parse_csv(body: bytes, features: Features, max_rows: int) -> Rows:
    """Read raw rows without a header."""
    raise NotImplementedError
