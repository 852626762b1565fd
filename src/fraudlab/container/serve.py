"""``serve``: the model behind ``/ping`` and ``/invocations``, as a bare ASGI application on uvicorn.

``/model`` is ours: the scoring contract, so that a client can see which columns are expected.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from fraudlab.container.body import BULK_BYTES, BodyError, Rows, parse_csv, parse_json
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features
from fraudlab.container.scorer import Scorer, load_scorer

CSV, JSON = "text/csv", "application/json"
_PARSERS: dict[str, Callable[[bytes, Features], Rows]] = {CSV: parse_csv, JSON: parse_json}
_DEFAULT_MAX_BODY = 25 << 20
#: SageMaker kills 30 s after SIGTERM
_DRAIN_SECONDS = 25

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """An HTTP response; `headers` besides type and length."""

    status: int
    body: bytes
    kind: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):
    """An answer other than scores.

    Parameters
    ----------
    status : int
        HTTP status.
    content : mapping
        The JSON body.
    """

    def __init__(self, status: int, **content: Any) -> None:
        super().__init__(content.get("error"))
        self.status = status
        self.content = content


class Application:
    """The ASGI application.

    Parameters
    ----------
    scorer : Scorer
    max_body : int
        Largest body taken, in bytes.
    """

    def __init__(self, scorer: Scorer, *, max_body: int = _DEFAULT_MAX_BODY) -> None:
        self._scorer = scorer
        self._max_body = max_body
        self.model_id = scorer.model_id
        tail = {"threshold": scorer.threshold, "model": scorer.model_id}
        self._contract = orjson.dumps(scorer.contract)
        self._json_tail = b"]," + orjson.dumps(tail)[1:]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(receive, send)
        if scope["type"] != "http":
            return None
        try:
            if scope["path"] == "/invocations":
                answer = await self._invoke(scope, receive)
            elif scope["path"] == "/ping":
                answer = self._ping()
            elif scope["path"] == "/model":
                answer = Answer(200, self._contract)
            else:
                raise Refusal(
                    404, error=f"there is no {scope['path']}; there are /ping, /invocations, /model"
                )
        except Refusal as refusal:
            answer = Answer(refusal.status, orjson.dumps(refusal.content))
        headers = [
            (b"content-type", answer.kind.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return None

    def _ping(self) -> Answer:
        """Healthy means that a row gets a score."""
        canary = np.full((1, len(self._scorer.features)), np.nan, np.float32)
        if not np.isfinite(self._scorer.score(canary)).all():
            raise Refusal(503, error="the model does not score")
        return Answer(200, b"{}")

    async def _invoke(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise Refusal(405, error=f"{scope['method']} /invocations: send rows by POST")
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        if kind not in _PARSERS:
            raise Refusal(415, error=f"content type {kind!r}: send {CSV} or {JSON}")
        accepted = _accepted(headers.get(b"accept", b"").decode("latin-1"), kind)
        body = await self._read(headers, receive)
        if not body:
            return Answer(204, b"", accepted)
        try:
            if len(body) < BULK_BYTES:
                rows, scores = self._score(body, kind)
            else:
                # Beside the event loop, so that /ping and single rows are answered meanwhile.
                rows, scores = await asyncio.to_thread(self._score, body, kind)
        except BodyError as error:
            place = {name: value for name in ("row", "column") if (value := getattr(error, name)) is not None}
            raise Refusal(400, error=error.sentence, **place) from error
        unseen = (b"x-fraudlab-unseen", b"%d" % rows.unseen)
        return Answer(200, self._render(scores, accepted), accepted, (unseen,))

    def _score(self, body: bytes, kind: str) -> tuple[Rows, NDArray[np.float32]]:
        rows = _PARSERS[kind](body, self._scorer.features)
        return rows, self._scorer.score(rows.matrix)

    def _render(self, scores: NDArray[np.float32], kind: str) -> bytes:
        # orjson writes the shortest text that reads back as the same float32.
        texts = orjson.dumps(scores, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        if kind == CSV:
            return texts.replace(b",", b"\n") + b"\n"
        alerts = scores.astype(np.float64) >= self._scorer.threshold
        predictions = [
            b'{"score":%b,"alert":%b}' % (text, b"true" if alert else b"false")
            for text, alert in zip(texts.split(b","), alerts.tolist(), strict=True)
        ]
        return b'{"predictions":[' + b",".join(predictions) + self._json_tail

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_body:
            raise self._too_large()
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            pieces, size = [body], len(body)
            while message.get("more_body"):
                message = await receive()
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > self._max_body:
                    raise self._too_large()
            body = b"".join(pieces)
        if len(body) > self._max_body:
            raise self._too_large()
        return body

    def _too_large(self) -> Refusal:
        return Refusal(
            413, error=f"the body is larger than {self._max_body:,} bytes; send fewer rows at once"
        )


def _accepted(accept: str, kind: str) -> str:
    """The media type to answer in: that of the request, unless only another one is accepted."""
    if not accept or accept in ("*/*", kind):
        return kind
    offers = [offer.partition(";")[0].strip().lower() for offer in accept.split(",")]
    for offer in (kind, *_PARSERS):
        if offer in offers or "*/*" in offers or offer.partition("/")[0] + "/*" in offers:
            return offer
    raise Refusal(406, error=f"accept {accept!r}: answers are {CSV} or {JSON}")


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


def application() -> Application:
    """The application of this environment: what each worker process calls."""
    scorer = load_scorer(Tree.from_environment().model)
    return Application(scorer, max_body=_whole_number("FRAUDLAB_MAX_BODY", _DEFAULT_MAX_BODY))


def _whole_number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigError(f"{name} is {text!r}", fix="set it to a whole number of at least 1")
    return int(text) if text else default


def run(model: Path) -> None:
    """Serve until SIGTERM, then finish what is in flight.

    Parameters
    ----------
    model : Path
        The model folder; it is checked before anything listens.

    Raises
    ------
    ConfigError
        If the model or a setting cannot be used.
    """
    import uvicorn

    port = _whole_number("SAGEMAKER_BIND_TO_PORT", 8080)
    workers = _whole_number("FRAUDLAB_WORKERS", 1)
    app = application()
    host = os.environ.get("FRAUDLAB_HOST", "0.0.0.0")
    _require_free(host, port)
    print(f"serving {model} as {app.model_id} on {host}:{port}", flush=True)
    uvicorn.run(
        app if workers == 1 else "fraudlab.container.serve:application",
        factory=workers > 1,
        workers=workers,
        host=host,
        port=port,
        http="httptools",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


def _require_free(host: str, port: int) -> None:
    """Say in a sentence what uvicorn would only log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            fix="stop what listens there, or set SAGEMAKER_BIND_TO_PORT to a free port",
        ) from error
