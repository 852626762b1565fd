"""How ``predict`` asks an endpoint of SageMaker: by its name, in the configured account."""

from __future__ import annotations

import json
import re
import tarfile
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.codes import code_of, told
from fraudlab.cloud.endpoint_states import described
from fraudlab.cloud.made_things import no_such_endpoint
from fraudlab.errors import EndpointError, FraudlabError, RequestTooLarge
from fraudlab.predict.client import IS_IT_OURS, PAUSES

#: bytes that every endpoint of SageMaker takes at once; newer ones take up to 25 MB
MAX_SERVICE_BODY = 6 * 1024 * 1024
_BUSY = {429, 502, 503, 504}
_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")
#: of model.json
_MOST_BYTES = 64 << 20


def is_endpoint_name(text: str) -> bool:
    """Whether a text can be the name of an endpoint of SageMaker, and no URL."""
    return bool(_NAME.fullmatch(text))


class ServiceClient:
    """Sends requests to one endpoint of an account; has the methods of ``client.EndpointClient``.

    Parameters
    ----------
    name : str
        Of the endpoint.
    account : Account
    sleep : callable, optional
        Waits some seconds; default until then, or until :meth:`close`.
    """

    def __init__(
        self, name: str, account: Account, *, sleep: Callable[[float], object] | None = None
    ) -> None:
        self.base = name
        self._account = account
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait

    def close(self) -> None:
        """Stop waiting: requests that would be sent again fail."""
        self._closed.set()

    def model(self) -> dict[str, Any]:
        """``model.json`` of the model that is served, out of the archive that the service serves.

        Raises
        ------
        EndpointError
            Where there is no such endpoint, or its model is none of fraudlab's.
        """
        client = self._account.client("sagemaker")
        endpoint = described(self._account, self.base)
        if endpoint is None:
            raise no_such_endpoint(self._account, self.base)
        if endpoint["EndpointStatus"] not in {"InService", "Updating", "RollingBack", "SystemUpdating"}:
            raise EndpointError(
                f"The endpoint {self.base} is {endpoint['EndpointStatus']}, not in service.",
                fix="wait, or deploy it again: fraudlab deploy RUN --to sagemaker",
            )
        with explained_calls(doing=f"Asking which model {self.base} serves"):
            config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            named = str(config["ProductionVariants"][0]["ModelName"])
            model = client.describe_model(ModelName=named)
        container = model.get("PrimaryContainer") or {}
        return _contract(self._archive(str(container.get("ModelDataUrl") or "")), self.base)

    def max_body(self) -> int:
        """Bytes of a request that every endpoint takes."""
        return MAX_SERVICE_BODY

    def invoke(self, body: bytes, *, attributes: str = "") -> bytes:
        """The scores of rows, CSV for CSV; `attributes` such as ``output=score,reasons`` ask for more.

        Raises
        ------
        RequestTooLarge
            If the endpoint takes fewer at once.
        EndpointError
            If it refuses them, or stays busy.
        """
        for pause in (*PAUSES, None):
            try:
                return self._once(body, attributes)
            except _BusyError as error:
                if pause is None or self._closed.is_set():
                    raise EndpointError(str(error), fix="try again when it has less to do") from error
            self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, body: bytes, attributes: str) -> bytes:
        more = {"CustomAttributes": attributes} if attributes else {}
        runtime = self._account.client("sagemaker-runtime")
        try:
            with explained_calls(doing=f"Asking the endpoint {self.base}"):
                answer = runtime.invoke_endpoint(
                    EndpointName=self.base, Body=body, ContentType="text/csv", Accept="text/csv", **more
                )
                content: bytes = answer["Body"].read()
                return content
        except FraudlabError as error:
            cause = error.__cause__
            if cause is None:
                raise
            if code_of(cause) == "ModelError":
                raise self._refusal(cause) from error
            if code_of(cause) == "ModelNotReadyException":
                raise _BusyError(error.message) from error
            if "length less than or equal" in error.message or (told(cause) and code_of(cause) == "413"):
                raise RequestTooLarge(error.message, fix="send fewer rows at once: --batch-rows") from error
            raise EndpointError(error.message, fix=error.fix) from error

    def _refusal(self, error: BaseException) -> FraudlabError:
        """What the container answered, in its own words."""
        response: dict[str, Any] = getattr(error, "response", {})
        status = int(response.get("OriginalStatusCode") or 500)
        sentence = f"{self.base} answered {status}: {_words(response)}"
        if status == 413:
            return RequestTooLarge(sentence, fix="send fewer rows at once: --batch-rows")
        if status in _BUSY:
            return _BusyError(sentence)
        return EndpointError(
            sentence, fix=f"the log group /aws/sagemaker/Endpoints/{self.base} in CloudWatch says more"
        )

    def _archive(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not key:
            raise EndpointError(f"The model of {self.base} has no archive.", fix=IS_IT_OURS)
        with explained_calls(doing=f"Reading the model of {self.base}"):
            body: bytes = self._account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


class _BusyError(EndpointError):
    """The endpoint has too much to do, or is not ready, and may answer later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fix="try again when it has less to do")


def _contract(archive: bytes, name: str) -> dict[str, Any]:
    """``model.json`` of an archive; nothing of it is unpacked to the disk."""
    try:
        with tarfile.open(fileobj=BytesIO(archive), mode="r:gz") as members:
            for member in members:
                if member.isfile() and member.name.removeprefix("./") == "model.json":
                    file = members.extractfile(member)
                    model = json.loads(file.read(_MOST_BYTES)) if file else None
                    if isinstance(model, dict) and "columns" in model and "threshold" in model:
                        return model
    except (tarfile.TarError, OSError, EOFError, ValueError):
        pass
    raise EndpointError(f"The model of {name} is none of fraudlab's.", fix=IS_IT_OURS)


def _words(response: dict[str, Any]) -> str:
    """The sentence of problem details (RFC 9457), or whatever the container answered."""
    text = str(response.get("OriginalMessage") or response.get("Error", {}).get("Message") or "no words")
    try:
        problem = json.loads(text)
    except ValueError:
        return text[:500]
    return str(problem["detail"]) if isinstance(problem, dict) and "detail" in problem else text[:500]
