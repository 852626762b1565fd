"""Request bodies to model inputs: one parser per format; every value is checked, and a refusal names its
place.

A parser takes the body, the model's features and the most rows it may hold, and returns :class:`Rows` or
raises :class:`BodyError`, nothing else. :func:`~.rows.finish` makes one matrix of the rows of one or of many
requests; it refuses nothing. Rows are counted from 1. Values mean what they mean to the process job: see
``parsing.py``.
"""

from __future__ import annotations

from fraudlab.container.bodies.content_types import (
    MEDIA_TYPES,
    SLOW_PARSERS,
    Parser,
    parse_parquet,
    read_content_type,
)
from fraudlab.container.bodies.rows import MAX_BYTES, SLICE_BYTES, BodyError, Rows, finish

__all__ = [
    "BULK_BYTES",
    "MAX_BYTES",
    "MEDIA_TYPES",
    "SLOW_PARSERS",
    "BodyError",
    "Parser",
    "Rows",
    "finish",
    "parse_parquet",
    "read_content_type",
]

#: from this size on, reading a body takes long enough to be worth a thread of its own
BULK_BYTES = SLICE_BYTES
