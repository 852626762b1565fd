"""A model behind a real endpoint, and one that fails as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import write_model
from fraudlab.container.scorer import load_scorer

from ..container.boosters import train
from ..container.wire import Running

FEATURES = Features(
    [
        Column("amount"),
        Column("mcc", ("12", "3", "5")),
        Column("present", ("false", "true")),
        Column("share"),
    ]
)
THRESHOLD = 0.6
Start = Callable[..., str]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    contract = {**FEATURES.as_json(), "threshold": THRESHOLD, "calibration": None, "hashes": {}}
    write_model(folder, train(FEATURES, rounds=8).save_raw("ubj"), contract)
    return folder


@pytest.fixture
def serve(model_folder: Path) -> Iterator[Start]:
    """Start the endpoint with settings from an environment; its URL."""
    started: list[tuple[Running, Application]] = []

    def start(**environment: str) -> str:
        settings = read_settings({"FRAUDLAB_MODEL_DIR": str(model_folder), **environment})
        endpoints = []

        def make() -> Any:
            endpoints.append(Application(settings, load_scorer(settings.model)))
            return endpoints[-1].server

        started.append((Running(make), endpoints[-1]))
        return f"http://127.0.0.1:{started[-1][0].port}"

    yield start
    for running, endpoint in started:
        running.close()
        endpoint.close()


class Failing:
    """Answers requests for scores as `plan` says, then as `then`: 200 is 0.5 a row, or another status;
    "drop" and "cut" end the connection before and in the answer; a function chooses by the body.
    """

    def __init__(self, plan: list[Any], *, then: Any = 200, model: Any = None) -> None:
        self.plan, self.then = plan, then
        self.asked = 0
        self.model = {**FEATURES.as_json(), "threshold": THRESHOLD} if model is None else model
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/model":
                    self.reply(200, json.dumps(outer.model).encode())
                else:
                    self.reply(404, b"no such page")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.asked += 1
                outcome = outer.plan.pop(0) if outer.plan else outer.then
                outcome = outcome(body) if callable(outcome) else outcome
                if outcome == "drop":
                    self.close_connection = True
                elif outcome == "cut":
                    self.send_response(200)
                    self.send_header("content-length", "1000")
                    self.end_headers()
                    self.wfile.write(b"0.5\n")
                    self.close_connection = True
                elif outcome == 200:
                    self.reply(200, b"0.5\n" * body.count(b"\n"))
                else:
                    self.reply(outcome, b"busy", **({"retry-after": "3"} if outcome == 503 else {}))

            def reply(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def fail() -> Iterator[Callable[..., Failing]]:
    started: list[Failing] = []

    def start(*plan: Any, **options: Any) -> Failing:
        started.append(Failing(list(plan), **options))
        return started[-1]

    yield start
    for failing in started:
        failing.server.shutdown()
        failing.server.server_close()
