"""Who may not ask: web pages of other sites, in whatever browser runs on this machine.

A browser lets any page send requests to loopback, and says so: in ``Origin``, or in ``Sec-Fetch-Site``.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fraudlab.rehearsal.api_call import ApiReply
from fraudlab.rehearsal.wsgi_server import Environ


def refusal(environ: Environ) -> ApiReply | None:
    """The answer to a request that nobody but a web page sends, or that is for moto itself; else None."""
    path = environ["PATH_INFO"]
    if path.startswith(("/moto-api", "/latest/")) or path == "/favicon.ico":
        return _said(404, "This is no part of AWS's API.")
    if _of_a_page(environ):
        return _said(
            403, "A rehearsal answers no web page: use a client of AWS, such as boto3 or the AWS CLI."
        )
    return None


def _of_a_page(environ: Environ) -> bool:
    host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
    if origin is not None:
        return urlsplit(origin).netloc != host or not _is_fixed(host)
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    return site in ("cross-site", "same-site") or (site == "same-origin" and not _is_fixed(host))


def _is_fixed(host: str) -> bool:
    """Whether a host is one that no page's owner can let point here: an address, or localhost."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return True


def _said(status: int, text: str) -> ApiReply:
    body = f"{text}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return ApiReply(status, body, headers)
