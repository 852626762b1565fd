"""The policies allow what is done, and nothing that is not: compared with what rehearsals saw in all tests.

This comes last (``tests/seen_actions.py``). A rehearsal writes the permissions of each call, not whether
IAM would have granted them for that resource: no account has.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .policies import Values, actions, compare, known_actions, read_calls, read_template, statements

TEMPLATE = read_template(Path(__file__).parents[2] / "infra" / "fraudlab.yaml")
#: who a rehearsal says it was, and the policy for whoever it was
POLICIES = {"launcher": "LauncherPolicy", "role": "ExecutionRole"}

_ADMIN = "what a test, or whoever starts a rehearsal, makes first; in an account infra/fraudlab.yaml makes it"
_CLIENT = "the SageMaker SDK, the AWS CLI and boto3 as others use them against a rehearsal"
_REFUSAL = "asked by a test of refusals"
_THERE = "asked by a test of what a rehearsal has"
_NO_KMS = "a rehearsal has no KMS: SageMaker and S3 would ask it on the launcher's behalf"
_NO_SIMULATOR = "tests answer in place of AWS, as neither a rehearsal nor moto says what this account would"
_STAND_IN = "moto answers these with an error, so that tests of clean --cloud put something in their place"
_BY_SERVICE = "SageMaker's own way of writing to S3, which a rehearsal does not take"
_NO_VPC = "a rehearsal has no VPC: SageMaker would make the network interfaces"

#: seen and not allowed, with the reason
SEEN_ONLY: dict[str, dict[str, str]] = {
    "launcher": {
        "cloudwatch:ListMetrics": _THERE,
        "cloudwatch:PutMetricData": _THERE,
        "ecr:CreateRepository": _ADMIN,
        "ecr:DescribeImages": _CLIENT,
        "iam:CreateAccessKey": _ADMIN,
        "iam:CreateRole": _ADMIN,
        "iam:CreateUser": _ADMIN,
        "iam:ListRoles": _CLIENT,
        "iam:PutUserPolicy": _ADMIN,
        "logs:DescribeLogGroups": _THERE,
        "s3:CreateBucket": _ADMIN,
        "s3:DeleteBucket": _CLIENT,
        "s3:GetBucketCORS": _THERE,
        "s3:GetObjectTagging": _CLIENT,
        "s3:ListAllMyBuckets": _CLIENT,
        "s3:PutBucketObjectLockConfiguration": _ADMIN,
        "s3:PutBucketVersioning": _ADMIN,
        "s3:PutObjectTagging": _CLIENT,
        "sagemaker:DeleteTags": _REFUSAL,
        "sagemaker:ListClusters": _REFUSAL,
        "secretsmanager:ListSecrets": _THERE,
        "tag:GetResources": _THERE,
    },
    "role": {},
}
#: allowed, and it may be that no test does it, with the reason
ALLOWED_ONLY: dict[str, dict[str, str]] = {
    "launcher": {
        "kms:CreateGrant": _NO_KMS,
        "kms:Decrypt": _NO_KMS,
        "kms:DescribeKey": _NO_KMS,
        "kms:Encrypt": _NO_KMS,
        "kms:GenerateDataKey": _NO_KMS,
        "iam:SimulatePrincipalPolicy": _NO_SIMULATOR,
        "pricing:GetProducts": _NO_SIMULATOR,
        "sagemaker:StopProcessingJob": _STAND_IN,
        "sagemaker:StopTransformJob": _STAND_IN,
        "sagemaker:UpdateTrainingJob": _STAND_IN,
        "servicequotas:ListAWSDefaultServiceQuotas": _NO_SIMULATOR,
        "servicequotas:ListServiceQuotas": _NO_SIMULATOR,
    },
    "role": {
        "cloudwatch:PutMetricData": "a rehearsal measures no machine",
        "s3:AbortMultipartUpload": _BY_SERVICE,
        "s3:DeleteObject": "a hook or a checkpoint folder that removes old files; ours keeps its last ones",
        "s3:GetBucketLocation": _BY_SERVICE,
        "ec2:CreateNetworkInterface": _NO_VPC,
        "ec2:CreateNetworkInterfacePermission": _NO_VPC,
        "ec2:DeleteNetworkInterface": _NO_VPC,
        "ec2:DeleteNetworkInterfacePermission": _NO_VPC,
        "ec2:DescribeDhcpOptions": _NO_VPC,
        "ec2:DescribeNetworkInterfaces": _NO_VPC,
        "ec2:DescribeSecurityGroups": _NO_VPC,
        "ec2:DescribeSubnets": _NO_VPC,
        "ec2:DescribeVpcs": _NO_VPC,
        "kms:CreateGrant": _NO_KMS,
        "kms:Decrypt": _NO_KMS,
        "kms:DescribeKey": _NO_KMS,
        "kms:Encrypt": _NO_KMS,
        "kms:GenerateDataKey": _NO_KMS,
    },
}
#: of those, what a test does on some machines only: a checkpoint is removed between two looks, or is not
SOMETIMES = {"launcher": set(), "role": {"s3:DeleteObject"}}


def policy(by: str) -> set[str]:
    """The actions that somebody is allowed, with every option of the template."""
    values = Values(TEMPLATE, conditions=dict.fromkeys(TEMPLATE["Conditions"], True))
    return actions(statements(TEMPLATE["Resources"][POLICIES[by]], values))


def seen(file: Path, by: str) -> set[str]:
    return {call.action for call in read_calls(file) if call.by == by} if file.exists() else set()


@pytest.mark.parametrize("by", POLICIES)
def test_every_action_that_was_seen_is_allowed(by, seen_actions):
    found = seen(seen_actions, by)
    if not found:
        pytest.skip("no rehearsal ran")
    assert {action for action in found if action.lower() not in known_actions()} == set(), (
        "no such permission"
    )
    gaps = compare(found, policy(by), seen_only=SEEN_ONLY[by], allowed_only={})
    assert gaps.not_allowed == ()


@pytest.mark.parametrize("by", POLICIES)
def test_every_action_that_is_allowed_was_seen(by, seen_actions, whole_run):
    found = seen(seen_actions, by) - SOMETIMES[by]
    gaps = compare(found, policy(by), seen_only=SEEN_ONLY[by], allowed_only=ALLOWED_ONLY[by])
    assert gaps == ((), (), (), ())
