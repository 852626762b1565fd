"""What S3 and IAM hold is there again after a restart, and objects are read from their files."""

import hashlib
import io
import threading

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from tests.loopback_aws import client, started

from fraudlab.rehearsal.announcement import BUCKET
from fraudlab.rehearsal.object_files import span

MB = 1 << 20


@pytest.fixture(scope="module")
def s3(loopback):
    return loopback.client("s3")


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("bytes=0-3", 10, (0, 4)),
        ("bytes=4-", 10, (4, 6)),
        ("bytes=-3", 10, (7, 3)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=8-99", 10, (8, 2)),
        ("", 10, None),
        ("bytes=-", 10, None),
        ("bytes=5-2", 10, None),
        ("bytes=0-1,4-5", 10, None),
        ("lines=0-3", 10, None),
    ],
)
def test_a_range_is_read(text, size, expected):
    assert span(text, size) == expected


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=0-", 0), ("bytes=-0", 10)])
def test_a_range_outside_is_refused(text, size):
    with pytest.raises(ValueError):
        span(text, size)


def test_a_large_object_comes_back_whole_and_in_parts(s3):
    content = bytes(range(256)) * (20 * MB // 256) + b"end"
    s3.upload_fileobj(io.BytesIO(content), BUCKET, "large/é +.bin", ExtraArgs={"Metadata": {"a_b": "c"}})
    found = s3.get_object(Bucket=BUCKET, Key="large/é +.bin")
    assert found["Body"].read() == content
    assert found["Metadata"] == {"a_b": "c"}
    assert found["ETag"].endswith('-3"')
    part = s3.get_object(Bucket=BUCKET, Key="large/é +.bin", Range="bytes=-3")
    assert (part["Body"].read(), part["ResponseMetadata"]["HTTPStatusCode"]) == (b"end", 206)
    assert part["ContentRange"] == f"bytes {len(content) - 3}-{len(content) - 1}/{len(content)}"
    taken = io.BytesIO()
    s3.download_fileobj(BUCKET, "large/é +.bin", taken, Config=TransferConfig(multipart_threshold=MB))
    assert hashlib.sha256(taken.getvalue()).digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"Key": "none"}, "NoSuchKey"),
        ({"Key": "small", "Range": "bytes=99-"}, "InvalidRange"),
        ({"Key": "small", "IfMatch": '"other"'}, "PreconditionFailed"),
        ({"Key": "small", "IfNoneMatch": '"900150983cd24fb0d6963f7d28e17f72"'}, "304"),
    ],
)
def test_what_moto_refuses_is_refused(s3, arguments, code):
    s3.put_object(Bucket=BUCKET, Key="small", Body=b"abc")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=BUCKET, **arguments)
    assert refused.value.response["Error"]["Code"] == code


def test_of_many_that_make_an_object_at_once_one_has_made_it(loopback):
    many, made = loopback.client("s3"), []
    barrier = threading.Barrier(12)

    def claim(number):
        barrier.wait()
        try:
            many.put_object(Bucket=BUCKET, Key="claim", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"  # noqa: PT017
        else:
            made.append(number)

    threads = [threading.Thread(target=claim, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert many.get_object(Bucket=BUCKET, Key="claim")["Body"].read() == str(made[0]).encode()


@pytest.mark.parametrize("end", ["SIGINT", "SIGKILL"])
def test_everything_is_there_again_after_a_restart(tmp_path, end):
    import signal

    large = b"x" * (9 * MB)
    with started(tmp_path, end=getattr(signal, end)) as facts:
        s3, iam = client(facts, "s3"), client(facts, "iam")
        s3.create_bucket(Bucket="mine")
        s3.put_bucket_versioning(Bucket="mine", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="mine", Key="a/b", Body=b"old")
        s3.put_object(
            Bucket="mine", Key="a/b", Body=b"new", ContentType="text/x", Metadata={"k": "v"}, Tagging="t=1"
        )
        s3.upload_fileobj(io.BytesIO(large), "mine", "large")
        for name in ("gone", "gone-too", "gone-three"):
            s3.put_object(Bucket=facts["bucket"], Key=name, Body=b"")
        s3.delete_object(Bucket=facts["bucket"], Key="gone")
        s3.delete_objects(
            Bucket=facts["bucket"], Delete={"Objects": [{"Key": "gone-too"}, {"Key": "gone-three"}]}
        )
        s3.create_bucket(Bucket="short-lived")
        s3.delete_bucket(Bucket="short-lived")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
        before = s3.head_object(Bucket="mine", Key="large")
    with started(tmp_path) as facts:
        s3, iam = client(facts, "s3"), client(facts, "iam")
        assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {"mine", facts["bucket"]}
        assert s3.get_bucket_versioning(Bucket="mine")["Status"] == "Enabled"
        found = s3.get_object(Bucket="mine", Key="a/b")
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
            b"new",
            "text/x",
            {"k": "v"},
        )
        assert s3.get_object_tagging(Bucket="mine", Key="a/b")["TagSet"] == [{"Key": "t", "Value": "1"}]
        assert s3.get_object(Bucket="mine", Key="large")["Body"].read() == large
        after = s3.head_object(Bucket="mine", Key="large")
        assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
        assert "Contents" not in s3.list_objects_v2(Bucket=facts["bucket"])
        assert {role["RoleName"] for role in iam.list_roles()["Roles"]} == {"r", "fraudlab-execution"}
