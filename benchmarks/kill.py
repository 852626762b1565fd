"""Kill runs and uploads at seeded moments, and see that Comet has what was printed, once.

The server is on loopback and is driven by the real SDK. A run is killed some time after its start, an upload
at one of its calls: before the answer, or a moment after it, when the ledger may not say so yet.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fraudlab.api_requests import read_round

#: calls of an upload of a small run, and some more: then it is not killed
_CALLS = 60
_SYNC = "import sys; from fraudlab.syncing import sync; sys.exit(sync(sys.argv[1:], runs=None, settle=0))"


def start_run(folder: Path, run: str, environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start a run that has far more rounds than it will live to train."""
    return _process(
        [
            *(sys.executable, "-m", "fraudlab", "train", "backend=process", "data.rows=20000"),
            *(
                "data.fraud_rate=0.01",
                "model.num_round=5000",
                "model.early_stopping_rounds=0",
                f"run.id={run}",
            ),
            *words,
        ],
        folder,
        environment,
    )


def kill_run(launcher: subprocess.Popen[bytes], log: Path, chosen: random.Random) -> None:
    """Kill a launcher after some rounds, a moment after its train job has printed the last of them."""
    rounds = chosen.choice([0, 1, 7, 40, 150])
    patience = time.monotonic() + 120
    while not (log.exists() and f"[{rounds}]\t" in log.read_text()) and time.monotonic() < patience:
        time.sleep(0.01)
    time.sleep(chosen.uniform(0, 0.3))
    launcher.kill()
    launcher.wait(60)


def kill_sync(
    folder: Path, run: str, environment: Mapping[str, str], server: Any, chosen: random.Random
) -> bool:
    """Kill an upload at one of its calls; whether it was still there to be killed."""
    calls, at, later = 0, chosen.randrange(_CALLS), chosen.choice([0.0, 0.0, chosen.uniform(0, 0.05)])
    sync = _process([sys.executable, "-c", _SYNC, run], folder, environment)

    def heard(_call: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            if later:
                threading.Timer(later, sync.kill).start()
            else:
                sync.kill()

    with _told(server, heard):
        return sync.wait(120) == -signal.SIGKILL


def finish_sync(folder: Path, run: str, environment: Mapping[str, str]) -> None:
    """Upload what is left; it must succeed."""
    if _process([sys.executable, "-c", _SYNC, run], folder, environment).wait(240):
        raise SystemExit(f"{run}: the upload that nobody killed failed")


def missing(server: Any, run: Path) -> set[tuple[str, int]]:
    """Rounds that a run has printed, and its server has not."""
    log = run / "logs" / "train.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    printed = {
        (f"validation_{name}", found[0])
        for line in lines
        if (found := read_round(line)) is not None
        for name in found[1]
    }
    return printed - {(metric["metricName"], metric["step"]) for metric in server.metrics}


def doubled(server: Any) -> dict[Any, int]:
    """What a server has more than once."""
    seen = collections.Counter(
        # load of the machine has moments, and no steps
        (
            m["experimentKey"],
            m["metricName"],
            m["timestamp" if m["metricName"].startswith("sys.") else "step"],
        )
        for m in server.metrics
    )
    seen.update((p["experimentKey"], p["parameterName"]) for p in server.parameters)
    seen.update((a.experiment, a.kind, a.name, a.artifact) for a in server.assets)
    sdks_own = {"curr_step", "curr_epoch"}
    return {what: count for what, count in seen.items() if count > 1 and what[1] not in sdks_own}


@contextmanager
def _told(server: Any, heard: Any) -> Iterator[None]:
    before, server.heard = server.heard, heard
    try:
        yield
    finally:
        server.heard = before


def _process(words: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, cwd=folder, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def main() -> None:
    """Kill as many runs and uploads as asked, and fail where something is lost or doubled."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from comet_server import KEY, comet_server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--syncs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    lost = twice = killed = 0
    with tempfile.TemporaryDirectory(prefix="fraudlab-kill-") as name:
        folder = Path(name)
        for number in range(asked.runs):
            chosen = random.Random(f"{asked.seed}-{number}")
            with comet_server() as server:
                environment = {
                    **os.environ, "HOME": name, "COMET_API_KEY": KEY, "COMET_URL_OVERRIDE": server.url,
                    "COMET_CONFIG": f"{name}/none",
                }  # fmt: skip
                run = f"r{number}"
                launcher = start_run(
                    folder, run, environment, f"tracking={chosen.choice(['offline', 'auto'])}"
                )
                kill_run(launcher, folder / "runs" / run / "logs" / "train.log", chosen)
                for _ in range(asked.syncs // asked.runs + (number < asked.syncs % asked.runs)):
                    killed += kill_sync(folder, run, environment, server, chosen)
                finish_sync(folder, run, environment)
                lost += len(missing(server, folder / "runs" / run))
                twice += len(doubled(server))
            print(
                f"\r{number + 1} runs and {killed} uploads killed: {lost} lost, {twice} twice",
                end="",
                flush=True,
            )
    print()
    if lost or twice:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
