"""The libsvm format: ``label index:value index:value …``, one row a line, for channels and for request bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


class LibsvmError(ValueError):
    """A line that is not libsvm.

    Parameters
    ----------
    sentence : str
    row : int
        The row it is about, from 1.
    """

    def __init__(self, sentence: str, *, row: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.row = row


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of libsvm in compressed sparse form: row ``i`` has entries ``indptr[i]`` to ``indptr[i + 1]``.

    Attributes
    ----------
    label : ndarray of float64, shape (rows,)
        NaN where a row has none.
    weight : ndarray of float64, shape (rows,), or None
        From ``label:weight``; None where no row has one.
    indptr : ndarray of int64, shape (rows + 1,)
    index : ndarray of int64, shape (entries,)
        As the text has it, strictly increasing in a row.
    value : ndarray of float64, shape (entries,)
        NaN is missing, and so is an index that a row does not have.
    """

    label: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    indptr: NDArray[np.int64]
    index: NDArray[np.int64]
    value: NDArray[np.float64]


def parse_libsvm(data: bytes, *, labels: Literal["required", "optional"]) -> Sparse:
    """Read rows of libsvm.

    A comment (``# …``) ends a line, and a line that is only a comment is no row. Empty data has no rows.

    Parameters
    ----------
    data : bytes
    labels : {"required", "optional"}
        Where they are required, the first token of a row is ``label`` or ``label:weight``. Where they are optional,
        a first token with a colon is a feature: a body has no weights.

    Raises
    ------
    LibsvmError
        If a row is blank (but at the end of the data), has a ``qid``, an index that is negative, repeated or
        not above the one before, or a value that is infinite or no number; or if some rows have a weight and
        others none.
    """
    raise NotImplementedError
