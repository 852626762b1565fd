"""Jobs that a rehearsal really runs, with the image under test."""

import hashlib
import json
import signal

import pytest
from tests.docker import tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

LONG = {"num_round": "3000", "max_depth": "6"}
BUCKET = "fraudlab-000000000000-us-east-1"
CODE = "/opt/ml/input/data/code/job.py"


def channels(cloud, name, label_first):
    return {part: cloud.put(f"{name}/{part}", {"part.csv": text}) for part, text in label_first.items()}


def states(found):
    return [one["Status"] for one in found["SecondaryStatusTransitions"]]


def scripted(cloud, name, label_first, source):
    """The channels of a training job that is a few lines of Python, and what starts it."""
    given = channels(cloud, name, label_first)
    given["code"] = cloud.put(f"{name}/code", {"job.py": source})
    return given, {"ContainerEntrypoint": ["python", CODE]}


def model_hash(cloud, name):
    return hashlib.sha256(cloud.archive(f"out/{name}/output/model.tar.gz")["model.ubj"]).hexdigest()


def test_a_processing_job(cloud, raw_table):
    source = cloud.put(
        "p1", {"raw/transactions.csv": raw_table.table, "config/process.json": raw_table.request}
    )
    cloud.process("p1", source)
    found = cloud.processed("p1")
    assert found["ProcessingJobStatus"] == "Completed", found
    assert "manifest.json" in cloud.keys("p1/prepared/")
    (stream,) = cloud.lines("ProcessingJobs", "p1/")
    assert stream.startswith("p1/algo-1-")


def test_a_processing_job_that_fails_says_why(cloud, raw_table):
    wrong = json.dumps({**json.loads(raw_table.request), "label": "nowhere"})
    source = cloud.put("p2", {"raw/transactions.csv": raw_table.table, "config/process.json": wrong})
    cloud.process("p2", source)
    found = cloud.processed("p2")
    assert found["ProcessingJobStatus"] == "Failed"
    assert "nowhere" in found["ExitMessage"]
    assert found["FailureReason"].startswith("AlgorithmError: ")
    assert "nowhere" in found["FailureReason"]
    assert "exit code: " in found["FailureReason"]
    assert cloud.keys("p2/prepared/") == []


def test_a_training_job_goes_through_its_states(cloud, label_first):
    request = {"MetricDefinitions": [{"Name": "loss", "Regex": r"validation-logloss:(\S+)"}]}
    cloud.train("t1", channels(cloud, "t1", label_first), algorithm=request)
    found = cloud.trained("t1")
    assert found["TrainingJobStatus"] == "Completed", found
    assert states(found) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert sorted(cloud.archive("out/t1/output/model.tar.gz")) == ["model.json", "model.ubj"]
    assert "history.json" in cloud.archive("out/t1/output/output.tar.gz")
    (metric,) = found["FinalMetricDataList"]
    assert metric["MetricName"] == "loss"
    assert 0 < metric["Value"] < 1
    assert 1 <= found["BillableTimeInSeconds"] <= found["TrainingTimeInSeconds"]


def test_a_training_job_that_fails_shows_its_failure_file(cloud, label_first):
    source = (
        "import pathlib, sys; pathlib.Path('/opt/ml/output/failure').write_text('no rows' * 900); sys.exit(7)"
    )
    given, algorithm = scripted(cloud, "t2", label_first, source)
    cloud.train("t2", given, algorithm=algorithm)
    found = cloud.trained("t2")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
    assert found["FailureReason"].startswith("AlgorithmError: no rowsno rows")
    assert found["FailureReason"].endswith(", exit code: 7")
    assert len(found["FailureReason"]) == 1024


def test_what_a_training_container_finds(cloud, label_first):
    source = (
        "import json, os, pathlib\n"
        "read = lambda name: json.loads(pathlib.Path(f'/opt/ml/input/config/{name}.json').read_text())\n"
        "names = ('hyperparameters', 'resourceconfig', 'inputdataconfig')\n"
        "try:\n pathlib.Path('/opt/ml/input/data/train/new').write_text('x'); fast = 'written'\n"
        "except OSError: fast = 'read-only'\n"
        "said = {name: read(name) for name in names}\n"
        "said |= {'uid': os.getuid(), 'environment': dict(os.environ), 'fast': fast,\n"
        "  'files': [str(p) for p in pathlib.Path('/opt/ml/input/data').rglob('*') if p.is_file()],\n"
        "  'links': sorted(os.listdir('/sys/class/net'))}\n"
        "pathlib.Path('/opt/ml/model/said.json').write_text(json.dumps(said))\n"
    )
    given, algorithm = scripted(cloud, "t3", label_first, source)
    cloud.train(
        "t3",
        given,
        algorithm={**algorithm, "TrainingInputMode": "FastFile"},
        Environment={"ASKED": "for"},
    )
    found = cloud.trained("t3")
    assert found["TrainingJobStatus"] == "Completed", found
    said = json.loads(cloud.archive("out/t3/output/model.tar.gz")["said.json"])
    assert said["hyperparameters"] == {"num_round": "10", "max_depth": "3"}
    assert said["resourceconfig"]["hosts"] == ["algo-1"]
    assert said["inputdataconfig"]["train"]["TrainingInputMode"] == "FastFile"
    assert said["fast"] == "read-only"
    assert said["uid"] == 0
    assert said["links"] == ["lo"]
    assert "/opt/ml/input/data/validation/part.csv" in said["files"]
    assert said["environment"]["ASKED"] == "for"
    assert [name for name in said["environment"] if name.startswith("AWS") and name != "AWS_REGION"] == []


def test_a_stopped_job_leaves_the_model_it_has(cloud, label_first):
    cloud.train("t4", channels(cloud, "t4", label_first), hyperparameters={**LONG, "num_round": "100000"})
    cloud.until(lambda: {"printed": bool(printed(cloud, "t4"))}, status="printed", wanted={True})
    cloud.sagemaker.stop_training_job(TrainingJobName="t4")
    found = cloud.trained("t4")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert states(found)[2:] == ["Training", "Stopping", "Uploading", "Stopped"]
    assert "model.ubj" in cloud.archive("out/t4/output/model.tar.gz")


def printed(cloud, name):
    try:
        return [
            line
            for lines in cloud.lines("TrainingJobs", f"{name}/").values()
            for line in lines
            if "[1]" in line
        ]
    except cloud.logs.exceptions.ResourceNotFoundException:
        return []


def test_a_job_past_its_time_is_stopped(cloud, label_first):
    cloud.train(
        "t5",
        channels(cloud, "t5", label_first),
        hyperparameters={**LONG, "num_round": "100000"},
        StoppingCondition={"MaxRuntimeInSeconds": 2},
    )
    found = cloud.trained("t5")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "model.tar.gz" in found["ModelArtifacts"]["S3ModelArtifacts"]


def test_two_hosts_make_one_model_and_one_that_fails_ends_all(cloud, label_first):
    given = channels(cloud, "t6", label_first)
    cloud.put("t6/train", {"part-2.csv": tables.label_first(*tables.frauds(240, 4, seed=3))})
    cloud.train("t6", given, hosts=2)
    found = cloud.trained("t6")
    assert found["TrainingJobStatus"] == "Completed", found
    assert sorted(cloud.archive("out/t6/output/model.tar.gz")) == ["model.json", "model.ubj"]
    assert {name.split("/")[1][:6] for name in cloud.lines("TrainingJobs", "t6/")} == {"algo-1", "algo-2"}
    source = "import os, sys, time; sys.exit(3) if os.uname().nodename == 'algo-2' else time.sleep(500)"
    given, algorithm = scripted(cloud, "t7", label_first, source)
    cloud.train("t7", given, hosts=2, algorithm=algorithm)
    assert cloud.trained("t7")["FailureReason"] == "AlgorithmError: , exit code: 3"


def test_spot_interrupted_three_times_gives_the_same_bytes(cloud, cloud_with, label_first):
    chosen = {"num_round": "60", "max_depth": "3", "subsample": "0.8"}
    cloud.train("t8", channels(cloud, "t8", label_first), hyperparameters=chosen)
    spot = cloud_with("spot_interruption", seed=1)
    given = channels(spot, "t8s", label_first)
    spot.train(
        "t8s",
        given,
        hyperparameters=chosen,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/t8s/checkpoints"},
    )
    found = spot.trained("t8s")
    assert found["TrainingJobStatus"] == "Completed", found
    assert states(found).count("Interrupted") == 3
    assert cloud.trained("t8")["TrainingJobStatus"] == "Completed"
    assert model_hash(spot, "t8s") == model_hash(cloud, "t8")


def test_checkpoints_are_in_s3_while_the_job_runs_and_restored(cloud, label_first):
    source = (
        "import pathlib, signal, sys, threading\n"
        "folder = pathlib.Path('/opt/ml/checkpoints')\n"
        "print(sorted(p.name for p in folder.iterdir()), flush=True)\n"
        "(folder / 'old').unlink(missing_ok=True); (folder / 'new').write_text('1')\n"
        "ended = threading.Event(); signal.signal(signal.SIGTERM, lambda *_: ended.set())\n"
        "print('[1] written', flush=True); ended.wait(); (folder / 'last').write_text('2')\n"
    )
    uri = cloud.put("t9/checkpoints", {"old": "0"})
    given, algorithm = scripted(cloud, "t9", label_first, source)
    cloud.train(
        "t9",
        given,
        algorithm=algorithm,
        CheckpointConfig={"S3Uri": uri},
    )
    cloud.until(
        lambda: {"keys": tuple(cloud.keys("t9/checkpoints/"))}, status="keys", wanted={("new",)}, seconds=60
    )
    cloud.sagemaker.stop_training_job(TrainingJobName="t9")
    assert cloud.trained("t9")["TrainingJobStatus"] == "Stopped"
    assert cloud.keys("t9/checkpoints/") == ["last", "new"]
    assert "['old']" in next(iter(cloud.lines("TrainingJobs", "t9/").values()))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("image_pull_failure", "ClientError: Cannot pull algorithm container."),
        ("capacity_error", "CapacityError: Unable to provision requested ML compute capacity."),
    ],
)
def test_a_job_that_cannot_start(cloud_with, label_first, fault, reason):
    cloud = cloud_with(fault, seed=3)
    given, failures = channels(cloud, "f", label_first), []
    for number in (1, 2):
        cloud.train(f"f{number}", given)
        failures.append(cloud.trained(f"f{number}").get("FailureReason"))
    assert any((failure or "").startswith(reason) for failure in failures)
    assert (None in failures) == (fault == "capacity_error")


def test_another_rehearsal_leaves_the_containers_of_this_one_alone(cloud_with, label_first):
    first = cloud_with()
    given, algorithm = scripted(
        first, "t10", label_first, "import time; print('[1]', flush=True); time.sleep(500)"
    )
    first.train("t10", given, algorithm=algorithm)
    first.until(lambda: {"printed": bool(printed(first, "t10"))}, status="printed", wanted={True})
    cloud_with()  # removes what nobody owns any more when it starts
    first.sagemaker.stop_training_job(TrainingJobName="t10")
    found = first.trained("t10", wanted={"Stopping", "Failed"})
    assert found["TrainingJobStatus"] == "Stopping", found


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_job_goes_on_when_a_rehearsal_ends_and_the_next_one_finishes_it(cloud_in, label_first, end):
    first = cloud_in(end)
    source = (
        "import pathlib, time\n"
        "for n in range(60): print(f'[{n}]', flush=True); time.sleep(0.1)\n"
        "pathlib.Path('/opt/ml/model/said').write_text('whole')\n"
    )
    given, algorithm = scripted(first, "t11", label_first, source)
    first.train("t11", given, algorithm=algorithm)
    first.until(lambda: {"printed": bool(printed(first, "t11"))}, status="printed", wanted={True})
    second = cloud_in()
    found = second.trained("t11")
    assert found["TrainingJobStatus"] == "Completed", found
    assert states(found) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert list(second.lines("TrainingJobs", "t11/").values()) == [[f"[{n}]" for n in range(60)]]
    assert second.archive("out/t11/output/model.tar.gz") == {"said": b"whole"}
    assert found["BillableTimeInSeconds"] >= 6
