"""The verbs that are not a run: compare, serve, clean, and the groups `runs` and `data`."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path

from fraudlab import children, files
from fraudlab.errors import ConfigError, PortInUse, RunError
from fraudlab.files import private_folder, storage
from fraudlab.runs import DEFAULT, Run, find_run, list_runs, remove_unbegun
from fraudlab.runs.listing import Selection, headline, select, sorted_by_metric, summary


def compare(a: str, b: str, *, runs: Path | None, output: Path | None) -> int:
    """Print two runs side by side and write the same as a page."""
    from rich.console import Console

    from fraudlab.report import compare_runs, print_comparison, render_comparison

    first, second = _completed(runs, a), _completed(runs, b)
    target = output or (runs or DEFAULT) / "comparisons" / f"{first.id}--{second.id}.html"
    if output is None:
        private_folder(target.parent)
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
        official = sorted(model.glob("xgboost-model*")) if model.is_dir() else []
        if official:
            raise RunError(
                f"{model} has {official[0].name}, as the official XGBoost container writes it.",
                fix="make a model of it and serve that: "
                f"fraudlab models import {shlex.quote(str(model))} --columns NAMES|auto",
            )
        raise RunError(
            f"There is no model in {model}.", fix="name a run's model folder: --model runs/RUN/model"
        )
    if not 1 <= port <= 65_535:
        raise ConfigError(f"--port {port} is not a port.", fix="valid: 1 to 65535")
    require_free_port(host, port)
    environment = {
        **children.environment(),
        "FRAUDLAB_MODEL_DIR": str(model.resolve()),
        "FRAUDLAB_HOST": host,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "FRAUDLAB_WORKERS": str(workers),
    }
    print(
        f"serving {model} on http://{host}:{port} (GET /ping, POST /invocations); Ctrl-C stops it", flush=True
    )
    os.execve(sys.executable, children.python("fraudlab.container", "serve"), environment)


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
            from fraudlab.backends.ports import free_port

            raise PortInUse(
                f"Port {port} on {host} cannot be used ({error.strerror}).",
                fix=f"stop what listens there, or choose another, such as --port {free_port()}",
            ) from error


def clean(runs: Path | None) -> int:
    """Remove the cache of a runs folder, and what killed runs have left; what a run uses stays."""
    from fraudlab.backend_registry import descriptions
    from fraudlab.backends import release
    from fraudlab.cache import clean as clean_cache

    remove_unbegun(runs or DEFAULT)
    folder = (runs or DEFAULT) / ".cache"
    for cache in sorted({folder.resolve(), *(used.folder(folder.resolve()) for used in descriptions())}):
        freed = clean_cache(cache, release=release)
        kept = f"; {len(freed.kept)} entries are in use and stay" if freed.kept else ""
        print(f"removed {freed.bytes / 2**20:,.1f} MiB from {cache}{kept}")
    return 0


def list_all(runs: Path | None, selection: Selection, *, as_json: bool = False) -> int:
    """Print the runs that are asked for, each with its headline; say which cannot be read."""
    runs = runs or DEFAULT
    found = list_runs(runs, damaged=lambda error: print(f"left out: {error.message}", file=sys.stderr))
    chosen = select(found, selection)
    if as_json:
        text = json.dumps([summary(run) for run in chosen])
        print(files.as_json(json.loads(text, parse_constant=lambda _: None)), end="")  # NaN is no JSON
    elif not found:
        print(f"no runs in {runs}")
    elif not chosen:
        print(f"no such runs in {runs}, of {len(found)}")
    else:
        _print_table(chosen, metric=sorted_by_metric(selection))
    return 0


def show(name: str, *, runs: Path | None) -> int:
    """Print what one run was made with and what it found."""
    print(json.dumps(find_run(runs, name).record, indent=2, ensure_ascii=False))
    return 0


def report(name: str, *, runs: Path | None) -> int:
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


def _completed(runs: Path | None, name: str) -> Run:
    run = find_run(runs, name)
    if run.status != "completed":
        raise RunError(f"Run {run.id} is {run.status}, not completed.", fix="see `fraudlab runs list`")
    return run


def _print_table(runs: list[Run], *, metric: str | None) -> None:
    """Columns of one width each; on a terminal no line is longer than it is wide."""
    rows = [("run", "status", "backend", "data", metric, "average precision (95 % interval)")]
    for run in runs:
        facts = summary(run)
        value = facts["metrics"].get(metric)
        value_text = f"{value:.4g}" if isinstance(value, int | float) else "-"
        rows.append(
            (run.id, run.status, facts["backend"] or "-", facts["data"] or "-", value_text, headline(run))
        )
    width = max(len(row[0]) for row in rows)
    place = max(7, *(len(str(row[2])) for row in rows))
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for name, status, backend, data, value, last in rows:
        extra = f"{value:<{len(metric)}}  " if metric else ""
        line = f"{name:<{width}}  {status:<11}  {backend!s:<{place}}  {data!s:<10}  {extra}{last}"
        print("".join(character if character.isprintable() else " " for character in line)[:room])
