"""Documented rules of SageMaker that its service model does not hold, each over one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.api_requests.instance_types import has_local_storage
from fraudlab.api_requests.transform import MAX_UNDER_WAY_MB

#: of a training job, in seconds: 28 days
_LONGEST = 28 * 24 * 3600
_LARGEST_VOLUME = 16_384
#: what a processing job and a transform job may have of hosts is in the service model
_MOST_HOSTS = 100


@dataclass(frozen=True)
class Breach:
    """A rule that a request breaks: the path of what breaks it, and the rule."""

    path: str
    rule: str


def breaches(operation: str, request: Mapping[str, Any]) -> Iterator[Breach]:
    """The documented rules that a request breaks.

    Parameters
    ----------
    operation : str
        Such as ``CreateTrainingJob``; others than those of a run have no rules here.
    request : mapping
        As boto3 takes it; its fields have the types of the service model.
    """
    yield from _tags(request.get("Tags", ()))
    if operation == "CreateTrainingJob":
        yield from _training(request)
    elif operation == "CreateProcessingJob":
        yield from _volume_key(
            request["ProcessingResources"]["ClusterConfig"], "ProcessingResources.ClusterConfig"
        )
    elif operation == "CreateTransformJob":
        yield from _transform(request)


def _tags(tags: Any) -> Iterator[Breach]:
    keys = [tag["Key"] for tag in tags]
    for number, key in enumerate(keys):
        if key.lower().startswith("aws:"):
            yield Breach(f"Tags[{number}].Key", "begins with aws:, which is AWS's own")
        if key in keys[:number]:
            yield Breach(f"Tags[{number}].Key", "is there twice")


def _training(request: Mapping[str, Any]) -> Iterator[Breach]:
    machines, stopping = request["ResourceConfig"], request["StoppingCondition"]
    spot, longest = request.get("EnableManagedSpotTraining", False), stopping["MaxRuntimeInSeconds"]
    wait, wait_path = stopping.get("MaxWaitTimeInSeconds"), "StoppingCondition.MaxWaitTimeInSeconds"
    if longest > _LONGEST:
        yield Breach("StoppingCondition.MaxRuntimeInSeconds", "is longer than 28 days")
    if spot and wait is None:
        yield Breach(wait_path, "is missing, and spot instances need it")
    if not spot and wait is not None:
        yield Breach(wait_path, "is for spot instances, and none are asked for")
    if wait is not None and wait < longest:
        yield Breach(wait_path, "is less than the job may run")
    if spot and machines.get("KeepAlivePeriodInSeconds"):
        yield Breach(
            "ResourceConfig.KeepAlivePeriodInSeconds", "keeps machines, and those of spot cannot be kept"
        )
    if not 1 <= machines["InstanceCount"] <= _MOST_HOSTS:
        yield Breach("ResourceConfig.InstanceCount", f"is not 1 to {_MOST_HOSTS}")
    if not 1 <= machines["VolumeSizeInGB"] <= _LARGEST_VOLUME:
        yield Breach("ResourceConfig.VolumeSizeInGB", f"is not 1 to {_LARGEST_VOLUME}")
    yield from _volume_key(machines, "ResourceConfig")


def _transform(request: Mapping[str, Any]) -> Iterator[Breach]:
    payload, at_once = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms", 1)
    if payload > MAX_UNDER_WAY_MB:
        yield Breach("MaxPayloadInMB", f"is more than {MAX_UNDER_WAY_MB}")
    elif payload * at_once > MAX_UNDER_WAY_MB:
        yield Breach("MaxConcurrentTransforms", f"times MaxPayloadInMB is more than {MAX_UNDER_WAY_MB}")
    if request.get("BatchStrategy") and request["TransformInput"].get("SplitType", "None") == "None":
        yield Breach("BatchStrategy", "needs a SplitType")
    yield from _volume_key(request["TransformResources"], "TransformResources")


def _volume_key(machines: Mapping[str, Any], path: str) -> Iterator[Breach]:
    if "VolumeKmsKeyId" in machines and has_local_storage(machines["InstanceType"]):
        yield Breach(
            f"{path}.VolumeKmsKeyId", f"is not taken by {machines['InstanceType']}, which has its own disks"
        )
