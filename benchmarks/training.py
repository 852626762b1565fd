"""The training job against ``benchmarks/bare_train.py`` on the same Parquet: wall time and peak memory.

    python -m benchmarks.training [--rows 284807 --rows 5000000] [--runs 5] [--write]

The rows are those of train, 30 features and the label; validation has two rows for seven of them. All
alternates in one session; the first round warms caches and does not count. Both train the same model, which
is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import jobs
from benchmarks.pages import table_of, write_section
from benchmarks.timing import ROOT, timed

ROUNDS = 100
ROWS = (284_807, 5_000_000)
TREE, JOB = Path("prepared"), Path("job")
#: what is run, in the order of the table; the first is what the others are compared with
BARE, BARE_PANDAS, SAME, DEFAULTS = (
    "bare script",
    "bare script, pandas and scikit-learn imported",
    "fraudlab, same parameters",
    "fraudlab, its defaults (bins placed by the frauds)",
)

Runs = dict[str, list[dict[str, float]]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help="of train; default: 284807 and 5000000")
    parser.add_argument("--runs", type=int, default=5, help="that count; of millions of rows half as many")
    parser.add_argument("--write", action="store_true", help="replace the section in docs/performance.md")
    chosen = parser.parse_args()
    texts = []
    for rows in chosen.rows or ROWS:
        with tempfile.TemporaryDirectory(prefix="bench-train-") as folder:
            os.chdir(folder)
            runs = chosen.runs if rows < 1_000_000 else (chosen.runs + 1) // 2
            texts.append(report(*measure(rows, runs)))
            os.chdir(ROOT)
    print("\n\n".join(texts))
    if chosen.write:
        write_section("train", "\n\n".join(texts))


def measure(rows: int, runs: int) -> tuple[dict[str, Any], Runs]:
    """The manifest of the prepared table, and the counted runs of everything."""
    print(f"preparing {rows:,} rows to train on", flush=True)
    _beside("prepare", str(TREE), str(rows))
    parameters = json.loads(_beside("parameters"))
    fraud_bins = parameters.pop("fraud_bins")
    commands: dict[str, Callable[[], dict[str, float]]] = {
        BARE: lambda: _bare(parameters, "--lean"),
        BARE_PANDAS: lambda: _bare(parameters),
        SAME: lambda: _job({**parameters, "fraud_bins": 0}),
        DEFAULTS: lambda: _job({**parameters, "fraud_bins": fraud_bins}),
    }
    found: Runs = {}
    for number in range(runs + 1):
        for name, command in commands.items():
            figures = command()
            if number:
                found.setdefault(name, []).append(figures)
            print(
                f"{number}/{runs}  {name}  {figures['seconds']:.2f} s  {figures['peak_mib']:.0f} MiB",
                flush=True,
            )
            if name == SAME:
                _beside("same", "bare.ubj", str(JOB / "model/model.ubj"))
    return json.loads((TREE / "processing/output/manifest.json").read_bytes()), found


def _bare(parameters: Mapping[str, Any], *flags: str) -> dict[str, float]:
    splits = [str(jobs.split_file(TREE, name)) for name in ("train", "validation")]
    script = [sys.executable, "-m", "benchmarks.bare_train"]
    return timed([*script, *splits, "bare.ubj", json.dumps(parameters), str(ROUNDS), *flags])


def _job(parameters: Mapping[str, Any]) -> dict[str, float]:
    shutil.rmtree(JOB, ignore_errors=True)
    hyperparameters = {**parameters, "num_round": ROUNDS, "early_stopping_rounds": 0}
    jobs.hand_over(TREE, JOB, hyperparameters, policy="cost")
    return timed([*jobs.COMMAND, "train"], {"FRAUDLAB_ML_ROOT": str(JOB.resolve())})


def _beside(command: str, *arguments: str) -> str:
    """Run a helper as a process: what this one holds would count as the memory of those it starts."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.jobs", command, *arguments],
        env=jobs.environment(TREE),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def report(manifest: Mapping[str, Any], found: Runs) -> str:
    """The figures as Markdown: ratios pair by pair, medians of the rest."""
    train, validation = (f"{manifest['splits'][name]['rows']:,}" for name in ("train", "validation"))
    bare = found[BARE]
    lines = []
    for name, runs in found.items():
        cells = [name]
        for key, form in (("seconds", ".2f"), ("peak_mib", ".0f")):
            ratios = [ours[key] / theirs[key] for ours, theirs in zip(runs, bare, strict=True)]
            cells.append(f"{statistics.median(run[key] for run in runs):{form}}")
            cells.append(f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})")
        lines.append(cells)
    return (
        f"{train} rows × {len(manifest['columns']) + 1} columns to train on, {validation} to validate on,"
        f" {ROUNDS} rounds; {len(bare)} runs in alternation after a warm-up.\n\n"
        + table_of(["process", "seconds", "/ bare", "peak MiB", "/ bare"], lines)
    )


if __name__ == "__main__":
    main()
