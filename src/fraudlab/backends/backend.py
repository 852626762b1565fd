"""A backend: a client that takes SageMaker requests, and where its files, image and endpoint are."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from fraudlab.api_requests import Placement, Request
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import EndpointError, RequestTooLarge


class Client(Protocol):
    """The methods of boto3's ``sagemaker`` client that a run uses, with their keyword arguments."""

    def create_processing_job(self, **request: Any) -> Any: ...
    def create_training_job(self, **request: Any) -> Any: ...
    def describe_training_job(self, TrainingJobName: str) -> Any: ...
    def create_model(self, **request: Any) -> Any: ...
    def create_endpoint_config(self, **request: Any) -> Any: ...
    def create_endpoint(self, **request: Any) -> Any: ...
    def delete_endpoint(self, EndpointName: str) -> Any: ...
    def delete_endpoint_config(self, EndpointConfigName: str) -> Any: ...
    def delete_model(self, ModelName: str) -> Any: ...


class Runtime(Protocol):
    """The method of boto3's ``sagemaker-runtime`` client that a run uses."""

    def invoke_endpoint(
        self, *, Body: bytes, EndpointName: str, ContentType: str, Accept: str
    ) -> dict[str, Any]: ...


class Endpoint:
    """A deployed model that can be asked for scores."""

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


class Backend(Protocol):
    """Where the jobs of a run are carried out."""

    @property
    def name(self) -> str: ...

    @property
    def placement(self) -> Placement: ...

    @property
    def image_id(self) -> str | None: ...

    def ready(self) -> None:
        """Wait until the first job can start."""
        ...

    def uri(self, path: Path) -> str:
        """The URI under which a folder of the launcher is given to jobs."""
        ...

    def process(self, request: Request, log: JobLog) -> None:
        """Run a processing job to its end."""
        ...

    def train(self, request: Request, log: JobLog) -> Path:
        """Run a training job to its end and return where ``model.tar.gz`` and ``output.tar.gz`` are."""
        ...

    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Any:  # AbstractContextManager[Endpoint]
        """Deploy a model for the length of a ``with`` block."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


@contextmanager
def deployed(
    client: Client, runtime: Runtime, *, model: Request, endpoint_config: Request, endpoint: Request
) -> Iterator[Endpoint]:
    """Create model, configuration and endpoint; take all three down again, whatever happens in between."""
    name = endpoint["EndpointName"]
    client.create_model(**model)
    try:
        client.create_endpoint_config(**endpoint_config)
        client.create_endpoint(**endpoint)
        yield Endpoint(name, runtime)
    finally:
        with uninterrupted():
            client.delete_endpoint(EndpointName=name)
            client.delete_endpoint_config(EndpointConfigName=endpoint_config["EndpointConfigName"])
            client.delete_model(ModelName=model["ModelName"])


def stop_signals() -> list[signal.Signals]:
    """What asks a run to stop: Ctrl-C, SIGTERM, and a terminal that closes unless ``nohup`` was asked for."""
    hung_up = getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows has none
    return [
        signal.SIGINT,
        signal.SIGTERM,
        *([] if signal.getsignal(hung_up) is signal.SIG_IGN else [hung_up]),
    ]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C wait until what must be taken down has been."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
