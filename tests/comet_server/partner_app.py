"""Comet behind the door of a Partner AI App: who calls it has to sign as AWS says, or is turned away.

Written from the specification of Signature Version 4 (AWS, "Create a signed AWS API request"), not from the
library that signs, so that a mistake of that one would be seen.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import parse_qsl, quote, urlsplit

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)
#: may be changed on the way, so that nobody signs them
_UNSIGNED = {"authorization", "connection", "user-agent", "expect", "transfer-encoding"}
_MOVED = "X-Amz-Partner-App-Authorization"


class PartnerApp:
    """Checks each call, and what Comet then sees as the key.

    Attributes
    ----------
    secrets : dict
        Secret keys by access key.
    arn : str
        The app's.
    passed, refused : list of str
        Calls that were signed well, and why others were not.
    """

    def __init__(self, *, arn: str, secrets: dict[str, str]) -> None:
        self.arn = arn
        self.secrets = secrets
        self.passed: list[str] = []
        self.refused: list[str] = []

    def let_in(self, method: str, path: str, headers: Message, body: bytes) -> str | None:
        """The API key of a call that may pass; None where it may not."""
        try:
            self._check(method, path, headers, body)
        except ValueError as error:
            self.refused.append(f"{method} {urlsplit(path).path}: {error}")
            return None
        self.passed.append(f"{method} {urlsplit(path).path}")
        return headers.get(_MOVED, "")

    def _check(self, method: str, path: str, headers: Message, body: bytes) -> None:
        found = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        _require(found, "it is not signed")
        assert found is not None
        access_key, day, region, service, names, signature = found.groups()
        _require(headers.get("X-SageMaker-Partner-App-Server-Arn") == self.arn, "it is for another app")
        _require(headers.get("X-Amz-Target") == "SageMaker.CallPartnerAppApi", "it names another action")
        _require((region, service) == (self.arn.split(":")[3], "sagemaker"), "another region or service")
        _require(access_key in self.secrets, "nobody has this access key")
        stamp = headers.get("X-Amz-Date", "")
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        _require(abs(datetime.now(UTC) - moment) < timedelta(minutes=5), "it is too old")
        _require(stamp.startswith(day), "two dates")
        digest = headers.get("X-Amz-Content-SHA256", "")
        _require(digest in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}, "another body was signed")
        signed = names.split(";")
        needed = {name.lower() for name in headers} - _UNSIGNED
        _require(needed <= set(signed), f"not signed: {sorted(needed - set(signed))}")
        canonical = "\n".join([method, *_canonical_url(path), *_canonical_headers(headers, signed), digest])
        scope = f"{day}/{region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + self.secrets[access_key].encode()
        for part in (day, region, service, "aws4_request"):
            key = _hmac(key, part)
        _require(hmac.compare_digest(_hmac(key, text).hex(), signature), "the signature does not match")


def _canonical_url(path: str) -> list[str]:
    parts = urlsplit(path)
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return [quote(parts.path or "/", safe="/-_.~"), "&".join(f"{name}={value}" for name, value in pairs)]


def _canonical_headers(headers: Message, signed: list[str]) -> list[str]:
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    return [*lines, "", ";".join(signed)]


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _require(holds: object, why: str) -> None:
    if not holds:
        raise ValueError(why)
