"""How a run ends early whose jobs go on without its launcher: it is left, or its jobs are stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fraudlab.backends.signals import uninterrupted
from fraudlab.errors import BackendLost, Detached, FraudlabError, RunTaken
from fraudlab.interruption import Attention, Leavable
from fraudlab.stages.context import ASKED, JOBS, Context


@contextmanager
def settled(context: Context, attention: Attention) -> Iterator[None]:
    """See that a run which ends early leaves no job behind, or says that it does.

    One that has done all its jobs can still be left afterwards, while its experiment ends.

    Raises
    ------
    Detached
        Where its backend cannot be asked any more, or another launcher has taken the run over.
    """
    if not context.outlives_launcher:
        with attention.as_raised():
            yield
        return
    attention.leavable = partial(leavable, context)
    try:
        with attention.as_raised():
            yield
    except Detached:
        raise
    except RunTaken as error:
        raise Detached(error.message, fix=error.fix) from error
    except BackendLost as error:
        found = leavable(context)
        if found is None:
            raise
        raise Detached(
            f"{error.message.rstrip('.')}: run {found.run_id} is left, and {found.going_on}.",
            fix=f"{error.fix}; then {found.come_back}",
        ) from error
    except BaseException as error:
        attention.leavable = lambda: None
        with attention.ending():
            _stop_jobs(context, error)
        raise


def leavable(context: Context) -> Leavable | None:
    """What of a run goes on without its launcher; None where nothing of it was started."""
    record = context.folder.record
    if not record.get(JOBS) and not record.get(ASKED):
        return None
    going = context.unfinished()
    return Leavable(context.run_id, f"{going[-1].job} job" if going else None)


def _stop_jobs(context: Context, error: BaseException) -> None:
    """Ask for the end of all jobs; those that cannot be asked are named with the error."""
    left = []
    for handle in context.unfinished():
        try:
            with uninterrupted():
                context.backend.stop(handle)
                context.mark_ended(handle)
        except FraudlabError as refused:
            left.append(f"the job {handle.name} could not be stopped and may cost money ({refused.message})")
    if left and isinstance(error, FraudlabError):
        error.fix = f"{error.fix}; {'; '.join(left)}: stop it in the console"
    elif left:
        error.add_note("; ".join(left))
