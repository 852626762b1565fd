"""What SageMaker calls each kind of job, its calls and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.api_requests import Request
from fraudlab.backends.backend import Job

#: states that a job does not leave
ENDED = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True)
class JobCalls:
    """One kind of job.

    Attributes
    ----------
    create, describe, stop : str
        Methods of boto3's client.
    name, status : str
        Keys of requests and answers.
    arn : str
        Key of its ARN in an answer.
    log_group : str
    began, ended : str
        Keys of the times between which its machines work, for what they cost.
    """

    create: str
    describe: str
    stop: str
    name: str
    status: str
    arn: str
    log_group: str
    began: str
    ended: str

    def output(self, request: Request) -> str:
        """The URI of the folder in which a job's output will be."""
        if self.create == "create_training_job":
            return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request[self.name]}/output"
        if self.create == "create_transform_job":
            return str(request["TransformOutput"]["S3OutputPath"])
        return str(request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"])


CALLS: dict[Job, JobCalls] = {
    "process": JobCalls(
        "create_processing_job", "describe_processing_job", "stop_processing_job",
        "ProcessingJobName", "ProcessingJobStatus", "ProcessingJobArn", "/aws/sagemaker/ProcessingJobs",
        "ProcessingStartTime", "ProcessingEndTime",
    ),
    "train": JobCalls(
        "create_training_job", "describe_training_job", "stop_training_job",
        "TrainingJobName", "TrainingJobStatus", "TrainingJobArn", "/aws/sagemaker/TrainingJobs",
        "TrainingStartTime", "TrainingEndTime",
    ),
    "transform": JobCalls(
        "create_transform_job", "describe_transform_job", "stop_transform_job",
        "TransformJobName", "TransformJobStatus", "TransformJobArn", "/aws/sagemaker/TransformJobs",
        "TransformStartTime", "TransformEndTime",
    ),
}  # fmt: skip


def same_request(asked: Any, found: Any) -> bool:
    """Whether what a service describes is what a request asks for.

    A description has more than was asked for, and leaves out what is empty. Images are compared without the
    registry that they are in, which a rehearsal chooses anew each time it is started.
    """
    if isinstance(asked, Mapping):
        described = found if isinstance(found, Mapping) else {}
        return all(same_request(value, described.get(key)) for key, value in asked.items() if key != "Tags")
    if isinstance(asked, list):
        return (
            isinstance(found, list) and len(asked) == len(found) and all(map(same_request, asked, found))
        ) or (not asked and not found)
    if isinstance(asked, str) and isinstance(found, str) and "@sha256:" in asked:
        return asked.partition("/")[2] == found.partition("/")[2]
    return bool(asked == found)


def billed_seconds(calls: JobCalls, described: Mapping[str, Any]) -> int | None:
    """For how many seconds the machines of a job are paid, added up; None where it has not begun or ended."""
    began, ended = described.get(calls.began), described.get(calls.ended)
    if "BillableTimeInSeconds" in described:
        seconds = int(described["BillableTimeInSeconds"])
    elif began is None or ended is None:
        return None
    else:
        seconds = max(0, round((ended - began).total_seconds()))
    return seconds * _machines(described)


def _machines(described: Mapping[str, Any]) -> int:
    cluster = described.get("ProcessingResources", {}).get("ClusterConfig", {})
    for found in (described.get("ResourceConfig", {}), described.get("TransformResources", {}), cluster):
        if "InstanceCount" in found:
            return int(found["InstanceCount"])
    return 1
