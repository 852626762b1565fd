"""Kill runs and uploads at seeded moments, and see that Comet has what was printed, once.

The server is on loopback and is driven by the real SDK. A run is killed some time after its start. An upload
is carried out on copies of the run and of what the server has first; then the real one is killed at a moment
drawn among those it went through: a call before its answer, some time after one, or on either side of a line
in the ledger, of which one is between what was sent and the note of it.
"""

from __future__ import annotations

import argparse
import collections
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.api_requests import read_round

#: an upload that writes down when it notes what, and dies at one of these moments where that is asked for
_SYNC = """
import os, signal, sys, time
from fraudlab.syncing import sync
from fraudlab.tracking.comet import offline_archives as archives

run, journal, deadly = sys.argv[1:]

def come(moment):
    if moment == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    if journal:
        with open(journal, "a") as file:
            file.write(f"{time.time()} {moment}\\n")

def told(function):
    def noting(*given):
        what = given[2] if len(given) == 3 else "datasets"
        come(f"before {what}")
        function(*given)
        come(f"after {what}")
    return noting

archives.note, archives.note_datasets = told(archives.note), told(archives.note_datasets)
sys.exit(sync([run], runs=None, settle=0))
"""
#: what a server has, and a copy of it is given
_KEPT = (
    "keys", "workspaces", "runs", "metrics", "parameters", "others", "tags", "assets", "artifacts", "models",
    "notes", "registered",
)  # fmt: skip


@dataclass(frozen=True)
class KillMoment:
    """When an upload is killed: at a note in the ledger, or at a call, or so many seconds after that."""

    note: str = ""
    call: int = 0
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        return self.note or ("after a call" if self.seconds else "before an answer")


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
    folder: Path, run: str, environment: Mapping[str, str], server: Any, chosen: random.Random, serve: Any
) -> str:
    """Kill an upload at a moment of it; what kind of moment it was, or nothing where it had ended by then."""
    if not (moments := watch_sync(folder, run, environment, server, serve)):
        return ""
    drawn = draw(moments, chosen)
    sync = _process([sys.executable, "-c", _SYNC, run, "", drawn.note], folder, environment)
    calls = 0

    def heard(_call: str) -> None:
        nonlocal calls
        calls += 1
        if calls == drawn.call:
            if drawn.seconds:
                threading.Timer(drawn.seconds, sync.kill).start()
            else:
                sync.kill()

    with _told(server, heard):
        return drawn.kind if sync.wait(240) == -signal.SIGKILL else ""


def watch_sync(
    folder: Path, run: str, environment: Mapping[str, str], server: Any, serve: Any
) -> list[tuple[float, str]]:
    """What an upload would go through now, and when: calls, and notes by name. Copies are uploaded."""
    with tempfile.TemporaryDirectory(prefix="fraudlab-watch-") as name, serve() as other:
        for what in _KEPT:
            setattr(other, what, copy.deepcopy(getattr(server, what)))
        shutil.copytree(folder / "runs" / run, Path(name, "runs", run), symlinks=True)
        found: list[tuple[float, str]] = []
        other.heard = lambda _call: found.append((time.time(), ""))
        journal = Path(name, "journal")
        there = {**environment, "COMET_URL_OVERRIDE": other.url}
        words = [sys.executable, "-c", _SYNC, run, str(journal), ""]
        if _process(words, Path(name), there).wait(240):
            raise SystemExit(f"{run}: an upload of a copy of it failed")
        for line in journal.read_text().splitlines() if journal.exists() else ():
            when, _, note = line.partition(" ")
            found.append((float(when), note))
        return sorted(found)


def draw(moments: list[tuple[float, str]], chosen: random.Random) -> KillMoment:
    """Draw a note, a call, or a moment between the first call and whatever came last."""
    calls = [when for when, note in moments if not note]
    notes = [note for _, note in moments if note]
    match chosen.choice(["note", "call", "time"]):
        case "note" if notes:
            return KillMoment(note=chosen.choice(notes))
        case "time":
            when = chosen.uniform(calls[0], moments[-1][0])
            before = sum(call <= when for call in calls)
            return KillMoment(call=before, seconds=when - calls[before - 1])
    return KillMoment(call=chosen.randrange(len(calls)) + 1)


def finish_sync(folder: Path, run: str, environment: Mapping[str, str]) -> None:
    """Upload what is left; it must succeed."""
    if _process([sys.executable, "-c", _SYNC, run, "", ""], folder, environment).wait(240):
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
    lost = twice = 0
    killed: collections.Counter[str] = collections.Counter()
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
                    killed[kill_sync(folder, run, environment, server, chosen, comet_server)] += 1
                finish_sync(folder, run, environment)
                lost += len(missing(server, folder / "runs" / run))
                twice += len(doubled(server))
            ended = f"{killed.total() - killed['']} of {killed.total()} uploads"
            print(f"{number + 1} runs and {ended} killed: {lost} lost, {twice} twice", flush=True)
    for kind, count in sorted(killed.items()):
        print(f"{count:4} uploads killed {kind}" if kind else f"{count:4} uploads had ended before")
    if lost or twice:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
