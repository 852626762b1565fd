"""How much memory requests may take, of what the container has; and how many rows that makes.

What a request takes is not how large it is: two bytes of libsvm are a row of all columns, and its score,
alert and reasons are two hundred bytes more. So the rows of a request are bounded by what one of them takes.
The memory that is left once the model is loaded has four equal parts: the bodies that have arrived, the two
requests that are at work, and the answers that have not been taken.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from fraudlab.container.bodies import MAX_BYTES, Rows
from fraudlab.container.endpoint.asked_outputs import REASONS
from fraudlab.container.endpoint.limits import Limits
from fraudlab.container.endpoint.logs import log
from fraudlab.container.features import Features

_MIB = 1 << 20
#: of the container: the rest is for what nobody counts
_USED = 0.85
_PARTS = 4
#: with less than this no useful request fits, and the log says how much the container has
_MIN_MEMORY = 160 * _MIB
#: libraries that are loaded when somebody asks for them (Arrow), their threads, and the tables of reasons
_LATER = 96 * _MIB
#: what a slice of rows takes while it is scored and written, whatever the request
_WORKING = 24 * _MIB
#: share of a part for the heads of requests that have not arrived in full; it comes out of the uncounted rest
_HEADS = 4
#: copies of a body that a parser may make
_COPIES = 2
#: cells whose reasons are found at once, at some 40 bytes each; rows of one slice
_CELLS, _ROWS_WITH_REASONS, _ROWS = 1 << 17, 1 << 12, 1 << 15
#: bytes of the texts of a slice
_TEXTS = 8 * _MIB
#: bytes of a row in an answer: digits, names and marks of each output in the longest format
_BYTES = {"score": 28, "raw_score": 32, "alert": 28, "model": 28}
_OTHER_WORD = 64
_FRAME = 24
_REASON = 48


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a process may hold at once.

    Attributes
    ----------
    part : int
        Bytes of all bodies; of each of the two requests at work; of all answers that have not been taken.
    """

    part: int = 1 << 40

    @property
    def uncompressed(self) -> int:
        """Bytes of a body in Parquet once it is no longer compressed, at most."""
        return min(MAX_BYTES, self.part // 3)

    def rows(
        self,
        body: int,
        features: Features,
        outputs: Sequence[str],
        reasons: int,
        *,
        text: int = 0,
        is_parquet: bool = False,
    ) -> int:
        """The most rows of a request.

        Parameters
        ----------
        body : int
            Its bytes.
        outputs : sequence of str
            What is asked for; empty is the format's default.
        reasons : int
            Reasons of a row, at most.
        text : int
            Bytes of the text of a reason, at most.
        is_parquet : bool
            Whether the rows come in Parquet.
        """
        free = self.part - _WORKING - _COPIES * body
        return max(1, free // row_bytes(features, outputs, reasons, text=text, is_parquet=is_parquet))

    def fit(self, limits: Limits) -> Limits:
        """Limits that the memory allows."""
        body = min(limits.body, self.part)
        return replace(
            limits,
            body=body,
            heads=min(limits.heads, self.part // _HEADS),
            buffered=max(body, min(limits.buffered, self.part)),
            unsent=self.part,
        )


#: of tests, and of whoever has not looked at the container yet
UNBOUNDED = Capacity()


def row_bytes(
    features: Features, outputs: Sequence[str], reasons: int, *, text: int = 0, is_parquet: bool = False
) -> int:
    """Bytes that a row takes at work: its inputs twice (and Arrow's), and its place in the answer."""
    answer = _FRAME + sum(_BYTES.get(output, _OTHER_WORD) for output in outputs or ("score", "alert"))
    if not REASONS.isdisjoint(outputs):
        longest = max(len(orjson.dumps(name)) for name in features.input_names)
        answer += min(reasons, len(features.inputs)) * (_REASON + longest + text)
    return (24 if is_parquet else 8) * len(features.inputs) + answer


def slice_rows(features: Features, outputs: Sequence[str], reasons: int = 0, text: int = 0) -> int:
    """How many rows are scored and written at once; parameters as of :meth:`Capacity.rows`."""
    if REASONS.isdisjoint(outputs):
        return max(1, min(_ROWS, 4 * _CELLS // len(features.inputs)))
    texts = min(reasons, len(features.inputs)) * text
    fit = _TEXTS // texts if texts else _ROWS
    return max(1, min(_ROWS_WITH_REASONS, _CELLS // (len(features.inputs) + 1), fit))


def slices(rows: Rows, features: Features, size: int) -> list[Rows]:
    """Rows as several lots of at most `size`; nothing is copied."""
    if rows.count <= size:
        return [rows]
    width = 4 * len(features)
    inputs = memoryview(rows.inputs)
    return [
        Rows(inputs[start * width : (start + size) * width], min(size, rows.count - start))
        for start in range(0, rows.count, size)
    ]


def capacity_of(memory: int, *, workers: int, loaded: int, several: bool) -> Capacity:
    """What each worker may hold.

    Parameters
    ----------
    memory : int
        Bytes of the container.
    workers : int
        Processes that share it.
    loaded : int
        Bytes that a process has before the first request.
    several : bool
        Whether models are still to come: they get half.
    """
    free = int(_USED * memory / workers) - loaded - _LATER
    free = free // 2 if several else free
    if free < _MIN_MEMORY:
        log(
            logging.WARNING,
            "little memory",
            container=memory,
            free=max(0, free),
            fix="give the container more memory or fewer workers, or set FRAUDLAB_MEMORY",
        )
    return Capacity(max(free, _MIN_MEMORY) // _PARTS)
