"""The IAM actions that a run needs: of whoever starts it, and of the role that its jobs take on.

``infra/`` has both as policies, which allow what other commands need as well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

#: of whoever starts a run, whatever it is
_LAUNCHER = (
    "iam:PassRole",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sagemaker:AddTags",
    "sagemaker:ListTags",
    "sts:GetCallerIdentity",
)
#: to say in the end what may be costing money
_LOOK_ROUND = (
    "sagemaker:ListEndpoints",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "sagemaker:ListTransformJobs",
)
#: where the image is on the machine of whoever starts the run
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeRepositories",
    "ecr:GetAuthorizationToken",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
#: of the role, whatever the job
_ROLE = (
    "cloudwatch:PutMetricData",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
)
#: what starting a job of a request needs beside its own action
_BESIDE = {
    "CreateProcessingJob": ("sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"),
    "CreateTrainingJob": ("sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
    "CreateTransformJob": ("sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob"),
    "CreateModel": ("sagemaker:DeleteModel", "sagemaker:DescribeModel"),
    "CreateEndpointConfig": ("sagemaker:DeleteEndpointConfig", "sagemaker:DescribeEndpointConfig"),
    "CreateEndpoint": (
        "sagemaker:DeleteEndpoint",
        "sagemaker:DescribeEndpoint",
        "sagemaker:InvokeEndpoint",
    ),
}
_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
_LEND_KEY = "kms:CreateGrant"
_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
_REMOVE_CHECKPOINTS = "s3:DeleteObject"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Sorted names of IAM actions.

    Attributes
    ----------
    launcher : tuple of str
        Of whoever starts the run.
    role : tuple of str
        Of the role that its jobs and its endpoint take on.
    """

    launcher: tuple[str, ...]
    role: tuple[str, ...]


def permissions(
    operations: Collection[str], *, push: bool, kms: bool, vpc: bool, checkpoints: bool
) -> Permissions:
    """The actions behind the requests of a run.

    Parameters
    ----------
    operations : collection of str
        Names of the requests, such as ``CreateTrainingJob``.
    push : bool
        Whether the image may have to be pushed.
    kms, vpc, checkpoints : bool
        Whether they name a key, a network, a place for checkpoints.
    """
    launcher = {*_LAUNCHER, *_LOOK_ROUND, *(_PUSH if push else ())}
    launcher.update(f"sagemaker:{operation}" for operation in operations)
    for operation in operations:
        launcher.update(_BESIDE.get(operation, ()))
    role = {*_ROLE, *((_REMOVE_CHECKPOINTS,) if checkpoints else ()), *(_NETWORK if vpc else ())}
    if kms:
        launcher.update((*_KEY, _LEND_KEY))
        role.update((*_KEY, _LEND_KEY))
    return Permissions(tuple(sorted(launcher)), tuple(sorted(role)))
