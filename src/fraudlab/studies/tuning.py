"""``fraudlab tune``: trials judged on validation, and one honest look at test for what came of them.

The settings a study starts from are a full run of their own. Trials never see test. The best of them is
trained once more as a full run, and the two are compared on the test rows that both have scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fraudlab import locks
from fraudlab.compose import compose
from fraudlab.errors import Detached, Interrupted, JobFailed, RunError, RunTaken
from fraudlab.files import private_folder, read_json, storage
from fraudlab.interruption import interruptible
from fraudlab.runs import Run
from fraudlab.studies.left_trials import leavable_trials, stopped_on_error
from fraudlab.studies.search_space import Value
from fraudlab.studies.searching import Search, free_run_id
from fraudlab.studies.study_consent import AgreedCost, require_study_consent
from fraudlab.studies.study_runs import completed_runs, left_run, study_of, study_runs
from fraudlab.studies.trial_book import TrialBook, TrialRow, best_of, first_settings, require_optuna
from fraudlab.studies.tuning_outcome import TuningOutcome, trial_line, write_outcome
from fraudlab.studies.tuning_request import TuningRequest, is_begun, read_request, require_same
from fraudlab.studies.worker_pool import open_pool
from fraudlab.terminal import Terminal

_JOURNAL = "trials.journal"
_OWNER = ".owner"


def tune(
    words: Sequence[str],
    *,
    terminal: Terminal | None = None,
    ended: Callable[[Path], None] = lambda _: None,
) -> TuningOutcome:
    """Carry out a study, or go on with it.

    Parameters
    ----------
    words : sequence of str
        Overrides, of the study (``tune.trials=50``) and of its runs.
    terminal : Terminal, optional
        Where progress is shown; default standard output.
    ended : callable
        Given the folder of its newest run when a study in the cloud ends, however it does.

    Raises
    ------
    ConfigError
        With all that cannot be used, or where nobody has agreed to what it may cost.
    RunTaken
        Where another process has the study.
    FraudlabError
        Where a run fails for a reason that all would.
    """
    shown = terminal or Terminal()
    request = read_request(words)
    require_optuna()
    with _held(request.folder):
        if is_begun(request):
            require_same(request)
        agreed = require_study_consent(request)
        require_same(request)
        try:
            return _carried_out(request, agreed, shown)
        finally:
            if agreed is not None and (runs := study_runs(request)):
                ended(runs[-1].folder)


def _carried_out(request: TuningRequest, agreed: AgreedCost | None, shown: Terminal) -> TuningOutcome:
    """A study that is held and agreed to, from its start to what it was worth."""
    shown.say(f"study {request.name} · {_budget(request)}", style="bold")
    if not request.prunes and request.options.pruner != "none":
        shown.say("  no trial is ended early: model.eval_metric has no aucpr to compare rounds by")
    start = _full_run(request, "start", {}, shown)
    first = first_settings(request.options.space, _settings_of(start, request))
    book = TrialBook(request.folder / _JOURNAL, request.options, seed=request.seed, first=first)
    if ended := sum(row.state != "running" for row in book.rows()):
        shown.say(f"  {ended} trials have ended before")
    try:
        _search(request, book, start, agreed, shown)
        best = best_of(book.rows())
        if best is None:
            raise _none_completed(request, book.rows(), cut=agreed is not None and agreed.cut)
        final = _full_run(request, "final", dict(best.params), shown, agreed=agreed)
    except BaseException:
        write_outcome(request, book, start=start, final=None, costs=_costs(agreed))
        raise
    if agreed is not None:
        shown.say(f"  {agreed.line}", style="dim")
    tested = len(completed_runs(request, "final"))
    return write_outcome(request, book, start=start, final=final, tested=tested, costs=_costs(agreed))


def _search(
    request: TuningRequest, book: TrialBook, start: Run, agreed: AgreedCost | None, terminal: Terminal
) -> None:
    """Carry out the trials that are missing, showing each."""
    table = str(start.record["data"]["sha256"])
    total = request.options.trials
    allowance = None if agreed is None else agreed.allowance
    searches: list[Search] = []

    def going() -> list[str]:
        return searches[0].going if searches else []

    try:
        with (
            stopped_on_error(request, going, terminal),
            interruptible(terminal) as attention,
            terminal.meter("trials", total=total) as meter,
            open_pool(request.options.parallel, request.folder / "logs") as pool,
        ):

            def told(row: TrialRow) -> None:
                rows = book.rows()
                terminal.say(trial_line(row, rows, total=total))
                meter.reach(sum(other.state != "running" for other in rows))

            search = Search(request, book, pool, table=table, told=told, allowance=allowance)
            searches.append(search)
            attention.leavable = lambda: leavable_trials(request, going())
            search.run()
    except Interrupted as error:
        ended = sum(row.state != "running" for row in book.rows())
        error.fix = f"the same command goes on with it: {ended} of {total} trials have ended"
        if isinstance(error, Detached):
            error.fix += "; until it does, jobs that go on cost what they cost"
        raise
    if agreed is not None and allowance is not None and search.is_cut:
        agreed.cut = True
        ended = sum(row.state != "running" for row in book.rows())
        terminal.say(f"  {ended} of {total} trials have ended; {allowance.no_further}", style="yellow")


def _full_run(
    request: TuningRequest,
    role: str,
    params: dict[str, Value],
    terminal: Terminal,
    *,
    agreed: AgreedCost | None = None,
) -> Run:
    """A normal run, with its test figures; the one of an earlier call where it has the same settings.

    One that an earlier call has left while its jobs went on is gone on with.
    """
    from fraudlab.workflow import finish_run, run_workflow

    for run in reversed(completed_runs(request, role)):
        if study_of(run).get("params") == params:
            return run
    if (left := left_run(request, role, params)) is not None:
        return finish_run(left.folder, terminal=terminal)
    if agreed is not None:
        agreed.require_final()
    run_id = free_run_id(request.runs, f"{request.name}-{role}")
    overrides = request.overrides_of(run_id, params, trial=False)
    study = request.study(role, params=params)
    return run_workflow(compose(overrides), overrides=overrides, terminal=terminal, study=study)


def _costs(agreed: AgreedCost | None) -> dict[str, Any] | None:
    return None if agreed is None else agreed.as_record()


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
        made = {path.name for path in folder.iterdir()}
        lock.release(remove=made <= {_OWNER})
        if made <= {_OWNER}:  # refused before it began: nothing of it is left
            with suppress(OSError):
                folder.rmdir()
                folder.parent.rmdir()
                folder.parent.parent.rmdir()


def _settings_of(start: Run, request: TuningRequest) -> dict[str, Any]:
    """The settings of the run a study starts from; what its job has chosen is what it chose."""
    found = read_json(start.folder / "training" / "history.json").get("model_size") or {}
    chosen = {name: found.get(name) for name, value in vars(request.config.model).items() if value == "auto"}
    return {**vars(request.config.model), **chosen}


def _budget(request: TuningRequest) -> str:
    names = ", ".join(dimension.name for dimension in request.options.space)
    return f"{request.options.trials} trials of {names}"


def _none_completed(
    request: TuningRequest, rows: list[TrialRow], *, cut: bool = False
) -> JobFailed | RunError:
    failed = [row for row in rows if row.state == "failed"]
    if cut and not failed:
        return RunError(
            f"No trial of study {request.name} has completed within sagemaker.max_usd.",
            fix="raise sagemaker.max_usd: the same command goes on with it",
        )
    if not failed:
        return RunError(
            f"No trial of study {request.name} has completed in its time.", fix="give tune.timeout more time"
        )
    return JobFailed(
        f"No trial of study {request.name} has completed; the last: {failed[-1].error}",
        fix="mend what the trials say, or narrow tune.space",
    )
