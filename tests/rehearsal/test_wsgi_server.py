"""What a server of HTTP has to say while a request is still on its way."""

from __future__ import annotations

import socket
import threading

from fraudlab.rehearsal.wsgi_server import WsgiServer


def test_a_client_that_asks_whether_it_may_send_its_body_is_told_so_before():
    def application(environ, start):
        body = environ["wsgi.input"].read()
        start("200 OK", [("Content-Type", "text/plain")])
        return [body]

    server = WsgiServer("127.0.0.1", 0, application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server, socket.create_connection(server.server_address, timeout=30) as client:
        client.sendall(
            b"PUT /bucket/key HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n"
        )
        answers = client.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert answers.readline() == b"\r\n"
        client.sendall(b"hello")
        rest = answers.read()
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
        assert rest.endswith(b"\r\n\r\nhello")
        server.shutdown()
