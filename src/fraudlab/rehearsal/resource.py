"""What the rehearsal knows of a job, a model or an endpoint: one JSON file each."""

from __future__ import annotations

import copy
import dataclasses
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ResourceKind(StrEnum):
    """Kinds of SageMaker's resources, as their ARNs spell them."""

    TRAINING = "training-job"
    PROCESSING = "processing-job"
    TRANSFORM = "transform-job"
    MODEL = "model"
    ENDPOINT_CONFIG = "endpoint-config"
    ENDPOINT = "endpoint"

    @property
    def is_job(self) -> bool:
        """Whether it is something that ends by itself."""
        return self in JOBS


JOBS = (ResourceKind.TRAINING, ResourceKind.PROCESSING, ResourceKind.TRANSFORM)
#: the fact of an endpoint that goes to another configuration: what it keeps of that one
NEXT = "_next"
#: states that a job does not leave; an endpoint may leave all of its own
ENDED = ("Completed", "Failed", "Stopped")


@dataclass
class Resource:
    """One resource.

    Attributes
    ----------
    request : dict
        What its Create call sent.
    created, changed : float
        Seconds since 1970.
    status : str
        ``InProgress``, ``Completed``, …; of an endpoint ``Creating``, ``InService``, …; else ``Created``.
    secondary : str or None
        A training job's ``SecondaryStatus``.
    transitions : list of dict
        A training job's ``SecondaryStatusTransitions``, with times in seconds since 1970.
    failure : str or None
        ``FailureReason``.
    facts : dict
        What Describe answers beside the request: ``ModelArtifacts``, ``BillableTimeInSeconds``,
        ``ExitMessage``, ``TrainingStartTime``, … (times in seconds since 1970). A name that begins with ``_``
        is the work's own note, and no client sees it.
    tags : dict
        Key to value.
    """

    kind: ResourceKind
    name: str
    arn: str
    request: dict[str, Any]
    created: float
    changed: float
    status: str
    secondary: str | None = None
    transitions: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether a job has come to its end."""
        return self.kind.is_job and self.status in ENDED

    def move(self, status: str, secondary: str | None = None, message: str | None = None) -> None:
        """Go to a status; `secondary` is also a new transition, whose time begins now.

        A job that has ended stays as it is, and one that is to stop goes on no more.
        """
        if self.ended or (self.kind.is_job and (self.status, status) == ("Stopping", "InProgress")):
            return
        now = time.time()
        self.status, self.changed = status, now
        if secondary is None:
            return
        last = self.transitions[-1] if self.transitions else None
        if last is not None and last["Status"] == secondary:
            if message:
                last["StatusMessage"] = message
        else:
            if last is not None:
                last.setdefault("EndTime", now)
            self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message or ""})
        self.secondary = secondary
        if status in ENDED:
            self.transitions[-1]["EndTime"] = now

    def copy(self) -> Resource:
        """A copy that shares nothing with it."""
        return copy.deepcopy(self)

    def as_json(self) -> dict[str, Any]:
        """Every field, as JSON holds it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Resource:
        """Take one back from what :meth:`as_json` gave."""
        return cls(**{**content, "kind": ResourceKind(content["kind"])})
