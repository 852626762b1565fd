"""An endpoint for a while: in service before it is asked, and nothing of it left, whatever happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from fraudlab.backends.deployment import deployed
from fraudlab.errors import BackendError, DataError, EndpointError, Interrupted

UNDER_WAY = ["Creating", "Updating", "SystemUpdating", "RollingBack"]
LASTING = ["InService", "Failed", "OutOfService", "UpdateRollbackFailed"]
ALL_OF_IT = {"model m", "endpoint configuration c", "endpoint e"}


def refusal(message: str, *, code: str = "ValidationException", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Call")  # type: ignore[arg-type]


class Service:
    """SageMaker as far as an endpoint goes, with its refusals; `before` and `after` may break a call."""

    def __init__(self, *, states: list[str] | None = None, reason: str = "") -> None:
        self.has: set[str] = set()
        self.states = states or ["InService"]
        self.reason = reason
        self.before: dict[str, BaseException] = {}
        self.after: dict[str, BaseException] = {}
        self.calls: list[str] = []

    def _call(self, name: str, change: Callable[[], None]) -> None:
        self.calls.append(name)
        if name in self.before:
            raise self.before[name]
        change()
        if name in self.after:
            raise self.after.pop(name)

    def _create(self, call: str, thing: str) -> None:
        if thing in self.has:
            raise refusal(f'Cannot create already existing {thing.partition(" ")[0]} "arn".')
        self._call(call, lambda: self.has.add(thing))

    def _delete(self, call: str, thing: str) -> None:
        def change() -> None:
            if thing not in self.has:
                raise refusal(f"Could not find {thing}.")
            if call == "delete_endpoint" and self.states[0] in UNDER_WAY:
                raise refusal('Cannot update in-progress endpoint "arn".')
            self.has.remove(thing)

        self._call(call, change)

    def create_model(self, **request: Any) -> None:
        self._create("create_model", f"model {request['ModelName']}")

    def create_endpoint_config(self, **request: Any) -> None:
        self._create("create_endpoint_config", f"endpoint configuration {request['EndpointConfigName']}")

    def create_endpoint(self, **request: Any) -> None:
        self._create("create_endpoint", f"endpoint {request['EndpointName']}")

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, str]:
        def change() -> None:
            if f"endpoint {EndpointName}" not in self.has:
                raise refusal(f'Could not find endpoint "{EndpointName}".')

        self._call("describe_endpoint", change)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"EndpointStatus": state, **({"FailureReason": self.reason} if self.reason else {})}

    def delete_endpoint(self, *, EndpointName: str) -> None:
        self._delete("delete_endpoint", f"endpoint {EndpointName}")

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        self._delete("delete_endpoint_config", f"endpoint configuration {EndpointConfigName}")

    def delete_model(self, *, ModelName: str) -> None:
        self._delete("delete_model", f"model {ModelName}")


class Runtime:
    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        raise AssertionError(request)


def deploy(service: Service, *, patience_seconds: float = 60.0) -> Any:
    return deployed(
        service,
        Runtime(),
        model={"ModelName": "m"},
        endpoint_config={"EndpointConfigName": "c"},
        endpoint={"EndpointName": "e"},
        poll_seconds=0.0,
        patience_seconds=patience_seconds,
    )


@pytest.mark.parametrize("first", UNDER_WAY)
def test_nobody_is_let_in_before_it_is_in_service(first: str) -> None:
    service = Service(states=[first, first, "InService"])
    with deploy(service) as endpoint:
        assert endpoint.name == "e"
        assert service.states == ["InService"]
        assert service.has == ALL_OF_IT
    assert service.has == set()


@pytest.mark.parametrize("state", ["Failed", "OutOfService", "UpdateRollbackFailed", "Deleting", "New"])
def test_one_that_does_not_come_into_service_is_an_error_with_the_services_reason(state: str) -> None:
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."
    service = Service(states=["Creating", state], reason=reason)
    with pytest.raises(EndpointError, match=f"is {state}, not in service: The primary") as caught:
        deploy(service).__enter__()
    assert caught.value.fix == "read logs/serve.log of the run"
    assert service.has == set()


@pytest.mark.parametrize("call", ["create_model", "create_endpoint_config", "create_endpoint"])
@pytest.mark.parametrize(
    "error",
    [
        refusal("The account-level service limit is 0 Instances.", code="ResourceLimitExceeded"),
        refusal("Rate exceeded", code="ThrottlingException"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
        Interrupted("Interrupted by SIGINT.", fix="repeat the run"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_first_error_is_the_one_that_is_raised_and_what_was_made_goes(
    call: str, error: BaseException
) -> None:
    """The one that fails leads to deleting what is not there, whose refusal hid it."""
    service = Service()
    service.before[call] = error
    with pytest.raises(type(error)) as caught:
        deploy(service).__enter__()
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    assert service.has == set()


@pytest.mark.parametrize("call", ["create_model", "create_endpoint_config", "create_endpoint"])
@pytest.mark.parametrize(
    "error",
    [
        Interrupted("Interrupted by SIGTERM.", fix="repeat the run"),
        KeyboardInterrupt(),
        ReadTimeoutError(endpoint_url="http://127.0.0.1:9"),
        refusal("Internal failure", code="InternalFailure", status=500),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_service_has_made_without_an_answer_goes_too(call: str, error: BaseException) -> None:
    service = Service()
    service.after[call] = error
    with pytest.raises(type(error)) as caught:
        deploy(service).__enter__()
    assert caught.value is error
    assert service.has == set()


@pytest.mark.parametrize("thing", sorted(ALL_OF_IT))
def test_what_was_there_before_is_somebody_elses_and_stays(thing: str) -> None:
    service = Service()
    service.has.add(thing)
    with pytest.raises(ClientError, match="Cannot create already existing"):
        deploy(service).__enter__()
    assert service.has == {thing}


@pytest.mark.parametrize("state", UNDER_WAY)
def test_interrupted_while_it_is_being_made_it_is_waited_for_and_deleted(state: str) -> None:
    service = Service(states=[state, state, "InService"])
    error = Interrupted("Interrupted by SIGINT.", fix="repeat the run")
    service.after["describe_endpoint"] = error
    with pytest.raises(Interrupted) as caught:
        deploy(service).__enter__()
    assert caught.value is error
    assert error.fix == "repeat the run"
    assert service.calls.count("delete_endpoint") == 2
    assert service.has == set()


@pytest.mark.parametrize("state", [*LASTING, *UNDER_WAY, "Deleting"])
def test_it_is_taken_down_from_any_state(state: str) -> None:
    service = Service()
    failure = DataError("no scores", fix="add some")
    with pytest.raises(DataError) as caught, deploy(service):
        service.states = [state, "Failed"] if state in UNDER_WAY else [state]
        raise failure
    assert caught.value is failure
    assert failure.fix == "add some"
    assert service.has == set()


def test_one_that_is_being_deleted_already_is_left_to_it() -> None:
    service = Service()
    with deploy(service):
        service.states = ["Updating", "Deleting"]
    assert service.has == {"endpoint e"}  # on its way
    assert service.calls.count("delete_endpoint") == 1


@pytest.mark.parametrize("thing", sorted(ALL_OF_IT))
def test_what_somebody_has_deleted_meanwhile_is_no_error(thing: str) -> None:
    service = Service()
    with deploy(service):
        service.has.remove(thing)
    assert service.has == set()


@pytest.mark.parametrize(
    ("call", "thing"),
    [
        ("delete_endpoint", "endpoint e"),
        ("delete_endpoint_config", "endpoint configuration c"),
        ("delete_model", "model m"),
    ],
)
@pytest.mark.parametrize("failing", [True, False])
def test_what_cannot_be_taken_down_is_named_and_the_rest_goes(call: str, thing: str, failing: bool) -> None:
    service = Service()
    service.before[call] = refusal("no permission", code="AccessDeniedException")
    first = DataError("no scores", fix="add some")
    with pytest.raises(DataError if failing else BackendError) as caught, deploy(service):
        if failing:
            raise first
    assert service.has == {thing}
    if failing:
        assert caught.value is first
        assert first.fix.startswith(
            f"add some; what could not be taken down is left: {thing} (no permission)"
        )
    else:
        assert caught.value.message == f"The endpoint could not be taken down: {thing} (no permission)."
    assert "by hand" in caught.value.fix


def test_an_error_that_is_not_ours_carries_a_note() -> None:
    service = Service()
    service.before["delete_model"] = refusal("no permission", code="AccessDeniedException")
    with pytest.raises(ZeroDivisionError) as caught, deploy(service):
        raise ZeroDivisionError
    assert "model m (no permission)" in caught.value.__notes__[0]


def test_interrupted_while_it_is_taken_down_the_rest_goes_and_the_run_is_interrupted() -> None:
    service = Service()
    error = Interrupted("Interrupted by SIGINT.", fix="repeat the run")
    with pytest.raises(Interrupted) as caught, deploy(service):
        service.before["delete_endpoint"] = error
    assert caught.value is error
    assert "endpoint e (Interrupted by SIGINT.)" in error.fix
    assert service.has == {"endpoint e"}


def test_an_endpoint_that_never_settles_is_given_up_and_named() -> None:
    service = Service(states=["Creating"])
    with pytest.raises(EndpointError, match="still Creating after 0 s") as caught:
        deploy(service, patience_seconds=0.0).__enter__()
    assert "left: endpoint e (The endpoint is still Creating" in caught.value.fix
    assert service.has == {"endpoint e"}
