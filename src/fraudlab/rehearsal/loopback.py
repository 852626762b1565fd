"""The one door: who carries out a call, after it was recorded and has met the faults."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fraudlab.rehearsal.action_names import actions_of, operation_of
from fraudlab.rehearsal.announcement import ACCOUNT
from fraudlab.rehearsal.api_call import (
    OWN_KEY,
    ROLE_KEY,
    ApiCall,
    ApiError,
    ApiReply,
    call_of,
    json_error,
    request_id,
    xml_error,
)
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.launcher import launcher_of
from fraudlab.rehearsal.moto_aws import MOTO_SERVICES
from fraudlab.rehearsal.resource import ResourceKind
from fraudlab.rehearsal.seen_actions import SeenActions
from fraudlab.rehearsal.service import sagemaker_calls
from fraudlab.rehearsal.service.grounds import Grounds
from fraudlab.rehearsal.service_shapes import service_model
from fraudlab.rehearsal.wsgi_server import Application, Environ, StartResponse

_INVOCATION = re.compile(r"/endpoints/([^/]+)/(.+)")


def _about(call: ApiCall) -> str:
    """What a call is about, so that it is known again when it is repeated."""
    return (
        f"{call.method} {call.path}?{call.query}" if call.service == "s3" else call.read().decode("latin-1")
    )


@dataclass
class Loopback:
    """A WSGI application that is AWS.

    Attributes
    ----------
    moto : application
        Answers what nobody else does.
    handlers : mapping
        Who answers a service; one that gives None leaves the call to moto.
    registry : application
        Answers below ``/v2/``.
    invoke : callable
        Asks an endpoint; see :func:`fraudlab.rehearsal.work.invoke`.
    """

    grounds: Grounds
    moto: Application
    handlers: Mapping[str, Callable[[ApiCall], ApiReply | None]]
    registry: Application
    seen: SeenActions
    faults: Faults
    invoke: Callable[[str, bytes, Mapping[str, str]], tuple[int, dict[str, str], bytes]]

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path.startswith("/v2/"):
            return self.registry(environ, start)
        call = call_of(environ)
        try:
            self._admit(call)
            reply = self._reply(call)
        except ApiError as error:
            in_xml = call.service == "s3" or "form-urlencoded" in environ.get("CONTENT_TYPE", "")
            reply = (
                xml_error(error, service=call.service) if in_xml and not call.target else json_error(error)
            )
            return reply.send(start)
        if reply is not None:
            return reply.send(start)
        environ["fraudlab.call"] = call
        return self.moto(environ, start)

    def _admit(self, call: ApiCall) -> None:
        if call.service not in {"sagemaker", *self.handlers, *MOTO_SERVICES}:
            raise ApiError(
                "UnknownOperationException",
                f"The rehearsal has no service {call.service}: docs/rehearsal.md says what is there.",
                status=404,
            )
        actions = actions_of(call)
        self.seen.add(actions, call.key)
        if call.key in (OWN_KEY, ROLE_KEY):
            return
        launcher = launcher_of(call.environ.get("HTTP_USER_AGENT", ""))
        if launcher is not None and self.faults.kills_launcher():
            with contextlib.suppress(ProcessLookupError):
                os.kill(launcher, signal.SIGKILL)
                self.faults.launcher_was_killed()
        request = call.json() if call.target.startswith("SageMaker.") else None
        fault = self.faults.on_call(
            call.service, operation_of(call), request, action=actions[0], asked=_about(call)
        )
        if fault is not None:
            raise ApiError(fault.code, fault.message, status=fault.status)

    def _reply(self, call: ApiCall) -> ApiReply | None:
        if call.service == "sagemaker":
            if call.target.startswith("SageMaker."):
                return sagemaker_calls.answer(call, self.grounds)
            return self._invoke(call)
        handler = self.handlers.get(call.service)
        return handler(call) if handler is not None else None

    def _invoke(self, call: ApiCall) -> ApiReply:
        found = _INVOCATION.fullmatch(call.path)
        if found is None or found[2] != "invocations" or call.method != "POST":
            raise ApiError("UnknownOperationException", f"{call.path} is not implemented.", status=404)
        name = unquote(found[1])
        if self.grounds.store.peek(ResourceKind.ENDPOINT, name) is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        body, most = call.read(), service_model("sagemaker-runtime").shape_for("BodyBlob").metadata["max"]
        if len(body) > most:
            raise ApiError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have "
                f"length less than or equal to {most}",
            )
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
            for name, value in call.environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        status, given, answered = self.invoke(name, body, headers)
        sent = [*given.items(), ("x-amzn-RequestId", request_id()), ("Content-Length", str(len(answered)))]
        return ApiReply(status, answered, [pair for pair in sent if pair[0].lower() != "date"])
