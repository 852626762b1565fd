"""What lies in the bucket below our prefix: folders of runs and of tables, and uploads that never ended."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.config_rules import RUN_ID
from fraudlab.errors import BackendError

#: folders below the prefix that are made, and named by their content or their run
_RUNS, _INPUTS = "runs", ("raw", "prepared")
#: what a table's folder is called: a digest of what it holds
_TABLE = re.compile(r"[0-9a-f]{32}")
#: one of these is in the folder of each run, and of a run whose model was deployed
_STATE, _DEPLOYED = "state", "deployed"
_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class StaleFolder:
    """A folder of the bucket in which all is old.

    Attributes
    ----------
    key : str
        With the prefix, and with a slash at its end.
    objects : int
    bytes : int
    newest : datetime
    parts : frozenset of str
        The folders that are in it.
    """

    key: str
    objects: int
    bytes: int
    newest: datetime
    parts: frozenset[str] = frozenset()

    @property
    def reads_tables(self) -> bool:
        """Whether it is of a run that may read tables: a deployed model does not."""
        return self.parts != {_DEPLOYED}


@dataclass(frozen=True)
class StaleUpload:
    """An upload that was begun, never ended, and is paid for.

    Attributes
    ----------
    key, upload : str
        Of the object, and of the upload.
    began : datetime
    run : str or None
        Whose it is; None for a table.
    """

    key: str
    upload: str
    began: datetime
    run: str | None


class PrefixedBucket:
    """The account's bucket below ``sagemaker.prefix``, and nothing beside it.

    Parameters
    ----------
    account : Account
    prefix : str
        Without slashes at its ends.
    """

    def __init__(self, account: Account, prefix: str) -> None:
        self._account = account
        self.name = account.bucket
        self.root = f"{prefix.strip('/')}/"
        if self.root == "/":
            raise BackendError(
                "sagemaker.prefix is empty: what is fraudlab's in the bucket cannot be told.",
                fix="name a prefix: sagemaker.prefix=fraudlab",
            )
        self._own = {"Bucket": self.name, "ExpectedBucketOwner": account.identity.account}

    def folders(self) -> list[StaleFolder]:
        """Every folder of a run, and of raw and prepared tables, whatever its age.

        A folder that fraudlab would not have made so is somebody else's.
        """
        found: dict[str, StaleFolder] = {}
        for item in self._objects(self.root):
            key = str(item["Key"])
            parts = key.removeprefix(self.root).split("/", 3)
            if len(parts) < 3 or not _may_be_ours(parts[0], parts[1]):
                continue
            name = f"{self.root}{parts[0]}/{parts[1]}/"
            known = found.get(name, StaleFolder(name, 0, 0, item["LastModified"]))
            newest = max(known.newest, item["LastModified"])
            inside = known.parts | set(parts[2:3] if len(parts) > 3 else ())
            size = known.bytes + int(item["Size"])
            found[name] = StaleFolder(name, known.objects + 1, size, newest, inside)
        return [
            folder
            for folder in found.values()
            if self.run_of(folder) is None or folder.parts & {_STATE, _DEPLOYED}
        ]

    def run_of(self, folder: StaleFolder) -> str | None:
        """The id of the run whose folder it is; None for a table."""
        kind, name = folder.key.removeprefix(self.root).split("/")[:2]
        return name if kind == _RUNS else None

    def needed_inputs(self, runs: Collection[str]) -> set[str] | None:
        """The folders of tables that runs name in their requests; None where one of them cannot tell."""
        needed: set[str] = set()
        for run in runs:
            texts = [self._text(key) for key in self._keys(f"{self.root}{_RUNS}/{run}/state/requests/")]
            if not texts:
                return None
            for text in texts:
                needed |= self.folders_in(text)
        return needed

    def folders_in(self, text: str) -> set[str]:
        """The folders of this bucket that URIs in a text lead to."""
        uri = re.escape(f"s3://{self.name}/{self.root}")
        found = re.findall(rf"{uri}((?:{'|'.join((_RUNS, *_INPUTS))})/[^/\"'\s]+)", text)
        return {f"{self.root}{name}/" for name in found}

    def uploads(self, before: datetime, *, beside: Collection[StaleFolder]) -> list[StaleUpload]:
        """Uploads of ours that were begun before a moment and never ended.

        Parameters
        ----------
        before : datetime
        beside : collection of StaleFolder
            All that are ours: what goes on to one of them is ours too.
        """
        ours = {folder.key for folder in beside}
        with explained_calls(doing=f"Listing unfinished uploads in {self.name}"):
            pages = self._account.client("s3").get_paginator("list_multipart_uploads")
            found = [
                item
                for page in pages.paginate(Prefix=self.root, **self._own)
                for item in page.get("Uploads", [])
                if item["Initiated"] <= before
            ]
        uploads = []
        for item in found:
            parts = str(item["Key"]).removeprefix(self.root).split("/", 3)
            if len(parts) < 3 or not _may_be_ours(parts[0], parts[1]):
                continue
            run = parts[1] if parts[0] == _RUNS else None
            begins = len(parts) > 3 and parts[2] in {_STATE, _DEPLOYED}
            own = begins or f"{self.root}{parts[0]}/{parts[1]}/" in ours
            if run is None or own:
                uploads.append(StaleUpload(str(item["Key"]), str(item["UploadId"]), item["Initiated"], run))
        return uploads

    def remove(self, folder: StaleFolder) -> None:
        """Remove a folder's objects, unless something was written there since it was listed.

        Raises
        ------
        BackendError
            Where something was, or an object cannot be removed.
        """
        items = list(self._objects(folder.key))
        if any(item["LastModified"] > folder.newest for item in items):
            raise BackendError(f"{folder.key} was written to just now, and stays.", fix="repeat this later")
        # what says whose folder it is goes last: where this is cut short, the rest is still ours
        own = tuple(f"{folder.key}{name}/" for name in (_STATE, _DEPLOYED))
        keys = sorted((str(item["Key"]) for item in items), key=lambda key: key.startswith(own))
        refused: list[Mapping[str, Any]] = []
        for begin in range(0, len(keys), _DELETED_AT_ONCE):
            some = [{"Key": key} for key in keys[begin : begin + _DELETED_AT_ONCE]]
            with explained_calls(doing=f"Removing {folder.key}"):
                answer = self._account.client("s3").delete_objects(
                    Delete={"Objects": some, "Quiet": True}, **self._own
                )
            refused += answer.get("Errors", [])
        if refused:
            first = refused[0]
            raise BackendError(
                f"{len(refused)} of {len(keys)} objects of {folder.key} stay, such as {first.get('Key')}: "
                f"{first.get('Message') or first.get('Code')}.",
                fix="see whether the bucket locks objects, and s3:DeleteObject (docs/admin.md)",
            )

    def abort(self, upload: StaleUpload) -> None:
        """Give up an unfinished upload, and with it the parts that are there."""
        with explained_calls(doing=f"Giving up the upload of {upload.key}"):
            self._account.client("s3").abort_multipart_upload(
                Key=upload.key, UploadId=upload.upload, **self._own
            )

    def keeps_versions(self) -> bool:
        """Whether what is removed stays as an earlier version."""
        with explained_calls(doing="Asking whether the bucket keeps versions"):
            status = self._account.client("s3").get_bucket_versioning(**self._own).get("Status")
        return bool(status)

    def _keys(self, prefix: str) -> list[str]:
        return [str(item["Key"]) for item in self._objects(prefix)]

    def _text(self, key: str) -> str:
        with explained_calls(doing=f"Reading {key}"):
            body = self._account.client("s3").get_object(Key=key, **self._own)["Body"].read()
        return bytes(body).decode("utf-8", errors="replace")

    def _objects(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        with explained_calls(doing=f"Listing {self.name}/{prefix}"):
            pages = self._account.client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Prefix=prefix, **self._own):
                yield from page.get("Contents", [])


def _may_be_ours(kind: str, name: str) -> bool:
    """Whether a folder has the name that a run, or a table, gets."""
    if kind == _RUNS:
        return RUN_ID.fullmatch(name) is not None
    return kind in _INPUTS and _TABLE.fullmatch(name) is not None
