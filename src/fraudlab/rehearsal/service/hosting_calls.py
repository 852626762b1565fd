"""Create…, Describe… and Delete… of models, endpoint configurations and endpoints, and UpdateEndpoint."""

from __future__ import annotations

from typing import Any

from fraudlab.rehearsal.account_quotas import machines
from fraudlab.rehearsal.api_call import ApiError, arn, refused
from fraudlab.rehearsal.resource import NEXT, Resource, ResourceKind
from fraudlab.rehearsal.service.grounds import Grounds, check_tags, split_uri, unique

Request = dict[str, Any]
_WORDS = {
    ResourceKind.MODEL: "model",
    ResourceKind.ENDPOINT_CONFIG: "endpoint configuration",
    ResourceKind.ENDPOINT: "endpoint",
}
#: states in which an endpoint takes no other call
_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def create_model(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateModel."""
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise refused("Exactly one of PrimaryContainer and Containers must be given.")
    containers = request.get("Containers") or [request["PrimaryContainer"]]
    if len(containers) > 1:
        raise refused("The rehearsal runs models of one container; inference pipelines are not implemented.")
    if "ExecutionRoleArn" not in request:
        raise refused(
            "Value null at 'executionRoleArn' failed to satisfy constraint: Member must not be null"
        )
    for container in containers:
        _check_container(container, grounds)
    check_tags(request.get("Tags") or [])
    grounds.check_role(request["ExecutionRoleArn"], key)
    request.setdefault("EnableNetworkIsolation", False)
    made = _take(ResourceKind.MODEL, request["ModelName"], request, grounds, status="Created")
    return {"ModelArn": made.arn}


def _check_container(container: Request, grounds: Grounds) -> None:
    if "ModelPackageName" in container:
        raise refused(f"Could not find model package {container['ModelPackageName']}.")
    if "Image" not in container:
        raise refused("A container needs an Image.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise refused("The rehearsal has no multi-model endpoints.")
    container.setdefault("Mode", "SingleModel")
    container.setdefault("Environment", {})
    grounds.check_image(container["Image"])
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    url = container.get("ModelDataUrl")
    if url is not None and source is not None:
        raise refused("ModelDataUrl and ModelDataSource must not be given together.")
    if url is not None and not grounds.buckets.has_object(*split_uri(url)):
        raise refused(f"Could not find model data at {url}.")
    if source is not None and not grounds.buckets.has_objects(*split_uri(source["S3Uri"])):
        raise refused(f"Could not find model data at {source['S3Uri']}.")


def create_endpoint_config(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateEndpointConfig."""
    del key
    unsupported = [
        name
        for name in ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig")
        if request.get(name)
    ]
    if unsupported:
        raise refused(f"The rehearsal does not implement {unsupported[0]}.")
    variants = request["ProductionVariants"]
    unique([variant["VariantName"] for variant in variants], "variant names")
    for variant in variants:
        if "ServerlessConfig" in variant:
            raise refused("The rehearsal has no serverless endpoints.")
        name = variant.get("ModelName")
        if name is None:
            raise refused(f"Variant {variant['VariantName']} has no ModelName.")
        if grounds.store.peek(ResourceKind.MODEL, name) is None:
            raise _missing(ResourceKind.MODEL, name)
        if "InstanceType" not in variant:
            raise refused(f"Variant {variant['VariantName']} has no InstanceType.")
        variant.setdefault("InitialInstanceCount", 1)
        variant.setdefault("InitialVariantWeight", 1.0)
    check_tags(request.get("Tags") or [])
    made = _take(
        ResourceKind.ENDPOINT_CONFIG, request["EndpointConfigName"], request, grounds, status="Created"
    )
    return {"EndpointConfigArn": made.arn}


def create_endpoint(request: Request, grounds: Grounds, key: str) -> Request:
    """CreateEndpoint."""
    del key
    name = request["EndpointName"]
    facts = _serving(request["EndpointConfigName"], grounds)
    check_tags(request.get("Tags") or [])
    with grounds.creating:
        there = grounds.store.peek(ResourceKind.ENDPOINT, name)
        if there is not None:
            raise _taken(ResourceKind.ENDPOINT)(there.arn)
        asked = Resource(ResourceKind.ENDPOINT, name, "", request, 0, 0, "", facts=facts)
        for instance_type, use, count in machines(asked):
            grounds.check_quota(instance_type, use, count)
        made = _take(ResourceKind.ENDPOINT, name, request, grounds, status="Creating", facts=facts)
    grounds.work.start(made)
    return {"EndpointArn": made.arn}


def update_endpoint(request: Request, grounds: Grounds, key: str) -> Request:
    """UpdateEndpoint."""
    del key
    endpoint = found(ResourceKind.ENDPOINT, request["EndpointName"], grounds)
    serving = _serving(request["EndpointConfigName"], grounds)
    with grounds.creating:
        endpoint = found(ResourceKind.ENDPOINT, endpoint.name, grounds)
        if endpoint.status in _BUSY:
            raise refused(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        if endpoint.status == "Failed":
            raise refused(f'Cannot update failed endpoint "{endpoint.arn}".')

        def change(record: Resource) -> None:
            record.move("Updating")
            record.facts[NEXT] = serving

        grounds.store.change(ResourceKind.ENDPOINT, endpoint.name, change)
    grounds.work.update(endpoint.name)
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(request: Request, grounds: Grounds) -> Request:
    """DeleteEndpoint."""
    endpoint = found(ResourceKind.ENDPOINT, request["EndpointName"], grounds)
    if endpoint.status in _BUSY:
        raise refused(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    grounds.work.delete(endpoint.name)
    return {}


def delete(kind: ResourceKind, request: Request, grounds: Grounds) -> Request:
    """DeleteModel, DeleteEndpointConfig: also where an endpoint has them in use, as the service allows."""
    name = request["ModelName" if kind is ResourceKind.MODEL else "EndpointConfigName"]
    found(kind, name, grounds)
    grounds.store.remove(kind, name)
    return {}


def describe_model(request: Request, grounds: Grounds) -> Request:
    """DescribeModel."""
    model = found(ResourceKind.MODEL, request["ModelName"], grounds)
    return {**model.request, "ModelArn": model.arn, "CreationTime": model.created}


def describe_endpoint_config(request: Request, grounds: Grounds) -> Request:
    """DescribeEndpointConfig."""
    config = found(ResourceKind.ENDPOINT_CONFIG, request["EndpointConfigName"], grounds)
    return {**config.request, "EndpointConfigArn": config.arn, "CreationTime": config.created}


def describe_endpoint(request: Request, grounds: Grounds) -> Request:
    """DescribeEndpoint."""
    endpoint = found(ResourceKind.ENDPOINT, request["EndpointName"], grounds)
    shown: Request = {
        **{name: value for name, value in endpoint.facts.items() if not name.startswith("_")},
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.changed,
    }
    shown.setdefault("EndpointConfigName", endpoint.request["EndpointConfigName"])
    if endpoint.failure is not None:
        shown["FailureReason"] = endpoint.failure
    if endpoint.status in ("InService", "Updating") and "ProductionVariants" not in shown:
        shown["ProductionVariants"] = [
            {
                "VariantName": variant["VariantName"],
                "CurrentWeight": variant["InitialVariantWeight"],
                "DesiredWeight": variant["InitialVariantWeight"],
                "CurrentInstanceCount": variant["InitialInstanceCount"],
                "DesiredInstanceCount": variant["InitialInstanceCount"],
            }
            for variant in endpoint.facts["_config"]["ProductionVariants"]
        ]
    return shown


def found(kind: ResourceKind, name: str, grounds: Grounds) -> Resource:
    """One, to be read and not changed, or the service's words for one that is not there."""
    one = grounds.store.peek(kind, name)
    if one is None:
        raise _missing(kind, name)
    return one


def _serving(config_name: str, grounds: Grounds) -> Request:
    """What an endpoint keeps of a configuration, which may be deleted, with its models, while it serves."""
    config = found(ResourceKind.ENDPOINT_CONFIG, config_name, grounds)
    names = {variant["ModelName"] for variant in config.request["ProductionVariants"]}
    models = {name: found(ResourceKind.MODEL, name, grounds).request for name in sorted(names)}
    return {"EndpointConfigName": config.name, "_config": config.request, "_models": models}


def _missing(kind: ResourceKind, name: str) -> ApiError:
    return refused(f'Could not find {_WORDS[kind]} "{arn("sagemaker", f"{kind}/{name}")}".')


def _taken(kind: ResourceKind) -> Any:
    return lambda its_arn: refused(f'Cannot create already existing {_WORDS[kind]} "{its_arn}".')


def _take(kind: ResourceKind, name: str, request: Request, grounds: Grounds, **more: Any) -> Resource:
    return grounds.take(kind, name, request, _taken(kind), **more)
