"""The process backend: SageMaker requests carried out by plain processes of this Python environment."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlparse

from fraudlab.api_requests import Placement, Request
from fraudlab.archives import pack, unpack
from fraudlab.backends.backend import Endpoint, deployed
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.outputs import Outputs, refuse_left_out
from fraudlab.backends.waiting import healthy, stop
from fraudlab.children import environment as environment_of_children
from fraudlab.children import python
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import EndpointError
from fraudlab.files import storage

#: never handed to a job: it needs no key, and what it is not given it cannot print
_WITHHELD = ("COMET_", "AWS_", "SAGEMAKER_", "FRAUDLAB_")


class ProcessBackend:
    """Runs ``process``, ``train`` and ``serve`` as subprocesses over private ``/opt/ml`` trees.

    Parameters
    ----------
    workspace : Path
        Folder for those trees; removed with the run's working folder.
    """

    name = "process"
    image_id: str | None = None

    def __init__(self, workspace: Path) -> None:
        self._client = ProcessClient(workspace / "ml")
        self.placement = Placement(
            image="fraudlab-process", role_arn="arn:aws:iam::000000000000:role/none", instance_type="local"
        )

    def ready(self) -> None:
        pass

    def uri(self, path: Path) -> str:
        return path.resolve().as_uri()

    def process(self, request: Request, log: JobLog) -> None:
        self._client.log = log
        self._client.create_processing_job(**request)

    def train(self, request: Request, log: JobLog) -> Path:
        self._client.log = log
        self._client.create_training_job(**request)
        job = self._client.describe_training_job(TrainingJobName=request["TrainingJobName"])
        return path_of(job["ModelArtifacts"]["S3ModelArtifacts"]).parent

    @contextmanager
    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Iterator[Endpoint]:
        self._client.log = log
        runtime = _LoopbackRuntime(self._client)
        with deployed(
            self._client, runtime, model=model, endpoint_config=endpoint_config, endpoint=endpoint
        ) as deployed_endpoint:
            try:
                yield deployed_endpoint
            finally:
                runtime.hang_up()

    def close(self) -> None:
        self._client.stop_all()


def path_of(uri: str) -> Path:
    """The path a ``file://`` URI names."""
    return Path(unquote(urlparse(uri).path))


class ProcessClient:
    """The methods of boto3's ``sagemaker`` client that a run uses; each job is one subprocess."""

    def __init__(self, root: Path) -> None:
        self.log: JobLog
        self._root = root
        self._jobs: dict[str, dict[str, Any]] = {}
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
        self._run(request["AppSpecification"]["ContainerEntrypoint"][0], tree, request["Environment"])
        for entry in request["ProcessingOutputConfig"]["Outputs"]:
            written = Outputs(path_of(entry["S3Output"]["S3Uri"]), name=entry["OutputName"], max_bytes=None)
            written.check()
            refuse_left_out("process", written.left_out)

    def create_training_job(self, **request: Any) -> None:
        tree = self._root / request["TrainingJobName"]
        for channel in request["InputDataConfig"]:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            _link(tree, f"/opt/ml/input/data/{channel['ChannelName']}", path_of(uri))
        for folder in ("input/config", "model", "output/data"):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        _write_json(tree / "input/config/hyperparameters.json", request["HyperParameters"])
        _write_json(
            tree / "input/config/inputdataconfig.json",
            {
                channel["ChannelName"]: {"TrainingInputMode": "File", "ContentType": channel["ContentType"]}
                for channel in request["InputDataConfig"]
            },
        )
        output = path_of(request["OutputDataConfig"]["S3OutputPath"])
        output.mkdir(parents=True, exist_ok=True)
        try:
            self._run("train", tree, request["Environment"])
        except BaseException:
            with suppress(OSError):  # what a failed job wrote is worth having, but less than its error
                pack(Outputs(tree / "output", name="output").files(), output / "output.tar.gz")
            raise
        left_out = []
        with storage(output):
            for name in ("output", "model"):
                written = Outputs(tree / name, name=name)
                pack(written.files(), output / f"{name}.tar.gz")
                left_out += written.left_out
        refuse_left_out("train", left_out)
        self._jobs[request["TrainingJobName"]] = {
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": (output / "model.tar.gz").as_uri()},
        }

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        return self._jobs[TrainingJobName]

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
        reader = threading.Thread(target=_drain, args=(process, self.log), daemon=True)
        reader.start()
        self._servers[name] = (process, reader)
        self.ports[name] = port
        if not healthy(port, ended=lambda: process.poll() is not None):
            reader.join()
            error = self.log.error("serve", detail=f"exit code {process.returncode}")
            raise EndpointError(error.message, fix=error.fix)

    def delete_endpoint(self, EndpointName: str) -> None:
        server = self._servers.pop(EndpointName, None)
        if server:
            stop(server[0])
            server[1].join()

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:
        self._configs.pop(EndpointConfigName, None)

    def delete_model(self, ModelName: str) -> None:
        self._models.pop(ModelName, None)

    def stop_all(self) -> None:
        """Stop every server still running."""
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

    def _run(self, command: str, tree: Path, environment: dict[str, str]) -> None:
        process = self._start(command, tree, environment)
        try:
            _drain(process, self.log)
            code = process.wait()
        except BaseException:
            stop(process)
            raise
        if code != 0:
            raise self.log.error(command, detail=f"exit code {code}")


class _LoopbackRuntime:
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
        """Close the connections: an endpoint that is to end waits for those who might still ask."""
        self._pool.clear()


def free_port() -> int:
    """A TCP port that nobody on the loopback interface listens on."""
    with reserved_port() as probe:
        return cast(int, probe.getsockname()[1])


def reserved_port() -> socket.socket:
    """A socket that has a TCP port of the loopback interface: nobody else gets it until it is closed."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    return reserved


def _link(tree: Path, container_path: str, target: Path) -> None:
    """Show a folder where the image would see it mounted."""
    link = tree / container_path.removeprefix("/opt/ml/")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _write_json(path: Path, content: object) -> None:
    import json

    path.write_text(json.dumps(content), encoding="utf-8")


def _drain(process: subprocess.Popen[str], log: JobLog) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            log.write(line)
