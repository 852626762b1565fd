"""The log of a job: kept whole, and read for the job's own sentence."""

import pytest

from fraudlab.backends.joblog import JobLog
from fraudlab.errors import ConfigError, DataError, JobFailed, StorageError


def failed(tmp_path, lines):
    with JobLog(tmp_path / "job.log") as log:
        for line in lines:
            log.write(line)
        return log.error("process", detail="exit code 3")


@pytest.mark.parametrize(
    ("kind", "error"),
    [("data", DataError), ("config", ConfigError), ("storage", StorageError), ("internal", JobFailed)],
)
def test_a_job_that_fails_speaks_in_its_own_words(tmp_path, kind, error):
    caught = failed(
        tmp_path,
        [
            "reading\r\n",
            "fraudlab-failure: column 'a' has no frauds: none\r\n",
            "fraudlab-failure: fix: label: another\r\n",
            f"fraudlab-failure: kind: {kind}\r\n",
        ],
    )
    assert type(caught) is error
    assert caught.message == "column 'a' has no frauds: none"
    assert caught.fix == "label: another"


def test_a_job_that_says_nothing_is_an_error_that_names_its_log(tmp_path):
    caught = failed(tmp_path, ["Killed\n"])
    assert type(caught) is JobFailed
    assert caught.message == "The process job ended without saying why (exit code 3)."
    assert caught.fix == f"read {tmp_path / 'job.log'}"


def test_every_line_is_kept_and_only_the_jobs_own_are_shown(tmp_path):
    seen = []
    with JobLog(tmp_path / "logs" / "job.log", on_line=seen.append) as log:
        log.keep("Container x Created")
        log.write("[0]\tvalidation-aucpr:0.50000\r\n")
    assert seen == ["[0]\tvalidation-aucpr:0.50000"]
    assert (tmp_path / "logs" / "job.log").read_text().splitlines() == ["Container x Created", *seen]


def test_whether_a_job_said_why_is_not_told_by_words(tmp_path):
    with JobLog(tmp_path / "silent.log") as log:
        log.write("fraudlab: something else")
        assert not log.says_why
    with JobLog(tmp_path / "told.log") as log:
        log.write("fraudlab-failure: it ended without saying why")
        assert log.says_why


def test_a_job_that_is_told_of_again_has_each_line_once(tmp_path):
    path, seen = tmp_path / "train.log", []
    with JobLog(path) as log:
        for line in ("[SageMaker] Starting", "a", "a", "b"):
            log.write(line)
    with path.open("a") as file:
        file.write("half of a li")  # its launcher was killed
    with JobLog(path, on_line=seen.append, again=True) as log:
        for line in ("a", "a", "[SageMaker] Starting", "b", "half of a line", "a", "c"):
            log.write(line)
    assert path.read_text().splitlines() == [
        "[SageMaker] Starting", "a", "a", "b", "half of a li", "half of a line", "a", "c",
    ]  # fmt: skip
    assert len(seen) == 7  # progress is that of all of it
