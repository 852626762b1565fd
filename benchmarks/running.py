"""Servers as processes: started, checked against ``Booster.predict``, measured, stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.payloads import Payloads
from benchmarks.servers import Protocol, Server

#: a server has this long to give its first answer
_START_SECONDS = 90.0
_STOP_SECONDS = 10.0
#: requests in flight while answers are checked
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Running:
    """A server that answers.

    Attributes
    ----------
    server : Server
    port : int
    pid : int
        Of its first process, which leads a session of its own.
    """

    server: Server
    port: int
    pid: int

    def url(self, protocol: Protocol) -> str:
        return f"http://127.0.0.1:{self.port}{protocol.path}"

    def post(self, protocol: Protocol, body: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", protocol.path, body, {"Content-Type": protocol.kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory_mib(self) -> float:
        """Resident memory of all its processes together."""
        return sum(_resident_kib(pid) for pid in self.processes()) / 1024

    def processes(self) -> list[int]:
        """Its processes: those of its session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(after_name[3]) == self.pid:
                        found.append(int(entry.name))
        return found


def _resident_kib(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Processes started within this run on one core; None leaves them all."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(server: Server, payloads: Payloads, *, port: int, core: int | None = None) -> Iterator[Running]:
    """Start a server, wait for its first right answer, and stop it in the end."""
    work = payloads.folder / server.name
    work.mkdir(exist_ok=True)
    command = server.command(server.bin, work, payloads.model, port)
    if not Path(command[0]).exists():
        raise SystemExit(f"{server.name} is not installed: run it by make bench-serve, which sees to that")
    _require_free(port)
    log = payloads.folder / f"{server.name}.log"
    with log.open("wb") as output, pinned(core):
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=work if server.package else None,
            env=server.environment(payloads.model, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Running(server, port, process.pid)
    try:
        _await_answer(started, process, payloads, log)
        yield started
    finally:
        _stop(process)


def _require_free(port: int) -> None:
    """Refuse to time whoever listens there already, such as a server of a run that was killed."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise SystemExit(f"somebody listens on port {port} already: stop that server first") from error


def _await_answer(started: Running, process: subprocess.Popen[bytes], payloads: Payloads, log: Path) -> None:
    protocol = next(iter(started.server.protocols.values()))
    body = payloads.bodies(protocol.name, protocol.encode, 1)[0].read_bytes()
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if started.post(protocol, body)[0] == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{started.server.name} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            return


def check(started: Running, payloads: Payloads, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare every answer with ``Booster.predict``: what scores otherwise is not timed.

    The bodies come at once, as they do when they are timed: a server that scores rows of several requests
    together must not mix them up.

    Parameters
    ----------
    started : Running
    payloads : Payloads
    sizes : mapping
        Rows of the bodies to send, by format.

    Raises
    ------
    SystemExit
        If an answer is not 200, or a score is off by more than 1e-6; for an exact server, by one bit.
    """
    for name, protocol in started.server.protocols.items():
        for size in sizes.get(name, ()):
            paths = payloads.bodies(protocol.name, protocol.encode, size)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                answers = list(pool.map(lambda path, to=protocol: started.post(to, path.read_bytes()), paths))
            for path, rows, (status, answer) in zip(paths, payloads.parts(size), answers, strict=True):
                if status != 200:
                    raise SystemExit(f"{started.server.name} answers {path} with {status}: {answer[:500]!r}")
                if protocol.decode is not None:
                    _compare(started.server, path, protocol.decode(answer), payloads.scores[rows])


def _compare(server: Server, path: Path, found: list[float], expected: np.ndarray) -> None:
    scores = np.array(found, np.float32)
    right = scores.shape == expected.shape and (
        np.array_equal(scores, expected) if server.exact else np.allclose(scores, expected, rtol=0, atol=1e-6)
    )
    if not right:
        raise SystemExit(f"{server.name} scores {path} as {found[:3]}…, Booster.predict as {expected[:3]}…")
