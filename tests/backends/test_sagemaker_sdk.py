"""The shim around the SDK: what it changes, checked against the SDK that is installed."""

import io
import os
import subprocess
import sys

import pytest

from fraudlab.backends.joblog import JobLog
from fraudlab.backends.mounts import mountable, refused


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    from fraudlab.backends.sagemaker_sdk import LocalClient

    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = "AKIASECRET", "s3cret"
    try:
        return LocalClient(
            container_root=tmp_path_factory.mktemp("root"),
            port=18123,
            container={"user": "7:8"},
            confine=lambda content, command: {"confined": command, **content},
        )
    finally:
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


def test_what_is_replaced_is_there_to_be_replaced():
    """In a fresh process: a new SDK that renames one of these must fail here, not in a run."""
    code = (
        "from sagemaker.local import entities, image, local_session\n"
        "image._SageMakerContainer._get_compose_cmd_prefix; image._stream_output\n"
        "image._HostingContainer.run\n"
        "image._create_config_file_directories; image._create_processing_config_file_directories\n"
        "image._SageMakerContainer._generate_compose_file; image.DOCKER_COMPOSE_FILENAME\n"
        "from sagemaker.local import utils; utils.recursive_copy\n"
        "entities._wait_for_serving_container; local_session.get_docker_host\n"
        "from sagemaker.utils import _SENSITIVE_SYSTEM_PATHS as p; print(*p)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    of_the_sdk = done.stdout.strip().split("\n")[-1].split()
    assert of_the_sdk
    assert [path for path in of_the_sdk if not path.startswith(refused())] == []


def compose_file(client, command):
    from sagemaker.local.image import _SageMakerContainer

    container = _SageMakerContainer("local", 1, "image", client.sagemaker.sagemaker_session)
    container.container_root = container._create_tmp_folder()
    return container._generate_compose_file(command)["services"].popitem()[1]


def test_no_credential_reaches_a_compose_file(client):
    assert "AKIASECRET" not in str(compose_file(client, "train"))
    assert compose_file(client, "train")["environment"] == []


def test_the_endpoint_is_published_on_loopback_only(client):
    assert compose_file(client, "serve")["ports"] == ["127.0.0.1:18123:8080"]
    assert client.runtime.serving_port == 18123
    client.hang_up()
    assert len(client.runtime.http.pools) == 0


def test_containers_get_the_settings_of_the_run(client):
    assert compose_file(client, "train")["user"] == "7:8"


def test_the_compose_file_that_is_written_is_the_confined_one_whoever_opened_a_client_before(
    client, tmp_path
):
    import json

    from sagemaker.local.image import _SageMakerContainer

    from fraudlab.backends.sagemaker_sdk import LocalClient

    LocalClient(
        container_root=tmp_path, port=1, container={}, confine=lambda content, command: {"second": command}
    )
    container = _SageMakerContainer("local", 1, "image", client.sagemaker.sagemaker_session)
    container.container_root = container._create_tmp_folder()
    content = container._generate_compose_file("train")
    assert set(content) == {"version", "services", "networks"}
    assert json.loads((tmp_path / container.container_root / "docker-compose.yaml").read_text()) == {
        "second": "train"
    }


def test_the_sdk_copies_through_no_link(client, tmp_path):
    from sagemaker.local import utils

    (tmp_path / "secret").write_text("the host's own")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.ubj").write_text("booster")
    (tmp_path / "model" / "evil").symlink_to(tmp_path / "secret")
    client.left_out, utils.recursive_copy = [], client._collect
    utils.move_to_destination(str(tmp_path / "model"), f"file://{tmp_path / 'target'}", "", None)
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["model.ubj"]
    assert client.left_out == ["model/evil is a symbolic link"]


def test_telemetry_is_off(client):
    from sagemaker.telemetry import telemetry_logging

    session = client.sagemaker.sagemaker_session
    assert session.sagemaker_config["SageMaker"]["PythonSDK"]["Modules"]["TelemetryOptOut"] is True
    assert telemetry_logging.resolve_value_from_config(
        config_path=telemetry_logging.TELEMETRY_OPT_OUT_PATH, default_value=False, sagemaker_session=session
    )


class FakeProcess:
    """The part of Popen that reading a job's output needs."""

    def __init__(self, output: bytes, code: int) -> None:
        self.stdout, self.stderr, self._code = io.BytesIO(output), None, code

    def wait(self) -> int:
        return self._code


def test_output_is_read_to_its_end_and_the_engines_lines_are_told_apart(client, tmp_path):
    seen = []
    output = b" Container x Created\n\x1b[2Kav3j-algo-1-lz  | round=0 a=1\r\nav3j-algo-1-lz  | last\n"
    with JobLog(tmp_path / "job.log", on_line=seen.append) as log:
        client.log = log
        assert client._stream(FakeProcess(output, 0)) == 0
    assert seen == ["round=0 a=1", "last"]
    assert (tmp_path / "job.log").read_text() == " Container x Created\nround=0 a=1\nlast\n"


def test_a_container_that_fails_is_an_error_with_its_code(client, tmp_path):
    from fraudlab.backends.sagemaker_sdk import JobEnded

    with JobLog(tmp_path / "job.log") as client.log, pytest.raises(JobEnded, match="exit code 3"):
        client._stream(FakeProcess(b"", 3))


@pytest.mark.parametrize(
    "folder",
    [
        "/root/fraudlab/runs/.cache",
        "/etc/x",
        "/home/a/b:c",
        "/home/a/#1/runs",
        "/a/$b",
        "/a;b",
        "~/.config/runs",
    ],
)
def test_folders_that_cannot_be_mounted_are_moved(folder):
    from pathlib import Path

    moved = mountable(Path(folder).expanduser())
    assert moved.name == "cache"
    assert not str(moved).startswith(refused())


def test_other_folders_stay(tmp_path):
    assert mountable(tmp_path) == tmp_path.resolve()


def test_folders_a_container_writes_to_are_made_by_us_and_not_by_the_engine(client, tmp_path):
    from sagemaker.local import image

    image._create_config_file_directories(str(tmp_path), "algo-1")
    image._create_processing_config_file_directories(str(tmp_path), "algo-2")
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert {"model", "algo-1/output/data", "algo-1/input/config", "algo-2/output", "algo-2/config"} <= made
