"""Comet as a Partner AI App of SageMaker, whose calls are signed with AWS credentials.

``AWS_PARTNER_APP_AUTH``, ``AWS_PARTNER_APP_ARN`` and ``AWS_PARTNER_APP_URL`` are AWS's own names, which other
Partner AI Apps read too. The SDK signs wherever the first is set at all, ``false`` included, and does not
read the last; here a no is a no, and the address becomes the SDK's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

AUTH, ARN, URL = "AWS_PARTNER_APP_AUTH", "AWS_PARTNER_APP_ARN", "AWS_PARTNER_APP_URL"
_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0", ""})
#: as the signing library and AWS's API reference have it
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:partner-app/.+")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_partner_app(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether calls to Comet are signed."""
    return environment.get(AUTH, "").strip().lower() not in _NO


def partner_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address that ``AWS_PARTNER_APP_URL`` makes the SDK's; None where it is not given.

    AWS gives the host alone; Comet's interface is below ``/clientlib/`` there, as on any server of Comet's.
    """
    url = environment.get(URL, "").strip()
    if not url or not is_partner_app(environment):
        return None
    return urljoin(url, "/clientlib/") if urlsplit(url).path in ("", "/") else url


def partner_problems(
    environment: Mapping[str, str] = os.environ, *, key_server: str = "", override: str | None = None
) -> list[str]:
    """All that keeps calls from being signed for the right app, a sentence's middle for each.

    Parameters
    ----------
    environment : mapping
        The process's.
    key_server : str
        The address that the API key carries; empty where it carries none.
    override : str or None
        What ``COMET_URL_OVERRIDE`` says, in the environment or a file of Comet's.
    """
    said = environment.get(AUTH, "").strip().lower()
    if not is_partner_app(environment):
        return []
    problems = [] if said in _YES else [f"{AUTH}={said} is neither true nor false"]
    arn = environment.get(ARN, "").strip()
    if not arn:
        problems.append(f"{AUTH} is set, and {ARN} is not")
    elif not _ARN.fullmatch(arn):
        problems.append(f"{ARN} is not arn:aws:sagemaker:REGION:ACCOUNT:partner-app/ID")
    return problems + _address_problems(environment, key_server=key_server, override=override)


def _address_problems(environment: Mapping[str, str], *, key_server: str, override: str | None) -> list[str]:
    url = environment.get(URL, "").strip()
    if not (url or key_server or override):
        return [f"{AUTH} is set, and neither {URL} nor the API key says where the app is"]
    given = {URL: url, "COMET_URL_OVERRIDE": override or "", "COMET_API_KEY": key_server}
    hosts = {name: _host(address) for name, address in given.items() if address}
    unusable = [f"{name} is no https address" for name, host in hosts.items() if not host]
    if not unusable and len(set(hosts.values())) > 1:
        return [" and ".join(hosts) + " name different servers"]
    return unusable


def _host(address: str) -> str:
    """The host and port of an address that may be signed for; empty where it is none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return f"{host}:{port or {'https': 443}.get(parts.scheme, 80)}" if host and is_safe else ""


def tell_sdk() -> None:
    """Give the SDK what it does not read by itself, before it is asked for anything."""
    if not is_partner_app():
        os.environ.pop(AUTH, None)
        return
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")  # what signs is part of the SageMaker SDK
    if address := partner_address():
        os.environ.setdefault("COMET_URL_OVERRIDE", address)
