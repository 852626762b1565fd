"""What every parser returns and raises, and the matrix made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraudlab.container.features import Features, Matrix


class BodyError(ValueError):
    """A body that cannot be scored.

    Parameters
    ----------
    sentence : str
    row : int, optional
        The row it is about, from 1.
    column : str, optional
        The column it is about.
    status : int
        The HTTP status it deserves: 400, or 413 where the body holds too much.
    """

    def __init__(
        self, sentence: str, *, row: int | None = None, column: str | None = None, status: int = 400
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.row = row
        self.column = column
        self.status = status


@dataclass(slots=True)
class Rows:
    """The rows of one request. Not frozen: a frozen one takes a microsecond longer to make.

    Parameters
    ----------
    inputs : bytes or ndarray of float32, shape (count, columns)
        Row after row: rounded and checked, not scaled; categories as codes, NaN where missing.
        Small bodies give the bytes of such a matrix.
    count : int
        Rows.
    unseen : int
        How many of the categories train has not seen.
    """

    inputs: bytes | Matrix
    count: int
    unseen: int = 0

    def __len__(self) -> int:
        return self.count


def finish(batch: Sequence[Rows], features: Features) -> Matrix:
    """The model's inputs for the rows of one or of many requests, in order. Nothing is refused here.

    Parameters
    ----------
    batch : sequence of Rows
        At least one.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In C order, scaled; not always writable.
    """
    first = batch[0].inputs
    joined = first if len(batch) == 1 else b"".join([rows.inputs for rows in batch])
    matrix = np.frombuffer(joined, np.float32).reshape(-1, len(features))
    return features.scaled(matrix)
