"""The only file that imports the SageMaker SDK: its local client, with what must change about it.

The SDK's 2.x line gets fixes until July 2027; its successor has the same client elsewhere: moving is a change
here.
Each replacement below says which behaviour of sagemaker 2.257 it is for.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from fraudlab.backends.job_thread import Lines
from fraudlab.backends.lean_import import import_local_mode
from fraudlab.backends.outputs import Outputs
from fraudlab.backends.waiting import healthy, stop

#: without this the SDK reports every local job to AWS
_TELEMETRY_OFF = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
_REGION = "us-east-1"
#: Compose puts the container's name before each line of a container, and nothing before its own
_FROM_CONTAINER = re.compile(r"^\w+-algo-\d+-\w+\s*\| ?")
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LoopbackPort(int):
    """A port that Compose publishes on the loopback interface only.

    The SDK writes the port into the Compose file with ``%s`` and into its own URLs with ``%d``.
    """

    def __str__(self) -> str:
        return f"127.0.0.1:{int(self)}"


class LocalClient:
    """The SDK's local clients, ready to run jobs of one run.

    Parameters
    ----------
    container_root : Path
        Folder for the SDK's working folders.
    port : int
        Free loopback port for the endpoint.
    container : dict
        Compose settings every container of the run gets (user, labels).
    confine : callable
        Given a Compose file's content and the container's command, the content that is written.

    Attributes
    ----------
    log : JobLog, or what takes lines as one does
        Of the job that runs.
    left_out : list of str
        What that job wrote and was not collected.
    """

    def __init__(
        self,
        *,
        container_root: Path,
        port: int,
        container: dict[str, Any],
        confine: Callable[[dict[str, Any], str], dict[str, Any]],
    ) -> None:
        self.log: Lines | None = None
        self.left_out: list[str] = []
        #: of what one job writes; None is no bound
        self.max_bytes: int | None = None
        self._serving: list[subprocess.Popen[bytes]] = []
        self._job: subprocess.Popen[bytes] | None = None
        self._stopped = False
        _quieten()
        import_local_mode()
        from sagemaker.local import LocalSession

        _replace_in_sdk(self._stream, self._wait_in_service, self._collect, confine)
        session = LocalSession(boto_session=_session_without_credentials(), sagemaker_config=_TELEMETRY_OFF)
        session.config = {
            "local": {
                "local_code": True,
                "region_name": _REGION,
                "serving_port": LoopbackPort(port),
                "container_root": str(container_root),
                "container_config": container,
            }
        }
        self.sagemaker = session.sagemaker_client
        self.runtime = session.sagemaker_runtime_client

    def hang_up(self) -> None:
        """Close the connections to the endpoint: an endpoint that is to end waits for clients that are
        connected.
        """
        self.runtime.http.clear()

    def stop(self) -> None:
        """End the job that runs, and every later one: somebody else than its thread wants to go on."""
        self._stopped = True
        if (job := self._job) is not None:
            stop(job)

    def _stream(self, process: subprocess.Popen[bytes]) -> int:
        """Read a job's output to its end; the SDK's own loop loses the last lines and prints the rest."""
        log = self.log
        assert log is not None
        assert process.stdout is not None
        if process.stderr is not None:  # an endpoint's, which blocks when nobody reads it
            self._serving.append(process)
            threading.Thread(target=_read_lines, args=(process.stderr, log), daemon=True).start()
        else:
            self._job = process
        try:
            if self._stopped:
                stop(process)
            _read_lines(process.stdout, log)
            code = process.wait()
        except BaseException:
            stop(process)
            raise
        # taking an endpoint down ends Compose with an error code, and that is no error
        if code not in (0, 130) and process.stderr is None:
            raise JobEnded(code)
        return code

    def _collect(self, source: str, target: str) -> None:
        """Copy what a job wrote; the SDK's own copies follow links."""
        written = Outputs(Path(source), name=Path(source).name, max_bytes=self.max_bytes)
        Path(target).mkdir(parents=True, exist_ok=True)
        written.copy(Path(target))
        self.left_out += written.left_out

    def _wait_in_service(self, port: int) -> None:
        """Wait for /ping; the SDK's own loop asks every five seconds, also a container that died."""
        if not healthy(port, ended=lambda: bool(self._serving) and self._serving[-1].poll() is not None):
            raise JobEnded(self._serving[-1].returncode)


def _read_lines(stream: IO[bytes], log: Lines) -> None:
    with stream:
        for raw in stream:
            line = _TERMINAL_CODE.sub("", raw.decode("utf-8", errors="replace")).rstrip("\r\n")
            if found := _FROM_CONTAINER.match(line):
                log.write(line[found.end() :])
            else:
                log.keep(line)


class JobEnded(Exception):
    """A container ended with an error code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")


def _session_without_credentials() -> Any:
    """A boto3 session that finds no keys: local mode would write them to a Compose file in plain text."""
    import boto3
    import botocore.session
    from botocore.credentials import CredentialResolver

    core = botocore.session.Session()
    core.register_component("credential_provider", CredentialResolver(providers=[]))
    return boto3.Session(region_name=_REGION, botocore_session=core)


def _replace_in_sdk(
    stream: Callable[[Any], int],
    wait: Callable[[int], None],
    collect: Callable[[str, str], None],
    confine: Callable[[dict[str, Any], str], dict[str, Any]],
) -> None:
    from sagemaker.local import entities, image, local_session, utils

    # recognises Compose only by the text "v2" in its version; the preflight has checked that it works
    image._SageMakerContainer._get_compose_cmd_prefix = staticmethod(lambda: ["docker", "compose"])
    image._stream_output = stream
    image._HostingContainer.daemon = True
    entities._wait_for_serving_container = wait
    # leaves these for the engine to make, which makes them root's: a container of ours could not write there
    image._create_config_file_directories = lambda root, host: _make(
        root, f"{host}/input/config", f"{host}/output/data", "model"
    )
    image._create_processing_config_file_directories = lambda root, host: _make(
        root, f"{host}/config", f"{host}/output"
    )
    # copies through links, so that a job could have any file of the host published
    utils.recursive_copy = collect
    # has no settings for networks, nor for what a container is to read only
    container = image._SageMakerContainer
    container._generate_compose_file = _confining(
        inspect.unwrap(container._generate_compose_file), image.DOCKER_COMPOSE_FILENAME, confine
    )
    # asks the engine twice, by starting two processes, before every single request
    local_session.get_docker_host = functools.cache(local_session.get_docker_host)
    os.environ.setdefault("COMPOSE_MENU", "false")
    os.environ.setdefault("COMPOSE_ANSI", "never")
    os.environ.setdefault("COMPOSE_PROGRESS", "quiet")


def _confining(
    generate: Callable[..., dict[str, Any]],
    name: str,
    confine: Callable[[dict[str, Any], str], dict[str, Any]],
) -> Callable[..., dict[str, Any]]:
    """Write the Compose file once more; the SDK goes on with its own content, from which it reads volumes."""

    @functools.wraps(generate)
    def written(container: Any, command: str, *words: Any, **options: Any) -> dict[str, Any]:
        content = generate(container, command, *words, **options)
        # which is YAML too
        text = json.dumps(confine(content, command), indent=1)
        Path(container.container_root, name).write_text(text, encoding="utf-8")
        return content

    return written


def _make(root: str, *folders: str) -> None:
    for folder in folders:
        Path(root, folder).mkdir(parents=True, exist_ok=True)


def _quieten() -> None:
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    for name in ("sagemaker", "sagemaker.config", "sagemaker.local", "boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
