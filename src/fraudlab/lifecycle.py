"""How a run begins and ends: what it is given, what it records, and that nothing of it is left running."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fraudlab import provenance
from fraudlab.backend_registry import BACKENDS, describe
from fraudlab.backends import Opened, open_backend, release
from fraudlab.backends.backend import Backend
from fraudlab.cache import Cache, take_away_dead
from fraudlab.compose import as_yaml
from fraudlab.config import Fallback, RunConfig
from fraudlab.errors import BackendError, DataError, RunError, StorageError, ending_of
from fraudlab.files import full_disk, storage, write_text
from fraudlab.interruption import interruptible
from fraudlab.recorded_config import read_config
from fraudlab.redaction import hide
from fraudlab.runs import RunFolder
from fraudlab.stages.context import Context
from fraudlab.stages.raw_table import find_table
from fraudlab.terminal import Terminal
from fraudlab.tracking.run_experiment import track_run

if TYPE_CHECKING:
    from fraudlab.data.sources import Source
    from fraudlab.tracking.experiment import Status


@contextmanager
def run_in_progress(
    config: RunConfig, *, overrides: Sequence[str], terminal: Terminal
) -> Iterator[tuple[Context, Source]]:
    """Open everything a run needs, record how it ends, and close everything again.

    The table is found before the run's folder is made: a wrong path leaves nothing behind.
    """
    runs = Path(config.paths.runs).absolute()
    with interruptible(terminal), ExitStack() as stack, ThreadPoolExecutor(1) as aside:
        facts = aside.submit(_facts)
        folder = RunFolder.reserve(runs, config.run.id, name=hide(config.model.name))
        with _abandoned_on_error(folder):
            place = _opened(stack, config, folder, terminal)
            source = find_table(config, place.cache)
            for note in source.notes:
                terminal.say(f"  {note}", style="dim")
            folder.begin(**_record(config, place.opened, source), **facts.result())
        with recorded(folder, terminal):
            write_text(folder.path / "config.yaml", as_yaml(config))
            typed = "".join(f"- {_quoted(hide(override))}\n" for override in overrides)
            write_text(folder.path / "overrides.yaml", typed or "[]\n")
            with _under_way(config, folder, place, terminal) as context:
                yield context, source


@contextmanager
def run_taken_up(path: Path, *, terminal: Terminal) -> Iterator[tuple[Context, Source]]:
    """Go on with a run whose launcher has ended while its jobs went on, and record how it ends.

    Until everything is open, the run stays as it is when something fails, so that it can be taken up again.

    Parameters
    ----------
    path : Path
        The run's folder.
    terminal : Terminal

    Raises
    ------
    RunError
        Where it has ended, somebody has it, or its jobs have ended with its launcher.
    DataError
        Where its table is not the one it began with.
    """
    with interruptible(terminal), ExitStack() as stack:
        folder = RunFolder.take_up(path)
        with _left_on_error(folder):
            config = read_config(path)
            config.backend.kind, config.backend.fallback = _outliving(folder), Fallback.error
            place = _opened(stack, config, folder, terminal)
            source = find_table(config, place.cache)
            if source.sha256 != folder.record["data"]["sha256"]:
                raise DataError(
                    f"{source.path} is not the table run {folder.id} began with.",
                    fix="bring that table back, or begin another run",
                )
        with recorded(folder, terminal), _under_way(config, folder, place, terminal) as context:
            yield context, source


class _Workplace(NamedTuple):
    """Where a run is carried out."""

    cache: Cache
    workspace: Path
    opened: Opened


def _opened(stack: ExitStack, config: RunConfig, folder: RunFolder, terminal: Terminal) -> _Workplace:
    """Open cache and backend, which `stack` closes again, and say how the run is carried out."""
    cache = stack.enter_context(Cache(_cache(config, terminal)))
    take_away_dead(cache.folder, release=release)
    workspace = cache.workspace(folder.id)
    opened = open_backend(config, run_id=folder.id, workspace=workspace)
    stack.enter_context(_closed(opened.backend, terminal, unfinished=partial(cache.leave, workspace)))
    _say_how(terminal, folder.id, config, opened)
    return _Workplace(cache, workspace, opened)


@contextmanager
def _under_way(
    config: RunConfig, folder: RunFolder, place: _Workplace, terminal: Terminal
) -> Iterator[Context]:
    backend = place.opened.backend
    tracker = track_run(config, folder)
    context = Context(config, folder, place.cache, place.workspace, backend, tracker, terminal)
    with _tracked(context):
        yield context


def _outliving(folder: RunFolder) -> str:
    """The backend of a run that is taken up, whose jobs must have outlived its launcher."""
    name = str(folder.record["backend"])
    if name not in BACKENDS or not describe(name).outlives_launcher:
        raise RunError(
            f"The jobs of run {folder.id} have ended with its launcher (backend={name}).",
            fix="repeat the run: jobs that had ended are taken from the cache",
        )
    return name


@contextmanager
def recorded(folder: RunFolder, terminal: Terminal) -> Iterator[None]:
    """Record how a run ends: completed, or failed and why."""
    try:
        with full_disk(folder.path):
            yield
        folder.complete()
    except BaseException as error:
        try:
            folder.fail(error)
        except StorageError as unwritten:  # the reason for the failure is more use than this one
            terminal.say(f"  could not record the failure: {unwritten.message}", style="red")
        raise


@contextmanager
def _abandoned_on_error(folder: RunFolder) -> Iterator[None]:
    """Leave nothing of a run that has not begun."""
    try:
        with full_disk(folder.path):
            yield
    except BaseException:
        folder.abandon()
        raise


@contextmanager
def _left_on_error(folder: RunFolder) -> Iterator[None]:
    """Let go of a run that cannot be gone on with just now."""
    try:
        yield
    except BaseException:
        folder.leave()
        raise


@contextmanager
def _closed(backend: Backend, terminal: Terminal, *, unfinished: Callable[[], None]) -> Iterator[None]:
    """Close a backend in the end, without hiding how the run ended; `unfinished` is told of what is left."""
    try:
        yield
    finally:
        try:
            backend.close()
        except BackendError as error:
            unfinished()
            terminal.say(f"{error.message} {error.fix}", style="yellow")


@contextmanager
def _tracked(context: Context) -> Iterator[None]:
    """End the experiment whatever happens, and record where it is."""
    if context.config.tracking.mode.value == "online":
        context.tracker.experiment  # noqa: B018  (raises where there can be no experiment, before any job)
    try:
        yield
    except BaseException as error:
        _end_experiment(context, ending_of(error), str(error).split("\n")[0])
        raise
    _end_experiment(context, "completed")


def _end_experiment(context: Context, status: Status, error: str | None = None) -> None:
    archives, problems = context.tracker.close(status, error)
    for problem in problems:
        context.terminal.say(f"  the experiment is incomplete: {problem}", style="yellow")
    experiment = context.folder.record.get("experiment")
    if experiment is not None:  # written with how the run ended
        names = [archive.name for archive in archives]
        context.folder.record["experiment"] = {**experiment, "archives": names, "problems": problems}


def _cache(config: RunConfig, terminal: Terminal) -> Path:
    wanted = Path(config.paths.cache).resolve()
    backend = describe(config.backend.kind)
    used = backend.folder(wanted)
    if used != wanted:
        terminal.say(f"{backend.jobs} cannot be given folders below {wanted}; using {used}", style="yellow")
        with storage(used):
            used.parent.mkdir(mode=0o700, exist_ok=True)
        if used.parent.stat().st_uid != os.getuid():  # anybody may make folders in the temporary folder
            raise StorageError(
                f"{used.parent} belongs to somebody else.", fix="choose a folder with paths.cache=FOLDER"
            )
    return used


def _say_how(terminal: Terminal, run_id: str, config: RunConfig, opened: Opened) -> None:
    where = describe(opened.backend.name).title
    if opened.fallback:
        terminal.say(f"{opened.fallback} Running as {where} instead.", style="yellow")
        if opened.fix:
            terminal.say(f"for {describe(config.backend.kind).jobs}: {opened.fix}", style="yellow")
    terminal.say(f"run {run_id} · {config.model.name} on {config.data.kind.value} · {where}", style="bold")


def _record(config: RunConfig, opened: Opened, source: Source) -> dict[str, Any]:
    backend = opened.backend
    image = {"name": backend.placement.image, "id": backend.image_id} if backend.image_id else None
    return {
        "name": config.model.name,
        "backend": backend.name,
        "fallback": opened.fallback,
        "image": image,
        "data": {"source": config.data.kind.value, "path": str(source.path), "sha256": source.sha256},
        "experiment": None,
    }


def _facts() -> dict[str, Any]:
    return {
        "git": provenance.git_state(Path.cwd()),
        "packages": provenance.packages(),
        "platform": provenance.machine(),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
