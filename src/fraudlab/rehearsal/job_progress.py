"""What the work on a job or an endpoint may say, and how it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from fraudlab.rehearsal.resource import Resource, ResourceKind

_LOG_GROUPS = {
    ResourceKind.TRAINING: "/aws/sagemaker/TrainingJobs",
    ResourceKind.PROCESSING: "/aws/sagemaker/ProcessingJobs",
    ResourceKind.TRANSFORM: "/aws/sagemaker/TransformJobs",
}


class Keeper(Protocol):
    """Who has the records and the logs."""

    def get(self, kind: ResourceKind, name: str) -> Resource:
        """A copy of one."""

    def change(self, kind: ResourceKind, name: str, change: Callable[[Resource], None]) -> Resource:
        """Change one under a lock and write it; gives a copy."""

    def log(self, group: str, stream: str, lines: list[tuple[float, str]]) -> None:
        """Append lines, each with its time in seconds since 1970."""

    def logged(self, group: str, stream: str) -> int:
        """How many lines a stream has."""


class JobProgress:
    """The work's side of one resource; every method may be called from any thread.

    Attributes
    ----------
    stopping : threading.Event
        Set by StopTrainingJob, StopProcessingJob and StopTransformJob.
    deleted : threading.Event
        Set by DeleteEndpoint: the work removes what runs, and its thread ends.
    closing : threading.Event
        Set when the rehearsal itself ends cleanly: work is left as it is, for the next one to take up.
    """

    def __init__(self, kind: ResourceKind, name: str, keeper: Keeper) -> None:
        self.kind, self.name = kind, name
        self.stopping, self.deleted, self.closing = threading.Event(), threading.Event(), threading.Event()
        self._keeper = keeper

    @property
    def record(self) -> Resource:
        """A copy of what is known."""
        return self._keeper.get(self.kind, self.name)

    @property
    def log_group(self) -> str:
        """The group of CloudWatch's that its lines go to."""
        return _LOG_GROUPS.get(self.kind, f"/aws/sagemaker/Endpoints/{self.name}")

    def move(self, status: str, secondary: str | None = None, message: str | None = None) -> None:
        """Go to a status; see :meth:`~fraudlab.rehearsal.resource.Resource.move`."""
        self._keeper.change(self.kind, self.name, lambda record: record.move(status, secondary, message))

    def fail(self, reason: str) -> None:
        """End as Failed with a ``FailureReason``; of a training job the last transition says it too."""

        def change(record: Resource) -> None:
            if not record.ended:
                record.failure = reason[:1024]

        self._keeper.change(self.kind, self.name, change)
        self.move("Failed", "Failed" if self.kind is ResourceKind.TRAINING else None, reason[:1024])

    def note(self, **facts: Any) -> None:
        """Remember facts, see :class:`~fraudlab.rehearsal.resource.Resource`; None takes one away."""

        def change(record: Resource) -> None:
            for name, value in facts.items():
                if value is None:
                    record.facts.pop(name, None)
                else:
                    record.facts[name] = value

        self._keeper.change(self.kind, self.name, change)

    def log(self, stream: str, *lines: str) -> None:
        """Append lines to a stream of the resource's log group; give many at once where there are many.

        Parameters
        ----------
        stream : str
            Such as ``JOB/algo-1-1700000000``; of an endpoint ``AllTraffic/i-…``.
        """
        now = time.time()
        self._keeper.log(self.log_group, stream, [(now, line) for line in lines])

    def logged(self, stream: str) -> int:
        """How many lines a stream of the resource's log group has."""
        return self._keeper.logged(self.log_group, stream)
