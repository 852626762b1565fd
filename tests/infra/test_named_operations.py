"""Whatever operation of AWS the launcher's code names is allowed to launchers, tested or not."""

from __future__ import annotations

import ast
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

import fraudlab

from ..seen_actions import PERMISSIONS, permission
from .policies import actions, known_actions
from .test_templates import NAMES, allowed

SRC = Path(fraudlab.__file__).parent
SERVICES = {"ecr", "iam", "logs", "pricing", "s3", "sagemaker", "sagemaker-runtime", "service-quotas", "sts"}
#: what answers instead of AWS, runs in the image, or prepares what answers
ELSEWHERE = ("rehearsal", "container", "backends/aws/rehearsal_process.py", "backends/process.py")


def operations() -> dict[str, tuple[str, str]]:
    """Service and name of each operation, by the name of its method."""
    session = botocore.session.get_session()
    models = {service: session.get_service_model(service) for service in SERVICES}
    return {xform_name(name): (service, name) for service, m in models.items() for name in m.operation_names}


def named_in(source: str, known: dict[str, tuple[str, str]]) -> set[str]:
    """The permissions of the operations that a module calls, or hands on as a word."""
    words = {
        node.attr if isinstance(node, ast.Attribute) else node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    return {permission(*known[word]) for word in words if word in known and "_" in word}


@pytest.fixture(scope="module")
def known() -> dict[str, tuple[str, str]]:
    return operations()


def test_every_operation_that_the_code_names_is_allowed(known):
    everything = dict.fromkeys(NAMES, True)
    may = actions(allowed("LauncherPolicy", **everything)) | actions(allowed("RegistryPolicy", **everything))
    wanted = {}
    for file in sorted(SRC.rglob("*.py")):
        name = file.relative_to(SRC).as_posix()
        if not name.startswith(ELSEWHERE):
            wanted |= dict.fromkeys(named_in(file.read_text(encoding="utf-8"), known), name)
    assert {"sagemaker:CreateTrainingJob", "s3:ListBucket", "logs:GetLogEvents"} <= set(wanted)
    assert {action: name for action, name in wanted.items() if action not in may} == {}


def test_operations_that_are_called_and_handed_on_are_found(known):
    source = (
        's3.head_object(Key="k"); pages(client, "list_aws_default_service_quotas"); x = "delete"; y.copy()'
    )
    assert named_in(source, known) == {"s3:GetObject", "servicequotas:ListAWSDefaultServiceQuotas"}


def test_permissions_are_those_that_iam_has():
    assert {action.lower() for action in PERMISSIONS.values()} <= known_actions()
    assert {action.lower() for action in PERMISSIONS} & known_actions() == set()
