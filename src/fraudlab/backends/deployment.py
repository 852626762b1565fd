"""An endpoint for the length of a ``with`` block: waited for, and taken down whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from fraudlab.api_requests import Request
from fraudlab.aws.codes import SETTLING_SECONDS, UNDER_WAY, is_absent
from fraudlab.backends.endpoint import Endpoint, Runtime
from fraudlab.backends.signals import uninterrupted
from fraudlab.errors import BackendError, EndpointError, FraudlabError, Interrupted

_POLL_SECONDS = 5.0
_BY_HAND = "delete it by hand: it may cost money until then"
_READ_LOG = "read logs/serve.log of the run"


class TimeLimit:
    """How long an endpoint may be up, counted from now; AWS itself knows no such limit.

    Parameters
    ----------
    seconds : float
    key : str
        Of the configuration, which says so.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, seconds: float, *, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._key, self._clock = key, clock
        self._seconds, self._end = seconds, clock() + seconds

    def check(self, state: str) -> None:
        """Do nothing while there is time.

        Raises
        ------
        EndpointError
            With the key, where there is none left.
        """
        if self._clock() >= self._end:
            minutes = self._seconds / 60
            raise EndpointError(
                f"The endpoint is {state} after {self._key}={minutes:g} minutes, and is taken down.",
                fix=f"raise {self._key}; evaluation.via=transform needs no endpoint",
            )


class DeploymentClient(Protocol):
    """The methods of boto3's ``sagemaker`` client that an endpoint takes, with their keyword arguments."""

    def create_model(self, **request: Any) -> Any: ...
    def create_endpoint_config(self, **request: Any) -> Any: ...
    def create_endpoint(self, **request: Any) -> Any: ...
    def describe_endpoint(self, *, EndpointName: str) -> Any: ...
    def delete_endpoint(self, *, EndpointName: str) -> Any: ...
    def delete_endpoint_config(self, *, EndpointConfigName: str) -> Any: ...
    def delete_model(self, *, ModelName: str) -> Any: ...


@contextmanager
def deployed(
    client: DeploymentClient,
    runtime: Runtime,
    *,
    model: Request,
    endpoint_config: Request,
    endpoint: Request,
    poll_seconds: float = _POLL_SECONDS,
    patience_seconds: float = SETTLING_SECONDS,
    limit: TimeLimit | None = None,
) -> Iterator[Endpoint]:
    """Create model, configuration and endpoint, wait until it is in service, and take down what was made.

    What was made is taken down in whatever state it is; an endpoint that is being made is waited for first,
    because a service refuses to delete it. What was refused is not taken down: under that name may be
    somebody else's. The error that is raised is the first one; what could not be taken down is added to its
    fix.

    Parameters
    ----------
    client, runtime
        Take the requests.
    model, endpoint_config, endpoint : dict
        The requests.
    poll_seconds : float
        Between two questions for the state of the endpoint.
    patience_seconds : float
        How long it may stay in a state that leads to another.
    limit : TimeLimit, optional
        By when it has to be in service; taking it down takes as long as it takes.

    Raises
    ------
    EndpointError
        Where the endpoint does not come into service.
    BackendError
        Where all went well, and something could not be taken down.
    """
    name = endpoint["EndpointName"]
    state = partial(_state, client, name)
    settled = partial(_settled, state, poll_seconds=poll_seconds, patience_seconds=patience_seconds)
    made = _Made(state, settled)
    try:
        with made.making("model", model["ModelName"], client.delete_model, "ModelName"):
            client.create_model(**model)
        config_name = endpoint_config["EndpointConfigName"]
        with made.making(
            "endpoint configuration", config_name, client.delete_endpoint_config, "EndpointConfigName"
        ):
            client.create_endpoint_config(**endpoint_config)
        with made.making("endpoint", name, client.delete_endpoint, "EndpointName"):
            client.create_endpoint(**endpoint)
        _require_in_service(settled(limit=limit))
        yield Endpoint(name, runtime)
    except BaseException as error:
        _add(error, made.take_down())
        raise
    left = made.take_down()
    if made.stopped is not None:
        _add(made.stopped, left)
        raise made.stopped
    if left:
        raise BackendError(f"The endpoint could not be taken down: {'; '.join(left)}.", fix=_BY_HAND)


@dataclass
class _Thing:
    """Something a service has, or may have, and how it is deleted."""

    kind: str
    name: str
    ask: Callable[[], Any]
    is_gone: bool = False

    def delete(self) -> None:
        """Delete it whole: a signal that comes meanwhile is heard of afterwards."""
        with uninterrupted():
            self.ask()
            self.is_gone = True


class _Made:
    """What has been made, and may have been, in this order."""

    def __init__(self, state: Callable[[], tuple[str, str]], settled: Callable[[], tuple[str, str]]) -> None:
        self._state, self._settled = state, settled
        self._things: list[_Thing] = []
        #: what stopped somebody from taking down a thing
        self.stopped: BaseException | None = None

    @contextmanager
    def making(self, kind: str, name: str, delete: Callable[..., Any], key: str) -> Iterator[None]:
        """Remember a thing while it is being made: who is interrupted does not know whether it was."""
        thing = _Thing(kind, name, partial(delete, **{key: name}))
        self._things.append(thing)
        try:
            yield
        except Exception as error:
            if _refused(error):
                self._things.remove(thing)
            raise

    def take_down(self) -> list[str]:
        """Delete everything, the newest first; what could not be, each with the reason."""
        left = []
        while self._things:
            thing = self._things.pop()
            try:
                self._delete(thing)
            except BaseException as error:  # noqa: BLE001  (the rest is taken down all the same)
                if isinstance(error, KeyboardInterrupt | SystemExit | Interrupted):
                    self.stopped = error
                if not thing.is_gone:
                    left.append(f"{thing.kind} {thing.name} ({_reason(error)})")
        return left

    def _delete(self, thing: _Thing) -> None:
        try:
            thing.delete()
        except Exception as error:
            if is_absent(error):
                return
            if thing.kind != "endpoint" or self._state()[0] not in UNDER_WAY:
                raise
        else:
            return
        if self._settled()[0] not in {"Deleting", ""}:
            thing.delete()


def _state(client: DeploymentClient, name: str) -> tuple[str, str]:
    """The state of an endpoint, empty where there is none, and the reason where it has failed."""
    try:
        found = client.describe_endpoint(EndpointName=name)
    except Exception as error:
        if is_absent(error):
            return "", "it is gone"
        raise
    return str(found["EndpointStatus"]), str(found.get("FailureReason") or "")


def _settled(
    state: Callable[[], tuple[str, str]],
    *,
    poll_seconds: float,
    patience_seconds: float,
    limit: TimeLimit | None = None,
) -> tuple[str, str]:
    """Wait until an endpoint is in a state that lasts."""
    give_up = time.monotonic() + patience_seconds
    while (found := state())[0] in UNDER_WAY:
        if limit is not None:
            limit.check(f"still {found[0]}")
        if time.monotonic() >= give_up:
            raise EndpointError(
                f"The endpoint is still {found[0]} after {patience_seconds:,.0f} s.", fix=_READ_LOG
            )
        time.sleep(poll_seconds)
    return found


def _require_in_service(found: tuple[str, str]) -> None:
    status, reason = found
    if status != "InService":
        why = f": {reason.rstrip('.')}" if reason else ""
        raise EndpointError(f"The endpoint is {status or 'not there'}, not in service{why}.", fix=_READ_LOG)


def _add(error: BaseException, left: list[str]) -> None:
    """Say with an error what else is wrong."""
    if not left:
        return
    sentence = f"what could not be taken down is left: {'; '.join(left)}; {_BY_HAND}"
    if isinstance(error, FraudlabError):
        error.fix = f"{error.fix}; {sentence}"
    else:
        error.add_note(sentence)


def _answer(error: BaseException) -> tuple[str, str, int]:
    """Code, message and HTTP status of what a service answered; empty where it did not answer."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict) or "Error" not in response:
        return "", "", 0
    told, meta = response["Error"], response.get("ResponseMetadata", {})
    return str(told.get("Code", "")), str(told.get("Message", "")), int(meta.get("HTTPStatusCode", 400))


def _refused(error: BaseException) -> bool:
    """Whether a service has said that it has not done what it was asked for."""
    code, _, status = _answer(error)
    return bool(code) and status < 500


def _reason(error: BaseException) -> str:
    return _answer(error)[1] or str(error).split("\n", maxsplit=1)[0] or type(error).__name__
