"""moto's services as the rehearsal has them: changes are kept on disk, and objects are read from there."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import threading
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

from fraudlab.rehearsal.action_names import operation_of
from fraudlab.rehearsal.api_call import ApiCall, call_of
from fraudlab.rehearsal.call_journal import CallJournal
from fraudlab.rehearsal.moto_shims import keep_underscores
from fraudlab.rehearsal.object_files import ObjectFiles, blocks, span
from fraudlab.rehearsal.wsgi_server import Application, Environ, StartResponse

#: calls of IAM that change nothing, or whose answer a repetition would not give again
_READS = re.compile(r"(Get|List|Simulate|Generate)\w*|\w*AccessKey\w*|UnknownOperation")
#: what may stand in the query of a plain GetObject
_PLAIN = {"x-id"}
_STRIPES = 64


class MotoDoor:
    """A WSGI application around moto's.

    Two calls that change the same object are carried out one after the other: what ``If-None-Match`` and
    ``If-Match`` promise holds between threads too.
    """

    def __init__(self, moto: Application, state: Path) -> None:
        self._moto = moto
        self._journal = CallJournal(state / "account.jsonl")
        self._objects = ObjectFiles(state / "objects")
        self._locks = [threading.Lock() for _ in range(_STRIPES)]
        self._journal.repeat(moto)
        self._objects.load()

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        call = environ.get("fraudlab.call") or call_of(environ)
        if call.service == "s3":
            keep_underscores(environ)
            bucket, _, key = call.path.lstrip("/").partition("/")
            if call.method in ("GET", "HEAD"):
                return self._read(call, bucket, key, start)
            return self._change(call, bucket, key, start)
        if call.service == "iam" and not _READS.fullmatch(operation_of(call)):
            status, parts = self._ask(call, start)
            if status < http.client.BAD_REQUEST:
                self._journal.add(call)
            return parts
        if call.body is not None:
            environ["wsgi.input"] = io.BytesIO(call.body)
        return self._moto(environ, start)

    def _change(self, call: ApiCall, bucket: str, key: str, start: StartResponse) -> Iterable[bytes]:
        body = call.read()  # before the lock: a client may take its time
        asked = {part.split("=")[0] for part in call.query.split("&") if part}
        deleted: list[str] = []
        if not key and "delete" in asked:
            found = re.findall(rb"<Key>(.*?)</Key>", body, re.DOTALL)
            deleted = [unescape(one.decode("utf-8", "replace")) for one in found]
        with self._held(bucket, deleted or [key]):
            status, parts = self._ask(call, start)
            if status >= http.client.BAD_REQUEST:
                return parts
            if key and not (asked & {"uploads", "partNumber"}):
                self._objects.keep(bucket, key)
            elif not key and "delete" in asked:
                for one in deleted:
                    self._objects.keep(bucket, one)
            elif not key:
                self._journal.add(call)
                if call.method == "DELETE" and not asked:
                    self._objects.forget_bucket(bucket)
            return parts

    @contextlib.contextmanager
    def _held(self, bucket: str, keys: Iterable[str]) -> Iterator[None]:
        """Hold the locks of some objects, in one order for all who hold several."""
        with contextlib.ExitStack() as held:
            for number in sorted({hash((bucket, key)) % _STRIPES for key in keys}):
                held.enter_context(self._locks[number])
            yield

    def _read(self, call: ApiCall, bucket: str, key: str, start: StartResponse) -> Iterable[bytes]:
        """Answer with an object's file where nothing but the object is asked for, else let moto answer.

        moto takes the whole object for every range of it that a client asks for.
        """
        asked = {part.split("=")[0] for part in call.query.split("&") if part}
        signed = {name for name in asked if name.startswith("X-Amz-")}
        if call.method != "GET" or not key or asked - signed - _PLAIN:
            return self._moto(call.environ, start)
        environ = {name: value for name, value in call.environ.items() if name != "HTTP_RANGE"}
        seen: list[Any] = []
        # a change between the two would give old bytes under a new ETag
        with self._held(bucket, [key]):
            opened = self._objects.open(bucket, key)
            if opened is not None:
                head = {**environ, "REQUEST_METHOD": "HEAD"}
                list(self._moto(head, lambda *given: seen.extend(given[:2])))
        if opened is None:
            return self._moto(call.environ, start)
        size = opened.seek(0, io.SEEK_END)
        headers = [
            (name, value) for name, value in seen[1] if name.lower() not in ("content-length", "server")
        ]
        sizes = [value for name, value in seen[1] if name.lower() == "content-length"]
        if not seen[0].startswith("200") or sizes != [str(size)]:
            opened.close()
            return self._moto(call.environ, start)
        try:
            wanted = span(call.environ.get("HTTP_RANGE", ""), size)
        except ValueError:
            opened.close()
            return self._moto(call.environ, start)
        begin, length = wanted or (0, size)
        headers.append(("Content-Length", str(length)))
        if wanted is None:
            start("200 OK", headers)
        else:
            # a checksum is one of the whole object
            headers = [pair for pair in headers if not pair[0].lower().startswith("x-amz-checksum-")]
            headers.append(("Content-Range", f"bytes {begin}-{begin + length - 1}/{size}"))
            start("206 Partial Content", headers)
        return blocks(opened, begin, length)

    def _ask(self, call: ApiCall, start: StartResponse) -> tuple[int, list[bytes]]:
        """Let moto answer; status and body, where the answer has begun already."""
        call.environ["wsgi.input"] = io.BytesIO(call.read())
        seen: list[Any] = []
        parts = list(self._moto(call.environ, lambda *given: seen.extend(given[:2])))
        start(seen[0], seen[1])
        return int(seen[0].split(" ")[0]), parts
