"""The endpoint as a process of its own, and its workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import fraudlab
from fraudlab.container.contract import Tree

SOURCES = str(Path(fraudlab.__file__).parents[1])


def environment(tree: Tree, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": SOURCES, "FRAUDLAB_ML_ROOT": str(tree.root), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    def __init__(self, tree: Tree, limit: Callable[[], None] | None = None, **more: str) -> None:
        self.port = free_port()
        settings = {"FRAUDLAB_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(self.port), **more}
        self.job = subprocess.Popen(
            [sys.executable, "-m", "fraudlab.container", "serve"],
            env=environment(tree, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limit,  # noqa: PLW1509  (nothing here runs beside it)
        )

    def wait(self) -> None:
        for _ in range(1200):
            assert self.job.poll() is None, self.job.communicate()[0]
            try:
                if self.get("/ping") == b"{}":
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("no answer on /ping")

    def get(self, path: str) -> bytes:
        return self._answer(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def invoke(self, body: bytes, kind: str = "text/csv") -> bytes:
        url = f"http://127.0.0.1:{self.port}/invocations"
        return self._answer(urllib.request.Request(url, body, {"Content-Type": kind}))

    def _answer(self, request: urllib.request.Request) -> bytes:
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content


def children(process: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
