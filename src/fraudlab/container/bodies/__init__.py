"""Request bodies to model inputs: one parser a media type, every value checked, a refusal names its place.

A parser takes the body, the model's features and the most rows it may hold, and returns :class:`Rows` or raises
:class:`BodyError`. :func:`finish` makes one matrix of the rows of one or of many requests; it refuses nothing.
Rows are counted from 1. Values mean what they mean to the process job: see ``parsing.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from fraudlab.container.bodies.csv_rows import BULK_BYTES, parse_csv
from fraudlab.container.bodies.json_rows import parse_json
from fraudlab.container.bodies.rows import BodyError, Rows, finish
from fraudlab.container.features import Features

__all__ = ["BULK_BYTES", "MEDIA_TYPES", "BodyError", "Parser", "Rows", "finish", "parse_csv", "parse_json"]

#: ``parse(body, features, max_rows)``
Parser = Callable[[bytes, Features, int], Rows]

#: names by which requests call a format; the first of each format is the canonical one
MEDIA_TYPES: dict[str, Parser] = {"text/csv": parse_csv, "application/json": parse_json}
