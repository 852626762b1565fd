"""The running side of a rehearsal: containers under SageMaker's contract, for jobs and endpoints.

Whoever answers API calls hands over a :class:`~fraudlab.rehearsal.job_progress.JobProgress` and hears of the
work only through it.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Collection, Mapping

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.resource import ResourceKind
from fraudlab.rehearsal.work.container_engine import ContainerEngine
from fraudlab.rehearsal.work.engine_labels import remove_left
from fraudlab.rehearsal.work.host_group import RAN
from fraudlab.rehearsal.work.hosting import Hosting
from fraudlab.rehearsal.work.invoking import asked
from fraudlab.rehearsal.work.processing_job import ProcessingWork
from fraudlab.rehearsal.work.reasons import GONE, WorkFailed, WorkLeft
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.training_job import TrainingWork
from fraudlab.rehearsal.work.transform_job import TransformWork

__all__ = ["Services", "invoke", "resume", "start", "sweep", "update"]

_ENDPOINTS: dict[str, Hosting] = {}


def start(progress: JobProgress, services: Services) -> threading.Thread:
    """Carry out one job, or an endpoint until it is deleted, in a thread that is started already."""
    if progress.kind is ResourceKind.ENDPOINT:
        return _thread(progress, lambda: _host(progress, services))
    return _thread(progress, lambda: _carry_out(progress, services, resumed=False))


def resume(progress: JobProgress, services: Services) -> threading.Thread:
    """Go on after a restart of the rehearsal: a job whose container is there is watched again.

    One that had no container yet begins; one whose container is gone is failed with
    ``InternalServerError: …``; an endpoint that was in service gets new containers.
    """
    if progress.kind is not ResourceKind.ENDPOINT:
        return _thread(progress, lambda: _carry_out(progress, services, resumed=True))
    status = progress.record.status
    if status == "Failed":
        return _thread(progress, lambda: None)
    if status == "InService":  # it answers nobody until it has new containers
        progress.move("SystemUpdating")
    return _thread(progress, lambda: _host(progress, services))


def sweep(services: Services, *, keep: Collection[str]) -> None:
    """Remove containers, networks and volumes that a killed rehearsal left, but those of `keep`.

    Parameters
    ----------
    keep : collection of str
        ``KIND/NAME`` of what will be resumed, such as ``training-job/my-job``.
    """
    remove_left(services, keep)


def update(progress: JobProgress) -> threading.Thread:
    """Bring an endpoint that is in service to the configuration of its fact NEXT without losing a request.

    It goes from ``Updating`` to ``InService``, and stays with the old configuration where the new one does
    not come up; the fact ``EndpointConfigName`` says which it has.
    """
    return _thread(progress, _ENDPOINTS[progress.name].update)


def invoke(endpoint_name: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Ask an endpoint, within 60 s.

    Parameters
    ----------
    headers : mapping
        Of InvokeEndpoint's own request, in any case.

    Returns
    -------
    status : int
    headers : dict
        As the runtime service answers; errors carry ``x-amzn-errortype``.
    body : bytes
    """
    return asked(_ENDPOINTS.get(endpoint_name), endpoint_name, body, headers)


def _thread(progress: JobProgress, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(
        target=_reported, args=(progress, work), name=f"{progress.kind}/{progress.name}", daemon=True
    )
    thread.start()
    return thread


def _reported(progress: JobProgress, work: Callable[[], None]) -> None:
    """Work, and say how it failed where it does."""
    try:
        work()
    except WorkLeft:
        return
    except WorkFailed as error:
        if not progress.closing.is_set():
            progress.fail(error.reason)
    except Exception as error:  # noqa: BLE001  (whatever it is, the job has failed, and says so)
        if progress.closing.is_set():
            return
        traceback.print_exc(file=sys.stderr)
        progress.fail(f"InternalServerError: {type(error).__name__}: {error}")


def _carry_out(progress: JobProgress, services: Services, *, resumed: bool) -> None:
    """Carry out a job; nothing of it is left on the engine when its last state is said."""
    with ContainerEngine(services, f"{progress.kind}/{progress.name}") as engine:
        try:
            say_last = _last_of(engine, progress, services, resumed=resumed)
        except Exception as error:
            # whatever fails while the rehearsal ends is tried again by the next one
            if progress.closing.is_set():
                raise WorkLeft from error
            raise
    say_last()


def _last_of(
    engine: ContainerEngine, progress: JobProgress, services: Services, *, resumed: bool
) -> Callable[[], None]:
    """Carry out a job up to its last state, which the result says."""
    if progress.kind is ResourceKind.TRANSFORM:
        # a job of requests that were answered in part begins anew
        engine.remove_all()
        return TransformWork(engine, progress, services).carry_out()
    training = progress.kind is ResourceKind.TRAINING
    work = (TrainingWork if training else ProcessingWork)(engine, progress, services)
    if not resumed:
        return work.carry_out()
    boxes = engine.find()
    if RAN in progress.record.facts:
        if len(boxes) < work.hosts:
            raise WorkFailed(GONE)
        return work.resume(boxes)
    # no container of it has run: what was prepared is prepared again
    engine.remove_all()
    return work.carry_out()


def _host(progress: JobProgress, services: Services) -> None:
    name = progress.name
    hosting = Hosting(progress, services)
    try:
        _ENDPOINTS[name] = hosting
        hosting.create()
        hosting.until_deleted()
    finally:
        if _ENDPOINTS.get(name) is hosting:
            del _ENDPOINTS[name]
