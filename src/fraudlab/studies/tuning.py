"""``fraudlab tune``: trials judged on validation, and one honest look at test for what came of them.

The settings a study starts from are a full run of their own. Trials never see test. The best of them is
trained once more as a full run, and the two are compared on the test rows that both have scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fraudlab import locks
from fraudlab.compose import compose
from fraudlab.errors import Interrupted, JobFailed, RunError, RunTaken
from fraudlab.files import private_folder, read_json, storage
from fraudlab.interruption import interruptible
from fraudlab.runs import Run
from fraudlab.studies.search_space import Value
from fraudlab.studies.searching import Search, free_run_id
from fraudlab.studies.trial_book import TrialBook, TrialRow, best_of, first_settings, require_optuna
from fraudlab.studies.tuning_outcome import TuningOutcome, trial_line, write_outcome
from fraudlab.studies.tuning_request import TuningRequest, read_request, require_same
from fraudlab.studies.worker_pool import open_pool
from fraudlab.terminal import Terminal

_JOURNAL = "trials.journal"
_OWNER = ".owner"


def tune(words: Sequence[str], *, terminal: Terminal | None = None) -> TuningOutcome:
    """Carry out a study, or go on with it.

    Parameters
    ----------
    words : sequence of str
        Overrides, of the study (``tune.trials=50``) and of its runs.
    terminal : Terminal, optional
        Where progress is shown; default standard output.

    Raises
    ------
    ConfigError
        With all that cannot be used.
    RunTaken
        Where another process has the study.
    FraudlabError
        Where a run fails for a reason that all would.
    """
    shown = terminal or Terminal()
    request = read_request(words)
    require_optuna()
    with _held(request.folder):
        require_same(request)
        shown.say(f"study {request.name} · {_budget(request)}", style="bold")
        if not request.prunes and request.options.pruner != "none":
            shown.say("  no trial is ended early: model.eval_metric has no aucpr to compare rounds by")
        start = _full_run(request, "start", {}, shown)
        first = first_settings(request.options.space, _settings_of(start, request))
        book = TrialBook(request.folder / _JOURNAL, request.options, seed=request.seed, first=first)
        if ended := sum(row.state != "running" for row in book.rows()):
            shown.say(f"  {ended} trials have ended before")
        try:
            _search(request, book, start, shown)
            best = best_of(book.rows())
            if best is None:
                raise _none_completed(request, book.rows())
            final = _full_run(request, "final", dict(best.params), shown)
        except BaseException:
            write_outcome(request, book, start=start, final=None)
            raise
        return write_outcome(
            request, book, start=start, final=final, tested=len(completed_runs(request, "final"))
        )


def _search(request: TuningRequest, book: TrialBook, start: Run, terminal: Terminal) -> None:
    """Carry out the trials that are missing, showing each."""
    table = str(start.record["data"]["sha256"])
    total = request.options.trials
    try:
        with (
            interruptible(terminal),
            terminal.meter("trials", total=total) as meter,
            open_pool(request.options.parallel, request.folder / "logs") as pool,
        ):

            def told(row: TrialRow) -> None:
                rows = book.rows()
                terminal.say(trial_line(row, rows, total=total))
                meter.reach(sum(other.state != "running" for other in rows))

            Search(request, book, pool, table=table, told=told).run()
    except Interrupted as error:
        ended = sum(row.state != "running" for row in book.rows())
        error.fix = f"the same command goes on with it: {ended} of {total} trials have ended"
        raise


def _full_run(request: TuningRequest, role: str, params: dict[str, Value], terminal: Terminal) -> Run:
    """A normal run, with its test figures; the one of an earlier call where it has the same settings."""
    from fraudlab.workflow import run_workflow

    known = completed_runs(request, role)
    for run in reversed(known):
        if run.record["study"].get("params") == params:
            return run
    run_id = free_run_id(request.runs, f"{request.name}-{role}")
    overrides = request.overrides_of(run_id, params, trial=False)
    study = request.study(role, params=params)
    return run_workflow(compose(overrides), overrides=overrides, terminal=terminal, study=study)


def completed_runs(request: TuningRequest, role: str) -> list[Run]:
    """The full runs of a study that have completed, oldest first: each has looked at test once."""
    found = []
    for folder in request.runs.glob(f"{request.name}-{role}*"):
        try:
            run = Run(folder)
        except RunError:
            continue
        study = run.record.get("study") or {}
        if run.status == "completed" and (study.get("name"), study.get("role")) == (request.name, role):
            found.append(run)
    return sorted(found, key=lambda run: str(run.head.started))


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a study, so that no other process writes its journal."""
    private_folder(folder.parent)
    private_folder(folder)
    with storage(folder / _OWNER):
        lock = locks.take(folder / _OWNER)
    if lock is None:
        raise RunTaken(
            f"Study {folder.name} is being carried out by another process.",
            fix="wait for its end, or choose another tune.name",
        )
    try:
        yield
    finally:
        lock.release()


def _settings_of(start: Run, request: TuningRequest) -> dict[str, Any]:
    """The settings of the run a study starts from; what its job has chosen is what it chose."""
    found = read_json(start.folder / "training" / "history.json").get("model_size") or {}
    chosen = {name: found.get(name) for name, value in vars(request.config.model).items() if value == "auto"}
    return {**vars(request.config.model), **chosen}


def _budget(request: TuningRequest) -> str:
    names = ", ".join(dimension.name for dimension in request.options.space)
    return f"{request.options.trials} trials of {names}"


def _none_completed(request: TuningRequest, rows: list[TrialRow]) -> JobFailed | RunError:
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return RunError(
            f"No trial of study {request.name} has completed in its time.", fix="give tune.timeout more time"
        )
    return JobFailed(
        f"No trial of study {request.name} has completed; the last: {failed[-1].error}",
        fix="mend what the trials say, or narrow tune.space",
    )
