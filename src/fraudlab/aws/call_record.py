"""What an account answered, call by call, for those who ask for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: what is taken down at the moment; clients are made in many threads, so that a context variable would not do
_recording: list[CallRecord] = []


@dataclass(frozen=True)
class AnsweredCall:
    """One call and what came back.

    Attributes
    ----------
    service, operation : str
        As boto3 calls them: ``"sagemaker"``, ``"CreateTrainingJob"``.
    status : int
        Of HTTP.
    code : str
        Of the error; empty where there was none.
    answer : mapping
        As boto3 gives it, without the content of objects.
    """

    service: str
    operation: str
    status: int
    code: str
    answer: Mapping[str, Any]


@dataclass
class CallRecord:
    """Every answered call, in order."""

    calls: list[AnsweredCall] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: AnsweredCall) -> None:
        """Append one."""
        with self._lock:
            self.calls.append(call)


@contextmanager
def recording(record: CallRecord) -> Iterator[None]:
    """Within this, what the clients of every account are answered goes into a record."""
    _recording.append(record)
    try:
        yield
    finally:
        _recording.remove(record)


def listened_to(client: Any) -> Any:
    """The client, whose answers go into what is being recorded."""

    def answered(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        if not _recording:
            return
        call = AnsweredCall(
            model.service_model.service_name,
            model.name,
            int(http_response.status_code),
            str(parsed.get("Error", {}).get("Code", "")),
            # a stream is read by whoever asked, and once
            {key: value for key, value in parsed.items() if not hasattr(value, "read")},
        )
        for record in _recording:
            record.add(call)

    client.meta.events.register("after-call", answered)
    return client
