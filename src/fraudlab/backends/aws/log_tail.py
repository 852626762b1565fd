"""What a job prints, read from CloudWatch Logs while it goes on and for a moment after."""

from __future__ import annotations

import time
from typing import Any

from fraudlab.aws.answers import explained, is_absent, is_passing
from fraudlab.backends.joblog import JobLog

#: GetLogEvents is limited to ten calls per second for the whole account
_PAUSE_SECONDS = 0.15
#: polls after which hosts that began late are looked for again
_LOOK_AGAIN = 5


class LogTail:
    """The log streams whose names begin with a prefix, read from where they were left.

    Parameters
    ----------
    client : boto3 client
        Of ``logs``.
    group : str
    prefix : str
        What the names of the streams begin with: a job's name and ``/``.
    pause_seconds : float
        Between two calls.
    """

    def __init__(
        self, client: Any, *, group: str, prefix: str, pause_seconds: float = _PAUSE_SECONDS
    ) -> None:
        self._client = client
        self._group, self._prefix = group, prefix
        self._pause_seconds = pause_seconds
        self._tokens: dict[str, str | None] = {}
        self._polls = 0
        self._last_call = 0.0
        self._given_up = False

    def read(self, log: JobLog) -> int:
        """Write what has come since the last time to a log, and return how many lines that were.

        A log that cannot be read is no reason to fail: it is said once, and the job is waited for without it.
        """
        if self._given_up:
            return 0
        try:
            if not self._tokens or self._polls % _LOOK_AGAIN == 0:
                self._look()
            self._polls += 1
            return sum(self._stream(name, log) for name in sorted(self._tokens))
        except Exception as error:  # noqa: BLE001  (the job goes on, whatever becomes of its log)
            if is_absent(error) or is_passing(error):
                return 0
            self._given_up = True
            log.keep(f"[fraudlab] {explained(error, doing='Reading the log')}")
            return 0

    def _look(self) -> None:
        self._wait_a_little()
        found = self._client.describe_log_streams(logGroupName=self._group, logStreamNamePrefix=self._prefix)
        for stream in found.get("logStreams", []):
            self._tokens.setdefault(stream["logStreamName"], None)

    def _stream(self, name: str, log: JobLog) -> int:
        """All that is new in one stream; the token of its end is the one that was given."""
        count = 0
        while True:
            token = self._tokens[name]
            self._wait_a_little()
            page = self._client.get_log_events(
                logGroupName=self._group,
                logStreamName=name,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            for event in page.get("events", []):
                log.write(f"{self._host(name)}{event['message']}")
                count += 1
            self._tokens[name] = page.get("nextForwardToken", token)
            if self._tokens[name] == token or not page.get("events"):
                return count

    def _host(self, name: str) -> str:
        """Who speaks, where several hosts do."""
        if len(self._tokens) < 2:
            return ""
        host = name.removeprefix(self._prefix).rpartition("-")[0] or name.removeprefix(self._prefix)
        return f"{host} | "

    def _wait_a_little(self) -> None:
        if (left := self._pause_seconds - (time.monotonic() - self._last_call)) > 0:
            time.sleep(left)
        self._last_call = time.monotonic()
