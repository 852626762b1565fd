"""A backend of the tests: objects in the memory of a service, whose jobs outlive who starts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from fraudlab.api_requests import Placement, Request
from fraudlab.backend_registry import Description
from fraudlab.backends.backend import Backend, Job, JobHandle
from fraudlab.backends.deployment import deployed
from fraudlab.backends.endpoint import Endpoint
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.jobs import handle_of
from fraudlab.backends.process_client import LoopbackRuntime, ProcessClient
from fraudlab.config import RunConfig
from fraudlab.errors import BackendError
from fraudlab.runs.claims import StoredObject
from fraudlab.runs.shared_state import SharedState

DESCRIPTION = Description(
    name="memory",
    title="a cloud in memory",
    place="jobs of a service, files in its memory",
    jobs="jobs of the service",
    needs="a service at MEMORY_CLOUD",
    outlives_launcher=True,
    transforms=True,
)


class _Cloud(BaseManager):
    pass


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Backend:
    _Cloud.register("service")
    cloud = _Cloud(address=os.environ.get("MEMORY_CLOUD", "/nowhere"), authkey=b"of the tests")
    try:
        cloud.connect()
    except OSError as error:
        raise BackendError(f"No service answers ({error.strerror}).", fix="set MEMORY_CLOUD") from error
    service = Asked(cloud.service())  # type: ignore[attr-defined]
    return MemoryBackend(service, run_id=run_id, workspace=workspace)


def open_state(config: RunConfig, *, run_id: str) -> SharedState:
    _Cloud.register("service")
    cloud = _Cloud(address=os.environ["MEMORY_CLOUD"], authkey=b"of the tests")
    cloud.connect()
    service = Asked(cloud.service())  # type: ignore[attr-defined]
    return SharedState(MemoryObjects(service, run_id=run_id), run_id=run_id)


class Asked:
    """The service, asked anew after a question that was interrupted: its late answer is nobody's."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        def ask(*words: Any) -> Any:
            try:
                return getattr(self._service, name)(*words)
            except BaseException:
                self._service._tls.__dict__.pop("connection", None)
                raise

        return ask


class MemoryObjects:
    """The state of a run in the service's memory."""

    def __init__(self, service: Any, *, run_id: str) -> None:
        self._service, self._root = service, f"state://{run_id}/"
        self.where = f"state://{run_id}"

    def read(self, name: str) -> StoredObject:
        content, tag, age = self._service.dated(self._root + name)
        return StoredObject(content, tag, age, datetime.now(UTC))

    def write(self, name: str, content: bytes) -> None:
        self._service.put_if(self._root + name, content, "*")

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        written: str | None = self._service.put_if(self._root + name, content, tag)
        return written


class MemoryFiles:
    """Objects that begin with the run's name, or with what they hold."""

    def __init__(self, service: Any, *, run_id: str, workspace: Path) -> None:
        self._service = service
        self._root = f"memory://{run_id}"
        self._fetched = workspace / "fetched"

    def stage(self, folder: Path, *, name: str, content: str | None = None) -> str:
        uri = f"memory://{content}" if content else f"{self._root}/{name}"
        complete = f"{uri}.complete"
        if content and self._service.names(complete):
            return uri
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._service.put(f"{uri}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        self._service.put(complete, b"")
        return uri

    def destination(self, name: str) -> str:
        return f"{self._root}/{name}"

    def fetch(self, uri: str) -> Path:
        folder = self._fetched / uri.rpartition("/")[2]
        folder.mkdir(parents=True, exist_ok=True)
        for name in self._service.names(f"{uri}/"):
            target = folder / name.removeprefix(f"{uri}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._service.get(name))
        return folder

    def exists(self, uri: str) -> bool:
        return bool(self._service.names(f"{uri}/"))

    def find(self, content: str) -> str | None:
        return f"memory://{content}" if self._service.names(f"memory://{content}.complete") else None

    def keep(self, uri: str, *, content: str) -> str:
        return uri


class MemoryBackend:
    name = DESCRIPTION.name
    image_id: str | None = None

    def __init__(self, service: Any, *, run_id: str, workspace: Path) -> None:
        self._service = service
        self._workspace = workspace
        self._serving = ProcessClient(workspace / "serving-trees")
        self.shared_state = SharedState(MemoryObjects(service, run_id=run_id), run_id=run_id)
        self.files = MemoryFiles(service, run_id=run_id, workspace=workspace)
        self.placement = Placement(image="memory", role_arn="arn:aws:iam::000000000000:role/jobs")

    def start(self, job: Job, request: Request, *, model: Request | None = None) -> JobHandle:
        handle = handle_of(self.name, job, request)
        self._service.start(job, handle.name, request, model)
        return handle

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        read = 0
        while True:
            status = self._service.status(handle.name)
            for line in self._service.lines(handle.name, read):
                log.write(line)
                read += 1
            if status == "Completed":
                return
            if status == "Failed":
                raise log.error(handle.job, detail="the service says so")
            time.sleep(0.02)

    @contextmanager
    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Iterator[Endpoint]:
        self._serving.log = log
        container = model["PrimaryContainer"]
        folder, _, name = container["ModelDataUrl"].rpartition("/")
        brought = (self.files.fetch(folder) / name).as_uri()
        runtime = LoopbackRuntime(self._serving)
        with deployed(
            self._serving,
            runtime,
            model={**model, "PrimaryContainer": {**container, "ModelDataUrl": brought}},
            endpoint_config=endpoint_config,
            endpoint=endpoint,
        ) as deployed_endpoint:
            try:
                yield deployed_endpoint
            finally:
                runtime.hang_up()

    def stop(self, handle: JobHandle) -> None:
        self._service.stop(handle.name)

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        self._service.put_if(f"taken-down://{endpoint}", b"", "*")

    def close(self) -> None:
        self._serving.stop_all()
