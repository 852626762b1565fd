"""The verbs that are not a run: compare, serve, clean, and the groups `runs` and `data`."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from fraudlab.errors import ConfigError, PortInUse, RunError
from fraudlab.files import storage
from fraudlab.runs import Run, find_run, list_runs


def compare(a: str, b: str, *, runs: Path, output: Path | None) -> int:
    """Print two runs side by side and write the same as a page."""
    from rich.console import Console

    from fraudlab.report import compare_runs, print_comparison, render_comparison

    first, second = _completed(runs, a), _completed(runs, b)
    target = output or runs / "comparisons" / f"{first.id}--{second.id}.html"
    with storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    comparison = compare_runs(first.folder, second.folder)
    print_comparison(comparison, Console(highlight=False))
    page = render_comparison(comparison, target)
    print(f"comparison: {page}")
    return 0


def serve(model: Path, *, host: str, port: int, workers: int) -> int:
    """Replace this process with the image's `serve`, on this machine.

    Raises
    ------
    RunError
        Where the folder holds no model.
    PortInUse
        Where somebody listens already.
    """
    if not (model / "model.json").is_file():
        raise RunError(
            f"There is no model in {model}.", fix="name a run's model folder: --model runs/RUN/model"
        )
    if not 1 <= port <= 65_535:
        raise ConfigError(f"--port {port} is not a port.", fix="valid: 1 to 65535")
    require_free_port(host, port)
    environment = {
        **os.environ,
        "FRAUDLAB_MODEL_DIR": str(model.resolve()),
        "FRAUDLAB_HOST": host,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "FRAUDLAB_WORKERS": str(workers),
    }
    print(
        f"serving {model} on http://{host}:{port} (GET /ping, POST /invocations); Ctrl-C stops it", flush=True
    )
    os.execve(sys.executable, [sys.executable, "-m", "fraudlab.container", "serve"], environment)


def require_free_port(host: str, port: int) -> None:
    """Refuse a port somebody else listens on.

    Raises
    ------
    PortInUse
        With a port that is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            from fraudlab.backends.process import free_port

            raise PortInUse(
                f"Port {port} on {host} cannot be used ({error.strerror}).",
                fix=f"stop what listens there, or choose another, such as --port {free_port()}",
            ) from error


def clean(runs: Path) -> int:
    """Remove the cache of a runs folder; a run that is going on keeps its working folder."""
    from fraudlab.backends import mountable

    busy = {run.id for run in list_runs(runs) if run.status == "running"}
    for cache in sorted({(runs / ".cache").resolve(), mountable(runs / ".cache")}):
        freed = 0
        for folder in sorted(cache.glob("*/*")):
            if folder.parent.name == "jobs" and folder.name in busy:
                continue
            freed += _size(folder)
            with storage(folder):
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        print(f"removed {freed / 2**20:,.1f} MiB from {cache}")
    return 0


def list_all(runs: Path) -> int:
    """Print every run with its headline, oldest first."""
    found = list_runs(runs)
    if not found:
        print(f"no runs in {runs}")
        return 0
    width = max(len(run.id) for run in found)
    print(
        f"{'run':<{width}}  {'status':<11}  {'backend':<7}  {'data':<10}  average precision (95 % interval)"
    )
    for run in found:
        print(f"{run.id:<{width}}  {_summary(run)}")
    return 0


def show(name: str, *, runs: Path) -> int:
    """Print what one run was made with and what it found."""
    import json

    print(json.dumps(find_run(runs, name).record, indent=2, ensure_ascii=False))
    return 0


def report(name: str, *, runs: Path) -> int:
    """Write a completed run's report again, from what its folder holds."""
    from fraudlab.report import render_run

    print(f"report: {render_run(_completed(runs, name).folder)}")
    return 0


def generate(file: Path, *, rows: int, fraud_rate: float, seed: int) -> int:
    """Write the synthetic table."""
    from fraudlab.data.synthetic import write_synthetic

    if file.suffix.lower() not in {".csv", ".parquet"}:
        raise ConfigError(f"{file} has an ending that is not known.", fix="valid: .csv, .parquet")
    if rows < 1_000 or not 0.0 < fraud_rate <= 0.5:
        raise ConfigError(
            f"--rows {rows} --fraud-rate {fraud_rate} is out of range.",
            fix="valid: 1000 rows or more, a rate up to 0.5",
        )
    with storage(file):
        write_synthetic(file, rows=rows, fraud_rate=fraud_rate, seed=seed)
    print(f"wrote {rows:,} rows to {file}")
    return 0


def _completed(runs: Path, name: str) -> Run:
    run = find_run(runs, name)
    if run.status != "completed":
        raise RunError(f"Run {run.id} is {run.status}, not completed.", fix="see `fraudlab runs list`")
    return run


def _summary(run: Run) -> str:
    record = run.record
    found = record["metrics"]
    headline = (
        f"{found['average_precision']:.3f} ({found['average_precision_low']:.3f} to "
        f"{found['average_precision_high']:.3f})"
        if found
        else (record["error"] or {}).get("message", "")
    )
    return f"{run.status:<11}  {record['backend']:<7}  {record['data']['source']:<10}  {headline}"


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)
