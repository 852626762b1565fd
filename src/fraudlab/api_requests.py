"""SageMaker API requests, built from a run's configuration. Pure: no input, no output.

The same dictionaries go to SageMaker, to the SDK's local client and to fraudlab's process client. What
differs between a laptop and the cloud is in :class:`Placement` and in the scheme of the URIs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab import config_rules
from fraudlab.config import InstanceConfig, RunConfig
from fraudlab.container.hyperparameters import printed, read_hyperparameters
from fraudlab.model_config import ModelConfig

Request = dict[str, Any]

_NUMBER = r"[+-]?[0-9][0-9.eE+-]*"
#: what comes before a metric: CloudWatch shows a tab as #011
_BEFORE = r"(?:\t|#011)validation-"
#: what a training job prints after a round: ``[12]\tvalidation-auc:0.98000\tvalidation-logloss:0.10000``
_ROUND_LINE = re.compile(rf"(?:^|[| ])\[(\d+)\]((?:{_BEFORE}[\w@.]+:\S+?)+)\s*$")
_ROUND_METRIC = re.compile(rf"{_BEFORE}([\w@.]+):({_NUMBER})(?=\t|#011|\s|$)")


@dataclass(frozen=True)
class Placement:
    """What a backend says about the place its jobs run in.

    Attributes
    ----------
    image : str
        Image name or URI.
    role_arn : str
        Role the jobs take on; a placeholder where there are no roles.
    instance_type : str or None
        Overrides ``compute.*.instance_type`` (``"local"`` in local mode); None leaves the config's.
    """

    image: str
    role_arn: str
    instance_type: str | None = None


def job_name(run_id: str, stage: str) -> str:
    """Name of a run's job: at most 63 of ``[a-zA-Z0-9-]``, as SageMaker asks."""
    return f"fraudlab-{run_id}-{stage}"


def processing_job(
    config: RunConfig, placement: Placement, *, run_id: str, raw: str, config_channel: str, prepared: str
) -> Request:
    """Build CreateProcessingJob: raw table in, one Parquet folder per split and a manifest out.

    Parameters
    ----------
    raw, config_channel : str
        URIs of the folders with the raw table and with ``process.json``.
    prepared : str
        URI that receives ``train/ validation/ test/ manifest.json``.
    """
    machine = config.compute.process
    return {
        "ProcessingJobName": job_name(run_id, "process"),
        "RoleArn": placement.role_arn,
        "AppSpecification": {"ImageUri": placement.image, "ContainerEntrypoint": ["process"]},
        "ProcessingInputs": [
            _processing_input("raw", raw),
            _processing_input("config", config_channel),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "prepared",
                    "S3Output": {
                        "S3Uri": prepared,
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": placement.instance_type or machine.instance_type,
                "InstanceCount": machine.instance_count,
                "VolumeSizeInGB": machine.volume_gb,
            }
        },
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_minutes * 60},
        "Environment": {},
        "Tags": _tags(run_id),
    }


def training_job(
    config: RunConfig, placement: Placement, *, run_id: str, channels: Mapping[str, str], output: str
) -> Request:
    """Build CreateTrainingJob.

    Parameters
    ----------
    channels : mapping of str to str
        Channel name to URI: ``train``, ``validation`` (Parquet) and ``config`` (JSON).
    output : str
        URI that receives ``model.tar.gz`` and ``output.tar.gz``.
    """
    return {
        "TrainingJobName": job_name(run_id, "train"),
        "RoleArn": placement.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": placement.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": _metric_definitions(config.model),
        },
        "HyperParameters": hyperparameters(config.model, seed=config.seed),
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": _resources(config.compute.train, placement),
        "StoppingCondition": {"MaxRuntimeInSeconds": config.compute.train.max_minutes * 60},
        "EnableNetworkIsolation": True,
        "Environment": {},
        "Tags": _tags(run_id),
    }


def model(config: RunConfig, placement: Placement, *, run_id: str, model_data: str) -> Request:
    """Build CreateModel for the ``model.tar.gz`` at a URI."""
    return {
        "ModelName": job_name(run_id, "model"),
        "ExecutionRoleArn": placement.role_arn,
        "PrimaryContainer": {
            "Image": placement.image,
            "ModelDataUrl": model_data,
            "Environment": {
                "FRAUDLAB_WORKERS": str(config.serving.workers),
                "FRAUDLAB_MAX_BODY": str(config.serving.max_body_mib * 1024 * 1024),
            },
        },
        "EnableNetworkIsolation": True,
        "Tags": _tags(run_id),
    }


def endpoint_config(config: RunConfig, placement: Placement, *, run_id: str) -> Request:
    """Build CreateEndpointConfig with one variant that takes all traffic."""
    machine = config.compute.serve
    return {
        "EndpointConfigName": job_name(run_id, "endpoint"),
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": job_name(run_id, "model"),
                "InstanceType": placement.instance_type or machine.instance_type,
                "InitialInstanceCount": machine.instance_count,
            }
        ],
        "Tags": _tags(run_id),
    }


def endpoint(*, run_id: str) -> Request:
    """Build CreateEndpoint."""
    name = job_name(run_id, "endpoint")
    return {"EndpointName": name, "EndpointConfigName": name, "Tags": _tags(run_id)}


def hyperparameters(model_config: ModelConfig, *, seed: int) -> dict[str, str]:
    """What a person tunes, as the strings SageMaker sends; parameters that are null are left to XGBoost."""
    return dict(sorted({**config_rules.hyperparameters(model_config), "seed": str(seed)}.items()))


def read_round(line: str) -> tuple[int, dict[str, float]] | None:
    """The round, counted from 0, and the metrics that a line of a training job's log is about.

    None where it is about something else; values that are not numbers (``nan``) are left out.
    """
    found = _ROUND_LINE.search(line)
    if not found:
        return None
    return int(found[1]), {name: float(value) for name, value in _ROUND_METRIC.findall(found[2])}


def _metric_definitions(model_config: ModelConfig) -> list[dict[str, str]]:
    """How SageMaker reads each metric out of a round's line, under the name a tuning job may watch."""
    metrics = read_hyperparameters(config_rules.hyperparameters(model_config)).eval_metric
    return [
        {"Name": f"validation:{name}", "Regex": rf"\[[0-9]+\].*{_BEFORE}{re.escape(name)}:({_NUMBER})"}
        for name in map(printed, metrics)
    ]


def _processing_input(name: str, uri: str) -> Request:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def _channel(name: str, uri: str) -> Request:
    return {
        "ChannelName": name,
        "ContentType": "application/json" if name == "config" else "application/x-parquet",
        "InputMode": "File",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def _resources(machine: InstanceConfig, placement: Placement) -> Request:
    return {
        "InstanceType": placement.instance_type or machine.instance_type,
        "InstanceCount": machine.instance_count,
        "VolumeSizeInGB": machine.volume_gb,
    }


def _tags(run_id: str) -> list[dict[str, str]]:
    return [{"Key": "fraudlab:run", "Value": run_id}]
