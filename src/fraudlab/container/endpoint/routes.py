"""The endpoint: which path does what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from fraudlab.container.endpoint.asks import Refusal, ServedModel
from fraudlab.container.endpoint.following import Follower
from fraudlab.container.endpoint.hosted_models import Models
from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import Answer, Request, problem
from fraudlab.container.endpoint.invocations import Invocations, readable
from fraudlab.container.endpoint.logs import log, log_defect
from fraudlab.container.endpoint.prometheus import Metrics
from fraudlab.container.endpoint.settings import Settings
from fraudlab.container.scorer import Scorer

_MIB = 1 << 20


class Application:
    """Answers every request of a server.

    Parameters
    ----------
    settings : Settings
    scorer : Scorer or None
        The model; None where models come and go.
    surplus : callable, optional
        As :class:`~.http.Server` takes it; where it is given, other processes share the port.
    """

    def __init__(
        self, settings: Settings, scorer: Scorer | None, surplus: Callable[[int], int] | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.server = Server(
            self.handle,
            settings.limits,
            self._refused_early,
            surplus or (lambda _: 0),
            shared=surplus is not None,
        )
        self._settings = settings
        self._metrics = Metrics() if settings.metrics else None
        self._invocations = Invocations(settings, self.server, self._metrics)
        self._model: ServedModel | None = None
        self._follower: Follower | None = None
        self._models = Models(settings, loop)
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[bytes, Callable[[Request], None]] = {
            b"/ping": self._ping,
            b"/execution-parameters": self._execution_parameters,
        }
        if scorer is None:
            self._routes[b"/models"] = self._all_models
        else:
            model = ServedModel(scorer, loop)
            self._answer_with(model)
            self._routes[b"/model"] = self._contract
            self._follower = _follower(settings, model, self._answer_with)
        if self._metrics is not None:
            self._routes[b"/metrics"] = self._figures

    def handle(self, request: Request) -> None:
        """Answer one request, now or later."""
        try:
            route = self._routes.get(request.path)
            if route is not None:
                route(request)
            elif self._model is None and request.path.startswith(b"/models/"):
                self._one_model(request)
            else:
                paths = ", ".join(sorted(map(readable, self._routes)))
                raise Refusal(404, f"there is no {readable(request.path)}; there are {paths}")
        except Refusal as refusal:
            self._invocations.refuse(request, refusal)

    def close(self) -> None:
        """Let go of what works beside the event loop."""
        if self._follower is not None:
            self._follower.stop()
        self._invocations.close()

    def _answer_with(self, model: ServedModel) -> None:
        """Let a model answer every request from now on; those that came before keep theirs."""
        self._model = model
        self._routes[b"/invocations"] = partial(self._invocations.invoke, model)

    def _ping(self, request: Request) -> None:
        _only(request, b"GET", b"HEAD")
        if self.server.stopping:
            raise Refusal(503, "the endpoint is stopping")
        if self._model is not None and not self._model.healthy():
            raise Refusal(503, "the model does not score")
        self._invocations.respond(request, Answer(200, b"{}"))

    def _contract(self, request: Request) -> None:
        _only(request, b"GET", b"HEAD")
        assert self._model is not None
        self._invocations.respond(request, Answer(200, self._model.contract, headers=self._model.header))

    def _execution_parameters(self, request: Request) -> None:
        """What a transform job may ask for at once."""
        _only(request, b"GET", b"HEAD")
        parameters = {
            "MaxConcurrentTransforms": self._settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, self._settings.limits.body // _MIB),
        }
        self._invocations.respond(request, _json(parameters))

    def _figures(self, request: Request) -> None:
        _only(request, b"GET", b"HEAD")
        assert self._metrics is not None
        self._invocations.respond(request, self._metrics.page())

    def _all_models(self, request: Request) -> None:
        _only(request, b"GET", b"HEAD", b"POST")
        if request.method == b"POST":
            self._later(request, self._models.load(request.body))
        else:
            self._invocations.respond(request, _json(self._models.listing(request.query)))

    def _one_model(self, request: Request) -> None:
        raw, _, verb = request.path.removeprefix(b"/models/").partition(b"/")
        name = unquote_to_bytes(raw).decode(errors="replace")
        if verb == b"invoke":
            self._invocations.invoke(self._models.find(name), request)
        elif verb:
            raise Refusal(404, f"there is no {readable(request.path)}; there is /models/{name}/invoke")
        else:
            _only(request, b"GET", b"HEAD", b"DELETE")
            is_delete = request.method == b"DELETE"
            described = self._models.unload(name) if is_delete else self._models.describe(name)
            self._invocations.respond(request, _json(described))

    def _later(self, request: Request, work: Awaitable[dict[str, Any]]) -> None:
        async def answer() -> None:
            try:
                self._invocations.respond(request, _json(await work))
            except Refusal as refusal:
                self._invocations.refuse(request, refusal)
            except Exception as error:  # noqa: BLE001  (a task's exception would only be a warning at exit)
                log_defect("internal error", error)
                request.respond(problem(500, "internal error; the log has the traceback"))

        task = asyncio.ensure_future(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refused_early(self, answer: Answer) -> None:
        log(logging.INFO, "refused", status=answer.status)
        if self._metrics is not None:
            self._metrics.answered(b"", answer.status, seconds=0.0)


def _follower(
    settings: Settings, model: ServedModel, switch: Callable[[ServedModel], None]
) -> Follower | None:
    if settings.follow is None:
        return None
    follower = Follower(
        settings.follow, settings.model, model, switch=switch, max_bytes=settings.max_model_bytes
    )
    follower.start()
    return follower


def _only(request: Request, *methods: bytes) -> None:
    if request.method not in methods:
        allowed = b", ".join(methods)
        detail = f"{readable(request.method)} {readable(request.path)}: use {allowed.decode()}"
        raise Refusal(405, detail, headers=b"allow: %b\r\n" % allowed)


def _json(content: dict[str, Any]) -> Answer:
    return Answer(200, orjson.dumps(content))
