"""Who may ask the board, and what every answer carries."""

import asyncio
import json

import pytest

from fraudlab.board.board_app import board_app

PORT = 8090
HERE = {"host": f"127.0.0.1:{PORT}"}


def ask(app, path, *, method="GET", headers=None):
    """Ask an application once, without a socket: status, headers, text."""
    path, _, query = path.partition("?")
    sent = []
    given = HERE if headers is None else headers
    pairs = given.items() if isinstance(given, dict) else given
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
        "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], {n.decode(): v.decode() for n, v in sent[0]["headers"]}, body.decode()


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    record = {"id": "one", "status": "completed", "metrics": {}, "stages": {}, "error": None}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "report.html").write_text("<p>the report</p>")
    return board_app(tmp_path / "runs", tmp_path / "registry", port=PORT)


ADDRESSES = [
    "/",
    "/models",
    "/runs/one",
    "/runs/one/report",
    "/assets/board.js",
    "/compare?run=one",
    "/nothing",
]
LET_IN = {
    "by number": {"host": "127.0.0.1:8090"},
    "by name": {"host": "localhost:8090"},
    "capitals": {"host": "LOCALHOST:8090"},
    "by IPv6": {"host": "[::1]:8090"},
    "its own origin": {**HERE, "origin": "http://127.0.0.1:8090"},
    "a link from elsewhere": {**HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    "typed": {**HERE, "sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    "its own script": {**HERE, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
}
KEPT_OUT = {
    "another name": ({"host": "evil.example:8090"}, 421),
    "a rebound name": ({"host": "127.0.0.1.evil.example:8090"}, 421),
    "another port": ({"host": "127.0.0.1:8091"}, 421),
    "no port": ({"host": "127.0.0.1"}, 421),
    "no name": ({}, 421),
    "two names": ([("host", "127.0.0.1:8090"), ("host", "evil.example")], 421),
    "an address of the network": ({"host": "192.168.1.2:8090"}, 421),
    "another origin": ({**HERE, "origin": "http://evil.example"}, 403),
    "another port's origin": ({**HERE, "origin": "http://127.0.0.1:9000"}, 403),
    "another scheme's origin": ({**HERE, "origin": "https://127.0.0.1:8090"}, 403),
    "no origin that can be named": ({**HERE, "origin": "null"}, 403),
    "a picture elsewhere": ({**HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    "another port's script": ({**HERE, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
}


@pytest.mark.parametrize("kind", LET_IN)
def test_this_machine_is_let_in(app, kind):
    assert ask(app, "/", headers=LET_IN[kind])[0] == 200


@pytest.mark.parametrize("kind", KEPT_OUT)
@pytest.mark.parametrize("address", [*ADDRESSES, "/events", "/runs/one/events"])
def test_others_are_kept_out_of_every_address(app, kind, address):
    headers, status = KEPT_OUT[kind]
    assert ask(app, address, headers=headers)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_written(app, method, address):
    status, headers, _ = ask(app, address, method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_may_load_only_what_is_its_own(app, address):
    _, headers, _ = ask(app, address)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("unsafe-inline" in policy) == ("sandbox allow-scripts" in policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_a_page_from_a_runs_folder_is_shut_off_from_the_board(app):
    status, headers, text = ask(app, "/runs/one/report")
    assert (status, text) == (200, "<p>the report</p>")
    assert headers["content-security-policy"].startswith("sandbox allow-scripts;")


ABSENT = ["/runs/..", "/runs/%2e%2e", "/runs/../one", "/runs/none", "/runs/one/run.json"]


@pytest.mark.parametrize("path", [*ABSENT, "/assets/../door.py", "/assets/board.html"])
def test_what_is_not_there_is_not_there(app, path):
    status, _, text = ask(app, path)
    assert status == 404
    assert "<h1>Not found</h1>" in text


def test_a_report_that_is_a_link_leads_nowhere(app, tmp_path):
    (tmp_path / "secret").write_text("a secret")
    report = tmp_path / "runs" / "one" / "report.html"
    report.unlink()
    report.symlink_to(tmp_path / "secret")
    assert ask(app, "/runs/one/report")[0] == 404
