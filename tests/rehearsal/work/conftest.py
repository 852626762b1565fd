"""A rehearsal in this process that runs the image for real."""

from __future__ import annotations

import io
import json
import signal
import tarfile
import threading
import time
from types import SimpleNamespace

import pytest
from tests.docker import tables
from tests.docker.opt_ml import image
from tests.loopback_aws import client, started

from fraudlab.rehearsal.announcement import Announcement
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.moto_aws import moto_application
from fraudlab.rehearsal.parts import RehearsalParts
from fraudlab.rehearsal.wsgi_server import WsgiServer

ROLE, BUCKET = Announcement("", 0).role, Announcement("", 0).bucket
#: what requests call the image under test
IMAGE = "fraudlab-test-image:latest"
ENDED = {"Completed", "Failed", "Stopped"}


class Cloud:
    """One rehearsal, and what a client does with it."""

    def __init__(self, folder, faults=(), seed=0):
        folder.mkdir(exist_ok=True)
        self.parts = RehearsalParts(folder, moto_application(), Faults(faults, seed), [f"{IMAGE}={image()}"])
        self._server = WsgiServer("127.0.0.1", 0, self.parts.application)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.parts.open(self.url)
        facts = vars(Announcement(url=self.url, pid=0))
        self.sagemaker, self.s3, self.logs, self.runtime = self._clients = [
            client(facts, name) for name in ("sagemaker", "s3", "logs", "sagemaker-runtime")
        ]

    def close(self):
        self.parts.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for one in self._clients:
            one.close()

    def put(self, prefix, files):
        """Put objects below a prefix, and say its URI."""
        for name, content in files.items():
            self.s3.put_object(
                Bucket=BUCKET,
                Key=f"{prefix}/{name}",
                Body=content if isinstance(content, bytes) else content.encode(),
            )
        return f"s3://{BUCKET}/{prefix}"

    def keys(self, prefix):
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        return [one["Key"].removeprefix(prefix) for one in found]

    def get(self, key):
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def archive(self, key):
        """The files of an archive."""
        with tarfile.open(fileobj=io.BytesIO(self.get(key))) as archive:
            return {one.name: archive.extractfile(one).read() for one in archive.getmembers() if one.isfile()}

    def until(self, describe, *, status, wanted=ENDED, seconds=120):
        """Describe something until it is in one of some states."""
        give_up = time.monotonic() + seconds
        while (found := describe())[status] not in wanted:
            assert time.monotonic() < give_up, found
            time.sleep(0.02)
        return found

    def trained(self, name, **wanted):
        return self.until(
            lambda: self.sagemaker.describe_training_job(TrainingJobName=name),
            status="TrainingJobStatus",
            **wanted,
        )

    def processed(self, name):
        return self.until(
            lambda: self.sagemaker.describe_processing_job(ProcessingJobName=name),
            status="ProcessingJobStatus",
        )

    def transformed(self, name):
        return self.until(
            lambda: self.sagemaker.describe_transform_job(TransformJobName=name), status="TransformJobStatus"
        )

    def lines(self, group, prefix):
        """All lines of the streams that begin with a name, by stream."""
        found = self.logs.describe_log_streams(
            logGroupName=f"/aws/sagemaker/{group}", logStreamNamePrefix=prefix
        )
        return {
            stream["logStreamName"]: [
                event["message"]
                for event in self.logs.get_log_events(
                    logGroupName=f"/aws/sagemaker/{group}",
                    logStreamName=stream["logStreamName"],
                    startFromHead=True,
                )["events"]
            ]
            for stream in found["logStreams"]
        }

    def process(self, name, source, *, output=None, **more):
        request = {
            "ProcessingJobName": name,
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["process"]},
            "ProcessingInputs": [
                {
                    "InputName": part,
                    "S3Input": {
                        "S3Uri": f"{source}/{part}",
                        "LocalPath": f"/opt/ml/processing/input/{part}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for part in ("raw", "config")
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "prepared",
                        "S3Output": {
                            "S3Uri": output or f"s3://{BUCKET}/{name}/prepared",
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 5,
                }
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
            **more,
        }
        self.sagemaker.create_processing_job(**request)
        return request

    def train(self, name, channels, *, hyperparameters=None, hosts=1, algorithm=None, **more):
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                **(algorithm or {}),
            },
            "HyperParameters": hyperparameters or {"num_round": "10", "max_depth": "3"},
            "InputDataConfig": [
                {
                    "ChannelName": channel,
                    "ContentType": "text/csv",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for channel, uri in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": hosts,
                "VolumeSizeInGB": 5,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "EnableNetworkIsolation": True,
            **more,
        }
        self.sagemaker.create_training_job(**request)
        return request


class Process(Cloud):
    """A rehearsal that is a process of its own, which ends with a signal."""

    def __init__(self, folder, end):
        self._process = started(folder, "--image", f"{IMAGE}={image()}", end=end)
        facts = self._process.__enter__()
        self.sagemaker, self.s3, self.logs = self._clients = [
            client(facts, name) for name in ("sagemaker", "s3", "logs")
        ]

    def close(self):
        for one in self._clients:
            one.close()
        self._process.__exit__(None, None, None)


@pytest.fixture
def cloud_in(docker_engine, tmp_path):
    """A rehearsal in a process, one after another with the same state."""
    made = []

    def make(end=signal.SIGINT):
        while made:
            made.pop().close()
        made.append(Process(tmp_path, end))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("rehearsal"))
    yield cloud
    cloud.close()


@pytest.fixture
def cloud_with(docker_engine, tmp_path):
    """A rehearsal of one's own, with faults."""
    made = []

    def make(*faults, seed=0):
        made.append(Cloud(tmp_path / f"rehearsal-{len(made)}", faults, seed))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def label_first():
    """Channels of a training job without a processing job before it."""
    return {
        "train": tables.label_first(*tables.frauds(240, 4, seed=1)),
        "validation": tables.label_first(*tables.frauds(120, 4, seed=2)),
    }


@pytest.fixture(scope="session")
def raw_table():
    """What a processing job is given: a table, and how it is to be prepared."""
    return SimpleNamespace(table=tables.transactions(), request=json.dumps(tables.PROCESS))
