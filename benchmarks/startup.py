"""Seconds from `docker run … serve` to the first healthy /ping, and the CPU time the process has had by then.

``python -m benchmarks.startup MODEL [IMAGE …]`` prints medians of seven starts of each image, alternating.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from fraudlab.backends.docker_engine import default_image

HARDENED = (
    "--user=65534:65534",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


class Start(NamedTuple):
    """One start, in seconds."""

    wall: float
    cpu: float


def start(image: str, model: str, port: int, *, give_up: float = 60.0) -> Start:
    """Start a container, wait for it, and take it away."""
    begun = time.perf_counter()
    container = _docker(
        *("run", "--detach", "--label=org.fraudlab.benchmark=startup", *HARDENED),
        *(f"--publish=127.0.0.1:{port}:8080", f"--volume={model}:/opt/ml/model:ro", image, "serve"),
    )
    try:
        while not _healthy(port):
            if time.perf_counter() - begun > give_up:
                raise TimeoutError(_docker("logs", container))
            time.sleep(0.01)
        wall = time.perf_counter() - begun
        fields = _docker("exec", container, "cat", "/proc/1/stat").rpartition(")")[2].split()
        return Start(wall, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    finally:
        _docker("rm", "--force", container)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def main(model: str, *images: str) -> None:
    """Print the medians."""
    names = images or (default_image(),)
    starts: dict[str, list[Start]] = {image: [] for image in names}
    for _ in range(7):
        for image in names:
            starts[image].append(start(image, os.path.realpath(model), 18_481))
            time.sleep(0.5)
    for image, taken in starts.items():
        wall, cpu = (statistics.median(values) for values in zip(*taken, strict=True))
        least = min(one.wall for one in taken)
        print(
            f"{image}: {wall:.2f} s to the first healthy /ping (fastest {least:.2f}), {cpu:.2f} s of CPU time"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
