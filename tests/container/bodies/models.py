"""Models' columns that bodies are read for, and a body as the matrix it means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fraudlab.container.bodies import MEDIA_TYPES, BodyError, finish
from fraudlab.container.features import Column, Features
from fraudlab.container.scaling import Scaling

NAN = float("nan")
MANY = 1_000_000

NUMBERS = Features([Column("a"), Column("b"), Column("c")], libsvm_base=0)
MIXED = Features([Column("a"), Column("m", ("casino", "kiosk, 24h", "12")), Column("b")], libsvm_base=0)
SCALED = Features(NUMBERS.columns, Scaling(np.array([1.0, 0, 0]), np.array([2.0, 1, 1e-3])), libsvm_base=0)
ONE = Features([Column("x")])
CATEGORIES = Features([Column("m", ("a", "b")), Column("n", ("x", "y,"))])
ALL = {"numbers": NUMBERS, "mixed": MIXED, "scaled": SCALED, "one": ONE, "categories": CATEGORIES}


def read(kind: str, body: bytes | str, features: Features = NUMBERS, *, max_rows: int = MANY) -> Any:
    """The inputs of a body, and how many of its categories are unseen."""
    rows = MEDIA_TYPES[kind](body.encode() if isinstance(body, str) else body, features, max_rows)
    matrix = finish([rows], features)
    assert matrix.shape == (len(rows), len(features))
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert not np.isinf(matrix).any()
    return matrix, rows.unseen


def refusal(kind: str, body: bytes | str, features: Features = NUMBERS, *, max_rows: int = MANY) -> BodyError:
    """How a body is refused."""
    with pytest.raises(BodyError) as caught:
        read(kind, body, features, max_rows=max_rows)
    error = caught.value
    assert len(error.sentence) < 250
    assert str(error) == error.sentence
    error.sentence.encode()
    (error.column or "").encode()
    return error
