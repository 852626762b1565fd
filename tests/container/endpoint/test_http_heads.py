"""Heads that offer another protocol, name no host or two, and what comes behind a body: over real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import Answer, Request
from fraudlab.container.endpoint.limits import Limits

from ..wire import Running, one_answer, receive, until

LIMITS = Limits(body=1_000, head=2_000, buffered=1_500, connections=50)
#: as the JDK's HttpClient writes it
JDK = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
OFFERS = {
    "jdk": JDK,
    "curl": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "upgrade first": b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "several": b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c, websocket, foo/2\r\n",
    "tls": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "upper case": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n",
    "two lines": b"Connection: HTTP2-Settings\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: x\r\n",
    "nothing": b"Connection: Upgrade\r\nUpgrade: \r\n",
    "without the word": b"Upgrade: h2c\r\n",
    "without the offer": b"Connection: Upgrade\r\n",
}
BODIES = {
    "length": b"content-length: 5\r\n\r\nabcde",
    "chunks": b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    "trailers": b"transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nx-late: yes\r\n\r\n",
}


def echo(request: Request) -> None:
    late = b" late" if b"x-late" in request.headers else b""
    shown = b"%b %b %b%b" % (request.method, request.path, request.body, late)
    request.respond(Answer(200, shown, "text/plain"))


@pytest.fixture
def server() -> Iterator[Running]:
    running = Running(lambda: Server(echo, LIMITS))
    yield running
    running.close()


def head(path: bytes = b"/x", method: bytes = b"POST") -> bytes:
    return b"%b %b HTTP/1.1\r\nhost: h\r\n" % (method, path)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_an_offer_of_another_protocol_is_ignored(server: Running, offer: bytes, body: bytes) -> None:
    with server.connect() as client:
        client.sendall((head(b"/1") + offer + body + head(b"/2") + offer + body) * 2 + head(b"/3") + body)
        answers = [one_answer(client) for _ in range(5)]
        assert [answer[2] for answer in answers] == [b"POST /%d abcde" % number for number in (1, 2, 1, 2, 3)]
        assert {answer[0] for answer in answers} == {200}
        assert not any("close" in answer[1].get("connection", "") for answer in answers)
    until(lambda: not server.server.connections)
    assert server.server.buffered == 0


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_offer_in_single_bytes_is_ignored(server: Running, body: bytes) -> None:
    with server.connect() as client:
        for byte in head() + JDK + body + head(b"/next") + body:
            client.sendall(bytes([byte]))
        assert [one_answer(client)[2] for _ in range(2)] == [b"POST /x abcde", b"POST /next abcde"]


def test_offers_without_a_body(server: Running) -> None:
    with server.connect() as client:
        client.sendall((head(method=b"GET") + JDK + b"\r\n") * 20 + head(b"/y", b"GET") + b"\r\n")
        assert [one_answer(client)[2] for _ in range(21)] == [b"GET /x "] * 20 + [b"GET /y "]


def test_a_body_behind_an_offer_is_no_request(server: Running) -> None:
    inner = head(b"/smuggled", b"GET") + b"\r\n"
    with server.connect() as client:
        client.sendall(head() + JDK + b"content-length: %d\r\n\r\n" % len(inner) + inner)
        client.sendall(head(b"/last", b"GET") + b"connection: close\r\n\r\n")
        answers = receive(client)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert b"POST /x " + inner in answers
    assert answers.endswith(b"GET /last ")


def test_a_client_that_offers_and_expects_gets_its_100(server: Running) -> None:
    with server.connect() as client:
        client.sendall(head() + JDK + b"expect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        assert one_answer(client)[0] == 100
        client.sendall(b"abcde")
        assert one_answer(client)[:3:2] == (200, b"POST /x abcde")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_offer_does_not_change_when_the_connection_ends(server: Running, version: str) -> None:
    begin = f"GET /x HTTP/{version}\r\nhost: h\r\nupgrade: h2c\r\nconnection: ".encode()
    with server.connect() as client:
        client.sendall(begin + b"close, upgrade\r\n\r\n")
        assert receive(client).endswith(b"connection: close\r\n\r\nGET /x ")
    with server.connect() as client:
        client.sendall(begin + b"upgrade, keep-alive\r\n\r\n")
        assert one_answer(client)[1]["connection"] == "keep-alive"
    if version == "1.0":
        with server.connect() as client:
            client.sendall(begin + b"upgrade\r\n\r\n")
            assert receive(client).endswith(b"connection: close\r\n\r\nGET /x ")


@pytest.mark.parametrize(
    "frame",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"transfer-encoding: gzip\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n",
        b"content-length: 5000\r\n",
    ],
)
def test_behind_an_offer_the_frame_is_checked_as_ever(server: Running, frame: bytes) -> None:
    with server.connect() as client:
        client.sendall(head() + JDK + frame + b"\r\nabcde" + head(b"/smuggled", b"GET") + b"\r\n")
        assert one_answer(client)[0] in {400, 413}
        assert client.recv(1) == b""


def test_behind_an_offer_the_limits_hold(server: Running) -> None:
    with server.connect() as client:
        client.sendall(head() + JDK + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % 3_000 + b"x" * 3_000)
        assert one_answer(client)[0] == 413
    with server.connect() as client:
        client.sendall(head() + JDK + b"\r\n" + head() + b"x: " + b"y" * 3_000 + b"\r\n\r\n")
        assert [one_answer(client)[0] for _ in range(2)] == [200, 431]


def test_a_tunnel_is_not_opened(server: Running) -> None:
    with server.connect() as client:
        client.sendall(b"CONNECT h:80 HTTP/1.1\r\nhost: h\r\n\r\n" + head(b"/smuggled", b"GET") + b"\r\n")
        answers = receive(client)
    assert answers.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answers


@pytest.mark.parametrize(
    ("request_line", "hosts", "status"),
    [
        (b"GET /x HTTP/1.1", b"", 400),
        (b"GET /x HTTP/1.1", b"host: a\r\nHOST: a\r\n", 400),
        (b"GET /x HTTP/1.1", b"host: a\r\nhost: b\r\n", 400),
        (b"GET /x HTTP/1.0", b"host: a\r\nhost: b\r\n", 400),
        (b"GET /x HTTP/1.1", JDK, 400),
        (b"GET /x HTTP/1.1", b"Host: a\r\n", 200),
        (b"GET /x HTTP/1.1", b"host:\r\n", 200),
        (b"GET /x HTTP/1.0", b"", 200),
        (b"GET http://a/x HTTP/1.1", b"host: a\r\n", 200),
        (b"GET http://a/x HTTP/1.1", b"", 400),
    ],
)
def test_a_request_names_one_host(server: Running, request_line: bytes, hosts: bytes, status: int) -> None:
    with server.connect() as client:
        client.sendall(b"%b\r\n%b\r\n" % (request_line, hosts))
        answer = one_answer(client)
        assert answer[0] == status
        if status == 400:
            assert b"Host header" in answer[2]
            assert client.recv(1) == b""


@pytest.mark.parametrize(
    "target", [b"http://h:8080/x", b"HTTP://h/x?y", b"https://user@[::1]/x", b"/x?http://h/"]
)
def test_a_target_may_be_a_whole_address(server: Running, target: bytes) -> None:
    with server.connect() as client:
        client.sendall(b"GET %b HTTP/1.1\r\nhost: h\r\n\r\nOPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n" % target)
        assert one_answer(client)[2] == b"GET /x "
        assert one_answer(client)[2] == b"OPTIONS * "


def test_an_address_without_a_path_is_the_root(server: Running) -> None:
    with server.connect() as client:
        client.sendall(
            b"GET http://h HTTP/1.1\r\nhost: h\r\n\r\nGET http://h?a=/b HTTP/1.1\r\nhost: h\r\n\r\n"
        )
        assert [one_answer(client)[2] for _ in range(2)] == [b"GET / "] * 2


def test_what_comes_behind_a_body_changes_no_header_and_has_a_limit(server: Running) -> None:
    begin = head() + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    with server.connect() as client:
        client.sendall(begin + b"x-late: yes\r\n\r\n")
        assert one_answer(client)[2] == b"POST /x a"
    with server.connect() as client:
        client.sendall(begin)
        until(lambda: server.server.buffered == 1)
        for _ in range(30):
            client.sendall(b"x-late: %b\r\n" % (b"y" * 100))
        answer = one_answer(client)
        assert answer[0] == 431
        assert b"what frames the body is larger than 2,000 bytes" in answer[2]


def test_small_chunks_are_not_a_large_frame(server: Running) -> None:
    with server.connect() as client:
        client.sendall(head() + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(900):
            client.sendall(b"1\r\na\r\n")
        client.sendall(b"0\r\n\r\n")
        assert one_answer(client)[2] == b"POST /x " + b"a" * 900


@pytest.mark.parametrize(
    "behind",
    [b"no request", head(b"/next") + BODIES["length"], head(b"/next") + b"content-length: -1\r\n\r\n"],
    ids=["no request", "a request", "a broken one"],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_what_comes_in_one_piece_behind_the_last_request_changes_nothing(
    server: Running, behind: bytes, version: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    request = b"GET /last HTTP/%b\r\nhost: h\r\nconnection: close\r\n\r\n" % version
    with server.connect() as client:
        client.sendall(request + behind)
        answers = receive(client)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.endswith(b"GET /last ")
    until(lambda: not server.server.connections)
    assert (server.server.buffered, server.server.heads) == (0, 0)
    assert not caplog.records  # an exception in a callback of the event loop


@pytest.mark.parametrize(
    ("version", "expected", "answers"),
    [
        ("1.1", "100-continue", [b"100", b"200"]),
        ("1.1", "100-Continue", [b"100", b"200"]),
        ("1.0", "100-continue", [b"200"]),
        ("1.1", "chicken", [b"200"]),
    ],
)
def test_who_expects_100_continue_is_told_so(
    server: Running, version: str, expected: str, answers: list[bytes]
) -> None:
    lines = f"POST / HTTP/{version}\r\nhost: h\r\nexpect: {expected}\r\nconnection: close\r\n"
    with server.connect() as client:
        client.sendall(lines.encode() + BODIES["length"])
        assert [part.split()[0] for part in receive(client).split(b"HTTP/1.1 ")[1:]] == answers


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"content-type: text/csv\r\ncontent-type: text/csv\r\n", 200),
        (b"content-type: text/csv\r\nContent-Type: application/json\r\n", 400),
        (b"x-amzn-sagemaker-custom-attributes: a=%b\r\n" * 2 % (b"1", b"2"), 400),
        (b"accept: text/csv\r\naccept: application/json\r\n", 200),
    ],
)
def test_headers_that_contradict_each_other_are_refused(server: Running, lines: bytes, status: int) -> None:
    with server.connect() as client:
        client.sendall(head() + lines + BODIES["length"])
        assert one_answer(client)[0] == status


def test_lists_in_several_lines_are_one(server: Running) -> None:
    heard = []
    server.server._handle = lambda request: (heard.append(request.headers), echo(request))[1]
    with server.connect() as client:
        client.sendall(head() + b"accept: a/b\r\naccept: c/d\r\n" + BODIES["length"])
        assert one_answer(client)[0] == 200
    assert heard[0][b"accept"] == b"a/b, c/d"


@pytest.mark.parametrize("ending", [b"\r\ncontent-length: 5\r\n\r\na", b""], ids=["slow body", "slow head"])
def test_heads_that_wait_have_a_limit_and_short_ones_are_taken(ending: bytes) -> None:
    limits = Limits(head=20_000, heads=30_000)
    running = Running(lambda: Server(echo, limits))
    try:
        long = head() + b"x: " + b"a" * 9_000 + ending
        with running.connect() as a, running.connect() as b, running.connect() as c, running.connect() as d:
            for held, client in enumerate((a, b, c), 1):
                client.sendall(long)
                until(lambda held=held: running.server.heads > held * 9_000)  # type: ignore[misc]
            d.sendall(long)
            assert one_answer(d)[0] == 503
            with running.connect() as short:
                for piece in (head(b"/short"), BODIES["length"]):
                    short.sendall(piece)
                assert one_answer(short)[2] == b"POST /short abcde"
        until(lambda: not running.server.connections)
        assert (running.server.buffered, running.server.heads) == (0, 0)
    finally:
        running.close()


@pytest.mark.parametrize("end", [b"\r\n", b""], ids=["complete", "incomplete"])
def test_a_request_has_a_bounded_number_of_headers(end: bytes) -> None:
    running = Running(lambda: Server(echo))
    try:
        with running.connect() as client:
            client.sendall(
                head(method=b"GET") + b"".join(b"x%d:\r\n" % number for number in range(600)) + end
            )
            status, _, body = one_answer(client)
        assert (status, b"more than 500 headers" in body) == (431, True)
    finally:
        running.close()
