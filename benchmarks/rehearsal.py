"""What a rehearsal adds to a run, stage by stage, and how many calls it answers per second.

    python -m benchmarks.rehearsal [--rows 50000] [--runs 3] [--calls 10000] [--write NAME]

The same run in local mode and against a rehearsal, in turn and with the same containers; the first round
warms caches and does not count. Then one client asks for one training job, one call after another.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.loop import STAGES, run_figures, train_command
from benchmarks.pages import table_of, write_section
from benchmarks.timing import timed
from fraudlab.data.synthetic import write_synthetic

#: what a stage may take longer than in local mode, and how many calls per second are wanted
MOST_SECONDS, LEAST_RATE = 3.0, 300


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--write", metavar="NAME", help="section of docs/performance.md to replace")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-rehearsal-") as folder:
        os.chdir(folder)
        print(f"writing {chosen.rows:,} rows", flush=True)
        write_synthetic(Path("table.csv"), rows=chosen.rows)
        try:
            found = measure(chosen.runs)
        finally:
            _end_of_runs()
        with rehearsal() as facts:
            rate = calls_per_second(facts, chosen.calls)
    text = report(chosen.rows, found, chosen.calls, rate)
    print(text)
    if chosen.write:
        write_section(chosen.write, text)


def measure(runs: int) -> dict[str, list[dict[str, float]]]:
    """Run both in turn; the seconds of each stage of each counted run."""
    found: dict[str, list[dict[str, float]]] = {"local": [], "rehearsal": []}
    for number in range(runs + 1):
        for backend, figures in found.items():
            wall = timed([*train_command(backend, force=True), "evaluation.via=endpoint"])["seconds"]
            if number:
                figures.append({**run_figures(), "whole run": wall})
                print(f"{number} {backend} {wall:.2f} s", flush=True)
    return found


def _end_of_runs() -> None:
    """End the rehearsal that the runs have started, which outlives them."""
    for announced in Path().rglob("announced.json"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)


@contextlib.contextmanager
def rehearsal() -> Iterator[dict[str, Any]]:
    """A rehearsal of one's own; gives what it announces."""
    announce = Path("announce") / "facts.json"
    words = ["rehearsal", "--port", "0", "--state", "state", "--announce", str(announce)]
    with subprocess.Popen([sys.executable, "-m", "fraudlab", *words], stdout=subprocess.DEVNULL) as process:
        try:
            while not announce.is_file():
                if process.poll() is not None:
                    raise SystemExit("the rehearsal does not start")
                time.sleep(0.05)
            yield json.loads(announce.read_text())
        finally:
            process.send_signal(signal.SIGINT)


def calls_per_second(facts: dict[str, Any], calls: int) -> float:
    """How often DescribeTrainingJob is answered to one client of boto3's, which waits for each answer."""
    import boto3

    session = boto3.Session(facts["access_key"], facts["secret_key"], region_name=facts["region"])
    sagemaker = session.client("sagemaker", endpoint_url=facts["url"])
    # a job of an image that nobody has: it has failed, and is described as any other
    sagemaker.create_training_job(
        TrainingJobName="asked-for",
        RoleArn=facts["role"],
        AlgorithmSpecification={"TrainingImage": "no-such-image:1", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{facts['bucket']}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        HyperParameters={f"parameter_{number}": str(number) for number in range(40)},
    )
    while sagemaker.describe_training_job(TrainingJobName="asked-for")["TrainingJobStatus"] == "InProgress":
        time.sleep(0.05)
    began = time.perf_counter()
    for _ in range(calls):
        sagemaker.describe_training_job(TrainingJobName="asked-for")
    return calls / (time.perf_counter() - began)


def report(rows: int, found: dict[str, list[dict[str, float]]], calls: int, rate: float) -> str:
    """The figures as Markdown: medians of each stage, and their difference."""
    rows_of_table = []
    for name in (*STAGES, "whole run"):
        local, rehearsed = (
            statistics.median(one[name] for one in found[backend]) for backend in ("local", "rehearsal")
        )
        ratio = f"{rehearsed / local:.2f}" if local else ""
        rows_of_table.append([name, f"{local:.2f}", f"{rehearsed:.2f}", f"{rehearsed - local:+.2f}", ratio])
    head = f"{rows:,} rows, medians of {len(found['local'])} runs in turn; a stage is to take at most"
    head += f" {MOST_SECONDS:.0f} s more."
    tail = f"{calls:,} calls of DescribeTrainingJob by one client, one after another: {rate:.0f} per second;"
    tail += f" {LEAST_RATE} are wanted."
    columns = ["stage", "local, s", "rehearsal, s", "more, s", "ratio"]
    return "\n\n".join([head, table_of(columns, rows_of_table), tail])


if __name__ == "__main__":
    main()
