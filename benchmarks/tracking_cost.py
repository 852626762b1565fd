"""What tracking adds: to the training job, and to a whole ``fraudlab train`` that is kept as archives.

    python -m benchmarks.tracking_cost [--rows 284807] [--runs 7] [--write]

The same is run with tracking and without, in turn and in turns of order; the first pair warms caches and does
not count. Ratios and differences are of pairs. Seconds of a CPU are those of all its processes: on a machine
that others use, they say more than seconds of a clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import jobs
from benchmarks.pages import table_of, write_section
from benchmarks.timing import ROOT, timed
from fraudlab.data.synthetic import write_synthetic

ROUNDS = 100
#: what may be added: a share of a training, and seconds of a whole run
MOST_OF_A_TRAINING, MOST_SECONDS = 0.05, 0.5
KEY = "benchmarkoftracking0123456789abcdef"
#: seconds of a clock and of a CPU
Seconds = dict[str, float]
Pairs = list[tuple[Seconds, Seconds]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=284_807, help="of train, and of the table of a whole run")
    parser.add_argument("--runs", type=int, default=7, help="pairs that count")
    parser.add_argument("--write", action="store_true", help="replace the section in docs/performance.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tracking-") as folder:
        os.chdir(folder)
        print(f"preparing {chosen.rows:,} rows to train on", flush=True)
        jobs.prepare_synthetic("prepared", str(chosen.rows))
        write_synthetic(Path("table.csv"), rows=chosen.rows)
        found = {
            "training job": pairs(chosen.runs, training),
            "whole run, offline": pairs(chosen.runs, whole_run),
        }
        os.chdir(ROOT)
    text = report(chosen.rows, found)
    print(text)
    if chosen.write:
        write_section("tracking", text)


def pairs(runs: int, measured: Callable[[bool], Seconds]) -> Pairs:
    """With tracking and without, so many times after a warm-up; who is first changes."""
    found = []
    for number in range(runs + 1):
        seconds = {tracked: measured(tracked) for tracked in ((True, False) if number % 2 else (False, True))}
        if number:
            found.append((seconds[True], seconds[False]))
        both = f"with {_said(seconds[True])}, without {_said(seconds[False])}"
        print(f"{number}/{runs}  {measured.__name__}  {both}", flush=True)
    return found


def training(tracked: bool) -> Seconds:
    """The training job as a process, with an archive of its rounds or without."""
    shutil.rmtree("job", ignore_errors=True)
    jobs.hand_over(
        Path("prepared"),
        Path("job"),
        {"num_round": ROUNDS, "early_stopping_rounds": 0},
        policy="cost",
        experiment_key=KEY if tracked else None,
    )
    seconds = _timed([*jobs.COMMAND, "train"], {"FRAUDLAB_ML_ROOT": str(Path("job").resolve())})
    archives = list(Path("job/output/data/comet").glob(f"{KEY}-*.zip"))
    if len(archives) != tracked:
        raise SystemExit(f"there are {len(archives)} archives: nothing was compared")
    return seconds


def whole_run(tracked: bool) -> Seconds:
    """``fraudlab train`` with every job run, as processes."""
    shutil.rmtree("runs", ignore_errors=True)
    roles = ("data.path=table.csv", "data.label=Class", "data.time=Time", "data.amount=Amount")
    same = (f"model.num_round={ROUNDS}", "model.early_stopping_rounds=0", "run.id=r")
    words = ["backend=process", f"tracking={'offline' if tracked else 'off'}", "data=table", *roles, *same]
    seconds = _timed([sys.executable, "-m", "fraudlab", "train", *words], {})
    archives = list(Path("runs/r/comet").glob("*.zip"))
    if len(archives) != 2 * tracked:
        raise SystemExit(f"there are {len(archives)} archives: nothing was compared")
    return seconds


def _timed(command: Sequence[str], environment: dict[str, str]) -> Seconds:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    clock = timed(command, environment)["seconds"]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"clock": clock, "cpu": sum(after[:2]) - sum(before[:2])}


def _said(seconds: Seconds) -> str:
    return f"{seconds['clock']:.2f} s ({seconds['cpu']:.2f} CPU)"


def report(rows: int, found: dict[str, Pairs]) -> str:
    """The figures as Markdown, and whether they are what tracking may cost."""
    lines = []
    for name, measured in found.items():
        cells = [name]
        for kind in ("clock", "cpu"):
            ratios = [ours[kind] / theirs[kind] for ours, theirs in measured]
            more = [ours[kind] - theirs[kind] for ours, theirs in measured]
            cells += [
                f"{statistics.median(theirs[kind] for _, theirs in measured):.2f}",
                f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
                f"{statistics.median(more):+.2f}",
            ]
        lines.append(cells)
    ratio = statistics.median(ours["clock"] / theirs["clock"] for ours, theirs in found["training job"])
    added = statistics.median(ours["clock"] - theirs["clock"] for ours, theirs in found["whole run, offline"])
    kept = ratio <= 1 + MOST_OF_A_TRAINING and added <= MOST_SECONDS
    return (
        f"{rows:,} rows × 31 columns, {ROUNDS} rounds, {len(found['training job'])} pairs after a warm-up;"
        " without tracking, and what it adds."
        f" {'Within' if kept else 'More than'} {MOST_OF_A_TRAINING:.0%} of a training and"
        f" {MOST_SECONDS:g} s of a whole run.\n\n"
        + table_of(["", "seconds", "with / without", "added", "CPU s", "with / without", "added"], lines)
    )


if __name__ == "__main__":
    main()
