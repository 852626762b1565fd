"""SageMaker's clients for plain processes: what takes requests, and what asks an endpoint."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.archives import pack, unpack
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.jobs import not_ours
from fraudlab.backends.outputs import Outputs, refuse_left_out
from fraudlab.backends.ports import reserved_port
from fraudlab.backends.shared_folders import path_of
from fraudlab.backends.waiting import healthy, stop
from fraudlab.children import environment as environment_of_children
from fraudlab.children import python
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import EndpointError
from fraudlab.files import storage, write_json

#: never handed to a job: it needs no key, and what it is not given it cannot print
_WITHHELD = ("COMET_", "AWS_", "SAGEMAKER_", "FRAUDLAB_")


@dataclass
class _Job:
    """A job that goes on, and what is to be done when it has ended, well or badly."""

    command: str
    process: subprocess.Popen[str]
    collect: Callable[[], None]
    rescue: Callable[[], None]


class ProcessClient:
    """The methods of boto3's ``sagemaker`` client that a run uses; each job is one subprocess.

    Jobs are started as the service starts them; :meth:`finish` reads what one prints and collects its output.
    """

    def __init__(self, root: Path) -> None:
        self.log: JobLog
        self._root = root
        self._jobs: dict[str, _Job] = {}
        self._models: dict[str, dict[str, Any]] = {}
        self._configs: dict[str, dict[str, Any]] = {}
        self._servers: dict[str, tuple[subprocess.Popen[str], threading.Thread]] = {}
        self.ports: dict[str, int] = {}

    def create_processing_job(self, **request: Any) -> None:
        tree = self._root / request["ProcessingJobName"]
        for entry in request["ProcessingInputs"]:
            _link(tree, entry["S3Input"]["LocalPath"], path_of(entry["S3Input"]["S3Uri"]))
        for entry in request["ProcessingOutputConfig"]["Outputs"]:
            target = path_of(entry["S3Output"]["S3Uri"])
            target.mkdir(parents=True, exist_ok=True)
            _link(tree, entry["S3Output"]["LocalPath"], target)
        (tree / "output").mkdir(parents=True, exist_ok=True)
        command = request["AppSpecification"]["ContainerEntrypoint"][0]

        def collect() -> None:
            for entry in request["ProcessingOutputConfig"]["Outputs"]:
                folder = path_of(entry["S3Output"]["S3Uri"])
                written = Outputs(folder, name=entry["OutputName"], max_bytes=None)
                written.check()
                refuse_left_out("process", written.left_out)

        process = self._start(command, tree, request["Environment"])
        self._jobs[request["ProcessingJobName"]] = _Job(command, process, collect, rescue=lambda: None)

    def create_training_job(self, **request: Any) -> None:
        tree = self._root / request["TrainingJobName"]
        for channel in request["InputDataConfig"]:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            _link(tree, f"/opt/ml/input/data/{channel['ChannelName']}", path_of(uri))
        for folder in ("input/config", "model", "output/data"):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        write_json(tree / "input/config/hyperparameters.json", request["HyperParameters"])
        write_json(
            tree / "input/config/inputdataconfig.json",
            {
                channel["ChannelName"]: {"TrainingInputMode": "File", "ContentType": channel["ContentType"]}
                for channel in request["InputDataConfig"]
            },
        )
        output = path_of(request["OutputDataConfig"]["S3OutputPath"])
        output.mkdir(parents=True, exist_ok=True)

        def rescue() -> None:
            with suppress(OSError):  # what a failed job wrote is worth having, but less than its error
                pack(Outputs(tree / "output", name="output").files(), output / "output.tar.gz")

        def collect() -> None:
            left_out = []
            with storage(output):
                for name in ("output", "model"):
                    written = Outputs(tree / name, name=name)
                    pack(written.files(), output / f"{name}.tar.gz")
                    left_out += written.left_out
            refuse_left_out("train", left_out)

        process = self._start("train", tree, request["Environment"])
        self._jobs[request["TrainingJobName"]] = _Job("train", process, collect, rescue)

    def finish(self, name: str, log: JobLog) -> None:
        """Read what a job prints to its end, and collect what it wrote.

        Raises
        ------
        FraudlabError
            The job's own error.
        BackendError
            Where this process has started no such job.
        """
        job = self._jobs.pop(name, None)
        if job is None:
            raise not_ours(name)
        try:
            _finish(job, log)
        except BaseException:
            job.rescue()
            raise
        job.collect()

    def create_model(self, **request: Any) -> None:
        self._models[request["ModelName"]] = request["PrimaryContainer"]

    def create_endpoint_config(self, **request: Any) -> None:
        self._configs[request["EndpointConfigName"]] = request["ProductionVariants"][0]

    def create_endpoint(self, **request: Any) -> None:
        name = request["EndpointName"]
        container = self._models[self._configs[request["EndpointConfigName"]]["ModelName"]]
        tree = self._root / name
        (tree / "model").mkdir(parents=True, exist_ok=True)
        unpack(path_of(container["ModelDataUrl"]), lambda member: tree / "model" / member)
        # Handed over bound: a port that is only known to be free may be another run's by then.
        with reserved_port() as listener:
            port = listener.getsockname()[1]
            place = {
                "FRAUDLAB_HOST": "127.0.0.1",
                "SAGEMAKER_BIND_TO_PORT": str(port),
                "FRAUDLAB_LISTENER": str(listener.fileno()),
            }
            process = self._start("serve", tree, {**container["Environment"], **place}, listener.fileno())
        reader = threading.Thread(target=_read_on, args=(process, self.log), daemon=True)
        reader.start()
        self._servers[name] = (process, reader)
        self.ports[name] = port
        if not healthy(port, ended=lambda: process.poll() is not None):
            reader.join()
            error = self.log.error("serve", detail=f"exit code {process.returncode}")
            raise EndpointError(error.message, fix=error.fix)

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        # who makes one waits for it
        return {"EndpointName": EndpointName, "EndpointStatus": "InService"}

    def delete_endpoint(self, *, EndpointName: str) -> None:
        server = self._servers.pop(EndpointName, None)
        if server:
            stop(server[0])
            server[1].join()

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        self._configs.pop(EndpointConfigName, None)

    def delete_model(self, *, ModelName: str) -> None:
        self._models.pop(ModelName, None)

    def stop_job(self, name: str) -> None:
        """Stop a job that is still running."""
        if job := self._jobs.pop(name, None):
            stop(job.process)

    def stop_all(self) -> None:
        """Stop every job and every server still running."""
        while self._jobs:
            stop(self._jobs.popitem()[1].process)
        for name in list(self._servers):
            self.delete_endpoint(EndpointName=name)

    def _start(
        self, command: str, tree: Path, environment: dict[str, str], *descriptors: int
    ) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in environment_of_children().items() if not k.startswith(_WITHHELD)}
        return subprocess.Popen(
            python("fraudlab.container", command),
            env={**inherited, **environment, "FRAUDLAB_ML_ROOT": str(tree), LAUNCHER: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=descriptors,
        )


class LoopbackRuntime:
    """``invoke_endpoint`` for endpoints that are processes of this machine."""

    def __init__(self, client: ProcessClient) -> None:
        from urllib3 import PoolManager

        self._client = client
        self._pool = PoolManager(maxsize=4, retries=False)

    def invoke_endpoint(
        self, *, Body: bytes, EndpointName: str, ContentType: str, Accept: str
    ) -> dict[str, Any]:
        from urllib3.exceptions import HTTPError

        url = f"http://127.0.0.1:{self._client.ports[EndpointName]}/invocations"
        headers = {"Content-Type": ContentType, "Accept": Accept}
        try:
            answer = self._pool.request("POST", url, body=Body, headers=headers, preload_content=False)
        except HTTPError as error:
            raise EndpointError(
                f"The endpoint does not answer: {error}", fix="read logs/serve.log of the run"
            ) from error
        return {"Body": answer, "ContentType": Accept}

    def hang_up(self) -> None:
        """Close the connections: an endpoint that is to end waits for clients that are connected."""
        self._pool.clear()


def _link(tree: Path, container_path: str, target: Path) -> None:
    """Show a folder where the image would see it mounted."""
    link = tree / container_path.removeprefix("/opt/ml/")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _drain(process: subprocess.Popen[str], log: JobLog) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            log.write(line)


def _read_on(process: subprocess.Popen[str], log: JobLog) -> None:
    """Read what a server prints to its end: one that nobody reads stands still.

    A disk that is full by then loses the line; whoever waits for the server writes next, and says so.
    """
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            with suppress(OSError):
                log.write(line)


def _finish(job: _Job, log: JobLog) -> None:
    try:
        _drain(job.process, log)
        code = job.process.wait()
    except BaseException:
        stop(job.process)
        raise
    if code != 0:
        raise log.error(job.command, detail=f"exit code {code}")
