"""The registry in SageMaker's: calls that botocore's model takes, told once, against an account in memory."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from fraudlab import backends, service_model
from fraudlab.api_requests import Placement
from fraudlab.aws.account import Account
from fraudlab.cli import main
from fraudlab.cloud import model_packages
from fraudlab.errors import RegistryError
from fraudlab.registry import ModelRegistry
from fraudlab.registry.sagemaker_mirror import group_of, mirror_to_sagemaker

from ..moto_account import make_bucket
from .version_runs import BEN, make_run, promote, with_versions

PROJECT = {"Key": "fraudlab:project", "Value": "fraudlab"}
TAGS = [PROJECT]
REGION, ACCOUNT = "eu-west-1", "123456789012"


class Packages:
    """Groups and packages as SageMaker keeps them, behind a real client: moto keeps no life cycle."""

    def __init__(self) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self.written: list[str] = []
        self.tokens: dict[str, str] = {}
        #: so many calls that write are carried out, and the next is answered with an error
        self.dies_after = 1_000
        self.client = boto3.client(
            "sagemaker", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="y"
        )
        self.client.meta.events.register("before-call.sagemaker", self._called)

    def _called(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        request = json.loads(params["body"])
        assert [str(one) for one in service_model.violations(model.name, request)] == []
        if not model.name.startswith(("List", "Describe")):
            self.written.append(model.name)
        answer = getattr(self, xform_name(model.name))(**request)
        if len(self.written) > self.dies_after:
            return AWSResponse("u", 503, {}, None), {
                "Error": {"Code": "Gone", "Message": "after it was done"}
            }
        return AWSResponse("u", 200, {}, None), answer

    def list_model_package_groups(self, NameContains: str) -> dict[str, Any]:
        names = [name for name in self.groups if NameContains in name]
        return {"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": name} for name in names]}

    def create_model_package_group(self, ModelPackageGroupName: str, Tags: list[Any]) -> dict[str, Any]:
        assert ModelPackageGroupName not in self.groups
        assert PROJECT in Tags
        self.groups[ModelPackageGroupName] = []
        return {"ModelPackageGroupArn": "arn"}

    def list_model_packages(self, ModelPackageGroupName: str, NextToken: str = "0") -> dict[str, Any]:
        packages, at = self.groups[ModelPackageGroupName], int(NextToken)
        page = [{"ModelPackageArn": one["ModelPackageArn"]} for one in packages[at : at + 1]]
        more = {"NextToken": str(at + 1)} if at + 1 < len(packages) else {}
        return {"ModelPackageSummaryList": page, **more}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        return dict(self._of(ModelPackageName))

    def create_model_package(
        self, ModelPackageGroupName: str, ClientToken: str, **kept: Any
    ) -> dict[str, Any]:
        if ClientToken not in self.tokens:
            packages = self.groups[ModelPackageGroupName]
            place = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{ModelPackageGroupName}"
            self.tokens[ClientToken] = f"{place}/{len(packages) + 1}"
            packages.append({"ModelPackageArn": self.tokens[ClientToken], **kept})
        return {"ModelPackageArn": self.tokens[ClientToken]}

    def update_model_package(self, ModelPackageArn: str, ClientToken: str, **kept: Any) -> dict[str, Any]:
        if ClientToken not in self.tokens:  # a token that was there before changes nothing
            self.tokens[ClientToken] = ModelPackageArn
            self._of(ModelPackageArn).update(kept, LastModifiedTime=len(self.written))
        return {"ModelPackageArn": ModelPackageArn}

    def _of(self, arn: str) -> dict[str, Any]:
        return next(
            one for packages in self.groups.values() for one in packages if one["ModelPackageArn"] == arn
        )


def mirror(packages: Packages, registry: ModelRegistry, **more: Any) -> int:
    def place(version: Any) -> tuple[str, str]:
        image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fraudlab-xgboost:0.1.0"
        return image, f"s3://bucket/fraudlab/registry/{version.content}/model.tar.gz"

    return mirror_to_sagemaker(registry, packages.client, tags=TAGS, place=place, **more)


def shown(packages: Packages) -> list[tuple[str, str, str]]:
    return [
        (
            one["CustomerMetadataProperties"]["fraudlab-version"],
            one["ModelApprovalStatus"],
            one["ModelLifeCycle"]["Stage"],
        )
        for one in packages.groups["fraudlab-fraud"]
    ]


def test_versions_are_packages_with_approval_and_life_cycle_and_told_once(tmp_path: Path) -> None:
    registry, packages = with_versions(tmp_path, 3), Packages()
    registry.decide("approve", "fraud", "1", actor=BEN, reason="seen\nand checked, ü")
    promote(registry, 1)
    promote(registry, 2, to="staging")
    registry.decide("reject", "fraud", "3", actor=BEN, reason="leaks")
    assert mirror(packages, registry) == 4
    assert shown(packages) == [
        ("1", "Approved", "Production"),
        ("2", "PendingManualApproval", "Staging"),
        ("3", "Rejected", "Development"),
    ]
    newest = packages.groups["fraudlab-fraud"][-1]["CustomerMetadataProperties"]
    assert newest["fraudlab-head"] == registry.state().head
    assert newest["fraudlab-run"] == "run-3"
    written = list(packages.written)
    assert mirror(packages, registry) == 0
    assert packages.written == written


def test_what_goes_there_and_back_and_there_again_is_followed(tmp_path: Path) -> None:
    registry, packages = with_versions(tmp_path, 2), Packages()
    promote(registry, 1)
    mirror(packages, registry)
    for expected in (["Development", "Production"], ["Production", "Development"]) * 2:
        if expected[1] == "Production":
            promote(registry, 2)
        else:
            registry.rollback("fraud", stage="production", actor=BEN)
        mirror(packages, registry)
        assert [stage for _, _, stage in shown(packages)] == expected
    packages.groups["fraudlab-fraud"][0]["CustomerMetadataProperties"]["theirs"] = "stays"
    packages.groups["fraudlab-fraud"][0]["ModelApprovalStatus"] = "Rejected"
    assert mirror(packages, registry) == 1
    first = packages.groups["fraudlab-fraud"][0]
    assert first["ModelApprovalStatus"] == "PendingManualApproval"
    assert first["CustomerMetadataProperties"]["theirs"] == "stays"


@pytest.mark.parametrize("after", range(4))
def test_whenever_it_is_cut_off_the_next_time_ends_it(tmp_path: Path, after: int) -> None:
    registry, packages = with_versions(tmp_path, 3), Packages()
    packages.dies_after = after
    with pytest.raises(ClientError):
        mirror(packages, registry)
    packages.dies_after = 1_000
    mirror(packages, registry)
    assert [number for number, _, _ in shown(packages)] == ["1", "2", "3"]
    assert mirror(packages, registry) == 0


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    registry, packages, lines = with_versions(tmp_path, 1), Packages(), []
    assert mirror(packages, registry, dry_run=True, say=lines.append) == 2
    assert lines == [
        "would tell SageMaker: group fraudlab-fraud",
        "would tell SageMaker: package fraud:1 (PendingManualApproval, Development)",
    ]
    assert packages.written == []


def test_a_log_that_was_cut_short_is_noticed_by_the_head_in_a_package(tmp_path: Path) -> None:
    registry, packages = with_versions(tmp_path, 1), Packages()
    promote(registry, 1)
    mirror(packages, registry)
    log = registry.folder / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    written = list(packages.written)
    with pytest.raises(RegistryError, match="cut short"):
        mirror(packages, registry)
    assert packages.written == written


def test_a_group_of_another_name_that_holds_ours_is_not_ours(tmp_path: Path) -> None:
    registry, packages = with_versions(tmp_path, 1), Packages()
    packages.groups["fraudlab-fraud-2"] = []
    mirror(packages, registry)
    assert len(packages.groups["fraudlab-fraud"]) == 1
    assert packages.groups["fraudlab-fraud-2"] == []


def test_a_name_that_sagemaker_does_not_take_is_said(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "registry")
    registry.register(make_run(tmp_path / "run"), name="m" * 60, actor=BEN)
    with pytest.raises(RegistryError, match="would have 69 characters"):
        mirror(Packages(), registry)
    assert group_of("fraudlab-x") == "fraudlab-x"


class Somewhere:
    """A backend that has an image there."""

    placement = Placement(
        image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab@sha256:1", role_arn="r"
    )

    def close(self) -> None: ...


def test_the_command_sends_the_model_of_a_new_version_and_names_the_image(
    in_tmp: Path, moto_account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packages = Packages()
    run = make_run(in_tmp / "run")
    (run.folder / "model" / "model.tar.gz").write_bytes(b"packed")
    registry = ModelRegistry(in_tmp / "registry")
    content = registry.register(run, name="fraud", actor=BEN).version.content
    make_bucket(moto_account)
    client = moto_account.client
    monkeypatch.setattr(
        moto_account, "client", lambda name: packages.client if name == "sagemaker" else client(name)
    )
    monkeypatch.setattr(model_packages, "account_of", lambda _: moto_account)
    monkeypatch.setattr(backends, "open_backend", lambda *_, **__: SimpleNamespace(backend=Somewhere()))
    assert main(["models", "mirror", "--to", "sagemaker", "--dry-run"]) == 0
    assert packages.groups == {}
    assert main(["models", "mirror", "--to", "sagemaker"]) == 0
    (container,) = packages.groups["fraudlab-fraud"][0]["InferenceSpecification"]["Containers"]
    assert container["Image"] == Somewhere.placement.image
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    assert key.endswith(f"/registry/{content}/model.tar.gz")
    assert client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"packed"
    capsys.readouterr()
    assert main(["models", "mirror", "--to", "sagemaker"]) == 0
    assert "SageMaker has all that can be told" in capsys.readouterr().out
    packages.dies_after = 0
    promote(registry, 1)
    assert main(["models", "mirror", "--to", "sagemaker"]) == 4
    assert "Showing the registry in SageMaker" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "sagemaker", "backend=local"], "backend= and --to say the same"),
        (["--to", "comet", "sagemaker.region=eu-west-1"], "--to comet takes no overrides"),
    ],
)
def test_words_that_mean_nothing_there_are_refused(
    in_tmp: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "mirror", *words]) == 2
    assert said in capsys.readouterr().err
