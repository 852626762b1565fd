"""An endpoint of SageMaker that is asked for scores, and the reason where it does not come up."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fraudlab.api_requests import Request
from fraudlab.aws.account import Account
from fraudlab.aws.answers import code_of, explained, is_of_boto3, message_of
from fraudlab.backends.aws.log_tail import LogTail
from fraudlab.backends.deployment import TimeLimit, deployed
from fraudlab.backends.endpoint import Endpoint
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import EndpointError

_POLL_SECONDS = 5.0
_REHEARSED_POLL_SECONDS = 0.2


class _Refused(io.BytesIO):
    """What a container answered that did not answer with scores."""

    def __init__(self, content: bytes, status: int) -> None:
        super().__init__(content)
        self.status = status


class ServiceRuntime:
    """boto3's ``sagemaker-runtime`` client, whose errors are answers of the container or have a fix.

    Parameters
    ----------
    client
    limit : TimeLimit, optional
        By when the last request has to be sent.
    """

    def __init__(self, client: Any, *, limit: TimeLimit | None = None) -> None:
        self._client, self._limit = client, limit

    def invoke_endpoint(
        self, *, Body: bytes, EndpointName: str, ContentType: str, Accept: str
    ) -> dict[str, Any]:
        """Send one request to an endpoint; see :class:`fraudlab.backends.endpoint.Runtime`."""
        if self._limit is not None:
            self._limit.check("not done with its rows")
        try:
            answer: dict[str, Any] = self._client.invoke_endpoint(
                Body=Body, EndpointName=EndpointName, ContentType=ContentType, Accept=Accept
            )
        except Exception as error:
            if code_of(error) == "ModelError":
                told = error.response  # type: ignore[attr-defined]
                words = str(told.get("OriginalMessage") or message_of(error)).encode()
                return {"Body": _Refused(words, int(told.get("OriginalStatusCode", 500)))}
            if code_of(error) == "ValidationError" and "length" in message_of(error):
                return {"Body": _Refused(message_of(error).encode(), 413)}
            if not is_of_boto3(error):
                raise
            found = explained(error, doing=f"Asking the endpoint {EndpointName}")
            raise EndpointError(found.message, fix=found.fix) from error
        return answer


@contextmanager
def service_endpoint(
    account: Account,
    *,
    model: Request,
    endpoint_config: Request,
    endpoint: Request,
    log: JobLog,
    rehearsed: bool,
    limit: TimeLimit,
) -> Iterator[Endpoint]:
    """Deploy a model for the length of a ``with`` block; what its container printed comes into a log.

    Raises
    ------
    EndpointError
        Where it does not come into service, or has not scored all rows by its time limit.
    """
    tail = LogTail(
        account.client("logs"),
        group=f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}",
        prefix="",
        pause_seconds=0.0 if rehearsed else 0.15,
    )
    try:
        with deployed(
            account.client("sagemaker"),
            ServiceRuntime(account.client("sagemaker-runtime"), limit=limit),
            model=model,
            endpoint_config=endpoint_config,
            endpoint=endpoint,
            poll_seconds=_REHEARSED_POLL_SECONDS if rehearsed else _POLL_SECONDS,
            limit=limit,
        ) as found:
            try:
                yield found
            finally:
                tail.read(log)
    except Exception as error:
        tail.read(log)
        if not is_of_boto3(error):
            raise
        notes = "; ".join(getattr(error, "__notes__", []))
        told = explained(error, doing=f"Deploying {endpoint['EndpointName']}")
        told.fix = f"{told.fix}; {notes}" if notes else told.fix
        raise told from error
