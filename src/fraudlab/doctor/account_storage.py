"""The account's bucket and its registry: are they there, ours, and as infra/ makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.doctor.account_access import answer_or_code
from fraudlab.doctor.finding import Finding, Findings, note, unknown, well, wrong
from fraudlab.errors import FraudlabError

if TYPE_CHECKING:
    from fraudlab.aws.account import Identity

_ABSENT, _CLOSED = frozenset({"404", "NoSuchBucket"}), frozenset({"403", "AccessDenied"})
_INFRA = "make it with the templates in infra/ (docs/admin.md)"
_YOURS = "name a bucket of yours: sagemaker.bucket=NAME, or see docs/admin.md"


def check_bucket(account: Account, identity: Identity) -> Findings:
    """Whether the bucket is there, of this account and region, and how it keeps objects."""
    name = account.bucket
    s3, own = account.client("s3"), {"Bucket": name, "ExpectedBucketOwner": identity.account}
    doing = f"Looking for the bucket {name}"
    _, code = answer_or_code(lambda: s3.head_bucket(**own), doing=doing, accept=_ABSENT | _CLOSED)
    if code in _ABSENT:
        fix = f"{_INFRA}, or name one: sagemaker.bucket=NAME"
        return [wrong("bucket", f"there is no bucket {name}", fix=fix)]
    if code:
        # with the owner left out: a bucket that answers then is somebody else's
        _, code = answer_or_code(lambda: s3.head_bucket(Bucket=name), doing=doing, accept=_CLOSED)
        may = ", or you may not use it" if code else ""
        return [wrong("bucket", f"{name} is not of your account {identity.account}{may}", fix=_YOURS)]
    with explained_calls(doing=f"Asking where the bucket {name} is"):
        region = s3.get_bucket_location(**own).get("LocationConstraint") or "us-east-1"
    region = {"EU": "eu-west-1"}.get(region, region)
    if region != account.region:
        fix = f"sagemaker.region={region}, or name a bucket of {account.region}: sagemaker.bucket=NAME"
        return [wrong("bucket", f"{name} is in {region}, and jobs would be in {account.region}", fix=fix)]
    return [well("bucket", f"{name}, in {region}, of your account"), *_kept(s3, own)]


def check_registry(account: Account, _identity: Identity, *, repository: str) -> Findings:
    """Whether the repository is there, and does not let a tag be moved to another image."""
    ecr = account.client("ecr")
    answer, code = answer_or_code(
        lambda: ecr.describe_repositories(repositoryNames=[repository]),
        doing=f"Looking for the repository {repository}",
        accept={"RepositoryNotFoundException"},
    )
    if code:
        fix = (
            f"{_INFRA}, or: aws ecr create-repository --repository-name {repository} "
            f"--image-tag-mutability IMMUTABLE --region {account.region}"
        )
        return [wrong("registry", f"there is no repository {repository} in {account.region}", fix=fix)]
    found = answer["repositories"][0]
    findings = [well("registry", str(found.get("repositoryUri", repository)))]
    if found.get("imageTagMutability") not in {"IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"}:
        fix = (
            f"aws ecr put-image-tag-mutability --repository-name {repository} "
            f"--image-tag-mutability IMMUTABLE --region {account.region}"
        )
        findings.append(note("registry", f"a tag of {repository} can be moved to another image", fix))
    return findings


def _kept(s3: Any, own: dict[str, str]) -> Findings:
    """How the bucket keeps objects; what may not be asked is unknown, and stops no other question."""
    asks = (("versioning", _versioning), ("object lock", _lock), ("encryption", _encryption))
    return [_asked(f"bucket: {name}", ask, s3, own) for name, ask in asks]


def _asked(
    check: str, ask: Callable[[str, Any, dict[str, str]], Finding], s3: Any, own: dict[str, str]
) -> Finding:
    try:
        return ask(check, s3, own)
    except FraudlabError as error:
        return unknown(check, error.message.rstrip("."), error.fix)


def _versioning(check: str, s3: Any, own: dict[str, str]) -> Finding:
    with explained_calls(doing="Asking whether the bucket keeps versions"):
        status = s3.get_bucket_versioning(**own).get("Status")
    if status == "Enabled":
        return well(check, "on: what is overwritten can be had again")
    fix = (
        f"aws s3api put-bucket-versioning --bucket {own['Bucket']} --versioning-configuration Status=Enabled"
    )
    return note(check, "off: what is overwritten is lost", fix)


def _lock(check: str, s3: Any, own: dict[str, str]) -> Finding:
    answer, code = answer_or_code(
        lambda: s3.get_object_lock_configuration(**own),
        doing="Asking whether the bucket locks objects",
        accept={"ObjectLockConfigurationNotFoundError"},
    )
    if code:
        return well(check, "off")
    kept = answer.get("ObjectLockConfiguration") or {}
    retention = (kept.get("Rule") or {}).get("DefaultRetention") or {}
    if not retention:
        return well(check, "possible, and objects are not locked by default")
    length = f"{retention['Days']} days" if "Days" in retention else f"{retention.get('Years', '?')} years"
    return wrong(
        check,
        f"every object is locked for {length}: what a run writes could not be removed",
        fix="name a bucket without a default retention: sagemaker.bucket=NAME",
    )


def _encryption(check: str, s3: Any, own: dict[str, str]) -> Finding:
    answer, code = answer_or_code(
        lambda: s3.get_bucket_encryption(**own),
        doing="Asking whether the bucket is encrypted",
        accept={"ServerSideEncryptionConfigurationNotFoundError"},
    )
    rules = [] if code else answer["ServerSideEncryptionConfiguration"]["Rules"]
    kinds = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules]
    if any(kinds):
        return well(check, ", ".join(str(kind) for kind in kinds if kind))
    fix = (
        f"aws s3api put-bucket-encryption --bucket {own['Bucket']} --server-side-encryption-configuration "
        '\'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}\''
    )
    return note(check, "no default encryption is said", fix)
