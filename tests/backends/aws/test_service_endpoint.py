"""An endpoint of a run is up for as long as was said at most, and then taken down in words."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager

import pytest
from tests.backends.test_deployment import ALL_OF_IT, Service
from tests.moto_account import make_bucket

from fraudlab.backend_registry import describe
from fraudlab.backends.aws import aws_backend
from fraudlab.backends.aws.image_push import ImageToRun
from fraudlab.backends.aws.service_endpoint import service_endpoint
from fraudlab.backends.deployment import TimeLimit
from fraudlab.backends.joblog import JobLog
from fraudlab.compose import compose
from fraudlab.errors import EndpointError

KEY = "compute.serve.max_minutes"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Invoked:
    def __init__(self) -> None:
        self.count = 0

    def invoke_endpoint(self, **_: object) -> dict[str, object]:
        self.count += 1
        return {"Body": io.BytesIO(b"0.5\n")}


class NoLogs:
    def get_paginator(self, _name: str) -> NoLogs:
        return self

    def paginate(self, **_: object) -> list[dict[str, object]]:
        return []

    def describe_log_streams(self, **_: object) -> dict[str, object]:
        return {"logStreams": []}


class FakeAccount:
    def __init__(self, service: Service, runtime: Invoked) -> None:
        self._clients = {"sagemaker": service, "sagemaker-runtime": runtime, "logs": NoLogs()}

    def client(self, service: str) -> object:
        return self._clients[service]


@pytest.fixture
def log(tmp_path):
    with JobLog(tmp_path / "serve.log") as opened:
        yield opened


def deploy(service, runtime, log, limit):
    return service_endpoint(
        FakeAccount(service, runtime),
        model={"ModelName": "m"},
        endpoint_config={"EndpointConfigName": "c"},
        endpoint={"EndpointName": "e"},
        log=log,
        rehearsed=True,
        limit=limit,
    )


def ask(endpoint):
    assert endpoint.invoke(b"1\n", content_type="text/csv", accept="text/csv") == b"0.5\n"


def test_within_its_time_every_request_is_sent(log):
    clock, service, runtime = Clock(), Service(), Invoked()
    with deploy(service, runtime, log, TimeLimit(120, key=KEY, clock=clock)) as endpoint:
        ask(endpoint)
        clock.seconds += 119.9
        ask(endpoint)
    assert (runtime.count, service.has) == (2, set())


def test_one_that_stands_longer_is_taken_down_and_the_run_fails_with_words(log):
    clock, service, runtime = Clock(), Service(), Invoked()
    with (
        pytest.raises(EndpointError) as caught,
        deploy(service, runtime, log, TimeLimit(120, key=KEY, clock=clock)) as endpoint,
    ):
        ask(endpoint)
        assert service.has == ALL_OF_IT
        clock.seconds += 120
        ask(endpoint)
    assert caught.value.message == (
        "The endpoint is not done with its rows after compute.serve.max_minutes=2 minutes, and is taken down."
    )
    assert caught.value.fix == f"raise {KEY}; evaluation.via=transform needs no endpoint"
    assert (runtime.count, service.has) == (1, set())


def test_one_that_never_comes_into_service_is_given_up(log):
    clock, service = Clock(), Service(states=["Creating"])
    describe = service.describe_endpoint

    def hours_later(**named):
        clock.seconds += 3600
        found = describe(**named)
        if clock.seconds > 1000 + 4 * 3600:
            service.states = ["InService"]  # it can be deleted only now
        return found

    service.describe_endpoint = hours_later
    with (
        pytest.raises(EndpointError, match=r"still Creating after compute\.serve\.max_minutes=120 minutes"),
        deploy(service, Invoked(), log, TimeLimit(7200, key=KEY, clock=clock)),
    ):
        pytest.fail("it was let in")
    assert service.has == set()


def test_the_limit_is_the_configurations(moto_account, no_own_defaults, monkeypatch, log, tmp_path):
    limits = []

    @contextmanager
    def noted(*_, limit, **__):
        limits.append(limit)
        yield

    monkeypatch.setattr(aws_backend, "service_endpoint", noted)
    make_bucket(moto_account)
    backend = aws_backend.AwsBackend(
        compose(["backend=sagemaker", "compute.serve.max_minutes=7"]),
        moto_account,
        description=describe("sagemaker"),
        image=ImageToRun("111122223333.dkr.ecr.eu-west-1.amazonaws.com/r:t", None, is_local=False),
        run_id="r1",
        workspace=tmp_path,
    )
    with backend.endpoint(model={}, endpoint_config={}, endpoint={}, log=log):
        (limit,) = limits
    limit.check("up")
    monkeypatch.setattr(limit, "_clock", lambda: time.monotonic() + 7 * 60)
    with pytest.raises(EndpointError, match=r"compute\.serve\.max_minutes=7 minutes"):
        limit.check("up")
