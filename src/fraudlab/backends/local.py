"""The local backend: SageMaker local mode, real containers on this machine, no AWS account."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.api_requests import Placement, Request
from fraudlab.archives import MAX_BYTES
from fraudlab.backend_registry import Description
from fraudlab.backends import docker_engine
from fraudlab.backends.backend import Backend, Job, JobHandle
from fraudlab.backends.confinement import confined, limits
from fraudlab.backends.deployment import deployed
from fraudlab.backends.endpoint import Endpoint
from fraudlab.backends.job_thread import JobThread
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.jobs import handle_of, not_ours
from fraudlab.backends.mounts import mountable
from fraudlab.backends.outputs import refuse_left_out
from fraudlab.backends.ports import reserved_port
from fraudlab.backends.shared_folders import SharedFolders
from fraudlab.backends.watchdog import Watchdog
from fraudlab.config import RunConfig
from fraudlab.config_rules import memory_bytes
from fraudlab.errors import (
    BackendError,
    DockerUnavailable,
    EndpointError,
    FraudlabError,
    ImageMissing,
    JobFailed,
)
from fraudlab.files import storage

if TYPE_CHECKING:
    from fraudlab.backends.job_thread import Lines
    from fraudlab.backends.sagemaker_sdk import LocalClient

#: folder of a run's working folder that says to others that there may be containers
_FOLDER = "local"


def _release(workspace: Path) -> bool:
    """Remove the containers of a dead run, which are labelled with its working folder's name."""
    if not (workspace / _FOLDER).is_dir():
        return True
    try:
        docker_engine.remove_containers(workspace.name)
    except DockerUnavailable:
        return False
    return True


DESCRIPTION = Description(
    name="local",
    title="SageMaker local mode, in Docker",
    place="containers, SageMaker local mode",
    jobs="containers",
    needs="a Docker engine with Compose v2 or v5, and the image",
    takes=frozenset({"memory", "pids"}),
    folder=mountable,
    release=_release,
)


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Backend:
    """Make the backend of one run.

    Raises
    ------
    BackendError
        Where local mode cannot run here.
    """
    image = config.backend.image or docker_engine.default_image()
    if config.backend.image is None:
        _refuse_another_build(image)
    return LocalBackend(
        run_id=run_id,
        workspace=workspace,
        image=image,
        engine=docker_engine.preflight(image),
        memory=memory_bytes(config.backend.memory),
        pids=config.backend.pids,
    )


def _refuse_another_build(image: str) -> None:
    """Refuse an image that `make` has just failed to build: one of that name may be of other sources."""
    why, _, fix = os.environ.get("FRAUDLAB_IMAGE_PROBLEM", "").partition("\n")
    if why:
        raise ImageMissing(
            f"The image {image} cannot be built: {why}.",
            fix=f"{fix or 'make image'}, or run with backend=process",
        )


class LocalBackend:
    """Hands requests to the SDK's local client.

    Parameters
    ----------
    run_id : str
        Label of every container, for people.
    workspace : Path
        Folder that containers may be given; not below a folder local mode refuses. Its name, which no other
        run has, is a label too, so that none is left.
    image : str
        Image name on the engine.
    engine : Engine
        What the preflight found.
    memory : int, optional
        Bytes each container may take; by default most of what the engine has.
    pids : int, optional
        Processes and threads each container may have.
    """

    name = DESCRIPTION.name
    shared_state = None

    def __init__(
        self,
        *,
        run_id: str,
        workspace: Path,
        image: str,
        engine: docker_engine.Engine,
        memory: int | None = None,
        pids: int | None = None,
    ) -> None:
        self.image_id: str | None = engine.image_id
        self.placement = Placement(
            image=image, role_arn="arn:aws:iam::000000000000:role/none", instance_type="local"
        )
        # the SDK does not decode what it reads
        self.files = SharedFolders(workspace, uri=lambda path: f"file://{path}")
        self._jobs: dict[str, JobThread] = {}
        self._owner = workspace.name
        self._root = workspace / _FOLDER
        self._root.mkdir(parents=True, exist_ok=True)
        self._container: dict[str, Any] = {
            "labels": {docker_engine.RUN_LABEL: run_id, docker_engine.OWNER_LABEL: workspace.name},
            "stop_grace_period": "30s",
        }
        if hasattr(os, "getuid") and not engine.remaps_users:
            # else every file a job writes belongs to root and its owner cannot delete it
            self._container["user"] = f"{os.getuid()}:{os.getgid()}"
        self._engine_memory = engine.memory
        self._limits = limits(engine_memory=engine.memory, cpus=engine.cpus, memory=memory, pids=pids)
        #: kept until the engine is about to publish it: jobs come first, and others look for ports meanwhile
        self._port = reserved_port()
        self._watchdog = Watchdog(self._owner)
        self._loader = _Loader(self._load)

    def _load(self) -> LocalClient:
        from fraudlab.backends.sagemaker_sdk import LocalClient

        owner = {docker_engine.OWNER_LABEL: self._owner}
        return LocalClient(
            container_root=self._root,
            port=self._port.getsockname()[1],
            container=self._container,
            confine=functools.partial(confined, limits=self._limits, owner_label=owner),
        )

    def start(self, job: Job, request: Request, *, model: Request | None = None) -> JobHandle:  # noqa: ARG002
        handle = handle_of(DESCRIPTION.name, job, request)
        client = self._loader.result()

        def work(lines: Lines) -> None:
            client.log, client.left_out = lines, []
            # prepared splits are as large as the table; a hook could write anything
            client.max_bytes = MAX_BYTES if job == "train" else None
            with storage(self._root):  # the SDK copies what a job wrote
                if job == "train":
                    client.sagemaker.create_training_job(**request)
                else:
                    client.sagemaker.create_processing_job(**request)
            refuse_left_out(job, client.left_out)

        # one after another: the SDK has no place to say which job a line is of
        before = list(self._jobs.values())
        self._jobs[handle.name] = JobThread(work, after=before, stop=client.stop)
        return handle

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        from fraudlab.backends.sagemaker_sdk import JobEnded

        job = self._jobs.pop(handle.name, None)
        if job is None:
            raise not_ours(handle.name)
        try:
            job.wait(log)
        except JobEnded as error:
            raise self._ended(handle.job, log, str(error)) from error

    def stop(self, handle: JobHandle) -> None:
        if job := self._jobs.pop(handle.name, None):
            job.stop()

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        """Endpoints have ended with their launcher."""

    @contextmanager
    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Iterator[Endpoint]:
        from fraudlab.backends.sagemaker_sdk import JobEnded

        client = self._loader.result()
        client.log = log
        self._port.close()
        try:
            with deployed(
                client.sagemaker,
                client.runtime,
                model=model,
                endpoint_config=endpoint_config,
                endpoint=endpoint,
            ) as deployed_endpoint:
                try:
                    yield deployed_endpoint
                finally:
                    client.hang_up()
        except JobEnded as error:
            ended = self._ended("serve", log, str(error))
            raise EndpointError(ended.message, fix=ended.fix) from error

    def close(self) -> None:
        self._port.close()
        while self._jobs:
            self._jobs.popitem()[1].stop()
        try:
            docker_engine.remove_containers(self._owner)
        except BackendError:
            self._watchdog.leave()
            raise
        self._watchdog.dismiss()

    def _ended(self, job: str, log: JobLog, detail: str) -> FraudlabError:
        """The job's own error, unless it ended because the engine did."""
        error = log.error(job, detail=detail)
        if log.says_why:
            return error
        if not docker_engine.answers():
            return DockerUnavailable(
                f"The Docker engine went away while the {job} job ran.",
                fix="start Docker again and repeat the run",
            )
        if docker_engine.ran_out_of_memory(self._owner):
            return JobFailed(
                f"The {job} job was killed: its container reached the memory it may have,"
                f" {self._limits.memory / 2**30:.1f} GiB.",
                fix=f"raise backend.memory ({self._engine_memory / 2**30:.1f} GiB is what the engine has),"
                " or use a smaller table",
            )
        return error


class _Loader:
    """Imports the SDK while other work goes on: it takes longer than everything else at the start."""

    def __init__(self, load: Callable[[], LocalClient]) -> None:
        self._load = load
        self._client: LocalClient | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._client = self._load()
        except BaseException as error:  # noqa: BLE001  (raised again in result())
            self._error = error

    def result(self) -> LocalClient:
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._client is not None
        return self._client
