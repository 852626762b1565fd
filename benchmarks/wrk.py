"""wrk: load on one server, and what came of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("post.lua")
#: seconds wrk waits for an answer before it counts an error
TIMEOUT = 30
#: seconds a run may take beyond its own, to connect and to end
_GRACE = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw; latencies in milliseconds.

    Attributes
    ----------
    requests : int
    rate : float
        Requests a second.
    p50, p99, worst : float
    errors : dict
        Counts of ``connect``, ``read``, ``write``, ``timeout`` and ``status`` (answers of 400 and above).
    """

    requests: int
    rate: float
    p50: float
    p99: float
    worst: float
    errors: dict[str, int]


def require_wrk() -> None:
    """Say where wrk comes from, where there is none."""
    if not shutil.which("wrk"):
        raise SystemExit("there is no wrk in PATH; on Debian: apt install wrk")


def command(url: str, kind: str, bodies: Sequence[Path], *, connections: int, seconds: int) -> list[str]:
    """Post bodies in turn, from one thread.

    Parameters
    ----------
    url : str
    kind : str
        Content type.
    bodies : sequence of Path
        One file a body.
    """
    wrk = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    return [*wrk, f"--timeout={TIMEOUT}s", f"--script={SCRIPT}", url, "--", kind, *map(str, bodies)]


def load(url: str, kind: str, bodies: Sequence[Path], *, connections: int, seconds: int) -> Load:
    """Run wrk to its end.

    Raises
    ------
    SystemExit
        If it counted an error, or no answer at all: such a run says nothing.
    """
    done = subprocess.run(
        command(url, kind, bodies, connections=connections, seconds=seconds),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + TIMEOUT + _GRACE,
    )
    if done.returncode:
        raise SystemExit(f"wrk failed on {url}: {done.stderr or done.stdout}")
    seen = parse(done.stdout)
    if not seen.requests or any(seen.errors.values()):
        raise SystemExit(f"{url}: {seen.requests} answers, errors {seen.errors}")
    return seen


def parse(output: str) -> Load:
    """Read the line of JSON that ``post.lua`` ends with."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"wrk printed no summary:\n{output}")
    found: dict[str, Any] = json.loads(lines[-1])
    return Load(
        requests=found["requests"],
        rate=found["requests"] / (found["microseconds"] / 1e6),
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        worst=found["max"] / 1e3,
        errors=found["errors"],
    )
