"""CreateTrainingJob: prepared splits in, a model out."""

from __future__ import annotations

from collections.abc import Mapping

from fraudlab import model_rules
from fraudlab.api_requests import placement as places
from fraudlab.api_requests.placement import Placement, Request, job_name
from fraudlab.api_requests.round_lines import metric_definitions
from fraudlab.config import RunConfig

#: where the image keeps its checkpoints; AWS fills it at the start, and sends what is written there to S3
CHECKPOINTS = "/opt/ml/checkpoints"
#: the longest a training job may be waited for, in minutes: 28 days
MAX_MINUTES = 40_320


def training_job(
    config: RunConfig,
    placement: Placement,
    *,
    run_id: str,
    channels: Mapping[str, str],
    output: str,
) -> Request:
    """Build CreateTrainingJob.

    Every host is given all files and takes every n-th row of them: a split is one file, so that sharing files
    out would leave hosts without any.

    Parameters
    ----------
    channels : mapping of str to str
        Channel name to URI: ``train``, ``validation``, ``folds`` (Parquet) and ``config`` (JSON).
    output : str
        URI that receives ``model.tar.gz`` and ``output.tar.gz``.
    """
    machine = config.compute.train
    return {
        "TrainingJobName": job_name(run_id, "train"),
        "RoleArn": placement.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": placement.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(config),
        },
        "HyperParameters": hyperparameters(config),
        "InputDataConfig": [_channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": output, **places.output_key(config, placement)},
        "ResourceConfig": {
            **places.resources(config, machine, placement),
            **_warm_pool(config, placement),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_minutes * 60, **_waiting(config, placement)},
        "EnableNetworkIsolation": True,
        **places.between_hosts(config, placement),
        **places.vpc(config, placement),
        **_spot(config, placement, run_id),
        "Environment": {},
        "Tags": places.tags(config, placement, run_id),
    }


def max_wait_minutes(config: RunConfig) -> int:
    """How long a train job on spot instances may take with waiting: as set, or twice its ``max_minutes``."""
    return config.sagemaker.max_wait_minutes or min(2 * config.compute.train.max_minutes, MAX_MINUTES)


def hyperparameters(config: RunConfig) -> dict[str, str]:
    """What a person tunes, as the strings SageMaker sends; parameters that are null are left to XGBoost."""
    return dict(sorted({**model_rules.hyperparameters(config), "seed": str(config.seed)}.items()))


def _spot(config: RunConfig, placement: Placement, run_id: str) -> Request:
    if placement.cloud is None or not config.sagemaker.spot:
        return {}
    return {
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {
            "S3Uri": placement.cloud.of_run(run_id, "checkpoints"),
            "LocalPath": CHECKPOINTS,
        },
    }


def _waiting(config: RunConfig, placement: Placement) -> Request:
    if placement.cloud is None or not config.sagemaker.spot:
        return {}
    return {"MaxWaitTimeInSeconds": max_wait_minutes(config) * 60}


def _warm_pool(config: RunConfig, placement: Placement) -> Request:
    minutes = config.sagemaker.warm_pool_minutes
    return {"KeepAlivePeriodInSeconds": minutes * 60} if placement.cloud is not None and minutes else {}


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
