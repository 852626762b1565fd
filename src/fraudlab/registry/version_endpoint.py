"""The image's ``serve``, started with a model on this machine for as long as it is asked."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fraudlab import children
from fraudlab.backends.ports import free_port
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import EndpointError

_START_SECONDS = 60.0
_POLL_SECONDS = 0.05


def silence_of(model: Path) -> str | None:
    """Why a model does not answer; None where it does.

    ``/ping`` is answered 200 only where a row gets a score, and ``/model`` has to be this model.

    Parameters
    ----------
    model : Path
        The model's folder.
    """
    with _serving(model) as (process, port, log):
        return _silence(model, process, port, log)


@contextmanager
def endpoint_with(model: Path) -> Iterator[str]:
    """The URL of an endpoint that has a model, for as long as the block runs.

    Raises
    ------
    EndpointError
        Where it does not answer.
    """
    with _serving(model) as (process, port, log):
        if reason := _silence(model, process, port, log):
            raise EndpointError(
                f"The model in {model} does not answer: {reason}.",
                fix=f"see what it says: fraudlab serve --model {shlex.quote(str(model))}",
            )
        yield f"http://127.0.0.1:{port}"


def _silence(model: Path, process: subprocess.Popen[bytes], port: int, log: Path) -> str | None:
    wanted = json.loads((model / "model.json").read_text(encoding="utf-8"))
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return f"serve ended with {process.returncode}: {words[-1][:300] if words else 'no word'}"
        try:
            status, _ = _asked(port, "/ping")
        except (OSError, http.client.HTTPException):
            time.sleep(_POLL_SECONDS)
            continue
        if status != 200:
            return f"/ping answered {status}"
        status, content = _asked(port, "/model")
        same = status == 200 and json.loads(content).get("hashes") == wanted.get("hashes")
        return None if same else f"/model answered {status}, and not with this model"
    return f"it did not answer within {_START_SECONDS:g} s"


@contextmanager
def _serving(model: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    port = free_port()
    environment = {
        **children.environment(),
        "FRAUDLAB_MODEL_DIR": str(model.resolve()),
        "FRAUDLAB_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "FRAUDLAB_WORKERS": "1",
        LAUNCHER: str(os.getpid()),
    }
    with tempfile.TemporaryDirectory(prefix="fraudlab-answers-") as work:
        log = Path(work) / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                children.python("fraudlab.container", "serve"),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process, port, log
        finally:
            process.terminate()
            try:
                process.wait(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _asked(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
