"""What Comet's own SageMaker integration adds to a run's experiment, and what it costs where it fails."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from fraudlab.tracking.comet import training_job_facts
from fraudlab.tracking.comet.training_job_facts import facts_of_training_job

SECRET = "hunter2hunter2"
JOB = {
    "TrainingJobName": "fraudlab-r-train",
    "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/fraudlab-r-train",
    "TrainingJobStatus": "Completed",
    "TrainingTimeInSeconds": 120,
    "BillableTimeInSeconds": 41,
    "EnableManagedSpotTraining": True,
    "EnableNetworkIsolation": True,
    "EnableInterContainerTrafficEncryption": False,
    "RoleArn": "arn:aws:iam::123456789012:role/fraudlab",
    "CreationTime": dt.datetime(2026, 11, 27, tzinfo=dt.UTC),
    "HyperParameters": {"max_depth": "6", "password": SECRET},
    "Environment": {"TOKEN": SECRET},
    "AlgorithmSpecification": {
        "TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab@sha256:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "validation:aucpr", "Regex": "(.*)"}],
    },
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/out/model.tar.gz"},
    "OutputDataConfig": {"S3OutputPath": f"s3://b/{SECRET}/out", "KmsKeyId": ""},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "InputDataConfig": [
        {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": f"s3://b/{name}"}}}
        for name in ("train", "validation")
    ],
}
KNOWN = {
    "TrainingJobName": "fraudlab-r-train",
    "BillableTimeInSeconds": 41,
    "EnableManagedSpotTraining": True,
    "TrainingInputMode": "File",
    "ModelArtifacts.S3ModelArtifacts": "s3://b/out/model.tar.gz",
    "ResourceConfig.InstanceType": "ml.m5.xlarge",
    "InputDataConfig.1.ChannelName": "validation",
    "InputDataConfig.0.DataSource.S3DataSource.S3Uri": "s3://b/train",
}


@pytest.fixture
def answering(monkeypatch):
    """Let the process be another one, which is asked the same."""

    def ask(code):
        monkeypatch.setattr(training_job_facts, "python", lambda _module: [sys.executable, "-c", code])

    return ask


def test_an_archive_and_a_server_get_the_same_facts_and_no_secret(opened, server, read_archive, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    asked = []
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda *words, **more: (asked.append(more), run(*words, **more))[1]
    )
    found = {}
    for mode in ("offline", "online"):
        experiment = opened(mode)
        experiment.log_training_job(JOB)
        (path,) = experiment.end("completed")
        assert experiment.problems == []
        archive = read_archive(path)
        assert not [
            one for one in archive.payloads("metric_msg") if one["metric"]["metricName"] != "process duration"
        ]
        assert archive.parameters.keys() <= {"curr_step", "curr_epoch"}
        assert SECRET.encode() not in b"".join(archive.zip.read(name) for name in archive.zip.namelist())
        found[mode] = archive.others
    assert {name: found["offline"].get(name) for name in KNOWN} == KNOWN
    assert "OutputDataConfig.KmsKeyId" not in found["offline"]
    assert found["offline"].items() - found["online"].items() <= {("offline_experiment", True)}
    for name in KNOWN:
        assert server.other(name) == found["online"][name]
    assert SECRET not in json.dumps(server.others)
    for given in asked:  # it has nothing to call anybody with, nor what the job was told
        assert not [name for name in given["env"] if name.startswith("COMET_API") or name == "AWS_PROFILE"]
        assert "password" not in given["input"]
        assert "TOKEN" not in given["input"]


BROKEN = {
    "it dies": (
        "raise SystemExit('no module named sagemaker.analytics')",
        "no module named sagemaker.analytics",
    ),
    "it says nothing": ("", "it ended with 0"),
    "it is killed": ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
    "it prints something else": ("print('hello')", "it ended with 0"),
    "it answers otherwise": ("print('[1]')", "it ended with 0"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_integration_that_fails_costs_one_line(opened, read_archive, answering, how):
    code, reason = BROKEN[how]
    answering(code)
    experiment = opened("offline")
    experiment.log_training_job(JOB)
    experiment.log_others({"git.commit": "abc"})
    (path,) = experiment.end("completed")

    assert experiment.problems == [
        f"Comet: facts of the training job: Comet's SageMaker integration cannot be used: {reason}"
    ]
    assert read_archive(path).others["git.commit"] == "abc"
    assert "TrainingJobName" not in read_archive(path).others


def test_one_that_does_not_answer_is_not_waited_for(opened, answering, monkeypatch):
    answering("import time; time.sleep(600)")
    monkeypatch.setattr(training_job_facts, "_SECONDS", 0.1)
    experiment = opened("offline")
    experiment.log_training_job(JOB)
    experiment.end("completed")

    assert experiment.problems == [
        "Comet: facts of the training job: Comet's SageMaker integration did not answer in 0.1 s"
    ]


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({**JOB, "InputDataConfig": [None]}, "Error"),
        ({**JOB, "ResourceConfig": "ml.m5.xlarge"}, "Error"),
        ({**JOB, "InputDataConfig": 5}, "TypeError"),
    ],
)
def test_what_it_cannot_read_of_a_job_leaves_the_rest(job, reason):
    facts, problem = facts_of_training_job(job)
    assert reason in problem
    assert facts["TrainingJobName"] == "fraudlab-r-train"


@pytest.mark.parametrize(
    "missing", ["HyperParameters", "ModelArtifacts", "AlgorithmSpecification", "InputDataConfig"]
)
def test_what_a_job_does_not_have_is_no_problem(missing):
    facts, problem = facts_of_training_job({name: value for name, value in JOB.items() if name != missing})
    assert problem == ""
    assert facts["TrainingJobName"] == "fraudlab-r-train"


def test_an_untracked_run_asks_nobody(opened, answering):
    answering("raise SystemExit(1)")
    experiment = opened("off")
    experiment.log_training_job(JOB)
    assert experiment.problems == []


def test_tracking_imports_no_sagemaker_into_the_launcher(tmp_path):
    code = (
        "import sys, json; from fraudlab.tracking.comet.training_job_facts import facts_of_training_job as f;"
        "facts, problem = f(json.load(sys.stdin)); assert not problem, problem; print(facts['RoleArn']);"
        "assert not {'sagemaker', 'pandas', 'boto3'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], input=json.dumps(JOB, default=str),
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{JOB['RoleArn']}\n", "")
