"""ECR's calls, answered from what the registry really holds."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from fraudlab.rehearsal.announcement import ACCOUNT
from fraudlab.rehearsal.api_call import ApiCall, ApiError, ApiReply, arn, json_reply
from fraudlab.rehearsal.repositories import NO_REGISTRY, ImageDetail, Repositories
from fraudlab.rehearsal.service_shapes import check_request, without_nulls

Request = dict[str, Any]
_HALF_A_DAY = 12 * 3600
#: what cannot be answered from the local engine's tags
_OF_REGISTRY = ("GetAuthorizationToken", "BatchGetImage", "BatchDeleteImage")


class EcrCalls:
    """Answers ECR's JSON calls."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._calls: dict[str, Callable[[Request], Request]] = {
            "CreateRepository": self._create,
            "DescribeRepositories": self._describe,
            "DeleteRepository": self._delete,
            "DescribeImages": self._describe_images,
            "ListImages": self._list_images,
            "BatchGetImage": self._batch_get,
            "BatchDeleteImage": self._batch_delete,
            "PutImageTagMutability": self._put_mutability,
            "PutImageScanningConfiguration": self._put_scanning,
            "ListTagsForResource": self._list_tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def answer(self, call: ApiCall) -> ApiReply:
        """Answer one call.

        Raises
        ------
        ApiError
            As ECR would refuse it.
        """
        operation = call.operation
        if operation in _OF_REGISTRY and self._repositories.registry is None:
            raise ApiError("UnknownOperationException", NO_REGISTRY, status=404)
        if operation == "GetAuthorizationToken":
            return json_reply(self._token(call.key))
        if operation not in self._calls:
            raise ApiError(
                "UnknownOperationException", f"{operation} is not implemented by the rehearsal.", status=404
            )
        request = without_nulls("ecr", operation, call.json())
        try:
            check_request("ecr", operation, request)
        except ApiError as error:
            raise ApiError("InvalidParameterException", error.message) from error
        return json_reply(self._calls[operation](request))

    def _token(self, key: str) -> Request:
        token = base64.b64encode(f"AWS:{key or 'anybody'}".encode()).decode()
        given = {
            "authorizationToken": token,
            "expiresAt": time.time() + _HALF_A_DAY,
            "proxyEndpoint": f"http://{self._repositories.host}",
        }
        return {"authorizationData": [given]}

    def _shown(self, name: str) -> Request:
        facts = self._repositories.get(name) or {}
        return {
            "repositoryArn": arn("ecr", f"repository/{name}"),
            "registryId": ACCOUNT,
            "repositoryName": name,
            "repositoryUri": self._repositories.uri(name),
            "createdAt": facts["created"],
            "imageTagMutability": facts["mutability"],
            "imageScanningConfiguration": {"scanOnPush": facts["scan"]},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }

    def _create(self, request: Request) -> Request:
        name = request["repositoryName"]
        if self._repositories.has_repository(name):
            raise ApiError(
                "RepositoryAlreadyExistsException",
                f"The repository with name '{name}' already exists in the registry with id '{ACCOUNT}'",
            )
        self._repositories.put(
            name,
            mutability=request.get("imageTagMutability", "MUTABLE"),
            scan=request.get("imageScanningConfiguration", {}).get("scanOnPush", False),
            tags={tag["Key"]: tag["Value"] for tag in request.get("tags", [])},
        )
        return {"repository": self._shown(name)}

    def _describe(self, request: Request) -> Request:
        names = request.get("repositoryNames")
        wanted = self._repositories.names() if names is None else [self._known(name) for name in names]
        return {"repositories": [self._shown(name) for name in wanted]}

    def _delete(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        if not request.get("force") and self._repositories.images(name):
            raise ApiError(
                "RepositoryNotEmptyException",
                f"The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be deleted "
                "because it "
                "still contains images",
            )
        shown = self._shown(name)
        self._repositories.remove(name)
        return {"repository": shown}

    def _describe_images(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        images, wanted = self._repositories.images(name), request.get("imageIds")
        status = request.get("filter", {}).get("tagStatus", "ANY")
        if wanted is None:
            found = [
                one for one in images if status == "ANY" or (status == "TAGGED") == bool(one["imageTags"])
            ]
        else:
            found = []
            for image in wanted:
                one = _matching(images, image)
                if one is None:
                    raise _no_image(name, image)
                found.append(one)
        shown = [{key: value for key, value in one.items() if value != []} for one in found]
        return {"imageDetails": [{"registryId": ACCOUNT, "repositoryName": name, **one} for one in shown]}

    def _list_images(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        status = request.get("filter", {}).get("tagStatus", "ANY")
        shown = []
        for image in self._repositories.images(name):
            digest = {"imageDigest": image["imageDigest"]}
            if image["imageTags"] and status != "UNTAGGED":
                shown += [{**digest, "imageTag": tag} for tag in image["imageTags"]]
            elif not image["imageTags"] and status != "TAGGED":
                shown.append(digest)
        return {"imageIds": shown}

    def _batch_get(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        found, failures = [], []
        for image in request["imageIds"]:
            reference = image.get("imageTag") or image.get("imageDigest")
            registry = self._repositories.registry
            manifest = registry.manifest(name, reference) if registry is not None else None
            if manifest is None:
                failures.append(_failure(image))
                continue
            digest, kind, body = manifest
            found.append({
                "registryId": ACCOUNT, "repositoryName": name, "imageId": {**image, "imageDigest": digest},
                "imageManifest": body.decode(), "imageManifestMediaType": kind,
            })  # fmt: skip
        return {"images": found, "failures": failures}

    def _batch_delete(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        deleted, failures = [], []
        images = self._repositories.images(name)
        for image in request["imageIds"]:
            one = _matching(images, image)
            if one is None:
                failures.append(_failure(image))
                continue
            self._repositories.delete(name, one["imageDigest"])
            deleted.append({"imageDigest": one["imageDigest"], **image})
        return {"imageIds": deleted, "failures": failures}

    def _put_mutability(self, request: Request) -> Request:
        name = self._known(request["repositoryName"])
        self._repositories.put(name, mutability=request["imageTagMutability"])
        shown = {"registryId": ACCOUNT, "repositoryName": name}
        return {**shown, "imageTagMutability": request["imageTagMutability"]}

    def _put_scanning(self, request: Request) -> Request:
        name, asked = self._known(request["repositoryName"]), request["imageScanningConfiguration"]
        self._repositories.put(name, scan=asked.get("scanOnPush", False))
        return {"registryId": ACCOUNT, "repositoryName": name, "imageScanningConfiguration": asked}

    def _list_tags(self, request: Request) -> Request:
        tags = (self._repositories.get(self._of_arn(request)) or {})["tags"]
        return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tag(self, request: Request) -> Request:
        name = self._of_arn(request)
        given = {tag["Key"]: tag["Value"] for tag in request["tags"]}
        self._repositories.put(name, tags={**(self._repositories.get(name) or {})["tags"], **given})
        return {}

    def _untag(self, request: Request) -> Request:
        name = self._of_arn(request)
        tags = (self._repositories.get(name) or {})["tags"]
        left = {key: value for key, value in tags.items() if key not in request["tagKeys"]}
        self._repositories.put(name, tags=left)
        return {}

    def _of_arn(self, request: Request) -> str:
        return self._known(request["resourceArn"].partition(":repository/")[2])

    def _known(self, name: str) -> str:
        if not self._repositories.has_repository(name):
            raise ApiError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'",
            )
        return name


def _matching(images: list[ImageDetail], wanted: Request) -> ImageDetail | None:
    for one in images:
        if wanted.get("imageDigest") in (None, one["imageDigest"]) and (
            "imageTag" not in wanted or wanted["imageTag"] in one["imageTags"]
        ):
            return one
    return None


def _no_image(name: str, image: Request) -> ApiError:
    digest, tag = image.get("imageDigest", "null"), image.get("imageTag", "null")
    return ApiError(
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the "
        "repository "
        f"with name '{name}' in the registry with id '{ACCOUNT}'",
    )


def _failure(image: Request) -> Request:
    return {"imageId": image, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
