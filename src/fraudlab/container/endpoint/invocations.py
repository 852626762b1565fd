"""What becomes of one request's rows: read, scored with whatever else waits, written as asked."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from fraudlab.container.bodies import (
    BULK_BYTES,
    SLOW_PARSERS,
    BodyError,
    Parser,
    Rows,
    finish,
    read_content_type,
)
from fraudlab.container.endpoint.answers import Scored, read_outputs, render
from fraudlab.container.endpoint.batching import Batcher
from fraudlab.container.endpoint.http_messages import JSON, RETRY, Answer, Request, problem
from fraudlab.container.endpoint.logs import is_logged, log, log_defect
from fraudlab.container.endpoint.metrics import Metrics
from fraudlab.container.endpoint.negotiation import ANSWER_TYPES, RECORDIO, accepted
from fraudlab.container.endpoint.selected import Selected
from fraudlab.container.endpoint.settings import Settings
from fraudlab.container.scorer import Scorer

#: large bodies at work beside the event loop: one is read while the other is scored
_THREADS = 2
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
#: SageMaker hands this header of a caller on to the container
_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
#: records hold numbers; these are none
_TEXTS = frozenset({"reasons", "model"})
_TAKE_LONG = {"raw_score", "reasons"}


class Refusal(Exception):
    """An answer other than what was asked for.

    Parameters
    ----------
    status : int
    detail : str
    headers : bytes
        Complete lines.
    **members
        Further members of the problem.
    """

    def __init__(self, status: int, detail: str, *, headers: bytes = b"", **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.detail = detail
        self.members = members


class ServedModel:
    """A model that requests can be put to.

    Parameters
    ----------
    scorer : Scorer
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, scorer: Scorer, loop: asyncio.AbstractEventLoop) -> None:
        self.scorer = scorer
        self.contract = orjson.dumps(scorer.contract)
        self.header = b"x-fraudlab-model: %b\r\n" % scorer.model_id.encode()
        self.batcher = Batcher(scorer, loop)

    def healthy(self) -> bool:
        """Whether a row really gets a score."""
        canary = np.full((1, len(self.scorer.features)), np.nan, np.float32)
        return bool(np.isfinite(self.scorer.score(canary)).all())


class _Ask(NamedTuple):
    """Who asks which model what, and how the answer is to be written."""

    model: ServedModel
    request: Request
    parse: Parser
    outputs: tuple[str, ...]
    kind: str


class Invocations:
    """Answers requests for scores.

    Parameters
    ----------
    settings : Settings
    loop : asyncio.AbstractEventLoop
    metrics : Metrics or None
    """

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, metrics: Metrics | None) -> None:
        self._settings = settings
        self._loop = loop
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="large")
        self._in_threads = 0
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(4).hex().encode()
        self._log_scored = is_logged(
            logging.DEBUG
        )  # at 20,000 requests a second nobody wants a line for each

    def invoke(self, model: ServedModel, request: Request) -> None:
        """Answer now, at the end of this turn of the event loop, or from a thread.

        Raises
        ------
        Refusal
            If the request cannot be answered with scores.
        """
        headers = request.headers
        if request.method != b"POST":
            raise Refusal(405, f"{shown(request.method)}: send rows by POST", headers=b"allow: POST\r\n")
        if b"content-encoding" in headers and headers[b"content-encoding"].lower() != b"identity":
            raise Refusal(415, "compressed bodies are not read; send the rows as they are")
        parse, kind = _formats(
            headers.get(b"content-type", b""), headers.get(b"accept", b""), self._settings.accept
        )
        outputs = self._settings.outputs
        if _ATTRIBUTES in headers:
            outputs = _outputs(headers[_ATTRIBUTES]) or outputs
        if kind == RECORDIO and not _TEXTS.isdisjoint(outputs):
            texts = ", ".join(sorted(_TEXTS))
            raise Refusal(406, f"{RECORDIO} holds numbers, and {texts} are none: accept {JSON}")
        ask = _Ask(model, request, parse, outputs, kind)
        if not request.body:
            self.respond(request, Answer(204, b"", headers=self._headers(ask, 0)))
        elif len(request.body) >= BULK_BYTES or parse in SLOW_PARSERS or _take_long(outputs):
            self._answer_from_thread(ask)
        else:
            model.batcher.add(self._read(ask), ask, self._answer_batched, self._fail)

    def request_id(self, request: Request) -> bytes:
        """The caller's own id of a request, or a new one."""
        given = request.headers.get(b"x-request-id") or request.headers.get(b"x-amzn-requestid")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        return b"%b-%x" % (self._id_prefix, next(self._ids))

    def refuse(self, request: Request, refusal: Refusal) -> None:
        """Answer with a problem that names the request."""
        name = self.request_id(request)
        members = {"request_id": name.decode(), **refusal.members}
        log(
            logging.INFO,
            "refused",
            status=refusal.status,
            path=shown(request.path),
            **{key: members[key] for key in ("request_id", "row", "column") if key in members},
        )
        headers = refusal.headers + b"x-request-id: %b\r\n" % name
        self.respond(request, problem(refusal.status, refusal.detail, headers=headers, **members))

    def respond(self, request: Request, answer: Answer) -> None:
        """Give an answer, and count it."""
        if self._metrics is not None:
            self._metrics.answered(request.path, answer.status, seconds=self._loop.time() - request.began)
        request.respond(answer)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, ask: _Ask) -> Rows:
        try:
            return ask.parse(ask.request.body, ask.model.scorer.features, self._settings.max_rows)
        except BodyError as error:
            place = {name: value for name in ("row", "column") if (value := getattr(error, name)) is not None}
            raise Refusal(error.status, error.sentence, **place) from error

    def _answer_batched(self, ask: _Ask, rows: Rows, score: NDArray[np.float32], texts: list[bytes]) -> None:
        scorer = ask.model.scorer
        scored = Scored(score, None, None, scorer.threshold, scorer.model_id, texts)
        self._deliver(ask, rows, scored, render(scored, outputs=ask.outputs, kind=ask.kind))

    def _deliver(self, ask: _Ask, rows: Rows, scored: Scored, body: bytes) -> None:
        if self._metrics is not None:
            self._metrics.scored(scored.score, threshold=scored.threshold, unseen=rows.unseen)
        if self._log_scored:
            log(logging.DEBUG, "scored", path=shown(ask.request.path), rows=rows.count, bytes=len(body))
        self.respond(ask.request, Answer(200, body, ask.kind, self._headers(ask, rows.unseen)))

    def _headers(self, ask: _Ask, unseen: int) -> bytes:
        return b"%bx-fraudlab-unseen: %d\r\nx-request-id: %b\r\n" % (
            ask.model.header,
            unseen,
            self.request_id(ask.request),
        )

    def _fail(self, ask: _Ask, error: BaseException) -> None:
        if not isinstance(error, Refusal):
            log_defect("the model does not score", error)
            error = Refusal(500, "internal error; the log has the traceback")
        self.refuse(ask.request, error)

    def _answer_from_thread(self, ask: _Ask) -> None:
        if self._in_threads >= self._settings.max_waiting:
            raise Refusal(503, "too many large requests wait; try again later", headers=RETRY)
        self._in_threads += 1
        future = self._threads.submit(self._work, ask)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._leave_thread, ask, done))

    def _leave_thread(self, ask: _Ask, future: Future[tuple[Rows, Scored, bytes] | None]) -> None:
        self._in_threads -= 1
        error = future.exception()
        if error is not None:
            self._fail(ask, error)
        elif (result := future.result()) is not None:
            self._deliver(ask, *result)

    def _work(self, ask: _Ask) -> tuple[Rows, Scored, bytes] | None:
        if ask.request.answer is not None:  # it has timed out, or its sender has hung up
            return None
        scorer = ask.model.scorer
        rows = self._read(ask)
        matrix = finish([rows], scorer.features)
        scored = Scored(
            scorer.score(matrix),
            scorer.raw_score(matrix) if "raw_score" in ask.outputs and _take_long(ask.outputs) else None,
            scorer.reasons(matrix, most=self._settings.reasons) if "reasons" in ask.outputs else None,
            scorer.threshold,
            scorer.model_id,
        )
        return rows, scored, render(scored, outputs=ask.outputs, kind=ask.kind)


@lru_cache(256)
def _formats(content_type: bytes, accept: bytes, default: str) -> tuple[Parser, str]:
    """How to read a body, and the media type of the answer."""
    try:
        kind, parse = read_content_type(content_type.decode("latin-1"))
    except BodyError as error:
        raise Refusal(error.status, error.sentence) from error
    wanted = accept.decode("latin-1")
    answer = accepted(wanted, kind, default=default)
    if answer is None:
        raise Refusal(406, f"accept {wanted!r}: answers are {', '.join(ANSWER_TYPES)}")
    return parse, answer


def _take_long(outputs: tuple[str, ...]) -> bool:
    # What is selected by the official container's words is made of the scores alone.
    return not (_TAKE_LONG.isdisjoint(outputs) or isinstance(outputs, Selected))


@lru_cache(256)
def _outputs(attributes: bytes) -> tuple[str, ...]:
    """The outputs that custom attributes such as ``output=score,reasons`` ask for; none where they do not."""
    for attribute in attributes.decode("latin-1").split(";"):
        name, _, value = attribute.partition("=")
        if name.strip().lower() == "output":
            try:
                return read_outputs(value)
            except ValueError as error:
                raise Refusal(400, str(error)) from error
    return ()


def shown(name: bytes) -> str:
    """Bytes of a client for a sentence or a line of the log."""
    return name[:200].decode("latin-1")
