"""Requests checked before any is sent: by AWS's service model, its documented rules, and those of the image.

What is found is said at once, by the keys that a person set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Literal

from fraudlab.api_requests.documented import breaches
from fraudlab.api_requests.instance_types import architecture_of
from fraudlab.api_requests.outline import requests_of_run
from fraudlab.api_requests.placement import CloudOptions, Placement, Request
from fraudlab.aws.image_uris import in_registry
from fraudlab.config import RunConfig, SplitKind
from fraudlab.errors import nearest
from fraudlab.objections import Objection, refuse
from fraudlab.service_model import Violation, violations

#: what fraudlab's image is built for
_IMAGE = "amd64"
_JOBS = {
    "CreateProcessingJob": "process",
    "CreateTrainingJob": "train",
    "CreateTransformJob": "transform",
    "CreateEndpointConfig": "serve",
}
#: the end of a path, and the key of the configuration behind it; JOB is the job of the request
_KEYS = (
    (r"InstanceType", "compute.JOB.instance_type"),
    (r"(?:Initial)?InstanceCount", "compute.JOB.instance_count"),
    (r"VolumeSizeInGB", "compute.JOB.volume_gb"),
    (r"MaxRuntimeInSeconds", "compute.JOB.max_minutes"),
    (r"MaxWaitTimeInSeconds", "sagemaker.max_wait_minutes"),
    (r"KeepAlivePeriodInSeconds", "sagemaker.warm_pool_minutes"),
    (r"(?:Volume)?KmsKeyId", "sagemaker.kms"),
    (r"Subnets(?:\[\d+\])?", "sagemaker.vpc.subnets"),
    (r"SecurityGroupIds(?:\[\d+\])?", "sagemaker.vpc.security_groups"),
    (r"Tags(?:\[\d+\].*)?", "sagemaker.tags"),
    (r"(?:Execution)?RoleArn", "sagemaker.role"),
    (r"TrainingImage|ImageUri|PrimaryContainer\.Image", "backend.image"),
    (r"(?:Job|Model|Endpoint|Config)Name", "run.id"),
    (r"S3Uri|S3OutputPath|ModelDataUrl", "sagemaker.prefix"),
    (r"MetricDefinitions(?:\[\d+\].*)?", "model.eval_metric"),
    (r"MaxPayloadInMB|Environment\[FRAUDLAB_MAX_BODY\]", "serving.max_body_mib"),
    (r"MaxConcurrentTransforms|Environment\[FRAUDLAB_WORKERS\]", "serving.workers"),
)
#: a place whose account is not known yet
_SOMEWHERE = Placement(
    image="000000000000.dkr.ecr.us-east-1.amazonaws.com/fraudlab-xgboost:image",
    role_arn="arn:aws:iam::000000000000:role/fraudlab-execution",
    cloud=CloudOptions("s3://fraudlab-000000000000-us-east-1/fraudlab"),
)
_HYPERPARAMETER = re.compile(r"HyperParameters\[(\w+)\]")


def check_requests(config: RunConfig, requests: Mapping[str, Request]) -> None:
    """Refuse what AWS or the image would refuse of the requests of a run, before the first is sent.

    Parameters
    ----------
    config : RunConfig
        What the requests were built from.
    requests : mapping of str to dict
        By operation, such as ``CreateTrainingJob``.

    Raises
    ------
    ConfigError
        With everything that is wrong, and the keys that were set.
    """
    refuse(list(find(config, requests)))


def check_run(config: RunConfig, *, run_id: str, via: Literal["transform", "endpoint"]) -> None:
    """Refuse what AWS or the image would refuse of a run, before there is an account, an image or a file.

    Parameters
    ----------
    config : RunConfig
    run_id : str
    via : {"transform", "endpoint"}
        How the test split is scored.

    Raises
    ------
    ConfigError
        With everything that is wrong, and the keys that were set.
    """
    check_requests(config, requests_of_run(config, _SOMEWHERE, run_id=run_id, via=via))


def find(config: RunConfig, requests: Mapping[str, Request]) -> Iterator[Objection]:
    """What is wrong with the requests of a run; see :func:`check_requests`."""
    for operation, request in requests.items():
        found = list(violations(operation, request))
        yield from (_of_model(config, operation, violation) for violation in found)
        if not any(violation.what.startswith(("is no ", "is missing")) for violation in found):
            for breach in breaches(operation, request):
                yield _said(config, operation, breach.path, breach.rule, "")
        yield from _processor(config, operation)
    yield from _hosts(config)


def key_of(operation: str, path: str) -> str | None:
    """The key of the configuration that a field of a request comes from; None where none is behind it."""
    if found := _HYPERPARAMETER.match(path):
        return "seed" if found[1] == "seed" else f"model.{found[1]}"
    for pattern, key in _KEYS:
        if re.search(rf"(?:^|\.|(?<=[a-z]))(?:{pattern})$", path):
            if "JOB" not in key:
                return key
            return key.replace("JOB", _JOBS[operation]) if operation in _JOBS else None
    return None


def _of_model(config: RunConfig, operation: str, violation: Violation) -> Objection:
    valid = nearest(str(violation.value), violation.valid) if violation.valid else ""
    if len(valid) > 200:  # hundreds of machines
        valid = valid.partition(" Valid: ")[0] if valid.startswith("did you mean") else ""
    return _said(config, operation, violation.path, violation.what, valid)


def _said(config: RunConfig, operation: str, path: str, what: str, valid: str) -> Objection:
    key = key_of(operation, path)
    if key is None:
        return Objection(
            path, f"{operation}: {path} {what}.", valid or "this is a fault of fraudlab: report it"
        )
    value = _shown(attrgetter(key)(config))
    where = f"{operation}.{path}"
    return Objection(key, f"{key}={value}: {where} {what}.", valid or f"choose another {key}")


def _shown(value: object) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _processor(config: RunConfig, operation: str) -> Iterator[Objection]:
    """A machine that cannot run our image; what an image in a registry was built for is not known here."""
    if operation not in _JOBS or (config.backend.image and in_registry(config.backend.image)):
        return
    key = f"compute.{_JOBS[operation]}.instance_type"
    machine = attrgetter(key)(config)
    if architecture_of(machine) != _IMAGE:
        yield Objection(
            key,
            f"{key}={machine} has an arm64 processor, and the image is for {_IMAGE}.",
            "such as ml.m5.xlarge",
        )


def _hosts(config: RunConfig) -> Iterator[Objection]:
    """What the image does on one host only: it would say so after the machines have been paid for."""
    train, key = config.compute.train.instance_count, "compute.train.instance_count"
    alone = {"model.k_fold": config.model.k_fold, "model.tree_method": config.model.tree_method}
    for name, value in alone.items():
        if train > 1 and (value == "exact" if name == "model.tree_method" else value):
            yield Objection(
                key, f"{key}={train}, and {name}={value} needs one host.", f"{key}=1, or another {name}"
            )
    if train > 1 and config.split.kind is SplitKind.prequential:
        yield Objection(key, f"{key}={train}, and split=prequential needs one host.", f"{key}=1")
    process, key = config.compute.process.instance_count, "compute.process.instance_count"
    if process > 1:
        yield Objection(
            key,
            f"{key}={process}: each host would prepare the whole table, and write the same files.",
            f"{key}=1",
        )
