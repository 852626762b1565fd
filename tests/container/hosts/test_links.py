"""Connections that end while somebody waits for them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from fraudlab.container.hosts import links as host_links
from fraudlab.container.hosts.links import new_links, watched


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_links, "_GRACE_SECONDS", 0.05)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def connected(listener: socket.socket, opened: ExitStack) -> tuple[socket.socket, socket.socket]:
    here = opened.enter_context(socket.create_connection(listener.getsockname()))
    return here, opened.enter_context(listener.accept()[0])


def test_only_connections_opened_meanwhile_are_links(listener: socket.socket, opened: ExitStack) -> None:
    connected(listener, opened)
    with socket.create_server(("127.0.0.1", 0)) as tracker:
        port = tracker.getsockname()[1]
        with new_links(port) as links:
            here, there = connected(listener, opened)
            connected(tracker, opened)
            for end in socket.socketpair():
                opened.enter_context(end)
            opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            brief, other = connected(listener, opened)
            brief.close()
            other.close()
    assert {link.getsockname() for link in links} == {here.getsockname(), there.getsockname()}
    for link in links:
        link.close()
    here.send(b"still open")
    assert there.recv(99) == b"still open"


@pytest.mark.parametrize("whole", [True, False], ids=["closed", "half-closed"])
def test_a_link_that_ends_while_one_waits(listener: socket.socket, opened: ExitStack, whole: bool) -> None:
    with new_links(0) as links:
        here, there = connected(listener, opened)
    for link in links:
        opened.enter_context(link)
    mine = [link for link in links if link.getsockname() == here.getsockname()]
    heard = threading.Event()
    with watched(mine, apart=threading.Lock(), lost=heard.set):
        there.send(b"what is still in the line does not hide it")
        assert not heard.wait(0.2)
        there.shutdown(socket.SHUT_WR)
        if whole:
            for end in (there, *(link for link in links if link not in mine)):
                end.close()
        assert heard.wait(10)


def test_a_host_that_works_by_itself_is_left_alone(listener: socket.socket, opened: ExitStack) -> None:
    with new_links(0) as links:
        _, there = connected(listener, opened)
    apart, heard = threading.Lock(), threading.Event()
    with watched(links, apart=apart, lost=heard.set):
        with apart:
            there.shutdown(socket.SHUT_WR)
            assert not heard.wait(0.3)
        assert heard.wait(10)


def test_nobody_calls_where_the_block_ends_in_time(
    listener: socket.socket, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_links, "_GRACE_SECONDS", 60)
    with new_links(0) as links:
        _, there = connected(listener, opened)
    heard = threading.Event()
    before = threading.active_count()
    start = time.monotonic()
    with watched(links, apart=threading.Lock(), lost=heard.set):
        there.shutdown(socket.SHUT_WR)
        assert threading.active_count() == before + 1
    with watched([], apart=threading.Lock(), lost=heard.set):
        pass
    assert time.monotonic() - start < 30
    assert not heard.is_set()
    assert threading.active_count() == before
    assert all(link.fileno() == -1 for link in links)
