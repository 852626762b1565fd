"""Scores to answers: which outputs, in which media type, and the bytes. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: what an answer can hold for each row
OUTPUTS = ("score", "raw_score", "alert", "reasons", "model")
ANSWER_TYPES = ("text/csv", "application/json", "application/jsonlines", "application/x-parquet")


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model says of the rows of one request.

    Parameters
    ----------
    score : ndarray of float32, shape (rows,)
        Probability of fraud.
    raw_score : ndarray of float32, shape (rows,), or None
        Before the link function; only where it was asked for.
    reasons : list of list of (str, float), or None
        For each row its largest contributions, by column; only where they were asked for.
    threshold : float
        An alert is ``score >= threshold``.
    model : str
        The model's id.
    """

    score: NDArray[np.float32]
    raw_score: NDArray[np.float32] | None
    reasons: list[list[tuple[str, float]]] | None
    threshold: float
    model: str


def read_outputs(text: str) -> tuple[str, ...]:
    """Read a list of outputs such as ``probability, label``: canonical names, in the order asked.

    Raises
    ------
    ValueError
        If a name is unknown, empty or asked for twice.
    """
    raise NotImplementedError


def accepted(accept: str, kind: str) -> str | None:
    """The media type to answer in; None where the client takes none of ours (406).

    Parameters
    ----------
    accept : str
        The Accept header; empty means anything.
    kind : str
        Media type of the request: without a preference the answer is like it, and CSV for libsvm.
    """
    raise NotImplementedError


def render(scored: Scored, *, outputs: tuple[str, ...], kind: str) -> bytes:
    """Write an answer.

    Parameters
    ----------
    outputs : tuple of str
        As :func:`read_outputs` gives them. Empty means the default of the format: the score in CSV, score and
        alert in the others.
    kind : str
        As :func:`accepted` gives it.
    """
    raise NotImplementedError
