"""A deployed model that can be asked for scores."""

from __future__ import annotations

from typing import Any, Protocol

from fraudlab.errors import EndpointError, RequestTooLarge


class Runtime(Protocol):
    """The method of boto3's ``sagemaker-runtime`` client that a run uses."""

    def invoke_endpoint(
        self, *, Body: bytes, EndpointName: str, ContentType: str, Accept: str
    ) -> dict[str, Any]: ...


class Endpoint:
    """A deployed model that can be asked for scores.

    Parameters
    ----------
    name : str
        Of the endpoint.
    runtime : Runtime
        What carries its requests.
    """

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.name = name
        self._runtime = runtime

    def invoke(self, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Send one request.

        Raises
        ------
        RequestTooLarge
            Where it has too many bytes or rows.
        EndpointError
            Where the endpoint refuses the request, with its own words, or does not answer.
        """
        from urllib3.exceptions import HTTPError

        try:
            answer = self._runtime.invoke_endpoint(
                Body=body, EndpointName=self.name, ContentType=content_type, Accept=accept
            )
            stream = answer["Body"]
            content: bytes = stream.read()
        except (HTTPError, OSError) as error:  # it may die in the middle of its answer
            raise EndpointError(
                f"The endpoint does not answer: {error}", fix="read logs/serve.log of the run"
            ) from error
        status = getattr(stream, "status", 200)
        if status != 200:
            words = content.decode(errors="replace")[:500]
            kind = RequestTooLarge if status == 413 else EndpointError
            raise kind(f"The endpoint answered {status}: {words}", fix="read logs/serve.log of the run")
        return content
