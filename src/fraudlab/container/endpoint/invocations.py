"""What becomes of one request's rows: read, scored with whatever else waits, written as asked."""

from __future__ import annotations

import itertools
import logging
import os
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.bodies import BULK_BYTES, SLOW_PARSERS, BodyError, Parser, Rows, read_content_type
from fraudlab.container.endpoint.answers import Scored, render
from fraudlab.container.endpoint.asked_outputs import REASONS, member, read_attributes
from fraudlab.container.endpoint.asks import Ask, Refusal, ServedModel
from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import JSON, RETRY, Answer, Piece, Request, problem
from fraudlab.container.endpoint.large import LargeRequests, take_long
from fraudlab.container.endpoint.logs import is_logged, log, log_defect
from fraudlab.container.endpoint.negotiation import ANSWER_TYPES, RECORDIO, accepted
from fraudlab.container.endpoint.prometheus import Metrics
from fraudlab.container.endpoint.selected import Selected
from fraudlab.container.endpoint.settings import Settings

#: the bodies of less are nothing; the cells of more are not read between two single rows
_SMALL_BYTES, _BATCHED_CELLS = 512, 1 << 15
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
#: SageMaker hands this header of a caller on to the container
_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
#: records hold numbers; these are none
_TEXTS = REASONS | {"model"}


class Invocations:
    """Answers requests for scores.

    Parameters
    ----------
    settings : Settings
    server : Server
        Whose answers that nobody has taken yet hold up large requests.
    metrics : Metrics or None
    """

    def __init__(self, settings: Settings, server: Server, metrics: Metrics | None) -> None:
        self._settings = settings
        self._server = server
        self._loop = server.loop
        self._metrics = metrics
        self._large = LargeRequests(settings, server, self._deliver, self._fail)
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(4).hex().encode()
        self._log_scored = is_logged(
            logging.DEBUG
        )  # at 20,000 requests per second nobody wants a line for each

    def invoke(self, model: ServedModel, request: Request) -> None:
        """Answer now, at the end of this turn of the event loop, or from a thread.

        Raises
        ------
        Refusal
            If the request cannot be answered with scores.
        """
        headers = request.headers
        if request.method != b"POST":
            raise Refusal(405, f"{readable(request.method)}: send rows by POST", headers=b"allow: POST\r\n")
        if b"content-encoding" in headers and headers[b"content-encoding"].lower() != b"identity":
            raise Refusal(415, "compressed bodies are not read; send the rows as they are")
        parse, kind = _formats(
            headers.get(b"content-type", b""), headers.get(b"accept", b""), self._settings.accept
        )
        outputs = self._settings.outputs
        if _ATTRIBUTES in headers:
            ours = () if isinstance(outputs, Selected) else outputs
            outputs = _outputs(headers[_ATTRIBUTES], ours) or outputs
        if kind == RECORDIO and not _TEXTS.isdisjoint(outputs):
            texts = ", ".join(sorted({*map(member, _TEXTS)}))
            raise Refusal(406, f"{RECORDIO} holds numbers, and {texts} are none: accept {JSON}")
        ask = Ask(model, request, parse, outputs, kind)
        if not request.body:
            self.respond(request, Answer(204, b"", headers=self._headers(ask, 0)))
        elif (
            len(request.body) >= BULK_BYTES
            or parse in SLOW_PARSERS
            or take_long(outputs)
            or (len(request.body) > _SMALL_BYTES and _cells(ask) > _BATCHED_CELLS)
        ):
            self._large.add(ask)
        elif self._server.unsent > self._server.limits.unsent and len(request.body) > _SMALL_BYTES:
            raise Refusal(503, "too many answers wait to be taken; try again later", headers=RETRY)
        else:
            model.batcher.add(ask.read(self._settings.max_rows), ask, self._answer_batched, self._fail)

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
            path=readable(request.path),
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
        self._large.close()

    def _answer_batched(self, ask: Ask, rows: Rows, score: NDArray[np.float32], texts: list[bytes]) -> None:
        scorer = ask.model.scorer
        scored = Scored(score, None, None, scorer.threshold, scorer.model_id, texts=texts)
        body = render(scored, outputs=ask.outputs, kind=ask.kind)
        self._deliver(ask, rows.count, rows.unseen, score, [body])

    def _deliver(
        self, ask: Ask, count: int, unseen: int, score: NDArray[np.float32], pieces: list[Piece]
    ) -> None:
        if self._metrics is not None:
            self._metrics.scored(score, threshold=ask.model.scorer.threshold, unseen=unseen)
        answer = Answer(200, pieces[0], ask.kind, self._headers(ask, unseen), pieces[1:])
        if self._log_scored:
            log(logging.DEBUG, "scored", path=readable(ask.request.path), rows=count, bytes=answer.length)
        self.respond(ask.request, answer)

    def _headers(self, ask: Ask, unseen: int) -> bytes:
        return b"%bx-fraudlab-unseen: %d\r\nx-request-id: %b\r\n" % (
            ask.model.header,
            unseen,
            self.request_id(ask.request),
        )

    def _fail(self, ask: Ask, error: BaseException) -> None:
        if not isinstance(error, Refusal):
            log_defect("the model does not score", error)
            error = Refusal(500, "internal error; the log has the traceback")
        self.refuse(ask.request, error)


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


@lru_cache(256)
def _outputs(attributes: bytes, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The outputs that custom attributes ask for; none where they do not."""
    try:
        return read_attributes(attributes.decode("latin-1"), usual)
    except ValueError as error:
        raise Refusal(400, str(error)) from error


def readable(name: bytes) -> str:
    """Bytes of a client for a sentence or a line of the log."""
    return name[:200].decode("latin-1")


def _cells(ask: Ask) -> int:
    """How many inputs a body of lines stands for: each line is a row of all columns, whatever it holds."""
    return (ask.request.body.count(b"\n") + 1) * len(ask.model.scorer.features)
