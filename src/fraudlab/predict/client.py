"""How ``predict`` asks an endpoint: where it is busy or does not answer, it is asked again for a while."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

from fraudlab.errors import ConfigError, EndpointError, RequestTooLarge
from fraudlab.stages.scoring import MAX_BODY

#: seconds between one try and the next: long enough for a restart, short enough for a person who waits
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
#: seconds after which an endpoint is asked again that named a longer time
_MAX_PAUSE = 15.0
_BUSY = {429, 502, 503, 504}
_SECONDS = 60.0
_START = "start one with `docker compose up` or `fraudlab serve`"
#: what is asked of whoever names an endpoint that answers as none of ours does
IS_IT_OURS = "is this a fraudlab endpoint?"


class EndpointClient:
    """Sends requests to one endpoint.

    Parameters
    ----------
    endpoint : str
        Base URL, such as ``http://localhost:8080``; ``/invocations`` at its end is taken away.
    sleep : callable, optional
        Waits some seconds; default until then, or until :meth:`close`.

    Raises
    ------
    ConfigError
        If it is no URL.
    """

    def __init__(self, endpoint: str, *, sleep: Callable[[float], object] | None = None) -> None:
        from urllib3 import PoolManager

        parts = urlparse(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigError(
                f"--endpoint {endpoint!r} is not a URL.",
                fix="for example --endpoint http://localhost:8080, the name of an endpoint of SageMaker, "
                "or a version of the registry: NAME:production",
            )
        self.base = endpoint.removesuffix("/invocations").rstrip("/")
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._pool = PoolManager(maxsize=4, retries=False, timeout=_SECONDS)

    def close(self) -> None:
        """Stop waiting: requests that would be sent again fail."""
        self._closed.set()

    def model(self) -> dict[str, Any]:
        """``model.json`` of the model that is served.

        Raises
        ------
        EndpointError
            If nobody answers, or something that is no fraudlab endpoint.
        """
        body = self._send("GET", "/model", first=True)
        try:
            model = json.loads(body)
        except ValueError:
            model = None
        if not isinstance(model, dict) or "columns" not in model or "threshold" not in model:
            raise EndpointError(f"{self.base}/model is no model.", fix=IS_IT_OURS)
        return model

    def max_body(self) -> int:
        """Bytes the endpoint takes at once, as it says itself."""
        try:
            said = json.loads(self._send("GET", "/execution-parameters"))["MaxPayloadInMB"]
        except (EndpointError, ValueError, TypeError, KeyError):
            return MAX_BODY
        return said << 20 if type(said) is int and said > 0 else MAX_BODY

    def invoke(self, body: bytes, *, attributes: str = "") -> bytes:
        """The scores of rows, CSV for CSV; `attributes` such as ``output=score,reasons`` ask for more.

        Raises
        ------
        RequestTooLarge
            If the endpoint takes fewer at once.
        EndpointError
            If it refuses them, or does not answer, however often it is asked.
        """
        return self._send("POST", "/invocations", body, attributes=attributes)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        attributes: str = "",
        first: bool = False,
    ) -> bytes:
        from urllib3.exceptions import HTTPError

        headers = {"Content-Type": "text/csv", "Accept": "text/csv"} if body is not None else {}
        if attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = attributes
        for pause in (*PAUSES, None):
            asked = 0.0
            try:
                answer = self._pool.request(method, self.base + path, body=body, headers=headers)
            except HTTPError as error:
                if first:
                    raise EndpointError(f"No endpoint answers on {self.base}.", fix=_START) from error
                if pause is None or self._closed.is_set():
                    raise self._gone(error) from error
            else:
                if answer.status == 200:
                    return answer.data
                if answer.status not in _BUSY or pause is None or self._closed.is_set():
                    raise self._refusal(path, answer.status, answer.data, answer.headers)
                asked = _seconds(answer.headers.get("retry-after"))
            self._sleep(max(pause or 0.0, asked))
        raise AssertionError("the last try returns or raises")

    def _gone(self, error: Exception) -> EndpointError:
        return EndpointError(
            f"The endpoint on {self.base} does not answer any more"
            f" (asked {len(PAUSES) + 1} times in {sum(PAUSES):.0f} seconds): {type(error).__name__}.",
            fix="look at its log for why it ended, start it again, and repeat",
        )

    def _refusal(self, path: str, status: int, body: bytes, headers: Any) -> EndpointError:
        problem = _problem(body)
        sentence = f"{self.base}{path} answered {status}: {_reason(problem, body)}"
        if status == 413:
            return RequestTooLarge(sentence, fix="send fewer rows at once: --batch-rows")
        if status in _BUSY:
            return EndpointError(sentence, fix="try again when it has less to do")
        # Problem details (RFC 9457) are how our endpoint refuses.
        ours = problem is not None and "problem+json" in headers.get("content-type", "")
        return EndpointError(sentence, fix="the endpoint's log says more" if ours else IS_IT_OURS)


def _problem(body: bytes) -> dict[str, Any] | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) and "detail" in problem else None


def _reason(problem: dict[str, Any] | None, body: bytes) -> str:
    """The sentence of a problem, or what was answered instead."""
    return str(problem["detail"]) if problem else body.decode(errors="replace")[:500]


def _seconds(retry_after: str | None) -> float:
    if retry_after is None or not retry_after.strip().isdecimal():
        return 0.0
    return min(float(retry_after), _MAX_PAUSE)
