"""Debian's docker-registry, where it is, on a loopback port of its own."""

from __future__ import annotations

import ctypes
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from fraudlab.errors import BackendError
from fraudlab.files import write_json

_PR_SET_PDEATHSIG = 1
_STARTS_WITHIN = 20
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)


class RegistryProcess:
    """One registry with its images in a folder; ends with this process, whatever ends it.

    Raises
    ------
    BackendError
        It does not start.
    """

    def __init__(self, binary: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder.resolve())},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {"addr": f"127.0.0.1:{self.port}", "relativeurls": True},
        }
        # JSON is YAML
        write_json(folder / "config.yml", config)
        with (folder / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary, "serve", str(folder / "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
                start_new_session=True,
            )
        self._wait(folder)

    def _wait(self, folder: Path) -> None:
        end = time.monotonic() + _STARTS_WITHIN
        while self._process.poll() is None and time.monotonic() < end:
            try:
                if self.ask("GET", "/v2/")[0] == http.client.OK:
                    return
            except OSError:
                time.sleep(0.02)
        self.close()
        raise BackendError(
            "The registry of the rehearsal (docker-registry) does not start.",
            fix=f"see {folder / 'registry.log'}",
        )

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def connection(self) -> http.client.HTTPConnection:
        """A connection to it."""
        made = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        made.blocksize = 1 << 20
        return made

    def ask(self, method: str, path: str, *, accept: str = "*/*") -> tuple[int, dict[str, str], bytes]:
        """One small request: status, headers by their lower-case names, body."""
        connection = self.connection()
        try:
            connection.request(method, path, headers={"Accept": accept})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def manifest(self, repository: str, reference: str) -> tuple[str, str, bytes] | None:
        """Digest, media type and bytes of a manifest; None where there is none."""
        status, headers, body = self.ask(
            "GET", f"/v2/{repository}/manifests/{reference}", accept=", ".join(MANIFESTS)
        )
        if status != http.client.OK:
            return None
        return headers["docker-content-digest"], headers["content-type"], body

    def digest(self, repository: str, reference: str) -> str | None:
        """Digest of a manifest; None where there is none."""
        status, headers, _ = self.ask(
            "HEAD", f"/v2/{repository}/manifests/{reference}", accept=", ".join(MANIFESTS)
        )
        return headers.get("docker-content-digest") if status == http.client.OK else None

    def tags(self, repository: str) -> list[str]:
        """Every tag of a repository."""
        status, _, body = self.ask("GET", f"/v2/{repository}/tags/list")
        return sorted(json.loads(body).get("tags") or []) if status == http.client.OK else []


def found_binary() -> str | None:
    """Where docker-registry is; None where it is not installed."""
    return shutil.which("docker-registry") or shutil.which("docker-registry", path="/usr/bin")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
