"""Answers of AWS without what tells whose account it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fraudlab.aws.call_record import AnsweredCall
from fraudlab.redaction import hide

_SECRETS = re.compile(
    r"(?i)secret|token|password|accesskeyid|signature|credential|presigned|uploadurl|owner|displayname|^user"
)
_PAGES = {
    "NextToken",
    "nextForwardToken",
    "nextBackwardToken",
    "NextContinuationToken",
    "uploadSequenceToken",
}
_SIGNED = re.compile(r"\?X-Amz-[^\s\"']+")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_KEY = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


def scrubbed(call: AnsweredCall, names: Mapping[str, str]) -> dict[str, Any]:
    """One call as a line of a file.

    Parameters
    ----------
    call : AnsweredCall
    names : mapping of str to str
        What of this account stands in answers, by what is written in its place: a bucket's name, a person's.

    Returns
    -------
    dict
        ``service``, ``operation``, ``status``, ``code``, ``answer``. Without account ids, keys, tokens,
        addresses, request ids and HTTP headers; moments are texts of ISO 8601.
    """
    answer = {key: value for key, value in call.answer.items() if key != "ResponseMetadata"}
    longest_first = sorted(
        ((name, put) for name, put in names.items() if name), key=lambda pair: -len(pair[0])
    )
    return {
        "service": call.service,
        "operation": call.operation,
        "status": call.status,
        "code": call.code,
        "answer": hide(_clean(answer, longest_first)),
    }


def _clean(value: Any, names: Iterable[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): "***" if _is_secret(str(key), inner) else _clean(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(inner, names) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if not isinstance(value, str):
        return value
    for name, put in names:
        value = value.replace(name, put)
    for pattern, put in (
        (_SIGNED, "?***"),
        (_ACCOUNT, "ACCOUNT"),
        (_KEY, "KEY"),
        (_UUID, "UUID"),
        (_ADDRESS, "ADDRESS"),
    ):
        value = pattern.sub(put, value)
    return value


def _is_secret(key: str, value: Any) -> bool:
    return isinstance(value, str) and (key in _PAGES or _SECRETS.search(key) is not None)
