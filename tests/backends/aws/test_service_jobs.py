"""Jobs that are started once, followed to their end, and whose end has a sentence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fraudlab.aws.answers import AccessRefused, CredentialsExpired, QuotaReached
from fraudlab.backends.aws.job_endings import ending
from fraudlab.backends.aws.job_kinds import CALLS, billed_seconds, same_request
from fraudlab.backends.aws.patience import Patience
from fraudlab.backends.aws.service_jobs import ServiceJobs
from fraudlab.backends.backend import JobHandle
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import BackendLost, DataError, FraudlabError, ImageMissing, JobFailed

QUICK = Patience(first=0.0, longest=0.0, drain=0.0, refused=60.0, lost=60.0, pause=0.0)
REQUEST = {
    "TrainingJobName": "fraudlab-r-train",
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "Environment": {},
    "Tags": [{"Key": "fraudlab:run", "Value": "r"}],
}


def answer(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateTrainingJob")


class Service:
    """SageMaker and CloudWatch Logs as far as a training job needs them; each state is told once."""

    def __init__(self, *states: str) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.states = list(states) or ["Completed"]
        self.fails: list[ClientError] = []
        self.lines: list[str] = []
        self.facts: dict[str, Any] = {}
        self.stopped: list[str] = []

    def client(self, _name: str) -> Service:
        return self

    def create_training_job(self, **request: Any) -> None:
        if self.fails:
            raise self.fails.pop(0)
        if request["TrainingJobName"] in self.jobs:
            raise answer("ResourceInUse", "Training job names must be unique")
        self.jobs[request["TrainingJobName"]] = request

    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, Any]:
        if self.fails:
            raise self.fails.pop(0)
        if TrainingJobName not in self.jobs:
            raise answer("ValidationException", "Requested resource not found.")
        state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
        found = {name: value for name, value in self.jobs[TrainingJobName].items() if value}
        return {**found, "TrainingJobArn": TrainingJobName, "TrainingJobStatus": state, **self.facts}

    def list_tags(self, *, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": self.jobs[ResourceArn]["Tags"]}

    def stop_training_job(self, *, TrainingJobName: str) -> None:
        if TrainingJobName not in self.jobs:
            raise answer("ValidationException", "Requested resource not found.")
        self.states = ["Stopped"]
        self.stopped.append(TrainingJobName)

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        return {"logStreams": [{"logStreamName": "fraudlab-r-train/algo-1-7"}]}

    def get_log_events(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:
        events = [{"message": line} for line in self.lines[int(nextToken) :]]
        return {"events": events, "nextForwardToken": str(len(self.lines))}


def jobs(service: Service) -> ServiceJobs:
    account: Any = service
    return ServiceJobs(account, backend="b", run_id="r", patience=QUICK, say=lambda _: None)


def test_the_same_request_twice_is_one_job() -> None:
    service = Service("InProgress")
    handle = jobs(service).start("train", REQUEST)
    assert handle == JobHandle("b", "train", "fraudlab-r-train", "s3://b/out/fraudlab-r-train/output")
    assert jobs(service).start("train", REQUEST) == handle
    assert list(service.jobs) == ["fraudlab-r-train"]


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ({"Tags": [{"Key": "fraudlab:run", "Value": "another"}]}, "InProgress"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://b/elsewhere"}}, "InProgress"),
        ({}, "Failed"),
        ({}, "Stopping"),
        ({}, "Stopped"),
    ],
    ids=["another run's", "another request's", "failed", "being stopped", "stopped"],
)
def test_a_name_that_another_job_has_is_followed_by_one_made_of_the_request(
    other: dict[str, Any], state: str
) -> None:
    service = Service(state)
    service.jobs["fraudlab-r-train"] = {**REQUEST, **other}
    handle = jobs(service).start("train", REQUEST)
    assert handle.name.startswith("fraudlab-r-train-")
    assert handle.output.endswith(f"/{handle.name}/output")
    assert len(service.jobs) == 2
    service.states = ["InProgress"]
    if other:
        assert jobs(service).start("train", REQUEST) == handle


def test_a_call_that_was_carried_out_though_its_answer_was_lost_starts_no_second_job() -> None:
    service = Service("InProgress")
    service.jobs["fraudlab-r-train"] = dict(REQUEST)
    service.fails = [answer("InternalFailure")]
    assert jobs(service).start("train", REQUEST).name == "fraudlab-r-train"


def test_throttling_is_waited_out_and_a_quota_is_not() -> None:
    service = Service("InProgress")
    service.fails = [answer("ThrottlingException")] * 5
    jobs(service).start("train", REQUEST)
    service.fails = [answer("ResourceLimitExceeded", "The account-level service limit 'x' is 0 Instances")]
    with pytest.raises(QuotaReached, match="Starting the train job failed: the quota 'x' is 0"):
        jobs(service).start("train", REQUEST)


def waited(service: Service, tmp_path: Path) -> list[str]:
    seen: list[str] = []
    ours = jobs(service)
    handle = ours.start("train", REQUEST)
    with JobLog(tmp_path / "log", on_line=seen.append) as log:
        ours.wait(handle, log)
    return seen


def test_lines_come_from_the_service_once(tmp_path: Path) -> None:
    service = Service("InProgress", "InProgress", "Completed")
    service.lines = ["[0]#011validation-auc:0.5", "done"]
    assert waited(service, tmp_path) == service.lines
    assert "[SageMaker] InProgress" in (tmp_path / "log").read_text()


def test_expired_credentials_lose_the_job_and_do_not_fail_it(tmp_path: Path) -> None:
    service = Service("InProgress")
    ours = jobs(service)
    handle = ours.start("train", REQUEST)
    service.fails = [answer("ExpiredTokenException")]
    with JobLog(tmp_path / "log") as log, pytest.raises(CredentialsExpired):
        ours.wait(handle, log)
    service.fails = [answer("AccessDeniedException")]
    with JobLog(tmp_path / "log") as log, pytest.raises(BackendLost, match="may not"):
        ours.wait(handle, log)


def test_a_job_is_stopped_and_one_that_is_not_there_is_left(tmp_path: Path) -> None:
    service = Service("InProgress")
    ours = jobs(service)
    handle = ours.start("train", REQUEST)
    ours.stop(JobHandle("b", "train", "never-begun", ""))
    ours.stop(handle)
    with JobLog(tmp_path / "log") as log, pytest.raises(JobFailed, match=r"The train job was stopped\."):
        ours.wait(handle, log)
    with pytest.raises(JobFailed, match="by somebody else"):
        service.states = ["Stopped"]
        with JobLog(tmp_path / "log") as log:
            jobs(service).wait(handle, log)


STRANGER = {**REQUEST, "Tags": [{"Key": "fraudlab:run", "Value": "another"}]}


def test_a_job_that_may_have_been_started_is_stopped_under_the_name_last_asked_for() -> None:
    """Its first name may be a stranger's, who is left alone."""
    service = Service("InProgress")
    service.jobs["fraudlab-r-train"] = STRANGER
    may_be = JobHandle("b", "train", "fraudlab-r-train", output="")
    assert jobs(service).stop(may_be) is None  # nothing was asked for by this launcher
    assert service.stopped == []
    ours = jobs(service)
    started = ours.start("train", REQUEST)
    assert ours.stop(may_be) is not None
    assert service.stopped == [started.name]
    assert started.name != "fraudlab-r-train"


@pytest.mark.parametrize("state", ["Completed", "Failed", "Stopped"])
def test_a_job_that_has_ended_is_not_asked_to_stop(state: str) -> None:
    service = Service(state)
    service.jobs["fraudlab-r-train"] = dict(REQUEST)
    assert jobs(service).stop(JobHandle("b", "train", "fraudlab-r-train", "s3://b/o")) is not None
    assert service.stopped == []


OWN = "AlgorithmError: label column 'y' holds 2\nfix: name another\nkind: data\n, exit code: 3"


@pytest.mark.parametrize(
    ("status", "described", "kind", "says", "fix"),
    [
        ("Failed", {"FailureReason": OWN}, DataError, "label column 'y' holds 2", "name another"),
        ("Failed", {"FailureReason": OWN.replace("\n", " ")}, DataError, "holds 2", "name another"),
        ("Failed", {"FailureReason": "AlgorithmError: , exit code: 137"}, JobFailed, "of memory",
         "larger"),
        ("Failed", {"FailureReason": "ClientError: Cannot pull algorithm container. Either"},
         ImageMissing, "could not be given its image", "role may pull"),
        ("Failed", {"FailureReason": "CapacityError: Unable to provision."}, JobFailed,
         "no machine for the train job", "compute.train.instance_type"),
        ("Failed", {"FailureReason": "ResourceLimitExceeded: x"}, QuotaReached, "over a quota", "Quotas"),
        ("Failed", {"FailureReason": "ClientError: AccessDenied (403) for s3"}, AccessRefused, "role",
         "infra/"),
        ("Failed", {"FailureReason": "InternalServerError: We encountered an internal error."}, JobFailed,
         "AWS had a fault", "repeat"),
        ("Failed", {}, JobFailed, "no reason was given", "read"),
        ("Stopped", {"SecondaryStatus": "MaxRuntimeExceeded"}, JobFailed, "longer than compute.train.max",
         "raise compute.train.max_minutes"),
        ("Stopped", {"SecondaryStatus": "MaxWaitTimeExceeded"}, JobFailed, "no spot instance",
         "sagemaker.spot=false"),
    ],
)  # fmt: skip
def test_how_a_job_ended_is_a_sentence_and_a_fix(
    tmp_path: Path, status: str, described: dict[str, Any], kind: type[FraudlabError], says: str, fix: str
) -> None:
    with JobLog(tmp_path / "log") as log:
        error = ending("train", status, described, log, stop_was_ours=False)
    assert type(error) is kind
    assert says in error.message
    assert fix in error.fix


def test_what_the_log_said_comes_before_what_the_service_says(tmp_path: Path) -> None:
    with JobLog(tmp_path / "log") as log:
        for line in ("its own words", "fix: its own fix", "kind: config"):
            log.write(f"fraudlab-failure: {line}")
        error = ending("train", "Failed", {"FailureReason": OWN}, log, stop_was_ours=False)
    assert error is not None
    assert (error.message, error.fix, error.exit_code) == ("its own words", "its own fix", 2)


def test_a_description_has_more_than_was_asked_for() -> None:
    asked = {"A": [{"B": 1}], "E": {}, "Image": "127.0.0.1:1/x@sha256:a", "Tags": [1]}
    assert same_request(asked, {"A": [{"B": 1, "C": 2}], "D": 0, "Image": "127.0.0.1:2/x@sha256:a"})
    assert not same_request(asked, {"A": [{"B": 2}], "Image": "127.0.0.1:1/x@sha256:a"})
    assert not same_request(asked, {"A": [{"B": 1}], "Image": "127.0.0.1:1/x@sha256:b"})


def test_machines_are_paid_for_as_long_as_the_service_says() -> None:
    began = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ended = began + dt.timedelta(seconds=90)
    two = {"ResourceConfig": {"InstanceCount": 2}}
    train, process = CALLS["train"], CALLS["process"]
    assert billed_seconds(train, {**two, "BillableTimeInSeconds": 30, "TrainingEndTime": ended}) == 60
    assert billed_seconds(process, {"ProcessingStartTime": began, "ProcessingEndTime": ended}) == 90
    assert billed_seconds(process, {"ProcessingStartTime": began}) is None


def test_a_state_that_has_passed_before_it_was_asked_for_is_told_too(tmp_path: Path) -> None:
    service, shown = Service("Completed"), []
    states = ["Training", "Interrupted", "Starting", "Training", "Completed"]
    service.facts = {"SecondaryStatusTransitions": [{"Status": state} for state in states]}
    account: Any = service
    ours = ServiceJobs(account, backend="b", run_id="r", patience=QUICK, say=shown.append)
    with JobLog(tmp_path / "log") as log:
        ours.wait(ours.start("train", REQUEST), log)
    assert (tmp_path / "log").read_text().splitlines() == [f"[SageMaker] {state}" for state in states]
    assert shown == ["  train: Interrupted"]
