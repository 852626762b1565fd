"""Which function carries out which of SageMaker's operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fraudlab.rehearsal.api_call import ApiCall, ApiError, ApiReply, json_reply
from fraudlab.rehearsal.resource import ResourceKind
from fraudlab.rehearsal.service import hosting_calls, job_calls, tag_calls
from fraudlab.rehearsal.service.grounds import Grounds
from fraudlab.rehearsal.service.listings import list_resources
from fraudlab.rehearsal.service_shapes import check_request, members_of, operations, without_nulls

Request = dict[str, Any]
_CREATE: dict[str, Callable[[Request, Grounds, str], Request]] = {
    "CreateTrainingJob": job_calls.create_training_job,
    "CreateProcessingJob": job_calls.create_processing_job,
    "CreateTransformJob": job_calls.create_transform_job,
    "CreateModel": hosting_calls.create_model,
    "CreateEndpointConfig": hosting_calls.create_endpoint_config,
    "CreateEndpoint": hosting_calls.create_endpoint,
    "UpdateEndpoint": hosting_calls.update_endpoint,
}
_OTHERS: dict[str, Callable[[Request, Grounds], Request]] = {
    "DescribeTrainingJob": job_calls.describe_training_job,
    "DescribeProcessingJob": partial(job_calls.describe_job, ResourceKind.PROCESSING),
    "DescribeTransformJob": partial(job_calls.describe_job, ResourceKind.TRANSFORM),
    "DescribeModel": hosting_calls.describe_model,
    "DescribeEndpointConfig": hosting_calls.describe_endpoint_config,
    "DescribeEndpoint": hosting_calls.describe_endpoint,
    "StopTrainingJob": partial(job_calls.stop_job, ResourceKind.TRAINING),
    "StopProcessingJob": partial(job_calls.stop_job, ResourceKind.PROCESSING),
    "StopTransformJob": partial(job_calls.stop_job, ResourceKind.TRANSFORM),
    "DeleteModel": partial(hosting_calls.delete, ResourceKind.MODEL),
    "DeleteEndpointConfig": partial(hosting_calls.delete, ResourceKind.ENDPOINT_CONFIG),
    "DeleteEndpoint": hosting_calls.delete_endpoint,
    "ListTrainingJobs": partial(list_resources, ResourceKind.TRAINING),
    "ListProcessingJobs": partial(list_resources, ResourceKind.PROCESSING),
    "ListTransformJobs": partial(list_resources, ResourceKind.TRANSFORM),
    "ListModels": partial(list_resources, ResourceKind.MODEL),
    "ListEndpointConfigs": partial(list_resources, ResourceKind.ENDPOINT_CONFIG),
    "ListEndpoints": partial(list_resources, ResourceKind.ENDPOINT),
    "AddTags": tag_calls.add_tags,
    "ListTags": tag_calls.list_tags,
    "DeleteTags": tag_calls.delete_tags,
}
IMPLEMENTED = frozenset({*_CREATE, *_OTHERS})


def answer(call: ApiCall, grounds: Grounds) -> ApiReply:
    """Carry out one call.

    Raises
    ------
    ApiError
        As the service would refuse it.
    """
    operation = call.operation
    if operation not in IMPLEMENTED:
        raise unknown_operation("sagemaker", operation)
    request = without_nulls("sagemaker", operation, call.json())
    check_request("sagemaker", operation, request)
    if operation in _CREATE:
        content = _CREATE[operation](request, grounds, call.key)
    else:
        content = _OTHERS[operation](request, grounds)
    members = members_of("sagemaker", operation)
    return json_reply({name: value for name, value in content.items() if name in members})


def unknown_operation(service: str, operation: str) -> ApiError:
    """The error for what is not implemented: never an answer that looks like success."""
    known = operation in operations(service)
    reason = "is not implemented by the rehearsal" if known else "is no operation of this service"
    return ApiError(
        "UnknownOperationException", f"{operation or 'A request without a name'} {reason}.", status=404
    )
