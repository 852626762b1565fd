"""Handles of jobs whose output lies where their request says, and jobs that nobody else can wait for."""

from __future__ import annotations

from fraudlab.api_requests import Request
from fraudlab.backend_registry import describe
from fraudlab.backends.backend import Job, JobHandle
from fraudlab.errors import BackendError

_NAMES = {"process": "ProcessingJobName", "train": "TrainingJobName", "transform": "TransformJobName"}


def handle_of(backend: str, job: Job, request: Request) -> JobHandle:
    """The handle of a job whose output lies where its request says.

    Raises
    ------
    BackendError
        For a kind of job that the backend does not run.
    """
    if job == "transform" and not describe(backend).transforms:
        raise BackendError(f"backend={backend} runs no {job} jobs.", fix="score through an endpoint")
    if job == "train":
        output = request["OutputDataConfig"]["S3OutputPath"]
    elif job == "transform":
        output = request["TransformOutput"]["S3OutputPath"]
    else:
        output = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    return JobHandle(backend=backend, job=job, name=request[_NAMES[job]], output=output)


def not_ours(name: str) -> BackendError:
    """Why a job that this process has not started cannot be waited for."""
    return BackendError(
        f"The job {name} was started by another process, and ends with it.",
        fix="repeat the run",
    )
