"""The states of an endpoint: asked, and waited for until one lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.codes import SETTLING_SECONDS, UNDER_WAY, is_absent
from fraudlab.errors import EndpointError, FraudlabError

#: no endpoint is there
GONE = ""
_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class EndpointState:
    """What the service says of an endpoint.

    Attributes
    ----------
    status : str
        Empty where there is none.
    config : str
        Name of its configuration.
    reason : str
        Why it has failed, or why an update was taken back.
    arn : str
    """

    status: str
    config: str = ""
    reason: str = ""
    arn: str = ""


class Waiting:
    """How long is waited, how often is asked, and what a person hears meanwhile.

    Parameters
    ----------
    poll_seconds, patience_seconds : float
    say : callable, optional
        Told of each new state.
    """

    def __init__(
        self,
        *,
        poll_seconds: float = _POLL_SECONDS,
        patience_seconds: float = SETTLING_SECONDS,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.poll_seconds, self.patience_seconds, self.say = poll_seconds, patience_seconds, say


def state_of(account: Account, name: str) -> EndpointState:
    """Ask for an endpoint's state.

    Raises
    ------
    FraudlabError
        Where it cannot be asked.
    """
    found = described(account, name)
    if found is None:
        return EndpointState(GONE)
    return EndpointState(
        str(found["EndpointStatus"]),
        str(found.get("EndpointConfigName") or ""),
        str(found.get("FailureReason") or ""),
        str(found["EndpointArn"]),
    )


def described(account: Account, name: str) -> dict[str, Any] | None:
    """What DescribeEndpoint answers; None where there is none of that name."""
    try:
        with explained_calls(doing=f"Asking for the endpoint {name}"):
            answer: dict[str, Any] = account.client("sagemaker").describe_endpoint(EndpointName=name)
            return answer
    except FraudlabError as error:
        if error.__cause__ is not None and is_absent(error.__cause__):
            return None
        raise


def settled(account: Account, name: str, waiting: Waiting) -> EndpointState:
    """Wait until an endpoint is in a state that lasts.

    Raises
    ------
    EndpointError
        Where it is not after so long a time.
    """
    give_up = time.monotonic() + waiting.patience_seconds
    last = ""
    while (found := state_of(account, name)).status in UNDER_WAY:
        if found.status != last:
            waiting.say(f"endpoint {name} is {found.status}")
            last = found.status
        if time.monotonic() >= give_up:
            raise EndpointError(
                f"The endpoint {name} is still {found.status} after {waiting.patience_seconds:,.0f} s.",
                fix="repeat this later; `fraudlab doctor --cloud` says what it costs",
            )
        time.sleep(waiting.poll_seconds)
    return found


def until_gone(account: Account, name: str, waiting: Waiting) -> EndpointState:
    """Wait until an endpoint that is being deleted is there no more.

    Raises
    ------
    EndpointError
        Where it still is after so long a time.
    """
    give_up = time.monotonic() + waiting.patience_seconds
    while (found := state_of(account, name)).status == "Deleting":
        if time.monotonic() >= give_up:
            raise EndpointError(
                f"The endpoint {name} is still being deleted after {waiting.patience_seconds:,.0f} s.",
                fix="repeat this later",
            )
        time.sleep(waiting.poll_seconds)
    return found


def delete_settled(account: Account, name: str, waiting: Waiting) -> None:
    """Delete an endpoint in whatever state: one that is being changed is waited for first."""
    if settled(account, name, waiting).status in {GONE, "Deleting"}:
        return
    try:
        with explained_calls(doing=f"Deleting the endpoint {name}"):
            account.client("sagemaker").delete_endpoint(EndpointName=name)
    except FraudlabError as error:
        if error.__cause__ is None or not is_absent(error.__cause__):
            raise
