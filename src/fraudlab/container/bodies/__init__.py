"""Request bodies to model inputs: one parser a format, every value checked, a refusal names its place.

A parser takes the body, the model's features and the most rows it may hold, and returns :class:`Rows` or
raises :class:`BodyError`, nothing else. :func:`finish` makes one matrix of the rows of one or of many
requests; it refuses nothing. Rows are counted from 1. Values mean what they mean to the process job: see
``parsing.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from fraudlab.container.bodies.csv_rows import parse_csv
from fraudlab.container.bodies.json_rows import parse_json, parse_json_lines
from fraudlab.container.bodies.libsvm_rows import parse_libsvm_rows
from fraudlab.container.bodies.rows import SLICE_BYTES, BodyError, Rows, finish
from fraudlab.container.features import Features

__all__ = ["BULK_BYTES", "MEDIA_TYPES", "SLOW_PARSERS", "BodyError", "Parser", "Rows", "finish"]

#: ``parse(body, features, max_rows)``
Parser = Callable[[bytes, Features, int], Rows]


def _parse_parquet(body: bytes, features: Features, max_rows: int) -> Rows:
    from fraudlab.container.bodies.parquet_rows import parse_parquet  # Arrow: 40 MB and a tenth of a second

    return parse_parquet(body, features, max_rows)


#: What requests call a format. The first name of each is the one we use.
MEDIA_TYPES: dict[str, Parser] = {
    "text/csv": parse_csv,
    "application/json": parse_json,
    "application/jsonlines": parse_json_lines,
    "application/x-jsonlines": parse_json_lines,
    "application/x-ndjson": parse_json_lines,
    "text/libsvm": parse_libsvm_rows,
    "text/x-libsvm": parse_libsvm_rows,
    "application/x-parquet": _parse_parquet,
    "application/vnd.apache.parquet": _parse_parquet,
    "application/parquet": _parse_parquet,
}

#: from this size on, reading a body takes long enough to be worth a thread of its own
BULK_BYTES = SLICE_BYTES
#: those that take milliseconds for any body
SLOW_PARSERS: frozenset[Parser] = frozenset({_parse_parquet})
