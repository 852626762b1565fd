"""Commands from outside: wall time, and the most memory any of their processes held at once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def timed(command: Sequence[str], environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run a command to its end; what it prints goes to ``output.txt``.

    Linux counts what the caller holds when it starts a process among that process's own peak: measure from
    a process that is smaller than what it measures.
    """
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    began = time.perf_counter()
    with Path("output.txt").open("wb") as output:
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        pid = os.posix_spawn(
            command[0],
            list(command),
            {**os.environ, "PYTHONPATH": path, **(environment or {})},
            file_actions=actions,
        )
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(Path("output.txt").read_text(encoding="utf-8"))
    return {"seconds": time.perf_counter() - began, "peak_mib": usage.ru_maxrss / 1024}
