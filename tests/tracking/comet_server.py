"""A Comet server on loopback that remembers what it was told, for tests of the real SDK.

Only the part of the protocol that comet_ml 3.58 uses here; any path it does not know is answered ``{}``
with 200, which is what most of Comet's write endpoints answer.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "secretkey0123456789abcdefgh"
HEARTBEAT = {
    "is_alive_beat_duration_millis": 10_000,
    "gpu_monitor_interval_millis": 60_000,
    "cpu_monitor_interval_millis": 60_000,
    "parameter_update_interval_millis": 10_000,
    "pending_rpcs": False,
}


@dataclass
class Asset:
    experiment: str
    name: str
    kind: str
    content: bytes


@dataclass
class CometServer:
    """What the server saw. Lists grow while the experiment runs; read them after ``end()``."""

    port: int = 0
    #: close every connection without an answer
    gone: bool = False
    #: answer everything with this status
    broken: int = 0
    #: answer every new experiment with this
    refuses: dict[str, Any] | None = None
    keys: set[str] = field(default_factory=lambda: {KEY})
    metrics: list[dict[str, Any]] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    experiments: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the address as COMET_URL_OVERRIDE wants it."""
        return f"http://127.0.0.1:{self.port}/clientlib/"

    def key_with_address(self, address: str) -> str:
        """Return a valid key of the kind that names its server."""
        about = base64.b64encode(json.dumps({"baseUrl": address}).encode()).decode()
        self.keys.add(f"{KEY}*{about}")
        return f"{KEY}*{about}"

    def points(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric in order of arrival."""
        return [(m["step"], float(m["metricValue"])) for m in self.metrics if m["metricName"] == name]

    def other(self, key: str) -> Any:
        """Return the last value of an "other" field, or None."""
        values = [other["value"] for other in self.others if other["key"] == key]
        return values[-1] if values else None

    def asset(self, name: str) -> bytes:
        """Return the bytes of the one asset with that file name."""
        (found,) = [asset for asset in self.assets if asset.name == name]
        return found.content

    def answer(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Return status and JSON body for an authenticated request."""
        leaf = path.removeprefix("/clientlib/").removeprefix("/api/rest/v2/")
        match leaf:
            case "logger/add/run" | "logger/get/run":
                return self._open_run(leaf, body)
            case "status-report/update":
                return 200, HEARTBEAT
            case "batch/logger/experiment/metric":
                self.metrics += body["values"]
            case "batch/logger/experiment/parameter":
                self.parameters += body["values"]
            case "write/experiment/log-other":
                self.others.append(body)
            case "tags/add-tags-to-experiment":
                self.tags += body["addedTags"]
            case "asset/upload":
                kind = query.get("type", "asset")
                self.assets.append(Asset(query["experimentId"], query["fileName"], kind, body))
                return 200, {"assetId": query["assetId"]}
            case "write/artifacts/upsert":
                return 200, self._make_artifact(body)
            case "artifacts/version":
                return self._find_artifact(query)
            case "experiment/metadata":
                return 200, {"experimentKey": query["experimentKey"], "experimentName": "x"}
        return 200, {}

    def _open_run(self, leaf: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.refuses:
            return 400, self.refuses
        if leaf == "logger/get/run":
            key = body["previousExperiment"]
            return (200, self._run(key)) if key in self.experiments else (400, {"sdk_error_code": 90210})
        key = body["experimentKey"]
        if key in self.experiments and not body.get("getOrCreateEnabled"):
            return 400, {"sdk_error_code": 90999, "msg": "experiment exists"}
        self.experiments.add(key)
        return 200, self._run(key)

    def _make_artifact(self, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.artifacts)
        self.artifacts.append(body)
        return {
            "artifactId": f"artifact{number}",
            "artifactVersionId": str(number),
            "currentVersion": "1.0.0",
            "previousVersion": None,
        }

    def _find_artifact(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        for number, artifact in enumerate(self.artifacts):
            if query.get("versionId") == str(number) or query.get("versionOrAlias") in artifact["alias"]:
                about = {
                    "artifactId": f"artifact{number}",
                    "artifactName": artifact["artifactName"],
                    "artifactType": artifact["artifactType"],
                    "workspaceName": "ws",
                    "tags": [],
                }
                return 200, {
                    "artifact": about,
                    "artifactVersion": "1.0.0",
                    "artifactVersionId": str(number),
                    "alias": artifact["alias"],
                    "metadata": "{}",
                    "sizeInBytes": 0,
                    "experimentKey": artifact["experimentKey"],
                    "tags": [],
                }
        return 400, {"sdk_error_code": 624523, "msg": "no such artifact"}

    def _run(self, key: str) -> dict[str, Any]:
        return {
            "runId": f"run-{key}",
            "project_id": "project",
            "name": "test",
            "focusUrl": f"{self.url.removesuffix('clientlib/')}ws/proj/",
            "lastOffset": 0,
            "featureToggles": [],
            "upload_file_size_limit_in_mb": 100,
            "asset_upload_file_size_limit_in_mb": 1000,
        }


def _handler(server: CometServer, lock: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve(None)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            kind = self.headers.get("Content-Type", "")
            if kind.startswith("multipart/"):
                self._serve(_file_part(kind, raw))
            else:
                self._serve(json.loads(raw) if raw else None)

        def _serve(self, body: Any) -> None:
            if server.gone:
                self.close_connection = True
                self.connection.close()
                return
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            with lock:
                server.paths.append(f"{self.command} {url.path}")
                if server.broken:
                    status, answer = server.broken, {}
                elif url.path.endswith("/isAlive/ver"):
                    status, answer = 200, {"version": "6.20.0"}
                elif self.headers.get("Authorization") not in server.keys:
                    status, answer = 400, {"sdk_error_code": 90212, "msg": "invalid API key"}
                else:
                    status, answer = server.answer(url.path, query, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output for the tests."""

    return Handler


def _file_part(content_type: str, raw: bytes) -> bytes:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    parts: list[Message] = message.get_payload()  # type: ignore[assignment]
    for part in parts:
        if part.get_param("name", header="content-disposition") in {"file", "link"}:
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            return content
    raise AssertionError("an upload without a file")


@contextmanager
def comet_server() -> Iterator[CometServer]:
    """Serve on a free loopback port until the block ends."""
    server = CometServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server, threading.Lock()))
    http.daemon_threads = True
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gone = True
        http.shutdown()
        http.server_close()
        thread.join()
