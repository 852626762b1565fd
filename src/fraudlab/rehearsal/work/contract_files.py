"""The JSON files that SageMaker puts into a container before it starts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.rehearsal.work.tar_streams import Entry

#: what the service calls its only group of instances
_GROUP = "homogeneousCluster"
CHECKPOINTS = "/opt/ml/checkpoints"


@dataclass(frozen=True)
class Host:
    """One host of a training job."""

    name: str
    group: str
    instance_type: str


def training_hosts(resources: Mapping[str, Any]) -> list[Host]:
    """The hosts of a ``ResourceConfig``: ``algo-1`` and so on, through all its instance groups."""
    groups = resources.get("InstanceGroups") or [
        {
            "InstanceGroupName": _GROUP,
            "InstanceType": resources.get("InstanceType", "ml.m5.xlarge"),
            "InstanceCount": resources.get("InstanceCount", 1),
        }
    ]
    kinds = [
        (group["InstanceGroupName"], group["InstanceType"])
        for group in groups
        for _ in range(group["InstanceCount"])
    ]
    return [Host(f"algo-{number}", *kind) for number, kind in enumerate(kinds, 1)]


def training_files(request: Mapping[str, Any], host: Host, hosts: list[Host]) -> list[Entry]:
    """All of ``/opt/ml/input/config`` for one host, and the folders that a training job may write to."""
    resources = {
        "current_host": host.name,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": [one.name for one in hosts],
        "instance_groups": [
            {
                "instance_group_name": group,
                "instance_type": next(one.instance_type for one in hosts if one.group == group),
                "hosts": [one.name for one in hosts if one.group == group],
            }
            for group in dict.fromkeys(one.group for one in hosts)
        ],
        "network_interface_name": "eth0",
    }
    files: dict[str, Any] = {
        "hyperparameters": request.get("HyperParameters") or {},
        "resourceconfig": resources,
        "inputdataconfig": {
            channel["ChannelName"]: input_data(request, channel)
            for channel in request.get("InputDataConfig") or ()
        },
    }
    folders = ["input/config", "input/data", "model", "output", "output/data"]
    result = [Entry.folder("opt/ml"), *(Entry.folder(f"opt/ml/{name}") for name in ("input", *folders))]
    if checkpoints := request.get("CheckpointConfig"):
        files["checkpointconfig"] = {
            "LocalPath": checkpoints.get("LocalPath", CHECKPOINTS),
            "S3Uri": checkpoints["S3Uri"],
        }
        result.append(Entry.folder(files["checkpointconfig"]["LocalPath"]))
    return result + [_json(f"opt/ml/input/config/{name}.json", content) for name, content in files.items()]


def input_data(request: Mapping[str, Any], channel: Mapping[str, Any]) -> dict[str, str]:
    """What ``inputdataconfig.json`` says of one channel."""
    source = channel["DataSource"].get("S3DataSource", {})
    said = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": input_mode(request, channel),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {name: value for name, value in said.items() if value is not None}


def input_mode(request: Mapping[str, Any], channel: Mapping[str, Any]) -> str:
    """``File``, ``FastFile`` or ``Pipe``: the channel's own, else the job's."""
    default = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    return str(channel.get("InputMode", default))


def processing_files(request: Mapping[str, Any], arn: str, host: str, hosts: list[str]) -> list[Entry]:
    """``/opt/ml/config`` for one host of a processing job, and the folders that it may write to."""
    job = {name: value for name, value in request.items() if name not in {"Tags", "ExperimentConfig"}}
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    written = [one["S3Output"]["LocalPath"] for one in outputs if "S3Output" in one]
    return [
        *(Entry.folder(name) for name in ("opt/ml", "opt/ml/config", "opt/ml/processing", "opt/ml/output")),
        *map(Entry.folder, written),
        _json("opt/ml/config/processingjobconfig.json", {"ProcessingJobArn": arn, **job}),
        _json("opt/ml/config/resourceconfig.json", {"current_host": host, "hosts": hosts}),
    ]


def _json(path: str, content: Any) -> Entry:
    return Entry.file(path, json.dumps(content).encode())
