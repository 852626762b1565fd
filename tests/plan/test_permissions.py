"""The actions that a plan names are those that a run asks for, and that the policies of ``infra/`` allow."""

import pytest
from tests.infra.policies import actions, known_actions
from tests.infra.test_named_operations import SRC, named_in, operations
from tests.infra.test_templates import NAMES, allowed

from fraudlab.cloud.running_costs import cost_lines
from fraudlab.plan.permissions import permissions

JOBS = ("CreateProcessingJob", "CreateTrainingJob")
TRANSFORM = (*JOBS, "CreateModel", "CreateTransformJob")
ENDPOINT = (*JOBS, "CreateModel", "CreateEndpointConfig", "CreateEndpoint")
EVERYTHING = {"push": True, "kms": True, "vpc": True, "checkpoints": True}
NOTHING_MORE = dict.fromkeys(EVERYTHING, False)
#: allowed to launchers, and no part of a run
OTHER_COMMANDS = {
    "iam:GetRole": "doctor",
    "iam:SimulatePrincipalPolicy": "doctor",
    "pricing:GetProducts": "plan --ask, cloud prices",
    "s3:DeleteObject": "clean --cloud",
    "s3:GetBucketLocation": "doctor",
    "s3:GetBucketVersioning": "doctor",
    "s3:GetEncryptionConfiguration": "doctor",
    "s3:ListBucketMultipartUploads": "clean --cloud",
    "sagemaker:ListEndpointConfigs": "clean --cloud",
    "sagemaker:ListModels": "clean --cloud",
    "sagemaker:UpdateEndpoint": "deploy",
    "sagemaker:UpdateTrainingJob": "clean --cloud",
    "servicequotas:ListAWSDefaultServiceQuotas": "doctor",
    "servicequotas:ListServiceQuotas": "doctor",
}
#: what no code of ours names: the engine pushes images, boto3 sends files in parts, SageMaker takes the rest
OF_OTHERS = {
    "ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage",
    "ecr:UploadLayerPart", "iam:PassRole", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
    "kms:Encrypt", "kms:GenerateDataKey", "s3:AbortMultipartUpload", "sagemaker:AddTags",
}  # fmt: skip


def policy(name):
    return actions(allowed(name, **dict.fromkeys(NAMES, True)))


def whole():
    return permissions({*TRANSFORM, *ENDPOINT}, **EVERYTHING)


def test_a_run_needs_what_launchers_are_allowed_without_what_other_commands_do():
    assert set(whole().launcher) == policy("LauncherPolicy") - OTHER_COMMANDS.keys()


def test_the_jobs_need_what_the_role_is_allowed():
    assert set(whole().role) == policy("ExecutionRole")


def test_every_operation_that_the_code_of_a_run_names_is_in_the_list():
    """Calls that are put together from words are seen by a rehearsed run."""
    known, named = operations(), set()
    for file in [*SRC.glob("backends/aws/*.py"), *SRC.glob("aws/*.py")]:
        if file.name != "rehearsal_process.py":
            named |= named_in(file.read_text(encoding="utf-8"), known)
    assert {"sagemaker:CreateTrainingJob", "s3:ListBucket", "ecr:BatchGetImage"} <= named
    assert named - set(whole().launcher) == set()
    described = {action for action in whole().launcher if action.startswith("sagemaker:")}
    assert set(whole().launcher) - named - OF_OTHERS - described == set()


def test_what_the_end_of_a_run_asks_for_is_in_the_list(moto_account):
    asked = set()
    client = moto_account.client("sagemaker")
    client.meta.events.register("before-call", lambda model, **_: asked.add(f"sagemaker:{model.name}"))
    cost_lines(moto_account)
    assert {"sagemaker:ListEndpoints", "sagemaker:ListTransformJobs"} <= asked
    assert asked - set(permissions(JOBS, **NOTHING_MORE).launcher) == set()


@pytest.mark.parametrize(
    ("operations_of_run", "option", "more", "less"),
    [
        (TRANSFORM, "push", {"ecr:PutImage", "ecr:GetAuthorizationToken"}, {"sagemaker:CreateEndpoint"}),
        (ENDPOINT, "push", {"ecr:UploadLayerPart"}, {"sagemaker:CreateTransformJob"}),
        (TRANSFORM, "kms", {"kms:GenerateDataKey", "kms:CreateGrant"}, set()),
        (TRANSFORM, "vpc", set(), set()),
    ],
)
def test_only_what_is_chosen_is_needed(operations_of_run, option, more, less):
    without = set(permissions(operations_of_run, **NOTHING_MORE).launcher)
    with_it = set(permissions(operations_of_run, **{**NOTHING_MORE, option: True}).launcher)
    assert more <= with_it - without
    assert with_it - without == set() or more
    assert less & with_it == set()


def test_the_role_joins_a_network_and_removes_checkpoints_only_where_there_are_any():
    plain = set(permissions(TRANSFORM, **NOTHING_MORE).role)
    assert (
        not {action for action in plain if action.startswith(("ec2:", "kms:"))} | {"s3:DeleteObject"} & plain
    )
    assert "ec2:CreateNetworkInterface" in permissions(TRANSFORM, **{**NOTHING_MORE, "vpc": True}).role
    assert "s3:DeleteObject" in permissions(TRANSFORM, **{**NOTHING_MORE, "checkpoints": True}).role


def test_every_one_is_an_action_that_iam_has():
    assert {action.lower() for action in (*whole().launcher, *whole().role)} <= known_actions()
