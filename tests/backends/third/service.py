"""A cloud of one process: an object store in memory, and jobs that go on when nobody waits.

``python service.py SOCKET``. Nothing of it is a folder that a launcher could look into; its jobs are those of
the process backend, run in folders of its own.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import threading
import time
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from fraudlab.backends.process_client import LoopbackRuntime, ProcessClient
from fraudlab.backends.shared_folders import path_of
from fraudlab.errors import FraudlabError

SCHEME = "memory://"
KEY = b"of the tests"


class Cloud(BaseManager):
    """What both sides of the socket know."""


class Service:
    """Objects by their names, and jobs by theirs."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.sent = 0
        self.tags: dict[str, tuple[str, float]] = {}
        self.stopped: list[str] = []
        self.writing = threading.Lock()
        self.jobs: dict[str, Job] = {}
        self.may_run: dict[str, threading.Event] = {}

    def put(self, name: str, content: bytes) -> None:
        self.objects[name] = content
        self.sent += 1

    def get(self, name: str) -> bytes:
        return self.objects[name]

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in list(self.objects) if name.startswith(prefix))

    def how_many_sent(self) -> int:
        return self.sent

    def dated(self, name: str) -> tuple[bytes | None, str | None, float]:
        """An object, its tag, and its age in seconds."""
        with self.writing:
            tag, since = self.tags.get(name, (None, time.monotonic()))
            return self.objects.get(name), tag, time.monotonic() - since

    def put_if(self, name: str, content: bytes, tag: str | None) -> str | None:
        """Write where the object has this tag, or none (None), or any (``*``); the new tag, or None."""
        with self.writing:
            if tag != "*" and self.tags.get(name, (None, 0.0))[0] != tag:
                return None
            made = secrets.token_hex(4)
            self.objects[name], self.tags[name] = content, (made, time.monotonic())
            return made

    def stop(self, name: str) -> None:
        if name in self.jobs and self.jobs[name].status == "InProgress":
            self.jobs[name].status = "Stopped"
        self.stopped.append(name)

    def which_stopped(self) -> list[str]:
        return self.stopped

    def hold(self, kind: str) -> None:
        """Let jobs of a kind wait until they may run."""
        self.may_run[kind] = threading.Event()

    def release(self, kind: str) -> None:
        self.may_run[kind].set()

    def start(self, kind: str, name: str, request: dict[str, Any], model: dict[str, Any] | None) -> bool:
        """Start a job; the same one is not started twice."""
        if name in self.jobs:
            if self.jobs[name].request != request or self.jobs[name].model != model:
                raise ValueError(f"the job {name} is another")
            return False
        self.jobs[name] = Job(self, kind, name, request, model)
        return True

    def started(self) -> list[str]:
        return list(self.jobs)

    def lines(self, name: str, first: int) -> list[str]:
        return self.jobs[name].printed[first:]

    def status(self, name: str) -> str:
        """``InProgress``, ``Completed``, or ``Failed``."""
        return self.jobs[name].status


class Job:
    """A job on a thread of the service; takes the place of a :class:`JobLog` too."""

    def __init__(
        self, service: Service, kind: str, name: str, request: dict[str, Any], model: dict[str, Any] | None
    ) -> None:
        self.request, self.model = request, model
        self.status = "InProgress"
        self.printed: list[str] = []
        threading.Thread(target=self._run, args=(service, kind, name), daemon=True).start()

    def write(self, line: str) -> None:
        self.printed.append(line.rstrip("\n"))

    def error(self, job: str, *, detail: str) -> FraudlabError:
        return FraudlabError(f"{job}: {detail}", fix="read the log")

    def _run(self, service: Service, kind: str, name: str) -> None:
        if kind in service.may_run:
            service.may_run[kind].wait()
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._carry_out(service, kind, name, Path(folder))
            self.status = "Completed"
        except Exception as error:  # noqa: BLE001
            self.printed.append(f"the service says: {error!r}")
            self.status = "Failed"

    def _carry_out(self, service: Service, kind: str, name: str, folder: Path) -> None:
        client = ProcessClient(folder / "ml")
        outputs: dict[Path, str] = {}

        def local(value: Any) -> Any:
            """A request whose URIs are folders: what is there is brought, what will be there is noted."""
            if isinstance(value, dict):
                return {key: local(inner) for key, inner in value.items()}
            if isinstance(value, list):
                return [local(inner) for inner in value]
            if not (isinstance(value, str) and value.startswith(SCHEME)):
                return value
            here = folder / "files" / value.removeprefix(SCHEME)
            if value in service.names(value):  # an object
                here.parent.mkdir(parents=True)
                here.write_bytes(service.get(value))
                return here.as_uri()
            here.mkdir(parents=True)
            found = service.names(f"{value.rstrip('/')}/")
            for each in found:
                target = here / each.removeprefix(f"{value.rstrip('/')}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(service.get(each))
            if not found:
                outputs[here] = value
            return here.as_uri()

        request, model = local(self.request), local(self.model)
        try:
            if kind == "transform":
                self._transform(client, request, model)
                return
            if kind == "train":
                client.create_training_job(**request)
            else:
                client.create_processing_job(**request)
            client.finish(name, self)  # type: ignore[arg-type]
        finally:
            for here, uri in outputs.items():
                for path in sorted(path for path in here.rglob("*") if path.is_file()):
                    service.put(f"{uri}/{path.relative_to(here).as_posix()}", path.read_bytes())

    def _transform(self, client: ProcessClient, request: dict[str, Any], model: dict[str, Any]) -> None:
        """Send each file whole to a model that is up meanwhile; an answer is a file ``NAME.out``."""
        name = request["TransformJobName"]
        config = {"EndpointConfigName": name, "ProductionVariants": [{"ModelName": request["ModelName"]}]}
        taken, written = request["TransformInput"], request["TransformOutput"]
        output, limit = path_of(written["S3OutputPath"]), request["MaxPayloadInMB"] * 1_000_000
        assert (taken["SplitType"], written["AssembleWith"]) == ("None", "None")
        client.log = self  # type: ignore[assignment]
        client.create_model(**model)
        client.create_endpoint_config(**config)
        client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        runtime = LoopbackRuntime(client)
        try:
            for path in sorted(path_of(taken["DataSource"]["S3DataSource"]["S3Uri"]).iterdir()):
                if path.stat().st_size > limit:
                    raise ValueError(f"{path.name} is larger than MaxPayloadInMB")
                answer = runtime.invoke_endpoint(
                    Body=path.read_bytes(), EndpointName=name, ContentType=taken["ContentType"],
                    Accept=written["Accept"],
                )["Body"]  # fmt: skip
                if answer.status != 200:
                    raise ValueError(answer.read().decode())
                (output / f"{path.name}.out").write_bytes(answer.read())
        finally:
            runtime.hang_up()
            client.stop_all()


def main(socket: str) -> None:
    service = Service()
    Cloud.register("service", callable=lambda: service)
    Cloud(address=socket, authkey=KEY).get_server().serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
