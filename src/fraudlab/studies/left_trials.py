"""What becomes of trials whose jobs go on without the study: they are left, or their jobs are stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from fraudlab.backend_registry import describe
from fraudlab.errors import AFTER_INTERRUPTION, Detached, FraudlabError, Interrupted, RunError
from fraudlab.interruption import Leavable
from fraudlab.runs import Run
from fraudlab.studies.study_runs import is_left
from fraudlab.studies.tuning_request import TuningRequest
from fraudlab.taking_up import run_taken_up
from fraudlab.terminal import Terminal


def leavable_trials(request: TuningRequest, going: Sequence[str]) -> Leavable | None:
    """What goes on when a study is left; None where its trials end with it."""
    if not going or not describe(request.config.backend.kind).outlives_launcher:
        return None
    trials = "a trial" if len(going) == 1 else f"{len(going)} trials"
    return Leavable(request.name, f"work of {trials}", study=True)


@contextmanager
def stopped_on_error(
    request: TuningRequest, going: Callable[[], Sequence[str]], terminal: Terminal
) -> Iterator[None]:
    """Stop the jobs of trials that outlived their workers, where the study failed or somebody said so.

    Parameters
    ----------
    request : TuningRequest
    going : callable
        Says which runs went on, by their ids.
    terminal : Terminal
        Told of jobs that could not be stopped.
    """
    try:
        yield
    except Detached:
        raise
    except BaseException:
        for run_id in going():
            _stop(request, run_id, terminal)
        raise


def _stop(request: TuningRequest, run_id: str, terminal: Terminal) -> None:
    """End a trial that was left as if it had been stopped itself; its run says ``interrupted``."""
    try:
        run = Run(request.runs / run_id)
    except RunError:  # it has not begun
        return
    if not is_left(run):
        return
    try:
        with suppress(Interrupted), run_taken_up(run.folder, terminal=Terminal(quiet=True)):
            raise Interrupted("Stopped with its study.", fix=AFTER_INTERRUPTION)
    except FraudlabError as error:
        terminal.say(f"  trial {run_id} may be going on: {error.message} {error.fix}", style="yellow")
