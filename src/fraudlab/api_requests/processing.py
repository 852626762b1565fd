"""CreateProcessingJob: a raw table in, prepared splits out."""

from __future__ import annotations

from fraudlab.api_requests import placement as places
from fraudlab.api_requests.placement import Placement, Request, job_name
from fraudlab.config import RunConfig


def processing_job(
    config: RunConfig,
    placement: Placement,
    *,
    run_id: str,
    raw: str,
    config_channel: str,
    prepared: str,
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
            ],
            **places.output_key(config, placement),
        },
        "ProcessingResources": {"ClusterConfig": places.resources(config, machine, placement)},
        "NetworkConfig": {
            "EnableNetworkIsolation": True,
            **places.between_hosts(config, placement),
            **places.vpc(config, placement),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_minutes * 60},
        "Environment": {},
        "Tags": places.tags(config, placement, run_id),
    }


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
