"""The state of a run as objects of a bucket: written on a condition, and dated by S3's own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import code_of, explained, explained_calls, is_absent
from fraudlab.config import RunConfig
from fraudlab.runs.claims import LEASE_SECONDS, StoredObject
from fraudlab.runs.shared_state import SharedState

#: what S3 answers to a write whose condition does not hold, or that another write overtook
_REFUSED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


def shared_state_of(
    config: RunConfig, account: Account, *, run_id: str, lease_seconds: float = LEASE_SECONDS
) -> SharedState:
    """The state of a run in an account's bucket; nothing is asked before it is needed."""
    prefix = f"{config.sagemaker.prefix.strip('/')}/runs/{run_id}/state/".lstrip("/")
    objects = StateObjects(account, prefix=prefix, kms=config.sagemaker.kms)
    return SharedState(objects, run_id=run_id, lease_seconds=lease_seconds)


class StateObjects:
    """Small objects below one prefix of the account's bucket.

    Parameters
    ----------
    account : Account
    prefix : str
        Ends with a slash.
    kms : str, optional
        Key of what is written; by default what the bucket itself says.
    """

    def __init__(self, account: Account, *, prefix: str, kms: str | None = None) -> None:
        self._account, self._prefix = account, prefix
        self._encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms} if kms else {}

    @property
    def where(self) -> str:
        return f"s3://{self._account.bucket}/{self._prefix.rstrip('/')}"

    def read(self, name: str) -> StoredObject:
        try:
            found = self._s3.get_object(**self._named(name))
            content: bytes = found["Body"].read()
        except Exception as error:
            if is_absent(error) and code_of(error) != "NoSuchBucket":
                return StoredObject(None, None, 0.0, _clock(getattr(error, "response", {})))
            raise explained(error, doing=f"Reading {self.where}/{name}") from error
        now = _clock(found)
        age = max(0.0, (now - found["LastModified"]).total_seconds())
        return StoredObject(content, str(found["ETag"]), age, now)

    def write(self, name: str, content: bytes) -> None:
        with explained_calls(doing=f"Writing {self.where}/{name}"):
            self._s3.put_object(**self._named(name), Body=content, **self._encrypted)

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            answer = self._s3.put_object(**self._named(name), Body=content, **condition, **self._encrypted)
        except Exception as error:
            # what is to be replaced may have been deleted meanwhile
            if code_of(error) in _REFUSED or (tag is not None and code_of(error) in {"NoSuchKey", "404"}):
                return None
            raise explained(error, doing=f"Writing {self.where}/{name}") from error
        return str(answer["ETag"])

    def _named(self, name: str) -> dict[str, str]:
        account = self._account
        return {
            "Bucket": account.bucket,
            "Key": f"{self._prefix}{name}",
            "ExpectedBucketOwner": account.identity.account,
        }

    @property
    def _s3(self) -> Any:
        return self._account.client("s3")


def _clock(answer: dict[str, Any]) -> datetime:
    """The time of the service that answered: this machine's clock may be wrong."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told) if told else datetime.now(UTC)
