"""The model of a transform job stays as long as the job has it; what a killed launcher left goes whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fraudlab.backends.aws.aws_backend import AwsBackend
from fraudlab.backends.aws.service_jobs import ServiceJobs
from fraudlab.backends.aws.service_models import ServiceModels
from fraudlab.backends.backend import JobHandle
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import BackendError, BackendLost, FraudlabError, JobFailed

from .test_service_jobs import QUICK, answer

HANDLE = JobHandle("b", "transform", "fraudlab-r-transform", "s3://b/out")
TAGS = [{"Key": "fraudlab:run", "Value": "r"}]
MODEL = {"ModelName": "fraudlab-r-model", "Tags": TAGS}
REQUEST = {
    "TransformJobName": HANDLE.name,
    "ModelName": "fraudlab-r-model",
    "TransformOutput": {"S3OutputPath": HANDLE.output},
    "Tags": TAGS,
}


class Service:
    """SageMaker as far as a transform job, its model and an endpoint need it; each state is told once."""

    def __init__(self, *states: str, endpoint: str = "") -> None:
        self.states, self.endpoint = list(states), endpoint.split()
        self.models: set[str] = set()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.fails: dict[str, Exception] = {}
        self.deleted: list[str] = []

    def client(self, _name: str) -> Service:
        return self

    def list_tags(self, *, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": TAGS}

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        return {"logStreams": []}

    def create_model(self, *, ModelName: str, **_: Any) -> None:
        self.models.add(ModelName)

    def describe_model(self, *, ModelName: str) -> dict[str, Any]:
        if ModelName not in self.models:
            raise answer("ValidationException", "Could not find model")
        return {"ModelName": ModelName, "ModelArn": ModelName}

    def delete_model(self, *, ModelName: str) -> None:
        self._may("delete_model")
        self.models.remove(ModelName)

    def create_transform_job(self, **request: Any) -> None:
        self._may("create_transform_job")
        self.jobs[request["TransformJobName"]] = request

    def describe_transform_job(self, *, TransformJobName: str) -> dict[str, Any]:
        if TransformJobName not in self.jobs:
            raise answer("ValidationException", "Requested resource not found.")
        state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
        arn = {"TransformJobArn": "a", "TransformJobStatus": state}
        return {**self.jobs[TransformJobName], **arn}

    def stop_transform_job(self, *, TransformJobName: str) -> None:
        assert TransformJobName in self.jobs

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        if not self.endpoint:
            raise answer("ValidationException", "Could not find endpoint")
        state = self.endpoint.pop(0)
        self.deleted.append(f"seen {state}")
        return {"EndpointName": EndpointName, "EndpointArn": "a", "EndpointStatus": state}

    def delete_endpoint(self, *, EndpointName: str) -> None:
        self.deleted.append(EndpointName)

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:
        raise answer("ValidationException", "Could not find endpoint configuration")

    def _may(self, call: str) -> None:
        if call in self.fails:
            raise self.fails[call]


def backend(service: Service) -> AwsBackend:
    """A backend of nothing but jobs and models."""
    made: Any = object.__new__(AwsBackend)
    account: Any = service
    made._jobs = ServiceJobs(account, backend="b", run_id="r", patience=QUICK, say=lambda _: None)
    made._models = ServiceModels(service, run_id="r", patience=QUICK, is_ours=made._jobs.is_ours)
    found: AwsBackend = made
    return found


def test_the_model_goes_when_its_job_was_refused_and_stays_where_it_may_have_been_started() -> None:
    service = Service("InProgress")
    service.fails["create_transform_job"] = answer("AccessDeniedException")
    with pytest.raises(BackendError):
        backend(service).start("transform", REQUEST, model=MODEL)
    assert service.models == set()
    service.fails["create_transform_job"] = answer("ExpiredTokenException")
    with pytest.raises(BackendLost):
        backend(service).start("transform", REQUEST, model=MODEL)
    assert service.models == {"fraudlab-r-model"}
    service.fails["create_transform_job"] = answer("AccessDeniedException")
    service.jobs[HANDLE.name] = REQUEST  # by whoever had the run before
    with pytest.raises(BackendError):
        backend(service).start("transform", REQUEST, model=MODEL)
    assert service.models == {"fraudlab-r-model"}


@pytest.mark.parametrize("call", ["start", "wait"])
def test_a_model_that_cannot_be_taken_away_does_not_hide_why_the_job_failed(
    tmp_path: Path, call: str
) -> None:
    service = Service("Failed")
    service.fails["delete_model"] = answer("AccessDeniedException")
    ours = backend(service)
    if call == "start":
        service.fails["create_transform_job"] = answer("ValidationException", "no such role")
    with pytest.raises(FraudlabError) as found, JobLog(tmp_path / "log") as log:
        ours.wait(ours.start("transform", REQUEST, model=MODEL), log)
    assert ("no such role" in found.value.message) == (call == "start")
    assert isinstance(found.value, JobFailed) == (call == "wait")
    assert "the model fraudlab-r-model is left" in found.value.fix


def test_a_job_that_is_not_there_is_stopped_without_a_word() -> None:
    backend(Service("InProgress")).stop(HANDLE)


def test_the_model_is_taken_from_a_job_that_is_stopped_once_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service("InProgress", "Stopping", "Stopping", "Stopped")
    ours = backend(service)
    ours.start("transform", REQUEST, model=MODEL)
    ours.stop(HANDLE)
    assert service.models == set()
    assert service.states == ["Stopped"]
    service.states = ["InProgress", "Stopping"]
    monkeypatch.setattr("fraudlab.backends.aws.service_jobs._STOPPING_SECONDS", -1.0)
    service.models.add("fraudlab-r-model")
    ours.stop(HANDLE)
    assert service.models == {"fraudlab-r-model"}


def test_an_endpoint_that_is_being_deleted_is_waited_for_until_its_name_is_free() -> None:
    service = Service(endpoint="Creating InService InService Deleting Deleting")
    ours = ServiceModels(service, run_id="r", patience=QUICK, is_ours=lambda _: True)
    ours.take_down(model="m", endpoint_config="c", endpoint="e")
    assert service.deleted == [
        "seen Creating", "seen InService", "seen InService", "e", "seen Deleting", "seen Deleting",
    ]  # fmt: skip
    service = Service(endpoint="Deleting Deleting Deleting")
    ours = ServiceModels(service, run_id="r", patience=QUICK, is_ours=lambda _: True)
    ours.take_down(model="m", endpoint_config="c", endpoint="e")
    assert service.endpoint == []
    assert "e" not in service.deleted
