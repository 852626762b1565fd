"""What stands before the registry and makes it the account's: who may push what, and where.

It speaks the registry API's own errors, which ``docker push`` prints.
https://distribution.github.io/distribution/spec/api/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import json
import re
from collections.abc import Iterable, Iterator

from fraudlab.rehearsal.announcement import ACCOUNT
from fraudlab.rehearsal.api_call import ROLE_KEY, ApiReply
from fraudlab.rehearsal.registry_process import RegistryProcess
from fraudlab.rehearsal.repositories import NO_REGISTRY, Repositories
from fraudlab.rehearsal.seen_actions import SeenActions
from fraudlab.rehearsal.wsgi_server import Environ, StartResponse

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<part>manifests|blobs|tags)/(?P<rest>.+)")
_HOPS = {"connection", "transfer-encoding", "keep-alive", "date"}
_BLOCK = 1 << 20
_ACTIONS = {
    "manifests": {"PUT": "PutImage", "GET": "BatchGetImage", "HEAD": "BatchGetImage"},
    "blobs": {
        "HEAD": "BatchCheckLayerAvailability",
        "GET": "GetDownloadUrlForLayer",
        "POST": "InitiateLayerUpload",
        "PATCH": "UploadLayerPart",
        "PUT": "CompleteLayerUpload",
    },
    "tags": {"GET": "ListImages"},
}


def no_registry(_environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Answer everything below ``/v2/`` where there is no registry: ``docker push`` prints why."""
    return _error(404, "UNSUPPORTED", NO_REGISTRY).send(start)


class RegistryFront:
    """A WSGI application for everything below ``/v2/``."""

    def __init__(self, repositories: Repositories, registry: RegistryProcess, seen: SeenActions) -> None:
        self._repositories, self._registry, self._seen = repositories, registry, seen

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        who = _login(environ.get("HTTP_AUTHORIZATION", ""))
        if who is None:
            sign = [("WWW-Authenticate", f'Basic realm="https://{ACCOUNT}/",service="ecr.amazonaws.com"')]
            return _error(401, "UNAUTHORIZED", "Not Authorized", more=sign).send(start)
        found = _PATH.fullmatch(environ["PATH_INFO"])
        if found is None:
            return self._passed(environ).send(start)
        name, part, rest, method = found["name"], found["part"], found["rest"], environ["REQUEST_METHOD"]
        action = _ACTIONS[part].get(method)
        if action is not None:
            self._seen.add([f"ecr:{action}"], ROLE_KEY if who == "rehearsal" else who)
        facts = self._repositories.get(name)
        if facts is None:
            text = f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'"
            return _error(404, "NAME_UNKNOWN", text).send(start)
        if (part, method) == ("manifests", "PUT"):
            return self._put_image(environ, name, rest, immutable=facts["mutability"] != "MUTABLE").send(
                start
            )
        return self._passed(environ).send(start)

    def _put_image(self, environ: Environ, name: str, reference: str, *, immutable: bool) -> ApiReply:
        body = environ["wsgi.input"].read()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        tagged = not reference.startswith("sha256:")
        if immutable and tagged and self._registry.digest(name, reference) not in (None, digest):
            return _error(
                400,
                "TAG_INVALID",
                f"The image tag '{reference}' already exists in the '{name}' repository and cannot be "
                "overwritten "
                "because the repository is immutable.",
            )
        reply = self._passed(environ, body)
        if reply.status == http.client.CREATED:
            self._repositories.pushed(name, digest)
        return reply

    def _passed(self, environ: Environ, body: bytes | None = None) -> ApiReply:
        """Hand a request on to the registry as it is, without taking what it holds into memory."""
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): str(value)
            for name, value in environ.items()
            if (name.startswith("HTTP_") and name not in ("HTTP_AUTHORIZATION", "HTTP_EXPECT"))
            or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        }
        path = environ["RAW_URI"]
        connection = self._registry.connection()
        sent = body if body is not None else _Source(environ)
        chunked = body is None and "CONTENT_LENGTH" not in environ
        if chunked and "HTTP_TRANSFER_ENCODING" not in environ:
            sent, chunked = b"", False
        connection.request(
            environ["REQUEST_METHOD"], path, body=sent, headers=headers, encode_chunked=chunked
        )
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOPS]
        return ApiReply(answer.status, _blocks(connection, answer), kept)


class _Source:
    """A body that http.client reads in blocks."""

    def __init__(self, environ: Environ) -> None:
        self._input = environ["wsgi.input"]

    def read(self, size: int = _BLOCK) -> bytes:
        return self._input.read(size) or b""


def _blocks(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while block := answer.read(_BLOCK):
            yield block
    finally:
        connection.close()


def _login(authorization: str) -> str | None:
    """The access key in the password that GetAuthorizationToken gave; None where nobody has logged in."""
    kind, _, text = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return password if user == "AWS" and password else None


def _error(status: int, code: str, message: str, *, more: Iterable[tuple[str, str]] = ()) -> ApiReply:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more]
    return ApiReply(status, body, [("Docker-Distribution-Api-Version", "registry/2.0"), *headers])
