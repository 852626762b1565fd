"""Rows of all requests that wait, scored by one call.

A call into XGBoost begins with the same system calls and set-up for one row as for a hundred, and that is
most of what one row costs. Whatever has arrived when the event loop comes round is therefore scored together:
under load the batches grow by themselves, and without load nobody waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.bodies import Rows, finish
from fraudlab.container.endpoint.answers import digits
from fraudlab.container.scorer import Scorer

#: rows of one call, so that what else waits in the event loop never waits long
_MAX_ROWS = 2_000

Done = Callable[[Any, Rows, NDArray[np.float32], list[bytes]], None]
Failed = Callable[[Any, Exception], None]
_Waiting = tuple[Rows, Any, Done, Failed]


class Batcher:
    """Collects rows within one turn of the event loop.

    Parameters
    ----------
    scorer : Scorer
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, scorer: Scorer, loop: asyncio.AbstractEventLoop) -> None:
        self._scorer = scorer
        self._loop = loop
        self._waiting: deque[_Waiting] = deque()

    def add(self, rows: Rows, asked: Any, done: Done, failed: Failed) -> None:
        """Score rows at the end of this turn; one of the two is then called.

        Parameters
        ----------
        rows : Rows
        asked : object
            Handed to whichever is called.
        done : callable
            Receives the rows, their scores, shape (rows,), and the scores as text as well.
        failed : callable
            Receives what kept the model from scoring as well.
        """
        if not self._waiting:
            self._loop.call_soon(self._score)
        self._waiting.append((rows, asked, done, failed))

    def _score(self) -> None:
        waiting: list[_Waiting] = []
        size = 0
        while self._waiting and (not waiting or size + self._waiting[0][0].count <= _MAX_ROWS):
            waiting.append(self._waiting.popleft())
            size += waiting[-1][0].count
        if self._waiting:
            self._loop.call_soon(self._score)
        try:
            scores = self._scorer.score(finish([one[0] for one in waiting], self._scorer.features))
        except Exception as error:  # noqa: BLE001  (every request of the batch has to be told)
            for _, asked, _, failed in waiting:
                failed(asked, error)
            return
        texts = digits(scores)
        start = 0
        for rows, asked, done, _ in waiting:
            end = start + rows.count
            done(asked, rows, scores[start:end], texts[start:end])
            start = end
