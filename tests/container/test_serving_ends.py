"""How an endpoint ends, loses a worker, runs out of descriptors: nobody who has connected is hung up on."""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from fraudlab.backends.ports import reserved_port
from fraudlab.container.contract import Tree
from fraudlab.container.endpoint.listener import listen
from fraudlab.container.failure import ConfigError

from .served import Server, children, environment
from .wire import one_answer, until

Start = Callable[..., Server]
PING = b"GET /ping HTTP/1.1\r\nhost: h\r\n\r\n"
ROW = b"1.5,0.25,casino,80\n"
ROWS = b"POST /invocations HTTP/1.1\r\nhost: h\r\ncontent-type: text/csv\r\ncontent-length: 19\r\n\r\n" + ROW


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def is_refused(server: Server) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return True
    return False


def listens(server: Server) -> bool:
    """Whether the port is open, without knocking: who knocks at the wrong moment waits for a second."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(line[1].endswith(f":{server.port:04X}") and line[3] == "0A" for line in lines)


def tell(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # a worker whom nobody asks has nothing to wait for
            os.kill(process, number)


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def ended(server: Server) -> list[dict[str, Any]]:
    output = server.job.communicate(timeout=60)[0]
    assert server.job.returncode == 0, output
    return events(output)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_who_waits_to_be_accepted_when_it_stops_is_answered(
    trained: Tree, start: Start, workers: int
) -> None:
    server = start(trained, FRAUDLAB_WORKERS=str(workers))
    processes = [server.job.pid, *children(server.job.pid)]
    assert len(processes) == (1 if workers == 1 else workers + 1)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(150)]
        early, late = clients[:75], clients[75:]
        for client in early:
            client.sendall(ROWS)
        os.kill(server.job.pid, signal.SIGTERM)
        for process in processes:
            os.kill(process, signal.SIGCONT)
        assert {one_answer(client)[0] for client in early} == {200}
        for client in late:
            client.sendall(ROWS)
        assert {one_answer(client)[0] for client in late} == {200}
        assert {client.recv(1) for client in clients} == {b""}
    ended(server)
    assert is_refused(server)


@pytest.mark.parametrize("workers", [1, 2])
def test_who_asks_while_the_machine_stands_still_is_answered(
    trained: Tree, start: Start, workers: int
) -> None:
    server = start(trained, FRAUDLAB_WORKERS=str(workers))
    processes = [server.job.pid, *children(server.job.pid)]
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(20)]
        for client in clients:
            client.sendall(PING)
        assert {one_answer(client)[0] for client in clients} == {200}
        server.job.send_signal(signal.SIGTERM)
        until(lambda: not listens(server), seconds=10)
        tell(processes, signal.SIGSTOP)
        for client in clients:
            client.sendall(ROWS)
        time.sleep(2)
        tell(processes, signal.SIGCONT)
        assert {one_answer(client)[0] for client in clients} == {200}
    ended(server)


@pytest.mark.parametrize("workers", [1, 2])
def test_at_whatever_moment_it_stops_who_connected_is_answered(
    trained: Tree, start: Start, workers: int
) -> None:
    server = start(trained, FRAUDLAB_WORKERS=str(workers))
    seen: deque[str] = deque()  # two threads that append lose nothing, two that count may

    def ask_until_refused(number: int) -> None:
        while True:
            began, asked = time.monotonic(), math.inf
            try:
                client = connect(server)
            except ConnectionRefusedError:
                seen.append("refused")
                return
            try:
                with client:
                    if number % 2:
                        client.sendall(PING if number % 3 else ROWS)
                    else:  # some time after they have connected
                        select.select([], [], [], 0.001 * number)
                        client.sendall(ROWS)
                    asked = time.monotonic()
                    status = one_answer(client)[0]
                    seen.append("answered" if status in {200, 503} else str(status))
            except (OSError, AssertionError) as error:
                # Who is held up for a second between the two has been promised nothing.
                if min(asked, time.monotonic()) - began < 0.8:
                    seen.append(repr(error))

    askers = [threading.Thread(target=ask_until_refused, args=(number,)) for number in range(12)]
    for asker in askers:
        asker.start()
    until(lambda: len(seen) > 300, seconds=60)
    server.job.send_signal(signal.SIGTERM)
    for asker in askers:
        asker.join(60)
        assert not asker.is_alive()
    found = Counter(seen)
    assert found.keys() == {"answered", "refused"}, found
    assert found["refused"] == len(askers)
    ended(server)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_other_signals_that_stop_it(
    trained: Tree, start: Start, number: signal.Signals, workers: str
) -> None:
    server = start(trained, FRAUDLAB_WORKERS=workers)
    with connect(server) as idle:
        server.job.send_signal(number)
        assert idle.recv(1) == b""
    assert ended(server)[-1]["event"] == "stopped"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_changes_nothing(trained: Tree, start: Start, workers: str) -> None:
    server = start(trained, FRAUDLAB_WORKERS=workers)
    for process in [server.job.pid, *children(server.job.pid)]:
        os.kill(process, signal.SIGHUP)
    assert server.invoke(ROW).startswith(b"0.")
    server.job.send_signal(signal.SIGTERM)
    assert [event["event"] for event in ended(server)].count("SIGHUP changes nothing") >= 1


def test_a_worker_that_dies_young_is_replaced_and_the_others_go_on(trained: Tree, start: Start) -> None:
    server = start(trained, FRAUDLAB_WORKERS="2")
    until(lambda: len(children(server.job.pid)) == 2)
    dying, healthy = children(server.job.pid)
    for _ in range(3):
        os.kill(dying, signal.SIGKILL)
        until(lambda gone=dying: gone not in children(server.job.pid), seconds=20)
        assert server.invoke(ROW).startswith(b"0.")
        until(lambda: len(children(server.job.pid)) == 2, seconds=20)
        assert healthy in children(server.job.pid)
        (dying,) = set(children(server.job.pid)) - {healthy}
    server.job.send_signal(signal.SIGTERM)
    told = [event for event in ended(server) if event["event"] == "worker ended"]
    assert [event["code"] for event in told] == [-9, -9, -9]
    assert {event["worker"] for event in told} in ({0}, {1})


def test_workers_that_all_die_again_and_again_end_the_server(trained: Tree, start: Start) -> None:
    server = start(trained, FRAUDLAB_WORKERS="2")

    def kill_all() -> bool:
        with suppress(OSError):
            for child in children(server.job.pid):
                os.kill(child, signal.SIGKILL)
        return server.job.poll() is not None

    until(kill_all, seconds=60)
    output = server.job.communicate(timeout=40)[0]
    assert server.job.returncode == 1
    sentence = trained.training_failure.read_text().splitlines()[0]
    assert sentence == "every worker ended at once, 4 times in a row, the last with code -9"
    assert [event["event"] for event in events(output)].count("worker ended") >= 8


def test_no_worker_outlives_its_supervisor(trained: Tree, start: Start) -> None:
    server = start(trained, FRAUDLAB_WORKERS="2")
    until(lambda: len(children(server.job.pid)) == 2)
    with connect(server) as client:
        client.sendall(ROWS[:-5])
        server.job.kill()
        server.job.wait()
        client.sendall(ROWS[-5:])
        assert one_answer(client)[0] == 200
    until(lambda: is_refused(server), seconds=20)


WITHOUT_PRCTL = """
import sys
from fraudlab.container.endpoint import workers
workers._end_with = lambda parent: None
from fraudlab.container import serve
serve.run()
"""


def test_nor_where_the_kernel_does_not_see_to_it(trained: Tree, start: Start) -> None:
    server = start(trained)
    more = {"FRAUDLAB_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(server.port), "FRAUDLAB_WORKERS": "2"}
    server.job.terminate()
    server.job.communicate(timeout=60)
    server.job = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_PRCTL],
        env=environment(trained, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server.wait()
    server.job.kill()
    server.job.wait()
    until(lambda: is_refused(server), seconds=20)


def sockets(process: int) -> int:
    links = []
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            links.append(str(entry.readlink()))
    return sum(link.startswith("socket:") for link in links)


def test_a_worker_that_is_started_again_gets_its_share_of_connections(trained: Tree, start: Start) -> None:
    server = start(trained, FRAUDLAB_WORKERS="2")
    until(lambda: len(children(server.job.pid)) == 2)
    os.kill(children(server.job.pid)[0], signal.SIGSTOP)
    stopped, running = children(server.job.pid)
    clients = [connect(server) for _ in range(40)]
    for client in clients:
        client.sendall(PING)
        assert one_answer(client)[0] == 200
    assert sockets(running) > 40
    os.kill(stopped, signal.SIGCONT)

    def ask_all() -> bool:
        for number, client in enumerate(clients):
            client.sendall(PING)
            status, headers, _ = one_answer(client)
            assert status == 200
            if headers.get("connection") == "close":
                client.close()
                clients[number] = connect(server)
        return sockets(stopped) - 3 >= 12 and sockets(running) - 3 >= 12

    until(ask_all, seconds=60)
    for client in clients:
        client.close()


def limit(soft: int, hard: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_of_descriptors_is_raised(trained: Tree, start: Start) -> None:
    server = start(trained, limit=limit(64, 1024))
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connect(server))
        assert server.get("/ping") == b"{}"
    server.job.send_signal(signal.SIGTERM)
    assert ended(server)[0]["connections"] == 1024 - 128


def test_idle_connections_do_not_silence_it(trained: Tree, start: Start) -> None:
    server = start(trained, limit=limit(256, 256))
    with ExitStack() as stack:
        # the limit allows 128 of them; they stay open at this end
        idle = [stack.enter_context(connect(server)) for _ in range(400)]

        def answers() -> bool:
            with connect(server) as client:
                client.sendall(PING)
                return one_answer(client)[0] == 200

        # those who have connected a moment ago need not make way yet
        until(lambda: all(answers() for _ in range(50)), seconds=60)
        hung_up = [client for client in idle if select.select([client], [], [], 0)[0]]
        told = [piece for client in hung_up if (piece := client.recv(1 << 16))]
        assert told
        assert all(b"503 Service Unavailable" in piece for piece in told)
        assert all(b"too many connections; try again later" in piece for piece in told)
    server.job.send_signal(signal.SIGTERM)
    log = ended(server)
    warnings = [event for event in log if event["event"] == "too many connections"]
    assert warnings
    assert len(log) < 12
    assert warnings[0]["most"] == 128


def test_a_port_that_is_handed_over_is_nobody_elses_meanwhile() -> None:
    with reserved_port() as reserved:
        port = reserved.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)
        handed_over = os.dup(reserved.fileno())
        os.set_inheritable(handed_over, True)
    with listen("127.0.0.1", port, inherited=handed_over) as listening:
        assert listening.getsockname() == ("127.0.0.1", port)
        assert not listening.get_inheritable()
        socket.create_connection(("127.0.0.1", port), timeout=30).close()


def test_a_descriptor_that_is_no_socket_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        descriptor = os.dup(file.fileno())
    try:
        with pytest.raises(ConfigError, match=f"FRAUDLAB_LISTENER is {descriptor}, which is no socket"):
            listen("127.0.0.1", 8080, inherited=descriptor)
    finally:
        os.close(descriptor)
