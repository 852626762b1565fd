"""A rehearsal begins, answers and ends."""

from tests.loopback_aws import client


def test_bucket_and_role_that_are_announced_exist(rehearsal):
    s3 = client(rehearsal, "s3")
    assert rehearsal["bucket"] in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    role = rehearsal["role"].rsplit("/", 1)[1]
    assert client(rehearsal, "iam").get_role(RoleName=role)["Role"]["Arn"] == rehearsal["role"]
    assert client(rehearsal, "sts").get_caller_identity()["Account"] == rehearsal["account"]
