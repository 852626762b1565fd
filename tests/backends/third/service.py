"""A cloud of one process: an object store in memory, and jobs that go on when nobody waits.

``python service.py SOCKET``. Nothing of it is a folder that a launcher could look into; its jobs are those of
the process backend, run in folders of its own.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from fraudlab.backends.process_client import ProcessClient
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

    def hold(self, kind: str) -> None:
        """Let jobs of a kind wait until they may run."""
        self.may_run[kind] = threading.Event()

    def release(self, kind: str) -> None:
        self.may_run[kind].set()

    def start(self, kind: str, name: str, request: dict[str, Any]) -> bool:
        """Start a job; the same one is not started twice."""
        if name in self.jobs:
            if self.jobs[name].request != request:
                raise ValueError(f"the job {name} is another")
            return False
        self.jobs[name] = Job(self, kind, name, request)
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

    def __init__(self, service: Service, kind: str, name: str, request: dict[str, Any]) -> None:
        self.request = request
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
            here.mkdir(parents=True)
            found = service.names(f"{value}/")
            for each in found:
                target = here / each.removeprefix(f"{value}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(service.get(each))
            if not found:
                outputs[here] = value
            return here.as_uri()

        request = local(self.request)
        try:
            if kind == "train":
                client.create_training_job(**request)
            else:
                client.create_processing_job(**request)
            client.finish(name, self)  # type: ignore[arg-type]
        finally:
            for here, uri in outputs.items():
                for path in sorted(path for path in here.rglob("*") if path.is_file()):
                    service.put(f"{uri}/{path.relative_to(here).as_posix()}", path.read_bytes())


def main(socket: str) -> None:
    service = Service()
    Cloud.register("service", callable=lambda: service)
    Cloud(address=socket, authkey=KEY).get_server().serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
