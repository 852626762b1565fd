"""The image as SageMaker drives it: a hand-made ``/opt/ml``, ``docker run``, and nothing left behind.

Every container has a label with the id of the test process. It is removed when its test ends, and, where a
test process was killed, by the next one.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from fraudlab.backends.docker_engine import default_image

LABEL = "org.fraudlab.test"
#: any id that is in no image's /etc/passwd will do; ours, where it is one, leaves files we may remove
UID = os.getuid() or 12345
#: the strictest a platform team may ask for, but for the network
HARDENED = (
    f"--user={UID}:{UID}",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)
STRICT = (*HARDENED, "--network=none")
#: SageMaker's own way: root, a writable root, a network
AS_ROOT = ()

#: what each command is given of the tree, and whether it may write there
_PARTS = {
    "train": {"input": False, "model": True, "output": True, "checkpoints": True},
    "serve": {"model": False, "models": False},
    "process": {"config": False, "processing/input": False, "processing/output": True, "output": True},
    "python": {},
}
_numbers = itertools.count(1)


def image() -> str:
    """The image under test: this version's, or the one that ``FRAUDLAB_TEST_IMAGE`` names."""
    return os.environ.get("FRAUDLAB_TEST_IMAGE") or default_image()


def docker(*words: str, data: bytes | None = None, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    """One docker command, which must succeed."""
    done = subprocess.run(["docker", *words], input=data, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
    return done


def remove(owner: int | str) -> None:
    """Remove the containers of a test process, whatever state they are in, and its networks."""
    of_owner = ("--filter", f"label={LABEL}={owner}")
    if found := docker("ps", "-aq", *of_owner).stdout.decode().split():
        docker("rm", "-f", *found)
    if found := docker("network", "ls", "-q", *of_owner).stdout.decode().split():
        docker("network", "rm", *found)


def sweep() -> None:
    """Remove what killed test processes left."""
    shown = ("--filter", f"label={LABEL}", "--format", f'{{{{.Label "{LABEL}"}}}}')
    listed = docker("ps", "-a", *shown).stdout + docker("network", "ls", *shown).stdout
    for owner in set(listed.decode().split()):
        if not is_alive(int(owner)):
            remove(owner)


def is_alive(process: int) -> bool:
    """Whether there is a process of that id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Tree:
    """A folder that stands for ``/opt/ml``, as SageMaker lays it out before it starts a container.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writable("model")
        self.writable("output")

    def writable(self, name: str) -> Path:
        """A folder that any user may write into."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        return folder

    def put(self, name: str, content: str | bytes | Mapping[str, Any]) -> Path:
        """Write one file; an object becomes JSON."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def hyperparameters(self, **values: Any) -> None:
        self.put("input/config/hyperparameters.json", values)

    def json(self, name: str) -> Any:
        return json.loads((self.root / name).read_bytes())

    def bytes(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    @property
    def failure(self) -> str:
        """The failure file of a training job, of which SageMaker shows the first 1024 characters."""
        return (self.root / "output/failure").read_text()

    def mounts(self, command: str) -> list[str]:
        """Docker's arguments: inputs read-only, as FastFile delivers them, and outputs writable."""
        words = []
        for part, is_writable in _PARTS[command].items():
            if (self.root / part).exists():
                mode = "" if is_writable else ",readonly"
                words.append(f"--mount=type=bind,source={self.root / part},target=/opt/ml/{part}{mode}")
        return words

    def reclaim(self) -> None:
        """Take back the files that a container's root wrote."""
        if os.getuid() and any(path.stat().st_uid != os.getuid() for path in self.root.rglob("*")):
            owner = f"--label={LABEL}={os.getpid()}"
            mount = f"--mount=type=bind,source={self.root},target=/tree"
            script = "import os, pathlib, sys\n"
            script += "for path in pathlib.Path('/tree').rglob('*'): os.chown(path, int(sys.argv[1]), -1)"
            python = ("--entrypoint=python", image(), "-c", script, str(os.getuid()))
            docker("run", "--rm", owner, mount, *python)


class Reply(NamedTuple):
    """An answer of the endpoint."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def numbers(self) -> list[float]:
        """The scores of an answer in CSV."""
        return [float(line) for line in self.body.decode().splitlines()]


@dataclass
class Container:
    """One container, running or ended."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def output(self) -> str:
        """All it has printed so far."""
        return self.log.read_text(errors="replace")

    def lines(self, beginning: str) -> list[str]:
        return [line for line in self.output.splitlines() if line.startswith(beginning)]

    def wait(self, seconds: float = 90) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            docker("rm", "-f", self.name)
            self.process.wait(30)
            raise AssertionError(f"{self.name} did not end in {seconds} s:\n{self.output}") from None

    def until(self, condition: Callable[[], Any], seconds: float = 60) -> None:
        """Wait for something that can only happen while it runs."""
        give_up = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, (
                f"it ended with code {self.process.returncode}:\n{self.output}"
            )
            assert time.monotonic() < give_up, f"nothing within {seconds} s:\n{self.output}"
            time.sleep(0.02)

    def until_round(self, number: int) -> None:
        self.until(lambda: f"\n[{number}]\t" in self.output)

    def stop(self, seconds: int = 120) -> float:
        """Stop it as SageMaker does: SIGTERM, and SIGKILL after some time; the seconds it took."""
        began = time.monotonic()
        docker("stop", "-t", str(seconds), self.name, timeout=seconds + 30)
        return time.monotonic() - began

    def kill(self) -> None:
        docker("kill", "--signal=KILL", self.name)

    def python(self, script: str, *words: str, timeout: float = 60) -> bytes:
        """What a script prints that runs beside the job, in the same network and as the same user."""
        words = ("exec", "-i", self.name, "python", "-", *words)
        return docker(*words, data=script.encode(), timeout=timeout).stdout

    @cached_property
    def port(self) -> int:
        """Where the endpoint's port is published on this machine."""
        return int(docker("port", self.name).stdout.decode().split("\n")[0].rpartition(":")[2])

    def ask(
        self,
        path: str = "/invocations",
        body: bytes | str | None = None,
        kind: str = "text/csv",
        method: str | None = None,
        port: int | None = None,
        **headers: str,
    ) -> Reply:
        """One request to the endpoint from outside; underscores in the names of headers stand for hyphens."""
        client = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            content = body.encode() if isinstance(body, str) else body
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if content is not None:
                given = {"Content-Type": kind, **given}
            client.request(method or ("GET" if content is None else "POST"), path, content, given)
            answer = client.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            client.close()

    def is_up(self) -> bool:
        """Whether ``/ping`` says that the model scores."""
        try:
            return self.process.poll() is None and self.ask("/ping").status == 200
        except (OSError, http.client.HTTPException, AssertionError, ValueError):
            return False  # no container yet, no published port, nobody who listens


class Docker:
    """Starts containers, and removes what is left of them.

    Parameters
    ----------
    folder : Path
        For what they print.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Container] = []

    def start(
        self,
        tree: Tree,
        command: str,
        *,
        how: Iterable[str] = STRICT,
        words: Iterable[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Container:
        """Start a job; `words` are what stands behind the image where that is not `command`."""
        name = f"fraudlab-test-{os.getpid()}-{next(_numbers)}"
        log = self._folder / f"{name}.log"
        variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
        entrypoint = ["--entrypoint=process"] if command == "process" else []
        behind = words if words is not None else ([] if entrypoint else [command])
        run = [
            "docker",
            "run",
            "--rm",
            f"--name={name}",
            f"--label={LABEL}={os.getpid()}",
            *how,
            *tree.mounts(command),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*run, *variables, *entrypoint, image(), *behind], stdout=output, stderr=subprocess.STDOUT
            )
        container = Container(name, process, log)
        self._started.append(container)
        return container

    def run(self, tree: Tree, command: str, *, seconds: float = 90, **more: Any) -> Container:
        """Run a job to its end."""
        container = self.start(tree, command, **more)
        container.wait(seconds)
        tree.reclaim()
        return container

    def serve(self, tree: Tree, *, how: Iterable[str] = HARDENED, **more: Any) -> Container:
        """Start an endpoint whose port is published on this machine, and wait until it is healthy."""
        container = self.start(tree, "serve", how=[*how, "--publish=127.0.0.1::8080"], **more)
        container.until(container.is_up)
        return container

    def end(self) -> None:
        """Remove whatever still runs."""
        running = [container for container in self._started if container.process.poll() is None]
        if running:
            remove(os.getpid())
        for container in running:
            container.process.wait(30)
