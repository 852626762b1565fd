"""What a rehearsal can make go wrong, at moments that a seed decides.

A fault that a repeated call, or a repeated run, gets over happens a limited number of times. One that only a
person can mend (a missing permission, a quota, an image that cannot be pulled) stays until the rehearsal is
started without it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.cloud_config import FAULTS

#: whose quota may be 0, what it is called, and where the kind of machine stands in the request
_STARTS = {
    "CreateProcessingJob": ("processing job usage", ("ProcessingResources", "ClusterConfig")),
    "CreateTrainingJob": ("training job usage", ("ResourceConfig",)),
}
#: what is refused for want of a permission: what a run needs, however it evaluates
_DENIED = ("CreateProcessingJob", "CreateTrainingJob", "CreateModel")
#: how often one of these happens at most, and how often in a row: less than any client repeats a call
_SLOW_TIMES, _SLOW_IN_A_ROW = 12, 2
_INTERRUPTIONS = 3


@dataclass(frozen=True)
class Fault:
    """An answer in place of the one that was asked for.

    Attributes
    ----------
    code : str
        Error code as the service spells it.
    status : int
        HTTP status.
    """

    code: str
    message: str
    status: int = 400


class Faults:
    """Decides, call by call and job by job, what goes wrong.

    Parameters
    ----------
    names : collection of str
        Of :data:`~fraudlab.cloud_config.FAULTS`.
    seed : int
        The same seed and the same calls in the same order give the same faults.

    Raises
    ------
    ValueError
        A name is none of them.
    """

    def __init__(self, names: Collection[str] = (), seed: int = 0) -> None:
        if unknown := sorted(set(names) - set(FAULTS)):
            raise ValueError(f"no such fault: {', '.join(unknown)}")
        self.names = frozenset(names)
        self._lock = threading.Lock()
        # one generator for each fault: what one does moves no other
        draws = {name: random.Random(f"{seed} {name}") for name in FAULTS}
        self._draws = draws
        self._denied = draws["access_denied"].choice(_DENIED)
        self._quota = draws["quota"].choice(sorted(_STARTS))
        self._expires_at = draws["expired_token"].randint(3, 8)
        self._kills_at = draws["launcher_killed"].randint(3, 30)
        self._lacks_at = draws["capacity_error"].randint(1, 2)
        self._calls = self._launcher_calls = self._starts = 0
        self._endpoints = self._interruptions = 0
        self._slow: dict[str, int] = {"throttling": 0, "s3_slow_down": 0}
        self._in_a_row: dict[tuple[str, str, str], int] = {}

    def on_call(
        self,
        service: str,
        operation: str,
        request: Mapping[str, Any] | None = None,
        *,
        action: str = "",
        asked: str = "",
    ) -> Fault | None:
        """Decide on one call before it is carried out.

        Parameters
        ----------
        service, operation : str
            As boto3 names them: ``sagemaker``, ``CreateTrainingJob``.
        request : mapping, optional
            What was asked, from which a quota's message names the machine.
        action : str, optional
            The permission as IAM spells it, by default ``service:operation``.
        asked : str, optional
            What the call is about, such as the path of an object: calls about other things that come between
            two attempts of this one do not count.
        """
        with self._lock:
            return (
                self._access_denied(service, operation, action)
                or self._expired_token(service)
                or self._slow_down(service, operation, asked)
                or self._over_quota(service, operation, request or {})
            )

    def _access_denied(self, service: str, operation: str, action: str) -> Fault | None:
        if "access_denied" not in self.names or (service, operation) != ("sagemaker", self._denied):
            return None
        action = action or f"{service}:{operation}"
        return Fault(
            "AccessDeniedException",
            f"User: arn:aws:iam::000000000000:user/rehearsal is not authorized to perform: {action}"
            f" on resource: * because no identity-based policy allows the {action} action",
        )

    def _expired_token(self, service: str) -> Fault | None:
        if "expired_token" not in self.names or service != "sagemaker":
            return None
        self._calls += 1
        if self._calls == self._expires_at and self._spent("expired_token"):
            return Fault("ExpiredTokenException", "The security token included in the request is expired")
        return None

    def _slow_down(self, service: str, operation: str, asked: str) -> Fault | None:
        if service == "sagemaker":
            fault = "throttling", Fault("ThrottlingException", "Rate exceeded")
        elif service == "s3":
            fault = "s3_slow_down", Fault("SlowDown", "Please reduce your request rate.", 503)
        else:
            return None
        name, answer = fault
        if name not in self.names or self._slow[name] == _SLOW_TIMES:
            return None
        call = name, operation, asked
        row = self._in_a_row.get(call, 0)
        if row == _SLOW_IN_A_ROW or self._draws[name].random() < 0.5:
            self._in_a_row.pop(call, None)
            return None
        self._in_a_row[call] = row + 1
        self._slow[name] += 1
        return answer

    def _over_quota(self, service: str, operation: str, request: Mapping[str, Any]) -> Fault | None:
        if "quota" not in self.names or (service, operation) != ("sagemaker", self._quota):
            return None
        usage, place = _STARTS[operation]
        machine: Any = request
        for key in place:
            machine = machine.get(key) or {}
        kind, count = machine.get("InstanceType", "ml.m5.xlarge"), machine.get("InstanceCount", 1)
        return Fault(
            "ResourceLimitExceeded",
            f"The account-level service limit '{kind} for {usage}' is 0 Instances, with current utilization"
            f" of 0 Instances and a request delta of {count} Instances. Please contact AWS support to request"
            " an increase for this limit.",
        )

    def kills_launcher(self) -> bool:
        """Whether the launcher is to be killed now: asked at each call of one, until one is killed."""
        with self._lock:
            self._launcher_calls += "launcher_killed" in self.names
            return "launcher_killed" in self.names and self._launcher_calls >= self._kills_at

    def launcher_was_killed(self) -> None:
        """Say that one was: no other will be."""
        with self._lock:
            self._spent("launcher_killed")

    def pull_fails(self) -> bool:
        """Whether an image cannot be pulled: always, while the fault is there."""
        return "image_pull_failure" in self.names

    def lacks_capacity(self) -> bool:
        """Whether there are no machines for the job that starts now: true once."""
        with self._lock:
            self._starts += "capacity_error" in self.names
            return self._starts == self._lacks_at and self._spent("capacity_error")

    def endpoint_is_unhealthy(self) -> bool:
        """Whether nobody hears the ping of the endpoint that starts now: true once."""
        with self._lock:
            self._endpoints += "endpoint_unhealthy" in self.names
            return self._endpoints == 1 and self._spent("endpoint_unhealthy")

    def interruption(self) -> int | None:
        """After how many more lines of its log a spot job is taken away; None where it is left alone.

        Asked each time that a spot job's container starts; a rehearsal has three interruptions.
        """
        with self._lock:
            if "spot_interruption" not in self.names or self._interruptions == _INTERRUPTIONS:
                return None
            self._interruptions += 1
            return self._draws["spot_interruption"].randint(2, 12)

    def _spent(self, name: str) -> bool:
        """Take a fault away that happens once."""
        self.names -= {name}
        return True
