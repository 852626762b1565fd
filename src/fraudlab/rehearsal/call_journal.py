"""Calls that changed what moto keeps in memory, written down so that they can be made again after a "
"restart.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

from fraudlab.rehearsal.api_call import ApiCall
from fraudlab.rehearsal.wsgi_server import Application, Environ

_KEPT_HEADERS = ("CONTENT_TYPE", "HTTP_X_AMZ_TARGET", "HTTP_HOST")


class CallJournal:
    """One file, to which calls are appended and from which they are repeated in their order."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()

    def add(self, call: ApiCall) -> None:
        """Write a call down whose body was read."""
        environ = call.environ
        headers = {
            name: environ[name]
            for name in environ
            if name in _KEPT_HEADERS or name.startswith("HTTP_X_AMZ_BUCKET")
        }
        line = {
            "method": call.method, "path": environ["PATH_INFO"], "query": call.query, "service": call.service,
            "region": call.region, "headers": headers, "body": base64.b64encode(call.body or b"").decode(),
        }  # fmt: skip
        with self._lock, self._file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(line) + "\n")

    def repeat(self, application: Application) -> None:
        """Make all calls again; a line that a kill cut short is left out."""
        if not self._file.is_file():
            return
        for text in self._file.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            list(application(_environ(line), lambda *_: lambda _data: None))


def _environ(line: dict[str, Any]) -> Environ:
    body = base64.b64decode(line["body"])
    scope = f"AKIAREHEARSALOWN0000/20260101/{line['region']}/{line['service']}/aws4_request"
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": line["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": line["path"],
        "RAW_URI": line["path"],
        "QUERY_STRING": line["query"],
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        **line["headers"],
    }
