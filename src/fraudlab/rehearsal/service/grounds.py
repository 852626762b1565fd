"""What SageMaker's calls stand on: records, objects, roles, images, quotas, and the work they begin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fraudlab.errors import ImageMissing
from fraudlab.rehearsal.account_quotas import in_use, limit
from fraudlab.rehearsal.announcement import REGION
from fraudlab.rehearsal.api_call import ApiError, refused
from fraudlab.rehearsal.resource import Resource, ResourceKind
from fraudlab.rehearsal.resource_store import ResourceStore


class Buckets(Protocol):
    """What S3 holds."""

    def has_bucket(self, bucket: str) -> bool: ...

    def has_objects(self, bucket: str, prefix: str) -> bool:
        """Whether any object's key begins like this."""

    def has_object(self, bucket: str, key: str) -> bool: ...


class RoleRules(Protocol):
    """What IAM says of roles."""

    def assumable(self, role_arn: str) -> bool:
        """Whether the role exists, and SageMaker may take it on."""

    def may_pass(self, key: str, role_arn: str) -> str | None:
        """None where whoever has the key may pass the role; else whose permission is missing."""


class Images(Protocol):
    """What image URIs stand for."""

    def resolve(self, uri: str) -> str:
        """The local engine's id of it; :class:`ImageMissing` where there is none."""

    def missing_repository(self, uri: str) -> str | None:
        """The name of a repository of this account's registry that a URI names and that is not there."""


class Work(Protocol):
    """Who carries out what calls begin."""

    def start(self, resource: Resource) -> None: ...

    def update(self, endpoint: str) -> None: ...

    def delete(self, endpoint: str) -> None: ...

    def stop(self, kind: ResourceKind, name: str) -> None: ...


@dataclass
class Grounds:
    """All of it.

    Attributes
    ----------
    creating : lock
        Held while a request is judged and kept, so that two calls at once cannot both take a name or the
        last machine of a quota.
    """

    store: ResourceStore
    buckets: Buckets
    roles: RoleRules
    images: Images
    work: Work
    creating: threading.RLock = field(default_factory=threading.RLock)

    def check_role(self, role_arn: str, key: str) -> None:
        """Refuse a role that is not there, or that the caller may not pass."""
        whose = self.roles.may_pass(key, role_arn)
        if whose is not None:
            raise ApiError(
                "AccessDeniedException",
                f"User: {whose} is not authorized to perform: iam:PassRole on resource: {role_arn} "
                "because no "
                "identity-based policy allows the iam:PassRole action",
            )
        if not self.roles.assumable(role_arn):
            raise refused(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role."
            )

    def check_input(self, uri: str, data_type: str, role_arn: str) -> None:
        """Refuse an S3 URL that nothing lies under."""
        bucket, key = split_uri(uri)
        if data_type == "S3Prefix" and self.buckets.has_objects(bucket, key):
            return
        if data_type != "S3Prefix" and self.buckets.has_object(bucket, key):
            return
        kind = "prefix" if data_type == "S3Prefix" else "key"
        raise refused(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that '
            "the bucket "
            f"exists in the selected region ({REGION}), that objects exist under that S3 {kind}, and "
            "that the role "
            f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )

    def check_output(self, uri: str) -> None:
        """Refuse an S3 URL in a bucket that is not there."""
        bucket, _ = split_uri(uri)
        if not self.buckets.has_bucket(bucket):
            raise refused(f'S3 bucket "{bucket}" given in "{uri}" does not exist or cannot be accessed.')

    def check_repository(self, uri: str, role_arn: str) -> None:
        """Refuse an image whose repository this account's registry has not."""
        missing = self.images.missing_repository(uri)
        if missing is not None:
            raise refused(
                f"Cannot find repository: {missing} in registry ID: {role_arn.split(':')[4]} Please "
                "check if your ECR "
                f"repository exists and role {role_arn} has proper pull permissions for SageMaker: "
                "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
            )

    def check_image(self, uri: str) -> None:
        """Refuse an image that nobody has."""
        try:
            self.images.resolve(uri)
        except ImageMissing as error:
            raise refused(f"Requested image {uri} not found.") from error

    def check_quota(self, instance_type: str, use: str, count: int) -> None:
        """Refuse more machines than the account may have."""
        if instance_type.count(".") < 2:
            return
        most, used = limit(instance_type, use), in_use(self.store, instance_type, use)
        if used + count > most:
            raise ApiError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{instance_type} for {use} usage' is {most} Instances, "
                "with current "
                f"utilization of {used} Instances and a request delta of {count} Instances. Please "
                "contact AWS "
                "support to request an increase for this limit.",
            )

    def take(
        self,
        kind: ResourceKind,
        name: str,
        request: dict[str, Any],
        taken: Callable[[str], ApiError],
        **more: Any,
    ) -> Resource:
        """Keep a new resource, or refuse its name."""
        made = self.store.add(kind, name, request, **more)
        if made is None:
            raise taken(self.store.get(kind, name).arn)
        return made


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URL.

    Raises
    ------
    ApiError
        Where it is none.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme.lower() not in ("s3", "https") or not bucket:
        raise refused(f'"{uri}" is not a valid S3 URL.')
    return bucket, key


def unique(values: list[str], what: str) -> None:
    """Refuse a list in which a value stands twice."""
    again = sorted({value for value in values if values.count(value) > 1})
    if again:
        raise refused(f"Duplicate {what}: {', '.join(again)}")


def check_tags(tags: list[dict[str, str]]) -> None:
    """Refuse keys that stand twice, or that AWS keeps for itself."""
    keys = [tag["Key"] for tag in tags]
    unique(keys, "tag keys")
    if any(key.lower().startswith("aws:") for key in keys):
        raise refused("Tag keys that begin with aws: are reserved for system use.")
