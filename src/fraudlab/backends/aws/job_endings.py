"""How a job of SageMaker ended, as an error with a fix. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fraudlab.aws.answers import AccessRefused, QuotaReached
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import FraudlabError, ImageMissing, JobFailed

#: what a job's own words are framed with: ``AlgorithmError: WORDS, exit code: 1``
_OWN = re.compile(r"AlgorithmError: (?P<words>.*?)(?:, exit code: (?P<code>\d+))?\s*", re.DOTALL)
_OUT_OF_MEMORY = ("137", "OutOfMemory", "out of memory", "Please use an instance type with more memory")
#: the failure file of the image's commands, whose lines AWS may have joined
_FAILURE_FILE = re.compile(r"(?P<sentence>.+?)\s+fix: (?P<fix>.+?)\s+kind: (?P<kind>\w+)", re.DOTALL)


def ending(
    job: str, status: str, described: Mapping[str, Any], log: JobLog, *, stop_was_ours: bool
) -> FraudlabError | None:
    """The error of a job that has ended; None where it completed.

    Parameters
    ----------
    job : {"process", "train", "transform"}
    status : str
        ``Completed``, ``Failed`` or ``Stopped``.
    described : mapping
        What the service says of the job.
    log : JobLog
        Has what the job printed; its own sentence comes first.
    stop_was_ours : bool
        Whether this process asked for its end.
    """
    if status == "Completed":
        return None
    secondary = str(described.get("SecondaryStatus", ""))
    reason = str(described.get("FailureReason") or described.get("ExitMessage") or "").strip()
    if status == "Stopped" and not (log.says_why and secondary == "Stopped"):
        return _stopped(job, secondary, reason, log, stop_was_ours=stop_was_ours)
    return _failed(job, reason, log)


def _stopped(job: str, secondary: str, reason: str, log: JobLog, *, stop_was_ours: bool) -> FraudlabError:
    if secondary == "MaxWaitTimeExceeded" or "MaxWaitTime" in reason:
        return JobFailed(
            f"The {job} job had no spot instance for long enough before sagemaker.max_wait_minutes was over.",
            fix="raise sagemaker.max_wait_minutes, choose another instance type, or sagemaker.spot=false",
        )
    if secondary == "MaxRuntimeExceeded" or "MaxRuntime" in reason:
        return JobFailed(
            f"The {job} job took longer than compute.{job}.max_minutes allows.",
            fix=f"raise compute.{job}.max_minutes, or choose a faster instance type",
        )
    if stop_was_ours:
        return JobFailed(f"The {job} job was stopped.", fix="repeat the run")
    return JobFailed(
        f"The {job} job was stopped by somebody else{f' ({reason})' if reason else ''}.",
        fix=f"ask who may stop jobs in this account, and repeat the run; {log.path} has what it printed",
    )


def _failed(job: str, reason: str, log: JobLog) -> FraudlabError:
    own = _OWN.fullmatch(reason)
    if not log.says_why and own and not reason.startswith("AlgorithmError: See job logs"):
        _read(own["words"], log)
    if log.says_why:
        return log.error(job, detail=reason)
    words = reason.rstrip(".") or "no reason was given"
    if any(sign in reason for sign in _OUT_OF_MEMORY):
        return JobFailed(
            f"The {job} job was killed: it ran out of memory ({words}).",
            fix=f"choose a larger machine with compute.{job}.instance_type, or use a smaller table",
        )
    if "Cannot pull" in reason or "does not exist or its permissions" in reason:
        return ImageMissing(
            f"The {job} job could not be given its image ({words}).",
            fix="see that the role may pull from the repository (the execution role of infra/ may), and that "
            "nobody has deleted the image",
        )
    if "CapacityError" in reason or "capacity" in reason.lower():
        return JobFailed(
            f"AWS has no machine for the {job} job now ({words}).",
            fix=f"choose another compute.{job}.instance_type or sagemaker.region, or repeat the run later",
        )
    if "ResourceLimitExceeded" in reason or "service limit" in reason:
        return QuotaReached(
            f"The {job} job is over a quota of the account ({words}).",
            fix="ask for more (console, Service Quotas, Amazon SageMaker), or choose another instance type",
        )
    if "AccessDenied" in reason or "not authorized" in reason or "Access denied" in reason:
        return AccessRefused(
            f"The role of the {job} job may not do something it must ({words}).",
            fix="name the role of infra/: sagemaker.role=fraudlab-execution",
        )
    if reason.startswith("InternalServerError"):
        return JobFailed(f"AWS had a fault during the {job} job ({words}).", fix="repeat the run")
    return JobFailed(f"The {job} job failed: {words}.", fix=f"read {log.path}")


def _read(words: str, log: JobLog) -> None:
    """Take what a job left in its failure file as if its log had said it: the same lines, the same error."""
    if found := _FAILURE_FILE.match(words.strip()):
        for line in (found["sentence"], f"fix: {found['fix']}", f"kind: {found['kind']}"):
            log.write(f"fraudlab-failure: {line}")
