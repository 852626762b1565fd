"""Two records of the same work are compared by kinds, states and errors, never by chance values."""

from __future__ import annotations

from typing import Any

import pytest

from fraudlab.cloud.call_differences import CallDifference, differences


def call(
    answer: dict[str, Any], *, operation: str = "DescribeTrainingJob", code: str = "", status: int = 200
):
    return {"service": "sagemaker", "operation": operation, "status": status, "code": code, "answer": answer}


JOB = {"TrainingJobName": "a", "TrainingJobStatus": "InProgress", "BillableTimeInSeconds": 60}


def found(service: Any, rehearsal: Any) -> list[str]:
    return [one.what for one in differences(service, rehearsal)]


@pytest.mark.parametrize(
    ("service", "rehearsal", "expected"),
    [
        ([call(JOB)], [call({**JOB, "TrainingJobName": "b", "BillableTimeInSeconds": 7})], []),
        ([call(JOB), call(JOB)], [call(JOB)], []),  # how often is chance
        ([], [], []),
        (
            [call({**JOB, "ProfilingStatus": "Enabled"})],
            [call(JOB)],
            ["the service always gives ProfilingStatus (a text), the rehearsal never"],
        ),
        (
            [call(JOB)],
            [call({**JOB, "Guess": {"A": [1]}})],
            ["the rehearsal always gives Guess.A[] (a number), the service never"],
        ),
        # what only some answers have is no difference where the other side has it too, or where it may come
        ([call(JOB), call({**JOB, "FailureReason": "x"})], [call(JOB)], []),
        (
            [call({**JOB, "BillableTimeInSeconds": "60"})],
            [call(JOB)],
            ["BillableTimeInSeconds is a text of the service, a number of the rehearsal"],
        ),
        # how it is on the way is seen by chance, how it ends is not
        ([call({**JOB, "TrainingJobStatus": "Pending"}), call(JOB)], [call(JOB)], []),
        ([call(JOB), call({**JOB, "TrainingJobStatus": "Deleting"})], [call(JOB)], []),
        (
            [call(JOB), call({**JOB, "TrainingJobStatus": "Stopped"})],
            [call(JOB), call({**JOB, "TrainingJobName": "b", "TrainingJobStatus": "Failed"})],
            [
                "the state TrainingJobStatus = Stopped came from the service only",
                "the state TrainingJobStatus = Failed came from the rehearsal only",
                "the state TrainingJobStatus = InProgress came from the rehearsal only",
            ],
        ),
        (
            [call({**JOB, "Transitions": [{"StatusMessage": "Preparing"}]})],
            [call({**JOB, "Transitions": [{"StatusMessage": "Starting"}]})],
            [
                "the state Transitions[].StatusMessage = Preparing came from the service only",
                "the state Transitions[].StatusMessage = Starting came from the rehearsal only",
            ],
        ),
        (
            [call({"Error": {"Code": "X"}}, code="ResourceNotFound", status=400)],
            [call({"Error": {"Code": "Y"}}, code="ValidationException", status=400)],
            [
                "the error ResourceNotFound came from the service only",
                "the error ValidationException came from the rehearsal only",
            ],
        ),
        (
            [call({}, status=200)],
            [call({}, status=204)],
            [
                "the HTTP status 200 came from the service only",
                "the HTTP status 204 came from the rehearsal only",
            ],
        ),
        ([call({**JOB, "Tags": []})], [call(JOB)], []),
        (
            [call({**JOB, "VpcConfig": None})],
            [call(JOB)],
            ["the service always gives VpcConfig (null), the rehearsal never"],
        ),
        (
            [call({**JOB, "Spot": True})],
            [call({**JOB, "Spot": 1})],
            ["Spot is a boolean of the service, a number of the rehearsal"],
        ),
    ],
)
def test_what_differs_is_said_and_nothing_else(service: Any, rehearsal: Any, expected: list[str]) -> None:
    assert found(service, rehearsal) == expected


def test_a_call_of_one_side_is_said_by_operation() -> None:
    service, rehearsal = (
        [call({}, operation="A"), call({}, operation="B")],
        [call({}, operation="B"), call({}, operation="C")],
    )
    assert differences(service, rehearsal) == [
        CallDifference("sagemaker:A", "was asked of the service only"),
        CallDifference("sagemaker:C", "was asked of the rehearsal only"),
    ]
