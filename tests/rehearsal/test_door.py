"""Who is let in, what is there, and what becomes of requests that no client of AWS usually sends."""

import gzip
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from fraudlab.rehearsal import image_names, loopback
from fraudlab.rehearsal.announcement import BUCKET
from fraudlab.rehearsal.api_call import ApiCall, ApiError
from fraudlab.rehearsal.ecr_calls import EcrCalls
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.launcher import launcher_of
from fraudlab.rehearsal.moto_door import MotoDoor
from fraudlab.rehearsal.registry_front import no_registry
from fraudlab.rehearsal.repositories import Repositories
from fraudlab.rehearsal.web_pages import refusal
from fraudlab.rehearsal.work.reasons import WorkFailed
from fraudlab.rehearsal.work.s3_objects import S3Object, entries
from fraudlab.rehearsal.wsgi_server import WsgiServer

from .test_training_calls import training

OWN = "127.0.0.1:4566"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"ORIGIN": f"http://{OWN}"}, None),
        ({"ORIGIN": "http://evil.example"}, 403),
        ({"ORIGIN": "null"}, 403),
        ({"ORIGIN": "http://127.0.0.1:8000"}, 403),
        # a name that its owner lets point to loopback
        ({"ORIGIN": "http://evil.example:4566", "HOST": "evil.example:4566"}, 403),
        ({"SEC_FETCH_SITE": "same-origin", "HOST": "evil.example:4566"}, 403),
        ({"SEC_FETCH_SITE": "cross-site"}, 403),
        ({"SEC_FETCH_SITE": "same-site"}, 403),
        ({"SEC_FETCH_SITE": "none"}, None),
        ({"SEC_FETCH_SITE": "same-origin"}, None),
        ({"HOST": "host.docker.internal:4566"}, None),
        ({"HOST": "localhost:4566", "ORIGIN": "http://localhost:4566"}, None),
        ({"HOST": "[::1]:4566", "ORIGIN": "http://[::1]:4566"}, None),
    ],
)
def test_a_web_page_of_another_site_is_refused(headers, status):
    environ = {"PATH_INFO": "/", "HTTP_HOST": OWN, **{f"HTTP_{name}": text for name, text in headers.items()}}
    answer = refusal(environ)
    assert (answer and answer.status) == status


def asked(loopback, method, path, body=b"", **headers):
    connection = http.client.HTTPConnection(urlsplit(loopback.facts["url"]).netloc, timeout=60)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


def signed(service):
    scope = f"AKIAREHEARSAL0000000/20260101/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    "path", ["/moto-api", "/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/x"]
)
def test_what_moto_has_beside_aws_is_closed(loopback, path):
    loopback.client("s3").put_object(Bucket=BUCKET, Key="stays", Body=b"")
    status, _, headers = asked(loopback, "POST", path)
    assert status == 404
    assert not [name for name in headers if name.lower().startswith("access-control")]
    loopback.client("s3").head_object(Bucket=BUCKET, Key="stays")


def test_a_page_is_refused_at_the_door(loopback):
    status, said, _ = asked(loopback, "GET", f"/{BUCKET}", Origin="http://evil.example")
    assert (status, b"answers no web page" in said) == (403, True)


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("dynamodb", "list_tables", {}),
        ("sqs", "list_queues", {}),
        ("ec2", "describe_instances", {}),
        ("lambda", "list_functions", {}),
        ("kms", "list_keys", {}),
        ("events", "list_rules", {}),
    ],
)
def test_a_service_that_is_not_rehearsed_is_not_there(loopback, service, operation, arguments):
    with pytest.raises(ClientError) as refused:
        getattr(loopback.client(service), operation)(**arguments)
    error = refused.value.response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert error["Message"].startswith(f"The rehearsal has no service {service}")


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("sts", "get_caller_identity"),
        ("iam", "list_roles"),
        ("logs", "describe_log_groups"),
        ("cloudwatch", "list_metrics"),
        ("secretsmanager", "list_secrets"),
        ("resourcegroupstaggingapi", "get_resources"),
    ],
)
def test_a_service_that_is_named_is_there(loopback, service, operation):
    assert getattr(loopback.client(service), operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/dynamodb_us-east-1/x", {}),
        ("/", {"X_Amz_Target": "AWSCognitoIdentityService.GetId"}),
        ("/us-east-1_a/.well-known/jwks.json", {}),
    ],
)
def test_no_unsigned_request_gets_past_the_list(loopback, path, headers):
    status, said, _ = asked(loopback, "GET", path, **headers)
    assert 400 <= status < 500, said


@pytest.mark.parametrize(
    "path", [f"/{BUCKET}", f"/{BUCKET}?cors", f"/{BUCKET}/key?tagging", f"/{BUCKET}/key"]
)
def test_a_question_for_options_is_no_error_of_the_server(loopback, path):
    assert asked(loopback, "OPTIONS", path)[0] < 500


def test_a_body_that_a_client_has_packed_is_read(loopback):
    body = gzip.compress(json.dumps({"MaxResults": 1}).encode())
    given = {
        "Authorization": signed("sagemaker"),
        "X_Amz_Target": "SageMaker.ListModels",
        "Content_Encoding": "gzip",
    }
    assert asked(loopback, "POST", "/", body, **given)[0] == 200
    assert asked(loopback, "POST", "/", body[:-9], **given)[0] == 400
    assert asked(loopback, "POST", "/", b"none", **given)[0] == 400
    metrics = [{"MetricName": f"m{n}", "Value": 1.0} for n in range(800)]
    loopback.client("cloudwatch").put_metric_data(Namespace="n", MetricData=metrics)


def test_a_member_that_is_null_is_as_good_as_left_out(loopback):
    loopback.client("s3").put_object(Bucket=BUCKET, Key="data/train.csv", Body=b"1,2\n")
    request = training(
        Environment=None, StoppingCondition=None, Tags=None, CheckpointConfig=None, VpcConfig=None
    )
    request["InputDataConfig"][0]["CompressionType"] = None
    given = {"Authorization": signed("sagemaker"), "X_Amz_Target": "SageMaker.CreateTrainingJob"}
    status, said, _ = asked(loopback, "POST", "/", json.dumps(request).encode(), **given)
    assert status == 200, said
    request = training(HyperParameters={"max_depth": None})
    status, said, _ = asked(loopback, "POST", "/", json.dumps(request).encode(), **given)
    assert (status, b"SerializationException" in said) == (400, True)


def test_the_bytes_of_an_answer_are_those_of_its_etag(loopback, monkeypatch):
    """A change that comes between the two halves of reading an object waits for the second."""
    s3, read, changed = loopback.client("s3"), threading.Event(), threading.Event()
    s3.put_object(Bucket=BUCKET, Key="torn", Body=b"old")
    door = loopback.parts._moto
    opened = door._objects.open

    def slow(bucket, key):
        found = opened(bucket, key)
        read.set()
        changed.wait(0.5)  # as long as a change would need if it did not wait
        return found

    monkeypatch.setattr(door._objects, "open", slow)
    answers = []
    reader = threading.Thread(target=lambda: answers.append(s3.get_object(Bucket=BUCKET, Key="torn")))
    reader.start()
    assert read.wait(20)
    s3.put_object(Bucket=BUCKET, Key="torn", Body=b"new")
    changed.set()
    reader.join()
    assert answers[0]["ETag"] == '"149603e6c03516362a8da23f624db945"'  # of "old"
    assert answers[0]["Body"].read() == b"old"


def test_many_objects_are_deleted_while_each_is_held():
    door = MotoDoor.__new__(MotoDoor)
    door._locks = [threading.Lock() for _ in range(64)]
    with door._held("b", ["one", "two"]):
        assert sum(lock.locked() for lock in door._locks) == len(
            {hash(("b", key)) % 64 for key in ("one", "two")}
        )
    assert not any(lock.locked() for lock in door._locks)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("127.0.0.1:5000/a/b:1", ("127.0.0.1:5000/a/b", "1")),
        ("127.0.0.1:5000/a@sha256:00", ("127.0.0.1:5000/a", "sha256:00")),
    ],
)
def test_an_image_is_pulled_by_its_tag_or_its_digest(monkeypatch, name, expected):
    seen = []

    def pull(repository, *, tag, auth_config):
        seen.append((repository, tag, auth_config["username"]))
        return SimpleNamespace(id="sha256:1")

    engine = SimpleNamespace(images=SimpleNamespace(pull=pull), close=lambda: None)
    monkeypatch.setattr(image_names, "engine", lambda: engine)
    assert image_names._pulled(name) == "sha256:1"
    assert seen == [(*expected, "AWS")]


@pytest.mark.parametrize("operation", ["GetAuthorizationToken", "BatchGetImage", "BatchDeleteImage"])
def test_where_no_registry_is_ecr_says_so(tmp_path, operation):
    calls = EcrCalls(Repositories(tmp_path / "repositories.json", None))
    call = ApiCall({}, "ecr", "key", "us-east-1", f"Registry.{operation}", body=b"{}")
    with pytest.raises(ApiError, match="docker-registry is not installed"):
        calls.answer(call)


def test_where_no_registry_is_a_push_is_told_so():
    seen = []
    body = b"".join(no_registry({}, lambda *given: seen.extend(given)))
    assert seen[0].startswith("404")
    assert "docker-registry is not installed" in json.loads(body)["errors"][0]["message"]


@pytest.mark.parametrize(
    "operation", ["PutObject", "GetObject", "ListBucket", "DeleteObject", "AbortMultipartUpload"]
)
def test_every_call_of_s3_is_slowed_down(operation):
    faults = Faults(["s3_slow_down"])
    found = [faults.on_call("s3", operation, asked="one") for _ in range(40)]
    assert {fault.code for fault in found if fault} == {"SlowDown"}


def test_one_call_is_slowed_down_at_most_twice_in_a_row_whatever_comes_between():
    faults = Faults(["s3_slow_down"], seed=3)
    seen = [[faults.on_call("s3", "PutObject", asked=one) is not None for one in "abc"] for _ in range(30)]
    for slowed in zip(*seen, strict=True):
        assert "111" not in "".join(str(int(one)) for one in slowed)
    assert any(any(slowed) for slowed in seen)


def test_a_launcher_is_killed_and_whoever_else_asks_is_not_counted(monkeypatch):
    killed = []
    faults = Faults(["launcher_killed"])
    door = loopback.Loopback(None, None, {}, None, SimpleNamespace(add=lambda *_: None), faults, None)
    monkeypatch.setattr(loopback.os, "kill", lambda *given: killed.append(given))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/b", "wsgi.input": io.BytesIO()}
    other = ApiCall({**environ, "HTTP_USER_AGENT": "Boto3"}, "s3", "key", "us-east-1", "")
    for _ in range(60):
        door._admit(other)
    assert killed == []
    words = [sys.executable, "-c", "input()", "fraudlab"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        one = ApiCall(
            {**environ, "HTTP_USER_AGENT": f"Boto3 fraudlab-launcher/{process.pid}"},
            "s3",
            "key",
            "us-east-1",
            "",
        )
        while launcher_of(one.environ["HTTP_USER_AGENT"]) is None:  # until it has become that program
            time.sleep(0.01)
        for _ in range(60):
            door._admit(one)
        process.communicate(b"\n")
    assert killed == [(process.pid, signal.SIGKILL)]
    assert os.getpid() != process.pid


class Chunked:
    exceptions = SimpleNamespace(ClientError=ClientError)

    def get_object(self, **_):
        return {"Body": SimpleNamespace(iter_chunks=lambda _size: iter([b"x"]))}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "opt/ml/a"),
        ("/a", "opt/ml/a"),
        ("//a", "opt/ml/a"),
        ("a//b", "opt/ml/a/b"),
        ("./a", "opt/ml/a"),
        ("a..b/c..", "opt/ml/a..b/c.."),
        ("../a", None),
        ("a/../../b", None),
        ("/etc/../a", None),
    ],
)
def test_a_key_stays_in_its_folder(path, expected):
    found = entries(Chunked(), [S3Object("b", f"data/{path}", 1, path)], "/opt/ml")
    if expected is None:
        with pytest.raises(WorkFailed, match="leads out of its folder"):
            list(found)
    else:
        assert list(found)[-1].path == expected


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
def test_a_name_that_is_a_file_and_a_folder_is_refused(paths):
    with pytest.raises(WorkFailed, match="a is a file and a folder"):
        list(entries(Chunked(), [S3Object("b", path, 1, path) for path in paths], "/opt"))


def test_an_answer_that_breaks_off_gets_no_second_one():
    def application(_environ, start):
        start("200 OK", [("Content-Length", "10")])
        return half()

    def half():
        yield b"half"
        raise ValueError("the file is gone")

    assert answered(application, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"\r\n\r\nhalf")


def test_a_large_body_that_nobody_reads_is_taken_from_the_client():
    def application(_environ, start):
        start("503 Slow Down", [("Content-Length", "0")])
        return [b""]

    size = 8 << 20
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
    said = answered(
        application, head + bytes(size) + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert said.count(b"HTTP/1.1 503") == 2


def answered(application, sent):
    server = WsgiServer("127.0.0.1", 0, application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server, socket.create_connection(server.server_address, timeout=30) as one:
        one.sendall(sent)
        said = one.makefile("rb").read()
        server.shutdown()
        return said
