"""The verbs that are not a run: compare, serve, clean, and the groups `runs` and `data`."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from fraudlab import children, files
from fraudlab.errors import ConfigError, PortInUse, RunError
from fraudlab.files import private_folder, storage
from fraudlab.runs import DEFAULT, Run, find_completed, find_run, list_runs, remove_unbegun, require_completed
from fraudlab.runs.find import without_collection
from fraudlab.runs.listing import Selection, select, shown_columns, sorted_by, summary
from fraudlab.runs.run_values import RunColumn, RunValues


def compare(names: Sequence[str], *, runs: Path | None, output: Path | None, markdown: bool = False) -> int:
    """Print runs side by side, the first against each other, and write the same as a page.

    Parameters
    ----------
    names : sequence of str
        Two to twenty runs.
    runs, output : Path or None
    markdown : bool
        Print Markdown instead, and nothing else: a pull request takes it as it is.
    """
    from rich.console import Console

    from fraudlab.report.comparison.lineup import line_up
    from fraudlab.report.comparison.lineup_markdown import lineup_markdown
    from fraudlab.report.comparison.lineup_page import render_lineup
    from fraudlab.report.comparison.lineup_terminal import print_lineup

    found = find_completed(runs, names)
    if len(found) < len(names):
        _to_standard_error("a run that is named twice stands there once")
    lineup = line_up([run.folder for run in found])
    target = output or (runs or DEFAULT) / "comparisons" / _comparison_name([run.id for run in found])
    if output is None:
        private_folder(target.parent)
    if markdown:
        print(lineup_markdown(lineup), end="")
    else:
        print_lineup(lineup, Console(highlight=False))
    page = render_lineup(lineup, target)
    print(f"comparison: {page}", file=sys.stderr if markdown else sys.stdout)
    return 0


def _comparison_name(ids: list[str]) -> str:
    """Of the page: both ids, and of several a digest of all."""
    if len(ids) == 2:
        return f"{ids[0]}--{ids[1]}.html"
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:8]
    return f"{ids[0]}--and-{len(ids) - 1}-more-{digest}.html"


def serve(named: str, *, registry: Path, follow: bool = False, host: str, port: int, workers: int) -> int:
    """Replace this process with the image's `serve`, on this machine.

    Parameters
    ----------
    named : str
        A model's folder, or a version of the registry.
    registry : Path
        Where the registry is.
    follow : bool
        Whether what takes the place of the model takes over without a restart.
    host, port, workers
        Of the endpoint.

    Raises
    ------
    RunError
        Where the folder holds no model.
    RegistryError
        Where there is no such version.
    PortInUse
        Where somebody listens already.
    """
    model = _model_folder(named, registry)
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
        "FRAUDLAB_MODEL_DIR": str(_link(named, model, registry) if follow else model.resolve()),
        "FRAUDLAB_FOLLOW": "true" if follow else "",
        "FRAUDLAB_HOST": host,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "FRAUDLAB_WORKERS": str(workers),
    }
    print(
        f"serving {named} on http://{host}:{port} (GET /ping, POST /invocations); Ctrl-C stops it", flush=True
    )
    os.execve(sys.executable, children.python("fraudlab.container", "serve"), environment)


def _model_folder(named: str, registry: Path) -> Path:
    from fraudlab.registry import registered_run

    run = registered_run(named, registry=registry)
    return Path(named) if run is None else run.folder / "model"


def _link(named: str, model: Path, registry: Path) -> Path:
    """The path that leads elsewhere when another model takes its place."""
    from fraudlab.registry import reference_in, standing_name

    if standing_name(named) is not None:
        return (registry / named).absolute()
    if reference_in(named) is None and model.resolve() != model.absolute():
        return model.absolute()
    raise ConfigError(
        f"{named} is always the same model: there is nothing to follow.",
        fix="follow a stage, as NAME:production, or a path with a link in it, as runs/latest/model",
    )


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
    from fraudlab.tracking import leftovers

    remove_unbegun(runs or DEFAULT)
    folder = (runs or DEFAULT) / ".cache"
    for cache in sorted({folder.resolve(), *(used.folder(folder.resolve()) for used in descriptions())}):
        freed = clean_cache(cache, release=leftovers.taking(release))
        kept = f"; {len(freed.kept)} entries are in use and stay" if freed.kept else ""
        print(f"removed {freed.bytes / 2**20:,.1f} MiB from {cache}{kept}")
    return 0


def list_all(
    runs: Path | None, selection: Selection, *, columns: Sequence[str] = (), as_json: bool = False
) -> int:
    """Print the runs that are asked for, each with its headline; say which cannot be read, and what costs.

    Parameters
    ----------
    runs : Path or None
    selection : Selection
    columns : sequence of str
        Names of what is shown of each run instead of the headline.
    as_json : bool
    """
    with without_collection():
        return _list_all(runs or DEFAULT, selection, columns=columns, as_json=as_json)


def _list_all(runs: Path, selection: Selection, *, columns: Sequence[str], as_json: bool) -> int:
    from fraudlab.runs.list_table import column_lines, headline_lines

    found = list_runs(runs, damaged=lambda error: _to_standard_error(f"left out: {error.message}"))
    values = RunValues(found)
    chosen = select(found, selection, values=values)
    shown = shown_columns(columns, values, chosen)
    usd, words, lines = _costs(found)
    if as_json:
        print(_as_json(chosen, shown if columns else None, usd), end="")
    elif not found:
        print(f"no runs in {runs}")
    elif not chosen:
        print(f"no such runs in {runs}, of {len(found)}")
    else:
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        if columns:
            table = column_lines(chosen, shown, room=room)
        else:
            table = headline_lines(chosen, sorted_by(selection, values), room=room)
        print("\n".join(table))
        for run in chosen:
            if run.id in words:
                print(f"{run.status} {run.id}: {words[run.id]}")
    sys.stdout.flush()
    for line in [*values.notes, *lines]:
        _to_standard_error(line)
    return 0


def _as_json(runs: list[Run], columns: list[RunColumn] | None, usd: dict[str, float | None]) -> str:
    """Runs as a JSON array, an object per run; NaN, which is no JSON, is null."""
    found = []
    for run in runs:
        facts = summary(run)
        if run.id in usd:
            facts["usd_so_far"] = usd[run.id]
        if columns is not None:
            facts["columns"] = {column.name: column.value(run) for column in columns}
        found.append(facts)
    text = json.dumps(found, default=str)
    return files.as_json(json.loads(text, parse_constant=lambda _: None))


def _costs(runs: list[Run]) -> tuple[dict[str, float | None], dict[str, str], list[str]]:
    """What runs in an account have cost so far; where there are none, nothing is loaded or asked."""
    if not any(isinstance(run.head.cloud, dict) for run in runs):
        return {}, {}, []
    from fraudlab.cloud.spent_so_far import spent_so_far

    found = spent_so_far(runs)
    return found.usd, found.words, found.lines


def _to_standard_error(line: str) -> None:
    from fraudlab.redaction import hide

    print(hide(line), file=sys.stderr)


def show(name: str, *, runs: Path | None) -> int:
    """Print what one run was made with and what it found."""
    print(json.dumps(find_run(runs, name).record, indent=2, ensure_ascii=False))
    return 0


def report(name: str, *, runs: Path | None) -> int:
    """Write a completed run's report and its model's card again, from what its folder holds."""
    from fraudlab.report import render_run
    from fraudlab.report.card.model_card import write_card

    folder = require_completed(find_run(runs, name)).folder
    if card := write_card(folder):
        print(f"model card: {card.path}")
        if card.kept is not None:
            print(f"  more than your own places was changed in it; that card is kept: {card.kept}")
    print(f"report: {render_run(folder)}")
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
