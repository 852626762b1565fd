"""The SageMaker SDK's high-level classes and the AWS CLI, as somebody uses them who uses nothing else "
"of fraudlab."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import subprocess
import sys
import textwrap

import pytest
from tests.conftest import ROOT, require
from tests.loopback_aws import client, environment, started

pytestmark = [pytest.mark.docker, pytest.mark.slow]
OFFICIAL = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
IMAGE = "fraudlab-xgboost:latest"
ROWS = "".join(f"{n % 2},{n % 7},{(n % 2) * 3 + n % 5}\n" for n in range(400))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A rehearsal that knows the official image by another name."""
    mapping = f"683313688378.dkr.ecr.*/sagemaker-xgboost:*={IMAGE}"
    with started(tmp_path_factory.mktemp("clients"), "--image", mapping) as facts:
        client(facts, "s3").put_object(Bucket=facts["bucket"], Key="rows/train.csv", Body=ROWS.encode())
        yield facts


def in_python(facts, code, tmp_path):
    """Run code of a user's in a process that knows nothing but the exports."""
    file = tmp_path / "user.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file), facts["role"], facts["bucket"], OFFICIAL],
        env={**os.environ, **environment(facts)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_sdk_trains_attaches_deploys_predicts_and_transforms(served, tmp_path):
    out = in_python(
        served,
        """
        import sys
        from sagemaker.estimator import Estimator
        from sagemaker.inputs import TrainingInput
        from sagemaker.serializers import CSVSerializer

        role, bucket, image = sys.argv[1:]
        estimator = Estimator(
            image, role, instance_count=1, instance_type="ml.m5.large", output_path=f"s3://{bucket}/out",
            hyperparameters={"num_round": 5, "objective": "binary:logistic"},
        )
        estimator.fit({"train": TrainingInput(f"s3://{bucket}/rows/", content_type="text/csv")})
        print("DATA", estimator.model_data)
        again = Estimator.attach(estimator.latest_training_job.name)
        predictor = again.deploy(1, "ml.m5.large", serializer=CSVSerializer())
        print("SCORE", float(predictor.predict([[1, 3]]).decode().split(",")[0]))
        predictor.delete_model()
        predictor.delete_endpoint()
        transformer = again.transformer(
            1, "ml.m5.large", output_path=f"s3://{bucket}/scored", accept="text/csv", assemble_with="Line"
        )
        transformer.transform(f"s3://{bucket}/features/", content_type="text/csv", split_type="Line")
        print("TRANSFORMED", transformer.latest_transform_job.name)
        """.replace("print(\"DATA\"", "import boto3\n        boto3.client('s3').put_object(Bucket=bucket, "
                    "Key='features/a.csv', Body=b'1,3\\n2,4\\n')\n        print(\"DATA\""),
        tmp_path,
    )  # fmt: skip
    # a line of the SDK's dots may stand before a word
    words = dict(re.findall(r"(DATA|SCORE|TRANSFORMED) (\S+)", out))
    assert words["DATA"].endswith("/output/model.tar.gz")
    assert 0 < float(words["SCORE"]) < 1
    s3 = client(served, "s3")
    scored = s3.get_object(Bucket=served["bucket"], Key="scored/a.csv.out")["Body"].read()
    assert len(scored.decode().split()) == 2
    assert client(served, "sagemaker").list_endpoints()["Endpoints"] == []


def test_the_sdk_processes(served, tmp_path):
    in_python(
        served,
        """
        import pathlib, sys
        from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor

        role, bucket, image = sys.argv[1:]
        pathlib.Path("in.txt").write_text("some text")
        processor = Processor(
            role=role, image_uri=image, instance_count=1, instance_type="ml.m5.large",
            entrypoint=["python3", "-c", "import shutil; shutil.copytree('/opt/ml/processing/input', "
            "'/opt/ml/processing/output', dirs_exist_ok=True)"],
        )
        processor.run(
            inputs=[ProcessingInput(source="in.txt", destination="/opt/ml/processing/input")],
            outputs=[ProcessingOutput(source="/opt/ml/processing/output", destination=f"s3://{bucket}/processed")],
        )
        """,
        tmp_path,
    )
    found = client(served, "s3").get_object(Bucket=served["bucket"], Key="processed/in.txt")
    assert found["Body"].read() == b"some text"


@pytest.fixture
def aws(served, tmp_path):
    """The AWS CLI with nothing but the exports."""
    command = ROOT / "build" / "awscli" / "bin" / "aws"
    require("awscli", command.is_file(), "no AWS CLI: make awscli")

    def run(*words, given=None):
        done = subprocess.run(
            [str(command), *words],
            env={**os.environ, **environment(served), "AWS_PAGER": "", "HOME": str(tmp_path)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return run


def test_the_cli_copies_and_syncs(aws, served, tmp_path):
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "large.bin").write_bytes(b"x" * (9 << 20))
    aws("s3", "sync", str(folder), f"s3://{served['bucket']}/synced")
    aws("s3", "cp", f"s3://{served['bucket']}/synced/large.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert "a.txt" in aws("s3", "ls", f"s3://{served['bucket']}/synced/")


def test_the_cli_trains_waits_and_asks_an_endpoint(aws, served, tmp_path):
    name, bucket = f"cli-{secrets.token_hex(4)}", served["bucket"]
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/rows/"}}
    channel = {"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}
    aws(
        *("sagemaker", "create-training-job", "--training-job-name", name, "--role-arn", served["role"]),
        *("--algorithm-specification", f"TrainingImage={IMAGE},TrainingInputMode=File"),
        *("--input-data-config", json.dumps([channel])),
        *("--output-data-config", f"S3OutputPath=s3://{bucket}/out"),
        *("--resource-config", "InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=1"),
        *("--stopping-condition", "MaxRuntimeInSeconds=600"),
        *("--hyper-parameters", json.dumps({"num_round": "3", "objective": "binary:logistic"})),
    )
    sagemaker = client(served, "sagemaker")
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
    job = json.loads(aws("sagemaker", "describe-training-job", "--training-job-name", name))
    assert job["TrainingJobStatus"] == "Completed"
    streams = json.loads(
        aws("logs", "describe-log-streams", "--log-group-name", "/aws/sagemaker/TrainingJobs",
            "--log-stream-name-prefix", f"{name}/")
    )["logStreams"]  # fmt: skip
    assert len(streams) == 1
    container = {"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    aws("sagemaker", "create-model", "--model-name", name, "--execution-role-arn", served["role"],
        "--primary-container", json.dumps(container))  # fmt: skip
    aws("sagemaker", "create-endpoint-config", "--endpoint-config-name", name, "--production-variants",
        f"VariantName=v,ModelName={name},InstanceType=ml.m5.large,InitialInstanceCount=1")  # fmt: skip
    aws("sagemaker", "create-endpoint", "--endpoint-name", name, "--endpoint-config-name", name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    body = tmp_path / "body.csv"
    body.write_text("1,3\n")
    aws("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", name, "--content-type", "text/csv",
        "--body", f"fileb://{body}", str(tmp_path / "answer"))  # fmt: skip
    assert 0 < float((tmp_path / "answer").read_text().split(",")[0]) < 1
    for verb, what in (("delete-endpoint", "endpoint"), ("delete-endpoint-config", "endpoint-config"),
                       ("delete-model", "model")):  # fmt: skip
        aws("sagemaker", verb, f"--{what}-name", name)
    sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_the_cli_logs_in_to_the_registry_and_an_image_is_pushed_and_run(aws, served, tmp_path):
    require("registry", served["registry"] is not None, "no docker-registry here")
    name = f"pushed-{secrets.token_hex(4)}"
    uri = json.loads(
        aws("ecr", "create-repository", "--repository-name", name, "--image-tag-mutability", "IMMUTABLE")
    )["repository"]["repositoryUri"]
    password = aws("ecr", "get-login-password")

    def docker(*words, given=None):
        return subprocess.run(
            ["docker", "--config", str(tmp_path / "docker"), *words],
            input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip

    small, other = f"{uri}:1", f"{uri}:2"
    made = subprocess.run(
        ["docker", "import", "--change", 'CMD ["x"]', "-", small],
        input=archive(b"1"),
        capture_output=True,
        check=True,
    )
    identity = made.stdout.decode().strip()
    try:
        assert "denied" in docker("push", small).stderr or "no basic auth" in docker("push", small).stderr
        assert (
            docker(
                "login", "--username", "AWS", "--password-stdin", uri.split("/")[0], given=password
            ).returncode
            == 0
        )
        assert docker("push", small).returncode == 0
        assert docker("push", small).returncode == 0  # the same again is no change
        subprocess.run(["docker", "import", "-", small], input=archive(b"2"), capture_output=True, check=True)
        again = docker("push", small)
        assert again.returncode != 0
        assert "cannot be overwritten because the repository is immutable" in again.stderr
        shown = json.loads(aws("ecr", "describe-images", "--repository-name", name))["imageDetails"]
        assert [image["imageTags"] for image in shown] == [["1"]]
        got = json.loads(
            aws("ecr", "batch-get-image", "--repository-name", name, "--image-ids", "imageTag=1")
        )
        assert json.loads(got["images"][0]["imageManifest"])["config"]["digest"] == identity
    finally:
        docker("rmi", "--force", small, other, identity)


def archive(content):
    import tarfile

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
