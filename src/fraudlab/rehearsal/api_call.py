"""One call of AWS's API: what was asked of which service, by whom; and what is answered."""

from __future__ import annotations

import json
import re
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from fraudlab.rehearsal.announcement import ACCOUNT, REGION
from fraudlab.rehearsal.wsgi_server import Environ, StartResponse

#: the key by which the rehearsal knows its own work's calls: a job acts as its execution role
ROLE_KEY = "AKIAREHEARSALROLE000"
#: the key of what the rehearsal does before anybody asks it
OWN_KEY = "AKIAREHEARSALOWN0000"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]*)/([^/]*)/aws4_request")
_PRESIGNED = re.compile(r"X-Amz-Credential=([^&]+?)(?:%2F|/)\d+(?:%2F|/)([^&/%]+)(?:%2F|/)([^&/%]+)")


#: bytes that a packed body may have when it is unpacked
_MOST = 64 << 20


class ApiError(Exception):
    """An error as the service answers it.

    Parameters
    ----------
    code : str
        Such as ``ValidationException``.
    status : int
        HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def refused(message: str) -> ApiError:
    """The error of most refusals."""
    return ApiError("ValidationException", message)


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, _MOST)
    except zlib.error as error:
        raise ApiError("SerializationException", f"The body is no gzip: {error}") from error
    if not unpacker.eof:
        raise ApiError("SerializationException", "The gzip body is cut short, or too large")
    return found


@dataclass
class ApiCall:
    """One call.

    Attributes
    ----------
    service : str
        Signing name, such as ``sagemaker`` or ``s3``.
    key : str
        Access key id of who asks; empty where the call is not signed.
    region : str
    target : str
        The header ``X-Amz-Target``.
    body : bytes or None
        None while nobody has read it.
    """

    environ: Environ
    service: str
    key: str
    region: str
    target: str
    body: bytes | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        return str(self.environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")

    @property
    def query(self) -> str:
        return str(self.environ.get("QUERY_STRING", ""))

    @property
    def operation(self) -> str:
        """What comes behind the dot of the target."""
        return self.target.rpartition(".")[2]

    def read(self) -> bytes:
        """Give the body, read once; what a client has packed is unpacked, but for objects of S3.

        Raises
        ------
        ApiError
            It is not packed as it says.
        """
        if self.body is None:
            self.body = self.environ["wsgi.input"].read() or b""
            if self.service != "s3" and self.environ.get("HTTP_CONTENT_ENCODING") == "gzip":
                self.body = _unpacked(self.body)
                del self.environ["HTTP_CONTENT_ENCODING"]
                self.environ["CONTENT_LENGTH"] = str(len(self.body))
        return self.body

    def json(self) -> dict[str, Any]:
        """The body of a JSON service.

        Raises
        ------
        ApiError
            Where it is no JSON object.
        """
        try:
            content = json.loads(self.read() or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", f"The request is no JSON: {error}") from error
        if not isinstance(content, dict):
            raise ApiError("SerializationException", "The request is no JSON object")
        return content


def call_of(environ: Environ) -> ApiCall:
    """Read who asks which service from a request's signature, or from its target where it is not signed."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    found = _CREDENTIAL.search(authorization) or _PRESIGNED.search(environ.get("QUERY_STRING", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    key, region, service = found.groups() if found else ("", REGION, "")
    if not service:
        service = "sagemaker" if target.startswith("SageMaker.") else target.partition(".")[0] or "s3"
    return ApiCall(environ, service.lower(), key, region or REGION, target)


@dataclass
class ApiReply:
    """What is answered."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def send(self, start: StartResponse) -> Iterable[bytes]:
        """Answer through WSGI."""
        start(f"{self.status} {'OK' if self.status < 400 else 'Error'}", self.headers)
        return [self.body] if isinstance(self.body, bytes) else self.body


def json_reply(content: Any, *, status: int = 200, more: Iterable[tuple[str, str]] = ()) -> ApiReply:
    """An answer of a JSON service."""
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("x-amzn-RequestId", request_id()),
        ("Content-Length", str(len(body))),
        *more,
    ]
    return ApiReply(status, body, headers)


def json_error(error: ApiError) -> ApiReply:
    """An error of a JSON service."""
    content = {"__type": error.code, "message": error.message, "Message": error.message}
    return json_reply(content, status=error.status, more=[("x-amzn-ErrorType", error.code)])


def xml_error(error: ApiError, *, service: str) -> ApiReply:
    """An error of S3, or of a service that answers queries in XML."""
    code, text, number = escape(error.code), escape(error.message), request_id()
    if service == "s3":
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{text}</Message>'
            f"<RequestId>{number}</RequestId></Error>"
        )
    else:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            f"<RequestId>{number}</RequestId></ErrorResponse>"
        )
    return ApiReply(error.status, body.encode(), [("Content-Type", "application/xml")])


def request_id() -> str:
    """A number as AWS gives to each request."""
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def arn(service: str, resource: str, *, region: str = REGION) -> str:
    """The ARN of something in the rehearsal's account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"
