"""How a run begins and ends: what it is given, what it records, and that nothing of it is left running."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fraudlab import provenance
from fraudlab.backend_registry import describe
from fraudlab.backends import Opened, open_backend, release
from fraudlab.backends.backend import Backend, FarAway, facts_of
from fraudlab.cache import Cache, take_away_dead
from fraudlab.compose import as_yaml
from fraudlab.config import RunConfig
from fraudlab.detaching import settled
from fraudlab.errors import (
    BackendError,
    FraudlabError,
    StorageError,
    ending_of,
)
from fraudlab.files import full_disk, storage, write_text
from fraudlab.interruption import Attention, interruptible
from fraudlab.job_code import jobs_code
from fraudlab.plan.price_cache import known_prices
from fraudlab.plan.spending import costs_of, spending_line
from fraudlab.redaction import hide
from fraudlab.runs import RunFolder
from fraudlab.runs.shared_copy import SharedCopy
from fraudlab.stages.context import Context
from fraudlab.stages.starting_point import find_start
from fraudlab.terminal import Terminal
from fraudlab.tracking import leftovers
from fraudlab.tracking.run_experiment import track_run

if TYPE_CHECKING:
    from fraudlab.data.sources import Source
    from fraudlab.tracking.experiment import Status


@contextmanager
def run_in_progress(
    config: RunConfig,
    *,
    overrides: Sequence[str],
    terminal: Terminal,
    plan: Mapping[str, Any] | None = None,
    study: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Context, Source]]:
    """Open everything a run needs, record how it ends, and close everything again.

    The table is found before the run's folder is made: a wrong path leaves nothing behind.
    """
    runs = Path(config.paths.runs).absolute()
    with interruptible(terminal) as attention, ExitStack() as stack, ThreadPoolExecutor(1) as aside:
        facts = aside.submit(_facts)
        folder = RunFolder.reserve(runs, config.run.id, name=hide(config.model.name))
        with _abandoned_on_error(folder):
            place = opened_workplace(stack, config, folder, terminal)
            config, source = find_start(
                config,
                place.cache,
                workspace=place.workspace,
                backend=place.opened.backend,
                overrides=overrides,
            )
            for note in source.notes:
                terminal.say(f"  {note}", style="dim")
            state = place.opened.backend.shared_state
            shared = None if state is None else SharedCopy(folder, state)
            if shared is not None:
                stack.callback(shared.let_go)
                shared.begin()
            folder.begin(
                **_record(config, place.opened, source),
                **_planned(place.opened, plan),
                **({"study": dict(study)} if study is not None else {}),
                **facts.result(),
            )
        with shared_in_the_end(shared, terminal), recorded(folder, terminal, attention):
            write_text(folder.path / "config.yaml", as_yaml(config))
            typed = "".join(f"- {_quoted(hide(override))}\n" for override in overrides)
            write_text(folder.path / "overrides.yaml", typed or "[]\n")
            with under_way(config, folder, place, terminal, shared, attention) as context:
                yield context, source


@contextmanager
def shared_in_the_end(shared: SharedCopy | None, terminal: Terminal) -> Iterator[None]:
    """Save how a run ended where every machine finds it, as far as that can be asked now."""
    try:
        yield
    finally:
        if shared is not None:
            try:
                shared.keep(everything=True)
            except FraudlabError as error:
                terminal.say(
                    f"  {shared.where} does not say how the run ended: {error.message}", style="yellow"
                )


class Workplace(NamedTuple):
    """Where a run is carried out."""

    cache: Cache
    workspace: Path
    opened: Opened


def opened_workplace(stack: ExitStack, config: RunConfig, folder: RunFolder, terminal: Terminal) -> Workplace:
    """Open cache and backend, which `stack` closes again, and say how the run is carried out."""
    cache = stack.enter_context(Cache(_cache(config, terminal)))
    take_away_dead(cache.folder, release=leftovers.taking(release))
    workspace = cache.workspace(folder.id)
    opened = open_backend(config, run_id=folder.id, workspace=workspace)
    stack.enter_context(_closed(opened.backend, terminal, unfinished=partial(cache.leave, workspace)))
    if isinstance(opened.backend, FarAway):
        opened.backend.show_on(terminal)
    _say_how(terminal, folder.id, config, opened)
    return Workplace(cache, workspace, opened)


@contextmanager
def under_way(
    config: RunConfig,
    folder: RunFolder,
    place: Workplace,
    terminal: Terminal,
    shared: SharedCopy | None,
    attention: Attention,
) -> Iterator[Context]:
    """A run whose jobs can be started, whose experiment is open, and which leaves no job behind."""
    backend = place.opened.backend
    tracker = track_run(config, folder)
    leftovers.connect(place.workspace, folder.path)
    context = Context(
        config, folder, place.cache, place.workspace, backend, tracker, terminal, shared, attention.heed
    )
    with settled(context, attention):  # of a run that is taken up, jobs may be going on
        _require_experiment(context)
    with _tracked(context), _costed(context), settled(context, attention):
        yield context


@contextmanager
def recorded(folder: RunFolder, terminal: Terminal, attention: Attention) -> Iterator[None]:
    """Record how a run ends: completed, or failed and why. Signals change nothing of that afterwards."""
    try:
        with full_disk(folder.path), attention.as_raised():
            yield
            attention.is_ending = True
        folder.complete()
    except BaseException as error:
        attention.is_ending = True
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
def _costed(context: Context) -> Iterator[None]:
    """Record and say in the end what the machines of a run in the cloud have cost by list."""
    try:
        yield
    finally:
        if describe(context.backend.name).in_cloud:
            context.record_facts()
            prices = known_prices(Path(context.config.paths.cache))
            costs = costs_of(context.folder.record, prices)
            context.folder.record["costs"] = costs  # written with how the run ended
            if line := spending_line(costs):
                context.terminal.say(f"  {line}", style="dim")


@contextmanager
def _tracked(context: Context) -> Iterator[None]:
    """End the experiment whatever happens, and record where it is."""
    try:
        yield
    except BaseException as error:
        with suppress(KeyboardInterrupt):  # it is not waited for then, and the run ends as it would have
            _end_experiment(context, ending_of(error), str(error).split("\n")[0])
        raise
    _end_experiment(context, "completed")


def _require_experiment(context: Context) -> None:
    """Open the experiment before any job where there must be one."""
    if context.config.tracking.mode.value == "online":
        context.tracker.experiment  # noqa: B018  (raises where there can be none)


def _end_experiment(context: Context, status: Status, error: str | None = None) -> None:
    with suppress(FraudlabError, OSError):  # what a job has written goes with its working folder
        leftovers.take(context.workspace, context.folder.path, context.tracker.decision.key)
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
    version = source.started_from
    # of what was prepared elsewhere, the table need not be here
    path = None if source.prepared_key else str(source.path)
    data = {
        "source": version.source if version else config.data.kind.value,
        "path": path,
        "sha256": source.sha256,
    }
    return {
        "name": config.model.name,
        "backend": backend.name,
        "fallback": opened.fallback,
        "image": image,
        "data": {**data, "version": version.as_record()} if version else data,
        "experiment": None,
        **facts_of(backend),
    }


def _planned(opened: Opened, plan: Mapping[str, Any] | None) -> dict[str, Any]:
    """The plan that was shown, of a run that is carried out where it was planned."""
    return {"plan": dict(plan)} if plan is not None and describe(opened.backend.name).in_cloud else {}


def _facts() -> dict[str, Any]:
    return {
        "git": provenance.git_state(Path.cwd()),
        "code": jobs_code(),
        "packages": provenance.packages(),
        "platform": provenance.machine(),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
