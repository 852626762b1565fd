"""What the templates promise, as far as it can be read from them: nobody has run them."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab.cloud_config import SageMakerConfig

from .policies import Values, actions, read_template, statements

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "infra").glob("*.yaml"))
ACCOUNT = read_template(ROOT / "infra" / "fraudlab.yaml")
STUDIO = read_template(ROOT / "infra" / "studio.yaml")
NAMES = tuple(ACCOUNT["Conditions"])
#: every way in which a policy can differ: team, key, network
STACKS = [
    dict(zip(("HasTeam", "HasKey", "HasSubnets", "MakesKey"), chosen, strict=True))
    for chosen in itertools.product([False, True], repeat=4)
]
#: actions that IAM takes for all resources or for none (Service Authorization Reference)
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets", "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "license-manager:CheckInLicense", "license-manager:CheckoutLicense",
    "license-manager:ExtendLicenseConsumption", "license-manager:GetLicense",
    "license-manager:GetLicenseUsage",
    "pricing:GetProducts",
    "sagemaker:ListApps", "sagemaker:ListDomains", "sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints",
    "sagemaker:ListModelPackageGroups", "sagemaker:ListModelPackages", "sagemaker:ListModels",
    "sagemaker:ListPartnerApps", "sagemaker:ListProcessingJobs",
    "sagemaker:ListSpaces", "sagemaker:ListTrainingJobs", "sagemaker:ListTransformJobs",
    "sagemaker:ListUserProfiles",
    "servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas",
    "sts:GetCallerIdentity",
}  # fmt: skip


def allowed(name, *, template=ACCOUNT, **conditions):
    values = Values(
        template, conditions={**dict.fromkeys([*NAMES, "HasComet"], False), **conditions}, KeyArn="arn:key"
    )
    return statements(template["Resources"][name], values)


def found_by_linter(path):
    command = [Path(sys.executable).with_name("cfn-lint"), "--format", "parseable", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path):
    assert found_by_linter(path) == (0, "")


def test_the_linter_finds_what_is_wrong(tmp_path):
    """Or the test above would not know."""
    wrong = tmp_path / "wrong.yaml"
    text = (ROOT / "infra" / "fraudlab.yaml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("Mutability: IMMUTABLE", "Mutability: SOMETIMES"), encoding="utf-8")
    code, said = found_by_linter(wrong)
    assert code != 0
    assert "SOMETIMES" in said


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_first_that_only_a_linter_has_seen_it(path):
    top = path.read_text(encoding="utf-8").partition("AWSTemplateFormatVersion")[0]
    assert "Only a linter (cfn-lint) has checked this template. No account has run it" in top


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_arn_is_of_the_partition_that_the_stack_is_in(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"arn:aws[^\[]", text) == []
    assert text.count("arn:${AWS::Partition}:") > 2


@pytest.mark.parametrize("template", [ACCOUNT, STUDIO], ids=["fraudlab", "studio"])
def test_every_parameter_says_what_it_is_and_has_a_place_in_the_console(template):
    shown = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in shown for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    assert all(parameter["Description"] for parameter in template["Parameters"].values())
    held = {"AllowedPattern", "AllowedValues", "MinValue"}
    free = {name for name, parameter in template["Parameters"].items() if not held & set(parameter)}
    lists = {
        name
        for name in free
        if re.match(r"CommaDelimitedList|List<|AWS::EC2", template["Parameters"][name]["Type"])
    }
    assert free - lists == set()


def test_the_defaults_are_those_of_the_configuration():
    """Whoever changes neither needs no `sagemaker.*` but the region."""
    config = SageMakerConfig()
    defaults = {name: parameter.get("Default") for name, parameter in ACCOUNT["Parameters"].items()}
    assert defaults["KeyPrefix"] == config.prefix
    assert defaults["RepositoryName"] == config.repository
    assert defaults["ExecutionRoleName"] == "fraudlab-execution"
    named = ACCOUNT["Resources"]["Bucket"]["Properties"]["BucketName"]["Fn::If"]
    assert named == [
        "NamesBucket",
        {"Ref": "BucketName"},
        {"Fn::Sub": "fraudlab-${AWS::AccountId}-${AWS::Region}"},
    ]


def test_the_bucket_is_closed_and_stays():
    bucket, policy = ACCOUNT["Resources"]["Bucket"], ACCOUNT["Resources"]["BucketPolicy"]
    assert {bucket[key] for key in ("DeletionPolicy", "UpdateReplacePolicy")} == {"Retain"}
    assert policy["DeletionPolicy"] == "Retain"
    has = bucket["Properties"]
    assert has["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(has["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(has["PublicAccessBlockConfiguration"]) == 4
    assert has["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    encryption = has["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ]
    assert encryption["SSEAlgorithm"] == {"Fn::If": ["HasKey", "aws:kms", "AES256"]}
    rules = {rule["Id"]: rule for rule in has["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"runs", "old-versions", "aborted-uploads"}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    denied = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {statement["Effect"] for statement in denied} == {"Deny"}
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in denied]
    assert all(len(statement["Resource"]) == 2 and statement["Principal"] == "*" for statement in denied)


def test_a_tag_of_the_registry_never_changes_and_every_image_is_scanned():
    has = ACCOUNT["Resources"]["Repository"]["Properties"]
    assert has["ImageTagMutability"] == "IMMUTABLE"
    assert has["ImageScanningConfiguration"] == {"ScanOnPush": True}
    text = has["LifecyclePolicy"]["LifecyclePolicyText"]["Fn::Sub"].replace("${ImagesKept}", "100")
    untagged, newest = json.loads(text)["rules"]
    assert untagged["rulePriority"] < newest["rulePriority"]
    assert (untagged["selection"]["tagStatus"], newest["selection"]["tagStatus"]) == ("untagged", "any")


@pytest.mark.parametrize(
    ("template", "role"), [(ACCOUNT, "ExecutionRole"), (STUDIO, "StudioRole"), (STUDIO, "CometRole")]
)
def test_only_sagemaker_for_this_account_takes_on_a_role(template, role):
    (trust,) = template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(
    "stack", STACKS, ids=lambda stack: "".join(name for name, on in stack.items() if on) or "plain"
)
@pytest.mark.parametrize("name", ["ExecutionRole", "LauncherPolicy", "RegistryPolicy"])
def test_nothing_is_allowed_on_everything_that_can_be_allowed_on_less(name, stack):
    found = allowed(name, **stack)
    assert len({statement.sid for statement in found}) == len(found)
    for statement in found:
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action) for action in statement.actions), (
            statement.sid
        )
        if "*" in statement.resources:
            assert set(statement.actions) <= WITHOUT_RESOURCE, statement.sid
        else:
            assert not set(statement.actions) & WITHOUT_RESOURCE, statement.sid
            assert all(resource.startswith(("arn:aws:", "<", "arn:key")) for resource in statement.resources)


@pytest.mark.parametrize("name", ["StudioRole", "CometRole"])
def test_studio_allows_nothing_on_everything_that_can_be_allowed_on_less(name):
    for statement in allowed(name, template=STUDIO, HasComet=True):
        assert ("*" in statement.resources) == bool(set(statement.actions) & WITHOUT_RESOURCE), statement.sid


def test_key_and_network_are_allowed_only_where_there_are_any():
    assert not {action.partition(":")[0] for action in actions(allowed("ExecutionRole"))} & {"kms", "ec2"}
    assert {a.partition(":")[0] for a in actions(allowed("ExecutionRole", HasKey=True, HasSubnets=True))} >= {
        "kms",
        "ec2",
    }
    assert not any(action.startswith("kms:") for action in actions(allowed("LauncherPolicy")))
    assert "kms:GenerateDataKey" in actions(allowed("LauncherPolicy", HasKey=True, MakesKey=True))


def test_the_role_is_handed_to_sagemaker_only():
    (handed,) = [s for s in allowed("LauncherPolicy") if "iam:PassRole" in s.actions]
    assert handed.resources == ("<ExecutionRole.Arn>",)
    assert handed.condition == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert handed.actions == ("iam:PassRole",)


@pytest.mark.parametrize("team", ["", "fraud-emea"])
def test_what_is_made_is_tagged_and_what_has_no_tag_is_not_touched(team):
    values = Values(ACCOUNT, conditions={**dict.fromkeys(NAMES, False), "HasTeam": bool(team)}, Team=team)
    found = statements(ACCOUNT["Resources"]["LauncherPolicy"], values)
    changing = re.compile(r"sagemaker:(?:(Create)|(?:Delete|Stop|Update))")
    for statement in found:
        kinds = {bool(match[1]) for action in statement.actions if (match := changing.match(action))}
        if not kinds:
            continue
        assert len(kinds) == 1, "what is made and what is changed have conditions of their own"
        key = "aws:RequestTag" if kinds == {True} else "aws:ResourceTag"
        assert statement.condition["Null"] == {f"{key}/fraudlab:project": "false"}
        assert statement.condition.get("StringEquals") == ({f"{key}/team": team} if team else None)
        assert all(resource.endswith(":*/fraudlab-*") for resource in statement.resources)
    (tagging,) = [s for s in found if "sagemaker:AddTags" in s.actions]
    assert tagging.condition == {"Null": {"sagemaker:TaggingAction": "false"}}, (
        "or anything could be tagged as ours"
    )


@pytest.mark.parametrize("team", ["", "fraud-emea"])
def test_a_group_of_packages_is_tagged_and_packages_are_those_of_such_groups(team):
    values = Values(ACCOUNT, conditions={**dict.fromkeys(NAMES, False), "HasTeam": bool(team)}, Team=team)
    groups, versions, found = statements(ACCOUNT["Resources"]["RegistryPolicy"], values)
    assert groups.actions == ("sagemaker:CreateModelPackageGroup",)
    assert groups.condition["Null"] == {"aws:RequestTag/fraudlab:project": "false"}
    assert groups.condition.get("StringEquals") == ({"aws:RequestTag/team": team} if team else None)
    assert not any("Delete" in action for one in (groups, versions, found) for action in one.actions)
    assert all(resource.endswith(":*/fraudlab-*") for one in (groups, versions) for resource in one.resources)


@pytest.mark.parametrize(
    "stack", STACKS, ids=lambda stack: "".join(name for name, on in stack.items() if on) or "plain"
)
def test_the_launcher_policy_is_not_too_long_for_iam(stack):
    """6,144 characters without white space, with names as long as the parameters let them be."""
    conditions = {**dict.fromkeys(NAMES, False), **stack}
    key = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/" + "k" * 36
    types = ["ml.m5.*", "ml.c5.*", "ml.g5.*"]
    longest = {"KeyPrefix": "k" * 100, "Team": "t" * 64, "KeyArn": key, "InstanceTypes": types}
    values = Values(ACCOUNT, conditions=conditions, **longest)
    (document,) = [values.of(ACCOUNT["Resources"]["LauncherPolicy"]["Properties"]["PolicyDocument"])]
    text = re.sub(r"\s", "", json.dumps(document, separators=(",", ":")))
    text = re.sub(r"<\w+(?:\.\w+)?>", "arn:aws-us-gov:iam::123456789012:role/" + "r" * 64, text)
    assert len(text) <= 6144


@pytest.mark.parametrize("name", ["Key", "ProcessingLogs", "TrainingLogs", "TransformLogs"])
def test_what_others_may_still_need_is_not_deleted_with_the_stack(name):
    assert ACCOUNT["Resources"][name]["DeletionPolicy"] == "Retain"


def test_comet_is_the_partner_app_that_users_may_call():
    app = STUDIO["Resources"]["Comet"]["Properties"]
    assert (app["Type"], app["AuthType"]) == ("comet", "IAM")
    found = [
        s
        for s in allowed("StudioRole", template=STUDIO, HasComet=True)
        if "sagemaker:CallPartnerAppApi" in s.actions
    ]
    assert [s.resources for s in found] == [("<Comet.Arn>",)]
    without = actions(allowed("StudioRole", template=STUDIO))
    assert not {action for action in without if "PartnerApp" in action}


PAGE = (ROOT / "docs" / "admin.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if line[:1] == "|"
]


def test_the_page_of_the_administrator_has_every_parameter_as_it_is():
    told = {row[0].strip("`"): row[1:] for row in ROWS if len(row) == 3 and row[0].startswith("`")}
    for name, parameter in ACCOUNT["Parameters"].items():
        default = str(parameter["Default"])
        assert told[name] == (f"`{default}`" if default else "empty", parameter["Description"])
    assert all(
        f"`{name}" in PAGE or f"{name}=" in PAGE for name in STUDIO["Parameters"] if name not in NOT_TOLD
    )


#: what its description in the template says
NOT_TOLD = {"DomainName", "IdleMinutes", "MaintenanceStart"}


@pytest.mark.parametrize("name", ["LauncherPolicy", "RegistryPolicy", "ExecutionRole"])
def test_the_page_of_the_administrator_says_what_every_permission_is_for(name):
    for statement in allowed(name, **dict.fromkeys(NAMES, True)):
        told = ", ".join(f"`{action}`" for action in statement.actions)
        reasons = [row[2] for row in ROWS if row[:2] == (statement.sid, told)]
        assert all(reasons or [""]), statement.sid
