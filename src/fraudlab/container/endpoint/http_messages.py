"""Requests and answers of the endpoint, and how an answer goes over the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

JSON, PROBLEM = "application/json", "application/problem+json"
#: header of a refusal that another try may not meet
RETRY = b"retry-after: 1\r\n"


#: of a body
Piece = bytes | memoryview


class Answer(NamedTuple):
    """An HTTP response; `headers` are complete lines besides type and length, `more` is behind `body`."""

    status: int
    body: Piece
    kind: str = JSON
    headers: bytes = b""
    more: Sequence[Piece] = ()

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return len(self.body) + sum(map(len, self.more))


def problem(status: int, detail: str, *, headers: bytes = b"", **members: Any) -> Answer:
    """A refusal as RFC 9457 has it: ``application/problem+json`` with members of its own."""
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    return Answer(status, orjson.dumps(content), PROBLEM, headers)


def busy(detail: str) -> Answer:
    """A refusal of what another try may get."""
    return problem(503, f"{detail}; try again later", headers=RETRY)


#: stands for the answer to somebody who has hung up, so that nobody works on it
GONE = Answer(499, b"")


@cache
def _beginning(status: int, kind: str) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {kind}\r\n".encode()


class Request:
    """A complete request, and the place for its answer.

    Parameters
    ----------
    answered : callable
        Called once there is an answer.
    keep_alive : bool
        Whether the client wants to go on after this.

    Attributes
    ----------
    method, path, query : bytes
        As sent.
    headers : dict of bytes
        Under lower-case names; of a repeated one the last.
    body : bytes
    began : float
        Time of the event loop when the request was complete.
    answer : Answer or None
        None until it is given.
    """

    __slots__ = (
        "_answered",
        "_keep_alive",
        "answer",
        "began",
        "body",
        "headers",
        "method",
        "path",
        "query",
    )

    def __init__(
        self,
        answered: Callable[[], None],
        began: float,
        method: bytes,
        url: bytes,
        headers: dict[bytes, bytes],
        body: bytes,
        *,
        keep_alive: bool,
    ) -> None:
        self._answered = answered
        self._keep_alive = keep_alive
        self.answer: Answer | None = None
        self.method = method
        self.path, _, self.query = url.partition(b"?")
        self.headers = headers
        self.body = body
        self.began = began

    def respond(self, answer: Answer) -> None:
        """Give the answer; a second one, such as a late one after a timeout, is dropped."""
        if self.answer is None:
            self.answer = answer
            self._answered()

    def rendered(self, *, last: bool) -> bytes:
        """The bytes of the answer but for its `more`; `last` says that the connection ends with it."""
        assert self.answer is not None
        status, body, kind, lines, more = self.answer
        if last:
            lines += b"connection: close\r\n"
        elif b"connection" in self.headers:
            lines += b"connection: keep-alive\r\n"  # HTTP/1.0 wants to be told
        if status == 204:
            return b"HTTP/1.1 204 No Content\r\n%b\r\n" % lines
        payload = b"" if self.method == b"HEAD" else bytes(body)
        length = self.answer.length if more else len(body)
        return b"%bcontent-length: %d\r\n%b\r\n%b" % (_beginning(status, kind), length, lines, payload)

    @property
    def is_last(self) -> bool:
        """Whether the client wants the connection closed after this."""
        return not self._keep_alive
