"""One bucket: what it holds, sent and brought; every call says whose it must be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import code_of, explained, explained_calls, is_absent
from fraudlab.errors import BackendError
from fraudlab.files import storage

#: told how many bytes more have been sent or brought
Sent = Callable[[int], None]

_MIB = 1 << 20
_PART = 16 * _MIB
_AT_ONCE = 8
_NAME_ONE = "name another bucket: sagemaker.bucket=NAME"
_MAKE_IT = f"make it with the template in infra/, or {_NAME_ONE}"
#: what S3 answers about a bucket that it will not say more of
_REFUSED = frozenset({"403", "AccessDenied", "Forbidden"})


class Bucket:
    """A bucket of this account.

    Parameters
    ----------
    account : Account
    kms : str, optional
        Key of what is sent; by default what the bucket itself says.
    """

    def __init__(self, account: Account, *, kms: str | None = None) -> None:
        self.name = account.bucket
        self._account = account
        self._owner = {"ExpectedBucketOwner": account.identity.account}
        self._encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms} if kms else {}

    def check(self) -> None:
        """See that it is there, in this region, ours, and takes what can be replaced.

        Raises
        ------
        BackendError
            Where it does not.
        """
        try:
            self._s3.head_bucket(Bucket=self.name, **self._owner)
        except Exception as error:
            raise self._refused(error) from error
        self._refuse_locked()

    def sizes(self, prefix: str) -> dict[str, int]:
        """The bytes of each object whose key begins with a prefix, by the rest of its key."""
        with explained_calls(doing=f"Listing {self.uri(prefix)}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, **self._owner
            )
            return {
                found["Key"].removeprefix(prefix): int(found["Size"])
                for page in pages
                for found in page.get("Contents", [])
            }

    def has(self, prefix: str) -> bool:
        """Whether any key begins with a prefix."""
        with explained_calls(doing=f"Listing {self.uri(prefix)}"):
            found = self._s3.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=1, **self._owner)
        return bool(found.get("KeyCount"))

    def send(self, file: Path, key: str, *, sent: Sent) -> None:
        """Send a file, in parts where it is large."""
        with explained_calls(doing=f"Sending {file.name} to {self.uri(key)}"):
            self._s3.upload_file(
                str(file),
                self.name,
                key,
                ExtraArgs={**self._owner, **self._encrypted},
                Callback=sent,
                Config=self._transfer,
            )

    def bring(self, key: str, target: Path, *, brought: Sent) -> None:
        """Bring an object to a file, in ranges where it is large; whole or not at all."""
        partial = target.with_name(f".{target.name}.partial")
        with storage(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with explained_calls(doing=f"Bringing {self.uri(key)}"):
                self._s3.download_file(
                    self.name,
                    key,
                    str(partial),
                    ExtraArgs=self._owner,
                    Callback=brought,
                    Config=self._transfer,
                )
            partial.replace(target)

    def put(self, key: str, content: bytes) -> None:
        """Write a small object."""
        with explained_calls(doing=f"Writing {self.uri(key)}"):
            self._s3.put_object(Bucket=self.name, Key=key, Body=content, **self._owner, **self._encrypted)

    def read(self, key: str) -> bytes | None:
        """The content of a small object; None where there is none."""
        try:
            found = self._s3.get_object(Bucket=self.name, Key=key, **self._owner)
            content: bytes = found["Body"].read()
        except Exception as error:
            if is_absent(error) and code_of(error) != "NoSuchBucket":
                return None
            raise explained(error, doing=f"Reading {self.uri(key)}") from error
        return content

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket: nothing is brought and sent again."""
        with explained_calls(doing=f"Copying {self.uri(key)}"):
            self._s3.copy(
                {"Bucket": self.name, "Key": key},
                self.name,
                target,
                ExtraArgs={**self._owner, **self._encrypted},
                Config=self._transfer,
            )

    def uri(self, key: str) -> str:
        """The URI of a key."""
        return f"s3://{self.name}/{key}"

    def key(self, uri: str) -> str:
        """The key that a URI names.

        Raises
        ------
        BackendError
            Where it is of another bucket.
        """
        own = self.uri("")
        if not uri.startswith(own):
            raise BackendError(f"{uri} is not in {own}.", fix="finish the run where it was started")
        return uri.removeprefix(own).rstrip("/")

    @property
    def _s3(self) -> Any:
        return self._account.client("s3")

    @cached_property
    def _transfer(self) -> Any:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_AT_ONCE)

    def _refused(self, error: Exception) -> BackendError:
        code = code_of(error)
        if code in _REFUSED and self._is_anybody_s():
            return BackendError(
                f"The bucket {self.name} is not of your account {self._owner['ExpectedBucketOwner']}.",
                fix=_NAME_ONE,
            )
        if code in _REFUSED:
            return BackendError(
                f"The bucket {self.name} is another account's, or your role may not list it.",
                fix=f"ask your administrator for the launcher policy of infra/, or {_NAME_ONE}",
            )
        if code in {"404", "NoSuchBucket"}:
            return BackendError(f"There is no bucket {self.name}.", fix=_MAKE_IT)
        found = explained(error, doing=f"Opening the bucket {self.name}")
        return found if isinstance(found, BackendError) else BackendError(found.message, fix=found.fix)

    def _is_anybody_s(self) -> bool:
        """Whether the bucket may be used as long as nobody asks whose it is."""
        try:
            self._s3.head_bucket(Bucket=self.name)
        except Exception:  # noqa: BLE001  (the first answer is the one that is said)
            return False
        return True

    def _refuse_locked(self) -> None:
        """Refuse a bucket that keeps what is written from being replaced: a run replaces its own objects."""
        try:
            found = self._s3.get_object_lock_configuration(Bucket=self.name, **self._owner)
        except Exception as error:  # most have none; who may not ask will see when writing
            if not is_absent(error) and code_of(error) not in _REFUSED:
                raise explained(error, doing=f"Asking for the object lock of {self.name}") from error
            return
        kept = found.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
        if kept:
            span = f"{kept['Days']} days" if "Days" in kept else f"{kept.get('Years')} years"
            raise BackendError(
                f"The bucket {self.name} locks whatever is written for {span} (object lock), "
                "so that SageMaker cannot write to it.",
                fix=f"{_NAME_ONE}; or take its default retention away",
            )


def marker(sizes: Mapping[str, int]) -> bytes:
    """What ``.complete`` says of the objects beside it."""
    return json.dumps({"objects": dict(sorted(sizes.items()))}).encode()


def marked(content: bytes | None) -> dict[str, int] | None:
    """The bytes of each object that ``.complete`` speaks of; None where it is none of ours."""
    try:
        found = json.loads(content or b"")["objects"]
        return {str(name): int(size) for name, size in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder with their names as parts of a key, in order."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield path.relative_to(folder).as_posix(), path
