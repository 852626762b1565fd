"""Requests that take long: they wait for one of two threads beside the event loop, and for memory.

One of them is read while the other is scored. Rows are scored and written a slice at a time, and their number
is bounded by what a row takes: see ``capacity.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.bodies import Rows, finish, parse_parquet
from fraudlab.container.endpoint.answers import Scored, render_slices
from fraudlab.container.endpoint.asked_outputs import REASONS, TEXTED, member
from fraudlab.container.endpoint.asks import Ask, Refusal
from fraudlab.container.endpoint.capacity import slice_rows, slices
from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import RETRY, Piece
from fraudlab.container.endpoint.selected import Selected
from fraudlab.container.endpoint.settings import Settings

_THREADS = 2
#: how often is looked whether answers have been taken
_HELD_UP_SECONDS = 0.05
_TAKE_LONG = {"raw_score", *REASONS}

Deliver = Callable[[Ask, int, int, NDArray[np.float32], list[Piece]], None]
_Done = tuple[int, int, NDArray[np.float32], list[Piece]]


class _GoneError(Exception):
    """Nobody waits for the answer any more."""


class LargeRequests:
    """Reads, scores and answers beside the event loop.

    Parameters
    ----------
    settings : Settings
    server : Server
        As long as it has too many answers that nobody has taken, no request is begun.
    deliver : callable
        Receives the request, its rows, how many of its categories are unseen, its scores, and the pieces of
        its answer.
    fail : callable
        Receives the request and what kept it from being answered.
    """

    def __init__(
        self,
        settings: Settings,
        server: Server,
        deliver: Deliver,
        fail: Callable[[Ask, BaseException], None],
    ) -> None:
        self._settings = settings
        self._server = server
        self._deliver = deliver
        self._fail = fail
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="large")
        self._waiting: deque[Ask] = deque()
        self._at_work = 0
        self._is_held_up = False

    def add(self, ask: Ask) -> None:
        """Answer a request in its turn.

        Raises
        ------
        Refusal
            503 where too many wait.
        """
        if len(self._waiting) + self._at_work >= self._settings.max_waiting:
            raise Refusal(503, "too many large requests wait; try again later", headers=RETRY)
        self._waiting.append(ask)
        if not self._is_held_up:
            self._begin()

    def close(self) -> None:
        """Let go of the threads."""
        self._waiting.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        self._is_held_up = False
        while self._waiting and self._at_work < _THREADS:
            if self._server.unsent > self._server.limits.unsent:
                self._is_held_up = True
                self._server.loop.call_later(_HELD_UP_SECONDS, self._begin)
                return
            ask = self._waiting.popleft()
            self._at_work += 1
            future = self._threads.submit(self._work, ask)
            future.add_done_callback(partial(self._hand_back, ask))

    def _hand_back(self, ask: Ask, future: Future[_Done | None]) -> None:
        self._server.loop.call_soon_threadsafe(self._end, ask, future)

    def _end(self, ask: Ask, future: Future[_Done | None]) -> None:
        self._at_work -= 1
        error = future.exception()
        if error is not None:
            self._fail(ask, error)
        elif (done := future.result()) is not None:
            self._deliver(ask, *done)
        if not self._is_held_up:
            self._begin()

    def _work(self, ask: Ask) -> _Done | None:
        if ask.request.answer is not None:  # it has timed out, or its sender has hung up
            return None
        features = ask.model.scorer.features
        rows = self._read(ask)
        scores: list[NDArray[np.float32]] = []
        lots = slices(
            rows, features, slice_rows(features, ask.outputs, self._settings.reasons, _text_bytes(ask))
        )
        try:
            scored = (self._scored(ask, lot, scores) for lot in lots)
            pieces = render_slices(scored, outputs=ask.outputs, kind=ask.kind)
        except _GoneError:
            return None
        return rows.count, rows.unseen, scores[0] if len(scores) == 1 else np.concatenate(scores), pieces

    def _read(self, ask: Ask) -> Rows:
        capacity, max_rows = self._settings.capacity, self._settings.max_rows
        is_parquet = ask.parse is parse_parquet
        most = capacity.rows(
            len(ask.request.body),
            ask.model.scorer.features,
            ask.outputs,
            self._settings.reasons,
            text=_text_bytes(ask),
            is_parquet=is_parquet,
        )
        try:
            more = {"max_bytes": capacity.uncompressed} if is_parquet else {}
            return ask.read(min(most, max_rows), **more)
        except Refusal as refusal:
            if refusal.status == 413 and (is_parquet or most < max_rows):
                refusal.detail += f" ({_because_of_memory(ask)})"
            raise

    def _scored(self, ask: Ask, rows: Rows, scores: list[NDArray[np.float32]]) -> Scored:
        if ask.request.answer is not None:
            raise _GoneError
        scorer = ask.model.scorer
        matrix = finish([rows], scorer.features)
        scores.append(scorer.score(matrix))
        reasons = sentences = None
        if not REASONS.isdisjoint(ask.outputs):
            reasons = scorer.reasons(matrix, most=self._settings.reasons)
        if reasons is not None and TEXTED in ask.outputs:
            raw = np.frombuffer(rows.inputs, np.float32).reshape(-1, len(scorer.features))
            sentences = scorer.reason_texts.sentences(reasons, raw, matrix)
        return Scored(
            scores[-1],
            scorer.raw_score(matrix) if "raw_score" in ask.outputs and take_long(ask.outputs) else None,
            reasons,
            scorer.threshold,
            scorer.model_id,
            sentences,
        )


def take_long(outputs: tuple[str, ...]) -> bool:
    """Whether outputs are more than the score says."""
    # What is selected by the official container's words is made of the scores alone.
    return not (_TAKE_LONG.isdisjoint(outputs) or isinstance(outputs, Selected))


def _text_bytes(ask: Ask) -> int:
    """Of the text of a reason, at most; 0 where none is asked for."""
    return ask.model.scorer.reason_texts.longest if TEXTED in ask.outputs else 0


def _because_of_memory(ask: Ask) -> str:
    width = len(ask.model.scorer.features)
    columns = "1 column" if width == 1 else f"{width} columns"
    outputs = ", ".join(map(member, ask.outputs)) or "scores"
    return (
        f"so many rows of {columns} and their {outputs} are what the endpoint has memory for; "
        "fewer outputs take less, and FRAUDLAB_MEMORY or a larger container gives it more"
    )
