"""The process backend: SageMaker requests carried out by plain processes of this Python environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fraudlab.api_requests import Placement, Request
from fraudlab.backend_registry import Description
from fraudlab.backends.backend import Backend, Job, JobHandle
from fraudlab.backends.deployment import deployed
from fraudlab.backends.endpoint import Endpoint
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.jobs import handle_of
from fraudlab.backends.process_client import LoopbackRuntime, ProcessClient
from fraudlab.backends.shared_folders import SharedFolders
from fraudlab.config import RunConfig

DESCRIPTION = Description(
    name="process",
    title="plain processes",
    place="plain processes on this machine",
    jobs="processes",
    needs="nothing beyond this Python environment",
)


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Backend:  # noqa: ARG001
    """Make the backend of one run."""
    return ProcessBackend(workspace)


class ProcessBackend:
    """Runs ``process``, ``train`` and ``serve`` as subprocesses over private ``/opt/ml`` trees.

    Parameters
    ----------
    workspace : Path
        Folder for those trees; removed with the run's working folder.
    """

    name = DESCRIPTION.name
    image_id: str | None = None
    shared_state = None

    def __init__(self, workspace: Path) -> None:
        self._client = ProcessClient(workspace / "ml")
        self.files = SharedFolders(workspace)
        self.placement = Placement(
            image="fraudlab-process", role_arn="arn:aws:iam::000000000000:role/none", instance_type="local"
        )

    def start(self, job: Job, request: Request, *, model: Request | None = None) -> JobHandle:  # noqa: ARG002
        handle = handle_of(DESCRIPTION.name, job, request)
        if job == "train":
            self._client.create_training_job(**request)
        else:
            self._client.create_processing_job(**request)
        return handle

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        self._client.finish(handle.name, log)

    def stop(self, handle: JobHandle) -> None:
        self._client.stop_job(handle.name)

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        """Endpoints have ended with their launcher."""

    @contextmanager
    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Iterator[Endpoint]:
        self._client.log = log
        runtime = LoopbackRuntime(self._client)
        with deployed(
            self._client, runtime, model=model, endpoint_config=endpoint_config, endpoint=endpoint
        ) as deployed_endpoint:
            try:
                yield deployed_endpoint
            finally:
                runtime.hang_up()

    def close(self) -> None:
        self._client.stop_all()
