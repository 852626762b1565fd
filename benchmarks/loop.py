"""A whole run against ``benchmarks/bare.py``: wall time, peak memory, and where the time goes.

    python -m benchmarks.loop [--rows 284807] [--runs 5] [--write NAME]

Everything alternates in one session; the first round warms caches and does not count. Every run has
``force=true``, so no job is skipped; the cached second run is timed separately.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import table_of, write_section
from benchmarks.timing import timed
from fraudlab.backends.docker_engine import default_image, preflight
from fraudlab.compose import compose
from fraudlab.data.synthetic import write_synthetic
from fraudlab.errors import BackendError

ROUNDS = 100
#: of the model's configuration, what is not handed to xgboost.train as a parameter
NOT_PARAMETERS = ("name", "num_round", "early_stopping_rounds", "fraud_bins", "refit")
STAGES = ("prepare", "train", "score", "evaluate", "report")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=284_807)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", metavar="NAME", help="section of docs/performance.md to replace")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-loop-") as folder:
        os.chdir(folder)
        print(f"writing {chosen.rows:,} rows", flush=True)
        write_synthetic(Path("table.csv"), rows=chosen.rows)
        text = report(chosen.rows, measure(chosen.runs))
    print(text)
    if chosen.write:
        write_section(chosen.write, text)


def measure(runs: int) -> dict[str, list[dict[str, float]]]:
    """Run everything in turn; one mapping of figures a counted run."""
    found: dict[str, list[dict[str, float]]] = {}
    commands = {"bare": bare_command(), "process": train_command("process", force=True)}
    try:
        preflight(default_image())
        commands["local"] = train_command("local", force=True)
    except BackendError as error:
        print(f"without containers: {error.message}", flush=True)
    commands["cached"] = train_command("process", force=False)
    for number in range(runs + 1):
        for name, command in commands.items():
            figures = {"seconds": 0.0, "peak_mib": 0.0} | timed(command)
            if name != "bare":
                figures |= run_figures()
            if number:
                found.setdefault(name, []).append(figures)
                print(f"{number} {name} {figures['seconds']:.2f} s", flush=True)
    return found


def bare_command() -> list[str]:
    config = vars(compose([]).model)
    parameters = {
        key: value for key, value in config.items() if value is not None and key not in NOT_PARAMETERS
    }
    return [
        sys.executable,
        "-m",
        "benchmarks.bare",
        "table.csv",
        "bare.ubj",
        json.dumps(parameters),
        str(ROUNDS),
    ]


def train_command(backend: str, *, force: bool) -> list[str]:
    described = [
        "data=table",
        "data.path=table.csv",
        "data.label=Class",
        "data.time=Time",
        "data.amount=Amount",
    ]
    fixed = [
        f"backend={backend}",
        "backend.fallback=error",
        "tracking=offline",
        f"force={str(force).lower()}",
    ]
    same = ["data.duplicates=drop", f"model.num_round={ROUNDS}", "model.early_stopping_rounds=0"]
    same.append("model.refit=false")  # the bare script trains once
    return [sys.executable, "-m", "fraudlab", "train", *described, *fixed, *same]


def run_figures() -> dict[str, float]:
    """Seconds a stage, and what each job said of its own memory."""
    run = Path("runs/latest")
    stages = json.loads((run / "run.json").read_text())["stages"]
    figures = {name: stages[name]["seconds"] for name in STAGES}
    for job in ("process", "train"):
        log = run / "logs" / f"{job}.log"
        if log.exists() and (peak := re.search(r"peak_memory_mb=(\d+)", log.read_text())):
            figures[f"{job}_peak_mib"] = float(peak[1])
    return figures


def report(rows: int, found: dict[str, list[dict[str, float]]]) -> str:
    """The figures as Markdown: ratios pair by pair, medians of the rest."""
    bare = found["bare"]
    compared = []
    for name in [name for name in ("process", "local", "cached") if name in found]:
        ratios = [ours["seconds"] / theirs["seconds"] for ours, theirs in zip(found[name], bare, strict=True)]
        compared.append(
            [name, f"**{statistics.median(ratios):.2f}**", f"{min(ratios):.2f} to {max(ratios):.2f}"]
            + [f"{median(found[name], key):.2f}" for key in ("seconds", *STAGES)]
        )
    memory = []
    for name in [name for name in ("process", "local") if name in found]:
        for job in ("process", "train"):
            peak = median(found[name], f"{job}_peak_mib")
            memory.append([f"{job} job, {name}", f"{peak:.0f}", f"**{peak / median(bare, 'peak_mib'):.2f}**"])
    head = ["backend", "wall time / bare", "range", "seconds", *STAGES]
    return (
        f"{rows:,} rows × 31 columns, {ROUNDS} rounds, alternating {len(bare)} times after a warm-up;"
        f" the bare script took {median(bare, 'seconds'):.2f} s"
        f" and {median(bare, 'peak_mib'):.0f} MiB (medians).\n\n"
        + table_of(head, compared)
        + "\n\n"
        + table_of(["peak memory", "MiB", "/ bare"], memory)
    )


def median(runs: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


if __name__ == "__main__":
    main()
