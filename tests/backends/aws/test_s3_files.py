"""Folders of jobs in a bucket: sent once, brought back whole, found by what they hold."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from fraudlab.aws.account import Account
from fraudlab.backends.aws.bucket import Bucket
from fraudlab.backends.aws.s3_files import S3Files
from fraudlab.errors import BackendError, DataError

LARGE = 17 << 20  # sent in parts, brought in ranges


class Shown:
    def __init__(self) -> None:
        self.totals: list[int] = []
        self.reached: list[int] = []

    def __call__(self, what: str, *, total: int) -> AbstractContextManager[Any]:
        self.totals.append(total)
        return nullcontext(self)

    def reach(self, count: int) -> None:
        self.reached.append(count)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def files(account: Account, tmp_path: Path, shown: Shown) -> S3Files:
    return S3Files(
        Bucket(account), prefix="pre/", run_id="r", workspace=tmp_path / "work", meter=lambda: shown
    )


def folder(at: Path, **content: bytes) -> Path:
    for name, text in content.items():
        path = at / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return at


def keys(account: Account) -> list[str]:
    found = account.client("s3").list_objects_v2(Bucket=account.bucket).get("Contents", [])
    return [each["Key"] for each in found]


def test_a_table_is_sent_once_and_its_mark_comes_last(
    files: S3Files, account: Account, tmp_path: Path, shown: Shown
) -> None:
    raw = folder(tmp_path / "raw", table=b"x" * LARGE, deep__part=b"y")
    uri = files.stage(raw, name="raw", content="raw-abc")
    assert uri == f"s3://{account.bucket}/pre/raw/abc"
    assert keys(account) == ["pre/raw/abc/.complete", "pre/raw/abc/deep/part", "pre/raw/abc/table"]
    assert shown.totals == [18]
    assert shown.reached[-1] == 17
    assert files.stage(raw, name="raw", content="raw-abc") == uri
    assert shown.totals == [18]  # nothing was sent again
    brought = files.fetch(uri)
    assert (brought / "table").stat().st_size == LARGE
    assert (brought / "deep" / "part").read_bytes() == b"y"
    assert not (brought / ".complete").exists()


def test_what_is_not_whole_is_sent_again(files: S3Files, account: Account, tmp_path: Path) -> None:
    raw = folder(tmp_path / "raw", a=b"1", b=b"2")
    uri = files.stage(raw, name="raw", content="raw-abc")
    account.client("s3").delete_object(Bucket=account.bucket, Key="pre/raw/abc/b")
    assert files.find("raw-abc") is None
    files.stage(raw, name="raw", content="raw-abc")
    assert files.find("raw-abc") == uri


def test_a_table_that_changes_while_it_is_sent_is_noticed_and_not_marked(
    files: S3Files, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = folder(tmp_path / "raw", table=b"1")
    send = Bucket.send

    def sending(self: Bucket, file: Path, key: str, **more: Any) -> None:
        send(self, file, key, **more)
        file.write_bytes(b"23")

    monkeypatch.setattr(Bucket, "send", sending)
    with pytest.raises(DataError, match="table has changed while it was sent"):
        files.stage(raw, name="raw", content="raw-abc")
    assert "pre/raw/abc/.complete" not in keys(account)


def test_a_folder_of_a_run_has_another_place_when_it_holds_something_else(
    files: S3Files, tmp_path: Path
) -> None:
    config = folder(tmp_path / "config", one=b"1")
    first = files.stage(config, name="config")
    assert first.rpartition("/")[0].endswith("/pre/runs/r/config")
    assert files.stage(config, name="config") == first
    (config / "one").write_bytes(b"2")
    assert files.stage(config, name="config") != first


def test_what_a_job_wrote_is_kept_for_other_runs(files: S3Files, account: Account, tmp_path: Path) -> None:
    written = files.destination("prepared")
    assert not files.exists(written)
    assert files.find("prepared-k") is None
    account.client("s3").put_object(Bucket=account.bucket, Key="pre/runs/r/prepared/train/0", Body=b"12")
    assert files.exists(written)
    kept = files.keep(written, content="prepared-k")
    assert files.find("prepared-k") == kept == f"s3://{account.bucket}/pre/prepared/k"
    assert files.keep(written, content="prepared-k") == kept
    assert (files.fetch(kept) / "train" / "0").read_bytes() == b"12"


@pytest.mark.parametrize("key", ["../out", "a//b", "a/../../out"])
def test_a_key_that_leads_out_of_its_folder_is_refused(
    files: S3Files, account: Account, tmp_path: Path, key: str
) -> None:
    account.client("s3").put_object(Bucket=account.bucket, Key=f"pre/runs/r/prepared/{key}", Body=b"1")
    with pytest.raises(BackendError, match="is no name of a file"):
        files.fetch(files.destination("prepared"))
    assert not (tmp_path / "out").exists()


def test_a_uri_of_another_bucket_is_refused(files: S3Files) -> None:
    with pytest.raises(BackendError, match="s3://other/x is not in"):
        files.fetch("s3://other/x")


def test_a_bucket_that_is_not_there_is_said(account: Account) -> None:
    account.client("s3").delete_bucket(Bucket=account.bucket)
    with pytest.raises(BackendError, match=f"There is no bucket {account.bucket}") as caught:
        Bucket(account).check()
    assert "infra/" in caught.value.fix


def test_a_bucket_that_locks_its_objects_is_refused(account: Account) -> None:
    s3, name = account.client("s3"), f"{account.bucket}-locked"
    account._config.bucket = name
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    Bucket(account).check()  # without a rule nothing is kept
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    with pytest.raises(BackendError, match="locks whatever is written for 3 days"):
        Bucket(account).check()


class Refusing:
    """A client of S3 whose bucket is somebody else's: open to all, or to nobody."""

    def __init__(self, *, is_open: bool) -> None:
        self._is_open = is_open

    def head_bucket(self, *, Bucket: str, ExpectedBucketOwner: str | None = None) -> None:
        from botocore.exceptions import ClientError

        if ExpectedBucketOwner or not self._is_open:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")


@pytest.mark.parametrize(
    ("is_open", "says"), [(True, "is not of your account"), (False, "another account's")]
)
def test_somebody_else_s_bucket_is_refused(account: Account, is_open: bool, says: str) -> None:
    account._clients["s3"] = Refusing(is_open=is_open)
    with pytest.raises(BackendError, match=says):
        Bucket(account).check()
