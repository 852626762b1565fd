"""CreateModel, CreateEndpointConfig, CreateEndpoint and UpdateEndpoint: a model that answers."""

from __future__ import annotations

from fraudlab.api_requests import placement as places
from fraudlab.api_requests.placement import Placement, Request, job_name
from fraudlab.config import RunConfig

#: how long a container in AWS may take until it answers: the image takes seconds, and AWS waits 24 minutes
_STARTUP_SECONDS = 300
#: how long AWS may take to bring ``model.tar.gz``
_DOWNLOAD_SECONDS = 300


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
        **places.vpc(config, placement),
        "Tags": places.tags(config, placement, run_id),
    }


def endpoint_config(
    config: RunConfig,
    placement: Placement,
    *,
    run_id: str,
    model_name: str | None = None,
) -> Request:
    """Build CreateEndpointConfig with one variant that takes all traffic.

    Parameters
    ----------
    model_name : str, optional
        Default is the run's model under its usual name.
    """
    machine = config.compute.serve
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model_name or job_name(run_id, "model"),
        "InstanceType": places.instance_type(machine, placement),
        "InitialInstanceCount": machine.instance_count,
    }
    if placement.cloud is not None:
        variant["ContainerStartupHealthCheckTimeoutInSeconds"] = _STARTUP_SECONDS
        variant["ModelDataDownloadTimeoutInSeconds"] = _DOWNLOAD_SECONDS
    return {
        "EndpointConfigName": job_name(run_id, "endpoint"),
        "ProductionVariants": [variant],
        **places.volume_key(config, machine, placement, name="KmsKeyId"),
        "Tags": places.tags(config, placement, run_id),
    }


def endpoint(
    config: RunConfig,
    placement: Placement,
    *,
    run_id: str,
    name: str | None = None,
    config_name: str | None = None,
) -> Request:
    """Build CreateEndpoint.

    Parameters
    ----------
    name, config_name : str, optional
        Of the endpoint and of its configuration; the defaults are the run's.
    """
    usual = job_name(run_id, "endpoint")
    return {
        "EndpointName": name or usual,
        "EndpointConfigName": config_name or usual,
        "Tags": places.tags(config, placement, run_id),
    }


def endpoint_update(*, name: str, config_name: str) -> Request:
    """Build UpdateEndpoint: the old configuration answers until the new one is in service."""
    return {"EndpointName": name, "EndpointConfigName": config_name}
