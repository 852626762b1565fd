"""What backends share: their descriptions, handles of jobs, and the files of one file system."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fraudlab.backend_registry import BACKENDS, describe, descriptions
from fraudlab.backends.backend import JobHandle
from fraudlab.backends.job_thread import JobThread, Lines
from fraudlab.backends.joblog import JobLog
from fraudlab.backends.jobs import handle_of
from fraudlab.backends.process import ProcessBackend
from fraudlab.backends.shared_folders import SharedFolders, path_of
from fraudlab.config_options import config_folder, options
from fraudlab.errors import BackendError, JobFailed, RunError

#: names of backends that are names of something else too
SHARED = ("rehearsal", "sagemaker")
HANDLE = JobHandle(backend="process", job="train", name="fraudlab-r-train", output="file:///o")


def test_every_backend_has_an_option_and_describes_itself() -> None:
    assert sorted(BACKENDS) == options("backend")
    for name in BACKENDS:
        found = describe(name)
        assert found.name == name
        assert all([found.title, found.place, found.jobs, found.needs])
        assert f"kind: {name}\n" in (config_folder() / "backend" / f"{name}.yaml").read_text()


def test_nothing_else_in_the_launcher_names_a_backend() -> None:
    """A name in quotes is a branch, a table or a sentence that the next backend would have to find.

    A service of AWS, a section of the configuration and a command have the names of two: of them, comparisons
    are looked for.
    """
    package = config_folder().parent / "src" / "fraudlab"
    own = {"backend_registry.py", *(f"backends/{name}.py" for name in BACKENDS)}
    quoted = {f'"{name}"' for name in BACKENDS if name not in {"process", *SHARED}} | {"BackendKind"}
    compared = re.compile(rf'(?:kind|backend(?:\.name)?) (?:==|!=) "(?:{"|".join(SHARED)})"')
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name in own or name.startswith("container/"):
            continue
        # in a docstring it is an instance type
        lines = path.read_text(encoding="utf-8").replace('``"local"``', "").splitlines()
        found += [
            (name, line.strip())
            for line in lines
            if any(word in line for word in quoted) or compared.search(line)
        ]
    assert found == [
        # the SDK's word in its own settings, and the option where nobody chooses one
        ("backends/sagemaker_sdk.py", '"local": {'),
        ("config.py", 'kind: str = "local"'),
        # the instance type of a plan, and where an endpoint is deployed to
        ("plan/survey.py", 'return Placement(image=image.uri, role_arn=none, instance_type="local")'),
        (
            "verbs/deploy.py",
            (
                'parser.add_argument("--to", required=True, '
                'choices=("sagemaker", "local", "rehearsal"), help="where")'
            ),
        ),
        ("verbs/deploy.py", 'if arguments.to == "local":'),
    ]


def test_only_where_jobs_outlive_their_launcher_another_process_may_wait() -> None:
    assert [each.name for each in descriptions() if each.outlives_launcher] == [
        "rehearsal",
        "sagemaker",
    ]


def test_a_handle_is_plain_values() -> None:
    text = json.dumps(HANDLE.as_record())
    assert JobHandle.from_record(json.loads(text)) == HANDLE


@pytest.mark.parametrize(
    "damaged",
    [None, [], "x", {}, {**HANDLE.as_record(), "name": 3}, {"name": "n", "job": "train", "backend": "b"}],
)
def test_a_handle_that_is_damaged_is_an_error_of_the_run(damaged: Any) -> None:
    with pytest.raises(RunError, match="record of a job is damaged"):
        JobHandle.from_record(damaged)


def test_what_a_later_version_adds_to_a_handle_is_no_matter() -> None:
    assert JobHandle.from_record({**HANDLE.as_record(), "more": "x"}) == HANDLE


def test_a_job_of_another_process_cannot_be_waited_for(tmp_path: Path) -> None:
    backend = ProcessBackend(tmp_path)
    with JobLog(tmp_path / "log") as log, pytest.raises(BackendError, match="was started by another process"):
        backend.wait(HANDLE, log)


def test_a_kind_of_job_that_is_not_run_here_is_refused() -> None:
    with pytest.raises(BackendError, match="backend=process runs no transform jobs"):
        handle_of("process", "transform", {"TransformJobName": "t"})


@pytest.mark.parametrize("name", ["plain", "with space", "50%", "ü#?"])
def test_one_file_system_hands_out_folders_where_they_lie(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    files = SharedFolders(tmp_path / "work")
    uri = files.stage(folder, name="any", content="key")
    assert uri == folder.as_uri()
    assert files.fetch(uri) == folder
    assert files.exists(uri)
    assert not files.exists(f"{uri}/absent")
    written = files.destination(name)
    assert path_of(written) == tmp_path / "work" / name
    assert path_of(written).is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {name, "work"}  # nothing is copied


def test_lines_of_a_job_on_a_thread_reach_whoever_waits(tmp_path: Path) -> None:
    seen: list[str] = []

    def work(lines: Lines) -> None:
        lines.write("of the job\n")
        lines.keep("of the engine")

    with JobLog(tmp_path / "log", on_line=seen.append) as log:
        JobThread(work, after=[], stop=lambda: None).wait(log)
    assert seen == ["of the job"]
    assert (tmp_path / "log").read_text() == "of the job\nof the engine\n"


def test_what_a_job_on_a_thread_ends_with_is_raised_where_it_is_waited_for(tmp_path: Path) -> None:
    def fail(lines: Lines) -> None:
        lines.write("last words")
        raise JobFailed("It failed.", fix="mend it")

    order: list[int] = []
    first = JobThread(fail, after=[], stop=lambda: None)
    second = JobThread(lambda _: order.append(2), after=[first], stop=lambda: None)
    with JobLog(tmp_path / "log") as log:
        with pytest.raises(JobFailed, match="It failed"):
            first.wait(log)
        second.wait(log)
    assert order == [2]
    assert (tmp_path / "log").read_text() == "last words\n"


def test_whoever_stops_waiting_stops_the_job(tmp_path: Path) -> None:
    import threading

    stopped = threading.Event()

    def work(lines: Lines) -> None:
        lines.write("begun")
        stopped.wait()

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with JobLog(tmp_path / "log", on_line=interrupt) as log, pytest.raises(KeyboardInterrupt):
        JobThread(work, after=[], stop=stopped.set).wait(log)
    assert stopped.is_set()
