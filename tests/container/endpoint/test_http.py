"""The HTTP server under clients that are slow, greedy, hasty or gone, over real sockets."""

import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import Answer, Request, problem
from fraudlab.container.endpoint.limits import Limits

from ..wire import Running, one_answer, receive, until

REFUSED: list[Answer] = []
SMALL = Limits(
    body=1_000, head=2_000, buffered=1_500, connections=50, head_seconds=0.6, seconds=1.2, idle_seconds=2.5
)


def echo(request: Request) -> None:
    shown = b"%b %b?%b %d %b" % (
        request.method,
        request.path,
        request.query,
        len(request.body),
        request.body[:20],
    )
    request.respond(Answer(200, shown, "text/plain"))


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    REFUSED.clear()
    started: list[Running] = []

    def run(handle: Callable[[Request], None] = echo, limits: Limits = SMALL) -> Running:
        started.append(Running(lambda: Server(handle, limits, refused=REFUSED.append)))
        return started[-1]

    yield run
    for server in started:
        server.close()


def post(body: bytes = b"abc", path: str = "/x", more: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


def problem_of(answer: tuple[int, dict[str, str], bytes]) -> Any:
    assert answer[1]["content-type"] == "application/problem+json"
    content = json.loads(answer[2])
    assert content["status"] == answer[0]
    return content["detail"]


def test_requests_of_a_connection_are_answered_one_after_the_other(running: Any) -> None:
    with running().connect() as client:
        for number in range(3):
            client.sendall(post(b"abc%d" % number, "/a?q=1"))
            status, headers, body = one_answer(client)
            assert (status, body) == (200, b"POST /a?q=1 4 abc%d" % number)
            assert headers == {"content-type": "text/plain", "content-length": str(len(body))}


def test_a_request_in_single_bytes_is_one_request(running: Any) -> None:
    with running().connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(b"slowly"):
            client.sendall(bytes([byte]))
        assert one_answer(client)[2] == b"POST /x? 6 slowly"


def test_chunked_bodies(running: Any) -> None:
    with running().connect() as client:
        client.sendall(
            b"POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert one_answer(client)[2] == b"POST /x? 5 abcde"


def test_pipelined_requests_are_answered_in_order_however_late_each_is(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as client:
        client.sendall(b"".join(post(b"%d" % number) for number in range(200)))
        until(lambda: len(held) >= 33)

        def answer_backwards() -> None:
            for request in reversed(held):
                request.respond(Answer(200, request.body))

        answered = 0
        while answered < 200:
            server.loop.call_soon_threadsafe(answer_backwards)
            assert one_answer(client)[2] == b"%d" % answered
            answered += 1


def test_the_second_answer_to_a_request_is_dropped(running: Any) -> None:
    def twice(request: Request) -> None:
        request.respond(Answer(200, b"first"))
        request.respond(Answer(200, b"second"))

    with running(twice).connect() as client:
        client.sendall(post() + post())
        assert [one_answer(client)[2], one_answer(client)[2]] == [b"first", b"first"]


def test_http_1_0_closes_unless_asked_to_keep_alive(running: Any) -> None:
    server = running()
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert receive(client).endswith(b"connection: close\r\n\r\nGET /? 0 ")
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        assert one_answer(client)[1]["connection"] == "keep-alive"
        client.sendall(b"GET /2 HTTP/1.0\r\n\r\n")
        assert one_answer(client)[2] == b"GET /2? 0 "


def test_a_head_request_gets_no_body(running: Any) -> None:
    with running().connect() as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
        assert b"content-length: 10\r\n" in (answer := receive(client))
        assert answer.endswith(b"\r\n\r\n")


def test_no_content_has_neither_length_nor_type(running: Any) -> None:
    with running(lambda request: request.respond(Answer(204, b""))).connect() as client:
        client.sendall(post() + post())
        assert one_answer(client) == one_answer(client) == (204, {}, b"")


def test_a_client_that_expects_100_continue_gets_it(running: Any) -> None:
    with running().connect() as client:
        client.sendall(b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
        assert one_answer(client)[0] == 100
        client.sendall(b"abc")
        assert one_answer(client)[2] == b"POST /x? 3 abc"


def test_a_half_closed_client_still_gets_its_answers(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as client:
        client.sendall(post(b"1") + post(b"2"))
        client.shutdown(socket.SHUT_WR)
        until(lambda: len(held) == 2)
        time.sleep(0.1)
        for request in held:
            server.loop.call_soon_threadsafe(request.respond, Answer(200, request.body))
        assert receive(client).count(b"HTTP/1.1 200 OK") == 2


def test_a_client_that_closes_amid_a_request_is_forgotten(running: Any) -> None:
    server = running()
    with server.connect() as client:
        client.sendall(post(b"x" * 500)[:-10])
        until(lambda: server.server.buffered > 0)
    until(lambda: not server.server.connections)
    assert server.server.buffered == 0


def test_nobody_works_for_a_client_that_is_gone(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as client:
        client.sendall(post(b"abc"))
        until(lambda: held)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    until(lambda: held[0].answer is not None)
    assert server.server.buffered == 0


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"hello\r\n\r\n", b"\0" * 100]
)
def test_what_is_not_http_is_refused(running: Any, junk: bytes) -> None:
    with running().connect() as client:
        client.sendall(junk)
        assert problem_of(one_answer(client)).startswith("not an HTTP request")
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost : h\r\n\r\n",
    ],
)
def test_ambiguous_requests_are_refused(running: Any, head: bytes) -> None:
    with running().connect() as client:
        client.sendall(head + b"abcde")
        assert one_answer(client)[0] in {400, 413}
        assert client.recv(1) == b""


def test_an_answer_before_a_refusal_is_not_lost(running: Any) -> None:
    server = running()
    with server.connect() as client:
        client.sendall(post(b"fine") + b"nonsense\r\n\r\n")
        assert one_answer(client)[2] == b"POST /x? 4 fine"
        assert one_answer(client)[0] == 400
    assert [answer.status for answer in REFUSED] == [400]


@pytest.mark.parametrize("pieces", [1, 50])
@pytest.mark.parametrize(
    "head",
    [
        b"GET /x HTTP/1.1\r\nhost: h\r\nx: " + b"y" * 3_000,
        b"GET /" + b"x" * 3_000,
        b"GET /x HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(400)),
    ],
)
def test_heads_without_end_are_cut_off(running: Any, head: bytes, pieces: int) -> None:
    head += b" HTTP/1.1\r\n\r\n" if head.startswith(b"GET /xx") else b"\r\n\r\n"
    with running(limits=Limits(head=2_000)).connect() as client:
        size = len(head) // pieces + 1
        for start in range(0, len(head), size):
            client.sendall(head[start : start + size])
            time.sleep(0.002)
        answer = one_answer(client)
        assert answer[0] == 431
        assert problem_of(answer) == "the headers are larger than 2,000 bytes"


def test_many_small_pipelined_heads_are_not_one_large_one(running: Any) -> None:
    with running().connect() as client:
        client.sendall(post() * 100)
        assert {one_answer(client)[0] for _ in range(100)} == {200}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_the_answer_can_be_read(running: Any, chunked: bool) -> None:
    body = b"x" * 300_000
    with running(limits=Limits(body=1_000)).connect() as client:
        if chunked:
            client.sendall(
                b"POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % len(body)
            )
            client.sendall(body)
        else:
            client.sendall(post(body))
        assert (
            problem_of(one_answer(client)) == "the body is larger than 1,000 bytes; send fewer rows at once"
        )
        assert client.recv(1) == b""


def test_all_bodies_together_have_a_limit(running: Any) -> None:
    server = running(limits=Limits(body=1_000, buffered=1_500))
    with server.connect() as first, server.connect() as second:
        first.sendall(post(b"x" * 1_000)[:-1])
        until(lambda: server.server.buffered == 999)
        second.sendall(post(b"x" * 1_000)[:-1])
        answer = one_answer(second)
        assert (answer[0], answer[1]["retry-after"]) == (503, "1")
        assert problem_of(answer) == "too many large bodies at once; try again later"
        first.sendall(b"x")
        assert one_answer(first)[0] == 200
    until(lambda: server.server.buffered == 0)


def test_a_slow_head_a_slow_body_and_idleness_end(running: Any) -> None:
    with running().connect() as head, running().connect() as body, running().connect() as idle:
        head.sendall(b"POST /x HTTP/1.1\r\nhost")
        body.sendall(post(b"abc")[:-1])
        assert problem_of(one_answer(head)) == "the request took too long to arrive"
        assert one_answer(body)[0] == 408
        assert idle.recv(1) == b""


def test_an_answer_that_does_not_come_is_given_up(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as client:
        client.sendall(post())
        assert problem_of(one_answer(client)) == "there was no answer within 1.2 s; try again later"
        server.loop.call_soon_threadsafe(held[0].respond, Answer(200, b"late"))
        client.shutdown(socket.SHUT_WR)
        assert receive(client) == b""


def test_a_client_that_does_not_read_is_given_up(running: Any) -> None:
    server = running(lambda request: request.respond(Answer(200, b"x" * (8 << 20))))
    with server.connect() as client:
        client.sendall(post() * 3)
        until(lambda: not server.server.connections, seconds=10)


def test_a_client_that_reads_slowly_gets_all(running: Any) -> None:
    size = 6 << 20
    server = running(lambda request: request.respond(Answer(200, b"x" * size)), Limits(seconds=20))
    with server.connect() as client:
        client.sendall(post() * 3)
        for _ in range(3):
            time.sleep(0.2)
            assert len(one_answer(client)[2]) == size


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system allows: both ends of a connection are one of this process's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_connections(running: Any) -> None:
    server = running(limits=Limits())
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(1_000)]
    try:
        for client in clients:
            client.sendall(post(b"one of many"))
        assert {one_answer(client)[2] for client in clients} == {b"POST /x? 11 one of many"}
    finally:
        for client in clients:
            client.close()
    until(lambda: not server.server.connections)


def test_one_connection_too_many_is_told_so(running: Any) -> None:
    server = running(limits=Limits(connections=2))
    with server.connect() as first, server.connect() as second, server.connect() as third:
        assert problem_of(one_answer(third)) == "too many connections; try again later"
        for client in (first, second):
            client.sendall(post())
            assert one_answer(client)[0] == 200


def test_a_defect_answers_500_and_others_go_on(running: Any) -> None:
    def fail(request: Request) -> None:
        if request.path == b"/fail":
            raise ZeroDivisionError
        echo(request)

    with running(fail).connect() as client:
        client.sendall(post(path="/fail") + post())
        assert problem_of(one_answer(client)) == "internal error; the log has the traceback"
        assert one_answer(client)[0] == 200


def test_stopping_finishes_what_is_in_flight_and_takes_no_more(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as busy, server.connect() as idle:
        busy.sendall(post(b"last"))
        until(lambda: held)
        stopping = threading.Thread(target=server.stop, args=(10.0,))
        stopping.start()
        until(lambda: server.server.stopping)
        with pytest.raises(ConnectionRefusedError):
            until(lambda: not refused(server.port))
        server.loop.call_soon_threadsafe(held[0].respond, Answer(200, b"done"))
        status, headers, body = one_answer(busy)
        assert (status, body, headers["connection"]) == (200, b"done", "close")
        assert idle.recv(1) == b""
        stopping.join(5)
        assert not stopping.is_alive()


def test_stopping_answers_what_was_sent_behind_what_is_in_flight(running: Any) -> None:
    held: list[Request] = []
    server = running(held.append)
    with server.connect() as client:
        client.sendall(post(b"first") + post(b"second"))
        until(lambda: len(held) == 2)
        stopping = threading.Thread(target=server.stop, args=(10.0,))
        stopping.start()
        until(lambda: server.server.stopping)
        for request in held:
            server.loop.call_soon_threadsafe(request.respond, Answer(200, request.body))
        answers = [one_answer(client) for _ in range(2)]
        assert [(body, headers.get("connection")) for _, headers, body in answers] == [
            (b"first", None),
            (b"second", "close"),
        ]
        stopping.join(5)
        assert not stopping.is_alive()


def test_an_answer_given_up_ends_the_connection_and_says_so(running: Any) -> None:
    server = running(lambda _: None)
    with server.connect() as client:
        client.sendall(post())
        status, headers, _ = one_answer(client)
        assert (status, headers["connection"]) == (503, "close")
        assert client.recv(1) == b""


def refused(port: int) -> bool:
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    return True


def test_stopping_does_not_wait_for_ever(running: Any) -> None:
    server = running(lambda _: None, Limits())
    with server.connect() as client:
        client.sendall(post())
        until(lambda: server.server.buffered == 3)
        began = time.monotonic()
        server.stop(0.3)
        assert time.monotonic() - began < 5
        assert client.recv(1) == b""


def test_a_problem_has_members_of_its_own() -> None:
    answer = problem(400, "row 2 is short", row=2)
    assert json.loads(answer.body) == {
        "title": "Bad Request",
        "status": 400,
        "detail": "row 2 is short",
        "row": 2,
    }
