"""Ten thousand runs: what it costs to list them, to trace one, and to put twenty side by side.

    python -m benchmarks.many_runs [--runs 10000] [--repeat 3]

One small run is trained, and copied under other names, each with a model of its own. Commands are whole
processes, in turn; what is told is their processor time, since wall time tells of the machine's other work.
``models lineage`` is compared with ``runs list``, which reads the same records.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import table_of

SMALL = ("backend=process", "tracking=off", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=20")
#: files of a run that copies share with it
_SHARED = ("config.yaml", "overrides.yaml", "data/manifest.json", "evaluation/metrics.json")
#: runs that `compare` is given have scores and curves of their own
COMPARED = 20
LIST, RUN, MODEL = "runs list", "models lineage RUN", "models lineage MODEL"
COMPARE = f"compare, {COMPARED} runs"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    if min(chosen.runs, chosen.repeat) < 1 or chosen.runs < COMPARED:
        parser.error(f"at least {COMPARED} runs, and one repetition")
    with tempfile.TemporaryDirectory(prefix="bench-runs-") as folder:
        os.chdir(folder)
        print(f"making {chosen.runs:,} runs", flush=True)
        names = make_runs(Path("runs"), chosen.runs)
        print(report(chosen.runs, measure(names, chosen.repeat)))


def make_runs(runs: Path, count: int) -> list[str]:
    """Train one run and copy it; the names of the copies."""
    _fraudlab("train", *SMALL, "run.id=trained", f"paths.runs={runs}")
    trained = runs / "trained"
    record = json.loads((trained / "run.json").read_text())
    contract = json.loads((trained / "model" / "model.json").read_text())
    names = [f"run-{number:05}" for number in range(count)]
    for number, name in enumerate(names):
        for shared in _SHARED if number >= COMPARED else _all_of(trained):
            (runs / name / shared).parent.mkdir(parents=True, exist_ok=True)
            (runs / name / shared).hardlink_to(trained / shared)
        hashes = {**contract.get("hashes", {}), "model.ubj": digest(number)}
        (runs / name / "model").mkdir(exist_ok=True)
        _write(runs / name / "model" / "model.json", {**contract, "run_id": name, "hashes": hashes})
        _write(runs / name / "run.json", {**record, "id": name})
    return names


def digest(number: int) -> str:
    """What stands for the SHA-256 of the model of a copy."""
    return f"{number:064x}"


def _all_of(trained: Path) -> list[str]:
    """What a run has that is not written anew."""
    own = {"run.json", "model/model.json"}
    found = (path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file())
    return [name for name in found if name not in own]


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def measure(names: Sequence[str], repeat: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of processor and wall of each command, in turn, without a first time that warms caches."""
    commands = {
        LIST: ["runs", "list"],
        RUN: ["models", "lineage", names[len(names) // 2]],
        MODEL: ["models", "lineage", digest(len(names) // 2)],
        COMPARE: ["compare", *names[:COMPARED]],
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(repeat + 1):
        for name, words in commands.items():
            seconds = _fraudlab(*words)
            if number:
                found[name].append(seconds)
    return found


def _fraudlab(*words: str) -> tuple[float, float]:
    """Carry out a command; seconds of processor time, and of wall time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", *words], capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"fraudlab {' '.join(words)} failed:\n{done.stderr or done.stdout}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def report(count: int, found: dict[str, list[tuple[float, float]]]) -> str:
    """Medians of each command, and the ratios to ``runs list`` of the same turn."""
    rows = []
    for name, seconds in found.items():
        ratios = [took / base for (took, _), (base, _) in zip(seconds, found[LIST], strict=True)]
        processor, wall = (statistics.median(part) for part in zip(*seconds, strict=True))
        ratio = f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"
        rows.append([f"`fraudlab {name}`", f"{processor:.2f}", f"{wall:.2f}", "" if name == LIST else ratio])
    head = (f"{count:,} runs", "processor s", "wall s", f"ratio to `{LIST}`")
    return table_of(head, rows)


if __name__ == "__main__":
    main()
