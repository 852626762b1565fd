"""Jobs of SageMaker: started once however often they are asked for, waited for, and stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from fraudlab.api_requests import Request, job_name
from fraudlab.aws import tags
from fraudlab.aws.account import Account
from fraudlab.aws.answers import code_of, is_absent, message_of
from fraudlab.backends.aws.job_endings import ending
from fraudlab.backends.aws.job_kinds import CALLS, ENDED, JobCalls, billed_seconds, same_request
from fraudlab.backends.aws.log_tail import LogTail
from fraudlab.backends.aws.patience import Patience
from fraudlab.backends.backend import Job, JobHandle
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import BackendError, BackendLost

#: names that are tried where jobs that failed have the others
_NAMES = 10
#: what a job is given between being asked to stop and its end
_STOPPING_SECONDS = 30.0
#: how long nothing need be said of what a job is doing
_QUIET_SECONDS = 10.0


class ServiceJobs:
    """The jobs of one run.

    Parameters
    ----------
    account : Account
    backend : str
        Name of the backend, for handles.
    run_id : str
        In the tag of whatever this run has started.
    patience : Patience
    say : callable
        Shows a line to whoever waits.
    """

    def __init__(
        self, account: Account, *, backend: str, run_id: str, patience: Patience, say: Callable[[str], None]
    ) -> None:
        self._account = account
        self._backend = backend
        self._run_id = run_id
        self._patience = patience
        self._say = say
        self._stopped: set[str] = set()
        #: how the service described the jobs that were waited for when they had ended, by name
        self.endings: dict[str, dict[str, Any]] = {}
        #: the name last asked for by each kind of job, which need not be the first that was
        self._asked: dict[Job, str] = {}
        #: seconds for which the machines of each job that has ended are paid, added up, by kind of job
        self.billed: dict[str, int] = {}

    def start(self, job: Job, request: Request) -> JobHandle:
        """Start a job, or find the one that was started by the same request.

        A name that is taken by another job, or by one of ours that has failed, is followed by names that are
        made of the request: who asks again tries the same names in the same order.
        """
        calls = CALLS[job]
        asked = dict(request)
        for attempt in range(_NAMES):
            if attempt:
                asked[calls.name] = job_name(self._run_id, job, nonce=_nonce(request, attempt))
            self._asked[job] = asked[calls.name]
            if self._is_started(job, calls, asked):
                return JobHandle(
                    backend=self._backend, job=job, name=asked[calls.name], output=calls.output(asked)
                )
        raise BackendError(
            f"{_NAMES} jobs like {request[calls.name]} have failed, and their names are taken.",
            fix="choose another run.id",
        )

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        """Follow a job to its end; raise what it ended with."""
        calls = CALLS[handle.job]
        tail = LogTail(
            self._account.client("logs"),
            group=calls.log_group,
            prefix=f"{handle.name}/",
            pause_seconds=self._patience.pause,
        )
        states, pauses = _States(handle.job, self._say), self._patience.pauses()
        while True:
            described = self._followed(handle)
            states.follow(described, log)
            tail.read(log)
            if described[calls.status] in ENDED:
                break
            pauses.rest()
        self.endings[handle.name] = described
        self._drain(tail, log)
        seconds = billed_seconds(calls, described)
        if seconds is not None:
            self.billed[handle.job] = seconds
        ours = handle.name in self._stopped
        error = ending(handle.job, str(described[calls.status]), described, log, stop_was_ours=ours)
        if error is not None:
            raise error

    def stop(self, handle: JobHandle) -> dict[str, Any] | None:
        """Ask for the end of a job of this run; one that has ended, or another's, stays as it is.

        Of a job that may just have been started, and has no output yet, the name is the one last asked for.

        Returns
        -------
        dict or None
            What the service said of it before; None where it has no such job of this run.
        """
        calls = CALLS[handle.job]
        name = handle.name if handle.output else self._asked.get(handle.job, handle.name)
        described = self.found(handle.job, name)
        if described is None or not self.is_ours(str(described[calls.arn])):
            return None
        self._stopped.add(name)

        def ask() -> None:
            try:
                getattr(self._sagemaker, calls.stop)(**{calls.name: name})
            except Exception as error:
                refused = code_of(error) == "ValidationException"
                if not (is_absent(error) or (refused and "is in status" in message_of(error))):
                    raise

        if described[calls.status] not in ENDED:
            self._patience.ask(ask, doing=f"Stopping {name}")
        return described

    def may_go_on(self, job: Job) -> bool:
        """Whether the job of a kind that was last asked for goes on, as far as that can be told."""
        try:
            found = self.found(job, self._asked[job])
        except BackendError:
            return True
        return found is not None and found[CALLS[job].status] not in ENDED

    def settled(self, job: Job, name: str) -> bool:
        """Whether a job that was asked to stop has ended, or does within half a minute."""
        pauses, give_up = self._patience.pauses(), time.monotonic() + _STOPPING_SECONDS
        while (found := self.found(job, name)) is not None and found[CALLS[job].status] not in ENDED:
            if time.monotonic() > give_up:
                return False
            pauses.rest()
        return True

    def describe(self, handle: JobHandle) -> dict[str, Any]:
        """What the service says of a job."""
        return self._describe(CALLS[handle.job], handle.name)

    def found(self, job: Job, name: str) -> dict[str, Any] | None:
        """What the service says of a job; None where there is none of that name."""
        try:
            return self._describe(CALLS[job], name)
        except BackendError as error:
            if error.__cause__ is not None and is_absent(error.__cause__):
                return None
            raise

    def _followed(self, handle: JobHandle) -> dict[str, Any]:
        """What the service says of a job that is waited for; who cannot ask has only lost it."""
        try:
            return self.describe(handle)
        except BackendLost:
            raise
        except BackendError as error:
            if error.__cause__ is not None and is_absent(error.__cause__):
                raise
            raise BackendLost(error.message, fix=error.fix) from error

    def has_ended(self, handle: JobHandle) -> bool:
        """Whether a job that was waited for is in a state that it does not leave."""
        return handle.name in self.endings

    def is_ours(self, arn: str) -> bool:
        """Whether something carries the tag of this run."""
        found = self._patience.ask(
            lambda: self._sagemaker.list_tags(ResourceArn=arn), doing=f"Reading the tags of {arn}"
        )
        return tags.as_mapping(found["Tags"]).get(tags.RUN) == self._run_id

    @property
    def _sagemaker(self) -> Any:
        return self._account.client("sagemaker")

    def _is_started(self, job: Job, calls: JobCalls, request: Request) -> bool:
        """Whether a job of this name and request runs, or has run, because of us."""
        name = request[calls.name]

        def create() -> bool:
            try:
                getattr(self._sagemaker, calls.create)(**request)
            except Exception as error:
                if code_of(error) != "ResourceInUse":
                    raise
                return False
            return True

        if self._patience.ask(create, doing=f"Starting the {job} job"):
            return True
        described = self._describe(calls, name)
        if not (same_request(request, described) and self.is_ours(str(described[calls.arn]))):
            return False
        return described[calls.status] not in {"Failed", "Stopping", "Stopped"}

    def _describe(self, calls: JobCalls, name: str) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            found: dict[str, Any] = getattr(self._sagemaker, calls.describe)(**{calls.name: name})
            return found

        return self._patience.ask(ask, doing=f"Asking for {name}")

    def _drain(self, tail: LogTail, log: JobLog) -> None:
        """Read on until nothing has come twice: the last lines may come after the job's end."""
        give_up, empty = time.monotonic() + self._patience.drain, 0
        while empty < 2 and time.monotonic() < give_up:
            time.sleep(min(1.0, self._patience.drain / 8))
            empty = 0 if tail.read(log) else empty + 1


class _States:
    """Writes each state of a job into its log, and shows one that lasts, or that a person should know of."""

    def __init__(self, job: Job, say: Callable[[str], None]) -> None:
        self._job, self._say = job, say
        self._seen = 0
        self._last, self._changed = "", time.monotonic()
        self._said = True

    def follow(self, described: Mapping[str, Any], log: JobLog) -> None:
        """Take what the service says of the job now; it may have passed several states since it was asked."""
        transitions = described.get("SecondaryStatusTransitions") or []
        for transition in transitions[self._seen :]:
            self._enter(str(transition.get("Status")), str(transition.get("StatusMessage") or ""), log)
        self._seen = max(self._seen, len(transitions))
        if not transitions:
            self._enter(str(described[CALLS[self._job].status]), "", log)
        if not self._said and time.monotonic() - self._changed > _QUIET_SECONDS:
            self._show()

    def _enter(self, state: str, message: str, log: JobLog) -> None:
        text = f"{state}: {message}" if message else state
        if text == self._last:
            return
        log.keep(f"[SageMaker] {text}")
        self._last, self._changed, self._said = text, time.monotonic(), False
        if state == "Interrupted":
            self._show()

    def _show(self) -> None:
        self._said = True
        self._say(f"  {self._job}: {self._last}")


def _nonce(request: Request, attempt: int) -> str:
    """A text that only this attempt of this request has."""
    text = json.dumps([request, attempt], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
