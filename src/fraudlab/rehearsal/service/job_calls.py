"""Create…, Describe… and Stop… of processing, training and transform jobs."""

from __future__ import annotations

import time
from typing import Any

from fraudlab.rehearsal.account_quotas import machines
from fraudlab.rehearsal.api_call import ApiError, arn, refused
from fraudlab.rehearsal.resource import Resource, ResourceKind
from fraudlab.rehearsal.service.grounds import Grounds, check_tags, unique

Request = dict[str, Any]
_DAY = 86_400
_WORDS = {
    ResourceKind.TRAINING: ("Training job", "training job", "TrainingJob"),
    ResourceKind.PROCESSING: ("Job", "processing job", "ProcessingJob"),
    ResourceKind.TRANSFORM: ("Job", "transform job", "TransformJob"),
}


def create_training_job(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateTrainingJob."""
    _need(request, "AlgorithmSpecification", "ResourceConfig")
    algorithm, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        raise refused(
            "Exactly one of TrainingImage and AlgorithmName must be given in AlgorithmSpecification."
        )
    if "AlgorithmName" in algorithm:
        raise refused(f"Cannot find algorithm {algorithm['AlgorithmName']}.")
    if "InstanceGroups" not in resources and not {"InstanceType", "InstanceCount"} <= set(resources):
        raise refused("ResourceConfig needs InstanceType and InstanceCount, or InstanceGroups.")
    request.setdefault("StoppingCondition", {}).setdefault("MaxRuntimeInSeconds", _DAY)
    _check_spot(request)
    channels = request.get("InputDataConfig") or []
    unique([channel["ChannelName"] for channel in channels], "channel names")
    for channel in channels:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise refused(
                f"Channel {channel['ChannelName']} has no S3DataSource; the rehearsal has no file systems."
            )
        grounds.check_input(source["S3Uri"], source["S3DataType"], request["RoleArn"])
        channel.setdefault("CompressionType", "None")
        channel.setdefault("RecordWrapperType", "None")
        source.setdefault("S3DataDistributionType", "FullyReplicated")
    grounds.check_output(request["OutputDataConfig"]["S3OutputPath"])
    request["OutputDataConfig"].setdefault("KmsKeyId", "")
    request["OutputDataConfig"].setdefault("CompressionType", "GZIP")
    if "CheckpointConfig" in request:
        grounds.check_output(request["CheckpointConfig"]["S3Uri"])
        request["CheckpointConfig"].setdefault("LocalPath", "/opt/ml/checkpoints/")
    grounds.check_repository(algorithm["TrainingImage"], request["RoleArn"])
    algorithm.setdefault("TrainingInputMode", "File")
    algorithm.setdefault("EnableSageMakerMetricsTimeSeries", False)
    for flag in ("NetworkIsolation", "InterContainerTrafficEncryption", "ManagedSpotTraining"):
        request.setdefault(f"Enable{flag}", False)
    started = {"Status": "Starting", "StartTime": time.time(), "StatusMessage": "Starting the training job"}
    return _create(ResourceKind.TRAINING, request, grounds, key, secondary="Starting", transitions=[started])


def _check_spot(request: Request) -> None:
    stopping = request["StoppingCondition"]
    wait, run = stopping.get("MaxWaitTimeInSeconds"), stopping["MaxRuntimeInSeconds"]
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < run:
            raise refused(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                "MaxRuntimeInSeconds"
            )
        if request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
            raise refused("KeepAlivePeriodInSeconds is not supported with managed spot training.")
    elif wait is not None:
        raise refused("MaxWaitTimeInSeconds is only supported with EnableManagedSpotTraining.")


def create_processing_job(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateProcessingJob."""
    inputs = request.get("ProcessingInputs") or []
    outputs = (request.get("ProcessingOutputConfig") or {}).get("Outputs", [])
    unique([one["InputName"] for one in inputs], "input names")
    unique([one["OutputName"] for one in outputs], "output names")
    paths = []
    for one in inputs:
        source = one.get("S3Input")
        if source is None:
            raise refused(
                f"Input {one['InputName']} has no S3Input; the rehearsal has no data sets of Athena's."
            )
        _need(source, "S3Uri", "S3DataType")
        if "LocalPath" not in source:
            raise refused(f"Input {one['InputName']} has no LocalPath.")
        grounds.check_input(source["S3Uri"], source["S3DataType"], request["RoleArn"])
        source.setdefault("S3InputMode", "File")
        source.setdefault("S3DataDistributionType", "FullyReplicated")
        source.setdefault("S3CompressionType", "None")
        paths.append(source["LocalPath"].rstrip("/"))
    for one in outputs:
        target = one.get("S3Output")
        if target is None:
            raise refused(f"Output {one['OutputName']} has no S3Output; the rehearsal has no feature store.")
        grounds.check_output(target["S3Uri"])
        paths.append(target.get("LocalPath", "").rstrip("/"))
    unique(paths, "local paths")
    for path in paths:
        if not f"{path}/".startswith("/opt/ml/processing/"):
            raise refused(f"LocalPath {path} must be below /opt/ml/processing.")
    grounds.check_repository(request["AppSpecification"]["ImageUri"], request["RoleArn"])
    request.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": _DAY})
    return _create(ResourceKind.PROCESSING, request, grounds, key)


def create_transform_job(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateTransformJob."""
    model = grounds.store.peek(ResourceKind.MODEL, request["ModelName"])
    if model is None:
        raise refused(f'Could not find model "{arn("sagemaker", "model/" + request["ModelName"])}".')
    payload, at_once = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms", 1)
    if payload * max(at_once, 1) > 100:
        raise refused(
            f"MaxConcurrentTransforms ({at_once}) multiplied by MaxPayloadInMB ({payload}) must not "
            "exceed 100 MB."
        )
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    role = model.request.get("ExecutionRoleArn", "")
    grounds.check_input(source["S3Uri"], source["S3DataType"], role)
    grounds.check_output(request["TransformOutput"]["S3OutputPath"])
    if (
        request.get("BatchStrategy") == "MultiRecord"
        and request["TransformInput"].get("SplitType", "None") == "None"
    ):
        raise refused("BatchStrategy MultiRecord needs a SplitType in TransformInput.")
    _check_joined(request)
    request["TransformInput"].setdefault("CompressionType", "None")
    request["TransformInput"].setdefault("SplitType", "None")
    request["TransformOutput"].setdefault("AssembleWith", "None")
    return _create(
        ResourceKind.TRANSFORM,
        request,
        grounds,
        key,
        facts={"_model": model.request, "_model_arn": model.arn},
    )


def _check_joined(request: Request) -> None:
    processing = request.get("DataProcessing") or {}
    joined = processing.get("JoinSource", "None") == "Input"
    if not joined:
        return
    split, assembled = (
        request["TransformInput"].get("SplitType"),
        request["TransformOutput"].get("AssembleWith"),
    )
    if split == "Line" and assembled != "Line":
        raise refused(
            "AssembleWith in TransformOutput must be Line where JoinSource is Input and SplitType is Line."
        )


def _create(kind: ResourceKind, request: Request, grounds: Grounds, key: str, **more: Any) -> Request:
    _, words, prefix = _WORDS[kind]
    check_tags(request.get("Tags") or [])
    if "RoleArn" in request:
        grounds.check_role(request["RoleArn"], key)

    def taken(its_arn: str) -> ApiError:
        if kind is ResourceKind.TRAINING:
            return ApiError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job "
                "with this "
                f"name already exists ({its_arn})",
            )
        return ApiError(
            "ResourceInUse",
            f"Job name must be unique within an AWS account and region, and a {words} with this name already "
            f"exists ({its_arn})",
        )

    name = request[f"{prefix}Name"]
    with grounds.creating:
        there = grounds.store.peek(kind, name)
        if there is not None:
            raise taken(there.arn)
        asked = Resource(kind, name, "", request, 0, 0, "")
        for instance_type, use, count in machines(asked):
            grounds.check_quota(instance_type, use, count)
        made = grounds.take(kind, name, request, taken, status="InProgress", **more)
    grounds.work.start(made)
    return {f"{prefix}Arn": made.arn}


def stop_job(kind: ResourceKind, request: Request, grounds: Grounds) -> Request:
    """StopTrainingJob, StopProcessingJob, StopTransformJob."""
    _, words, prefix = _WORDS[kind]
    job = found_job(kind, request[f"{prefix}Name"], grounds)
    # judged and changed in one step: it may end in this moment, or be stopped by two at once
    job = grounds.store.change(kind, job.name, _stopping)
    if job.ended:
        raise refused(f"The request was rejected because the {words} is in status {job.status}.")
    grounds.work.stop(kind, job.name)
    return {}


def _stopping(job: Resource) -> None:
    if not job.ended and job.status != "Stopping":
        job.move("Stopping", "Stopping" if job.kind is ResourceKind.TRAINING else None)


def found_job(kind: ResourceKind, name: str, grounds: Grounds) -> Resource:
    """A job, to be read and not changed, or the service's words for one that is not there."""
    job = grounds.store.peek(kind, name)
    if job is not None:
        return job
    if kind is ResourceKind.PROCESSING:
        raise refused(f"Could not find requested job with name: {name}")
    if kind is ResourceKind.TRANSFORM:
        raise refused(f'Could not find transform job "{arn("sagemaker", f"transform-job/{name}")}".')
    raise refused("Requested resource not found.")


def describe_training_job(request: Request, grounds: Grounds) -> Request:
    """DescribeTrainingJob."""
    job = found_job(ResourceKind.TRAINING, request["TrainingJobName"], grounds)
    transitions = [
        {name: value for name, value in one.items() if name != "StatusMessage" or value}
        for one in job.transitions
    ]
    return {
        **job.request,
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "ProfilingStatus": "Disabled",
        **_described(job, "TrainingJob"),
        "SecondaryStatus": job.secondary or "Starting",
        "SecondaryStatusTransitions": transitions,
    }


def describe_job(kind: ResourceKind, request: Request, grounds: Grounds) -> Request:
    """DescribeProcessingJob, DescribeTransformJob."""
    prefix = _WORDS[kind][2]
    job = found_job(kind, request[f"{prefix}Name"], grounds)
    return {**job.request, **_described(job, prefix)}


def _described(job: Resource, prefix: str) -> Request:
    shown: Request = {
        f"{prefix}Arn": job.arn,
        f"{prefix}Status": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.changed,
        **{name: value for name, value in job.facts.items() if not name.startswith("_")},
    }
    if job.failure is not None:
        shown["FailureReason"] = job.failure
    return shown


def _need(request: Request, *names: str) -> None:
    for name in names:
        if request.get(name) is None:
            path = name[0].lower() + name[1:]
            raise refused(
                f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: "
                "Member must not "
                "be null"
            )
