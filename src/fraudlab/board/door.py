"""Who may ask the board: this machine, by a name that is its own, and only to read.

A page of another site can send requests to a loopback port, and by DNS rebinding even under a name of its
own: so Host and Origin are looked at before anything else (RFC 9110, 7.2; the Fetch standard, 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost", "[::1]")
#: of the board's own pages; those that stand alone bring their own script, and are shut off from all others
OWN_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STANDING_ALONE = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Door:
    """Lets requests in, or refuses them, and gives every answer its headers.

    Parameters
    ----------
    app : ASGIApp
    port : int
        That the board listens on.
    """

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = refused(scope["method"], Headers(scope=scope), self._hosts)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.decode() for name, _ in message["headers"]}
                more = {**_HEADERS, "content-security-policy": OWN_PAGES}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in more.items() if name not in given),
                ]
            await send(message)

        await self._app(scope, receive, answered)


def refused(method: str, headers: Headers, hosts: Iterable[str]) -> PlainTextResponse | None:
    """Why a request is not let in; None where it is.

    Parameters
    ----------
    method : str
    headers : Headers
    hosts : iterable of str
        What the board is called.
    """
    known = set(hosts)
    asked = headers.getlist("host")
    if len(asked) != 1 or asked[0].lower() not in known:
        return PlainTextResponse("This is not the name of the board: use 127.0.0.1.\n", status_code=421)
    origins = headers.getlist("origin")
    if any(origin.lower() not in {f"http://{host}" for host in known} for origin in origins):
        return PlainTextResponse("The board answers no page of another site.\n", status_code=403)
    # a link from anywhere may open a page of the board; a script, picture or frame of another site may not
    elsewhere = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    if elsewhere and headers.get("sec-fetch-mode") != "navigate":
        return PlainTextResponse("The board answers no page of another site.\n", status_code=403)
    if method not in {"GET", "HEAD"}:
        return PlainTextResponse(
            "The board only reads: nothing is written through it.\n",
            status_code=405,
            headers={"allow": "GET, HEAD"},
        )
    return None
