"""An image that is named by a tag of a registry: pinned to what the tag is of, or shared with nobody."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fraudlab.aws.image_uris import tagged_image
from fraudlab.backends.aws.image_push import ImageToRun, pinned
from fraudlab.errors import BackendLost

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'a' * 64}"


class Account:
    region = "eu-west-1"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def client(self, _name: str) -> Account:
        return self

    def batch_get_image(self, **words: Any) -> dict[str, Any]:
        self.asked.append(words)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"images": [{"imageId": {"imageDigest": self.answer}}] if self.answer else []}


def of(answer: Any, name: str = f"{HOST}/team/fraud:v1") -> tuple[ImageToRun, Account]:
    account: Any = Account(answer)
    return pinned(ImageToRun(name, None, is_local=False), account, run_id="r"), account


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "BatchGetImage")


@pytest.mark.parametrize(
    ("name", "tag"),
    [(f"{HOST}/team/fraud:v1", "v1"), (f"{HOST}/team/fraud", "latest")],
)
def test_a_tag_is_pinned_to_the_image_it_is_of_now(name: str, tag: str) -> None:
    found, account = of(DIGEST, name)
    assert found == ImageToRun(f"{HOST}/team/fraud@{DIGEST}", DIGEST, is_local=False)
    (asked,) = account.asked
    assert (asked["registryId"], asked["repositoryName"]) == ("111122223333", "team/fraud")
    assert asked["imageIds"] == [{"imageTag": tag}]


@pytest.mark.parametrize(
    "answer", [None, refused("RepositoryNotFoundException"), refused("AccessDeniedException")]
)
def test_an_image_that_nobody_tells_of_is_the_runs_alone(answer: Any) -> None:
    found, _ = of(answer)
    assert found.name == f"{HOST}/team/fraud:v1"
    assert found.id == f"{HOST}/team/fraud:v1 in run r"


def test_a_registry_that_is_not_reached_is_an_error() -> None:
    with pytest.raises(BackendLost):
        of(EndpointConnectionError(endpoint_url="https://ecr"))


def test_what_has_an_identity_is_not_asked_for() -> None:
    account: Any = Account(None)
    for image in (
        ImageToRun("fraudlab-xgboost", "sha256:b"),
        ImageToRun(f"{HOST}/x@{DIGEST}", DIGEST, False),
    ):
        assert pinned(image, account, run_id="r") is image
    assert account.asked == []
    elsewhere = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1"
    assert pinned(ImageToRun(elsewhere, None, False), account, run_id="r").id == f"{elsewhere} in run r"
    assert account.asked == []


@pytest.mark.parametrize(
    "uri",
    ["683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
     "111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a/b:c",
     "111122223333.dkr-ecr.eu-west-1.on.aws/a:b", "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/a:b"],
)  # fmt: skip
def test_registries_of_every_partition_are_taken_apart(uri: str) -> None:
    found = tagged_image(uri)
    assert found is not None
    assert uri.endswith(f"/{found.repository}:{found.tag}")
    assert f".{found.region}." in uri
