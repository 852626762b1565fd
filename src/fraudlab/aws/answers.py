"""What AWS and its client answer, as one sentence and a fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fraudlab.aws import codes
from fraudlab.aws.codes import code_of, is_absent, is_passing, is_throttled, message_of
from fraudlab.errors import BackendError, BackendLost, FraudlabError

__all__ = ["code_of", "explained", "explained_calls", "is_absent", "is_passing", "is_throttled", "message_of"]

_ASK = "ask your administrator for the launcher policy of infra/; see docs/admin.md"
_LOG_IN = "log in again (`aws sso login`, or new keys)"
#: what AWS writes of an action that somebody may not take
_NOT_AUTHORIZED = re.compile(
    r"(?:User|identity)?:? ?(?:arn:\S+)? ?is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on (?:the )?resource:? (?P<what>\S+))?"
)
_QUOTA = re.compile(r"service limit '(?P<name>[^']+)' is (?P<limit>\d+)")


class CredentialsExpired(BackendLost):
    """The credentials were good and no longer are: whoever logs in again can go on."""


class AccessRefused(BackendError):
    """The credentials are good, and may not do this."""


class QuotaReached(BackendError):
    """The account may not have another of these at once."""


class Throttled(BackendLost):
    """AWS asked for patience longer than the client had."""


@contextmanager
def explained_calls(*, doing: str) -> Iterator[None]:
    """Turn whatever boto3 raises within a block into an error with a fix; see :func:`explained`."""
    try:
        yield
    except FraudlabError:
        raise
    except Exception as error:
        if not is_of_boto3(error):
            raise
        raise explained(error, doing=doing) from error


def is_of_boto3(error: BaseException) -> bool:
    """Whether an error is one of boto3, botocore or its transfers."""
    return type(error).__module__.split(".", maxsplit=1)[0] in {"boto3", "botocore", "s3transfer"}


def explained(error: BaseException, *, doing: str) -> FraudlabError:
    """An error of boto3's as one sentence and a fix.

    Parameters
    ----------
    error : Exception
        What boto3 or botocore raised.
    doing : str
        What was being done, in words that begin a sentence: ``"Starting the train job"``.
    """
    answer = _Answer(error, f"{doing} failed", code_of(error), message_of(error).rstrip("."))
    for rule in (_of_credentials, _of_storage, _of_permissions, _of_limits, _of_the_way):
        if found := rule(answer):
            return found
    if answer.code == "ParamValidationError":
        return BackendError(f"{answer.what}: the request is not valid ({answer.words}).", fix="report this")
    return BackendError(
        f"{answer.what}: {answer.own}.",
        fix="see what AWS says; `fraudlab doctor --cloud` checks the account",
    )


@dataclass(frozen=True)
class _Answer:
    """An error taken apart: what failed, the code, and AWS's or the client's words without a full stop."""

    error: BaseException
    what: str
    code: str
    words: str

    @property
    def own(self) -> str:
        """Code and words together, as they came."""
        return f"{self.code}: {self.words}" if codes.told(self.error) else f"{self.code} ({self.words})"

    def told(self, key: str) -> str:
        return str((codes.told(self.error) or {}).get(key) or "")


def _of_credentials(answer: _Answer) -> FraudlabError | None:
    code, what, words = answer.code, answer.what, answer.words
    old = "expired" in words.lower()
    if code == "RequestTimeTooSkewed" or (old and "signature" in words.lower()):
        return BackendError(f"{what}: this machine's clock is wrong.", fix="set the clock")
    if code in codes.EXPIRED or (old and code in codes.UNKNOWN_KEYS | codes.DENIED):
        return CredentialsExpired(f"{what}: the AWS credentials have expired.", fix=_LOG_IN)
    if code in codes.NO_KEYS:
        return BackendError(
            f"{what}: there are no AWS credentials.",
            fix="log in (`aws sso login`, `aws configure`), or name a profile: sagemaker.profile=NAME",
        )
    if code in {"CredentialRetrievalError", "PartialCredentialsError"}:
        return BackendError(f"{what}: the AWS credentials could not be read ({words}).", fix=_LOG_IN)
    if code == "ProfileNotFound":
        return BackendError(
            f"{what}: {words}.", fix="see `aws configure list-profiles`, and name one: sagemaker.profile=NAME"
        )
    if code in codes.UNKNOWN_KEYS:
        return BackendError(
            f"{what}: AWS does not know these credentials ({code}).",
            fix=f"{_LOG_IN}; `aws sts get-caller-identity` says whether they work",
        )
    return None


def _of_storage(answer: _Answer) -> FraudlabError | None:
    code, what, words = answer.code, answer.what, answer.words
    if code == "NoSuchBucket":
        named = answer.told("BucketName")
        return BackendError(
            f"{what}: there is no such bucket{f', {named}' if named else ''}.",
            fix="make it with the template in infra/, or name another: sagemaker.bucket=NAME",
        )
    if code in codes.OTHER_REGION:
        where = answer.told("Region") or codes.headers(answer.error).get("x-amz-bucket-region") or ""
        return BackendError(
            f"{what}: the bucket is in another region{f', {where}' if where else ''}.",
            fix=f"run there: sagemaker.region={where or 'REGION'}, or name a bucket of this region",
        )
    if "object lock" in words.lower():
        return BackendError(
            f"{what}: the bucket keeps its objects locked ({words}).",
            fix="name a bucket without object lock: sagemaker.bucket=NAME",
        )
    if "kms" in code.lower():
        return BackendError(
            f"{what}: the key cannot be used ({answer.own}).",
            fix="see that sagemaker.kms names an enabled key of this region which your role may use",
        )
    if code == "RepositoryNotFoundException":
        return BackendError(
            f"{what}: the registry has no such repository.",
            fix="make it with the template in infra/, or name another: sagemaker.repository=NAME",
        )
    return None


def _of_permissions(answer: _Answer) -> FraudlabError | None:
    what, words = answer.what, answer.words
    if "not authorized to assume" in words.lower() or "could not assume role" in words.lower():
        return AccessRefused(
            f"{what}: SageMaker may not take on the role ({words}).",
            fix="name the role of infra/: sagemaker.role=fraudlab-execution",
        )
    found = _NOT_AUTHORIZED.search(words)
    if answer.code not in codes.DENIED and not found:
        return None
    action = found["action"] if found else str(getattr(answer.error, "operation_name", "") or "this")
    on = f" on {found['what'].rstrip('.,')}" if found and found["what"] else ""
    if action == "iam:PassRole":
        return AccessRefused(
            f"{what}: you may not pass the role{on} to SageMaker (iam:PassRole).",
            fix=f"{_ASK}, or name a role: sagemaker.role=NAME",
        )
    return AccessRefused(f"{what}: the AWS identity may not {action}{on}.", fix=_ASK)


def _of_limits(answer: _Answer) -> FraudlabError | None:
    code, what, words = answer.code, answer.what, answer.words
    quota = _QUOTA.search(words)
    if quota or code in {"ResourceLimitExceeded", "ServiceQuotaExceededException"}:
        told = f"the quota {quota['name']!r} is {quota['limit']}" if quota else words
        return QuotaReached(
            f"{what}: {told}.",
            fix="ask for more (console, Service Quotas, Amazon SageMaker), or choose another instance type",
        )
    if code in codes.THROTTLED:
        return Throttled(f"{what}: AWS asked to be called less often ({code}).", fix="try again in a minute")
    if "Capacity" in code:
        return BackendError(f"{what}: {words}.", fix="try another instance type or region, or later")
    return None


def _of_the_way(answer: _Answer) -> FraudlabError | None:
    code, what, words = answer.code, answer.what, answer.words
    if code == "NoRegionError":
        return BackendError(
            f"{what}: no region is set.",
            fix="add sagemaker.region=REGION, such as eu-west-1, or set AWS_REGION",
        )
    if code in codes.NO_SUCH_REGION:
        return BackendError(f"{what}: {words}.", fix="name a region: sagemaker.region=eu-west-1")
    if code == "SSLError":
        return BackendError(
            f"{what}: the certificate is not trusted ({words}).",
            fix="name your company's bundle in AWS_CA_BUNDLE",
        )
    if code in codes.UNREACHED:
        return BackendLost(
            f"{what}: AWS cannot be reached ({words}).",
            fix="see that the network, the proxy (HTTPS_PROXY) and sagemaker.region are right",
        )
    if code in codes.FAULTS_OF_AWS:
        return BackendLost(f"{what}: AWS has a fault ({answer.own}).", fix="try again in a minute")
    return None
