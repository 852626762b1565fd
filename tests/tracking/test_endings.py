"""However a run ends, what it had logged can be uploaded."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fraudlab.tracking import new_key, recover, upload
from fraudlab.tracking.comet import internals
from fraudlab.tracking.comet.sdk import collected_errors

RUN = """
import signal, sys, time
from pathlib import Path
from fraudlab.tracking import open_experiment

def stop(number, frame):
    raise SystemExit(130)

signal.signal(signal.SIGTERM, stop)
folder, key, ending = sys.argv[1:]
experiment = open_experiment(
    mode="offline", workspace=None, project="cards", name="r", key=key, folder=Path(folder), tags=["nightly"]
)
status = "failed"
try:
    experiment.log_metric("average_precision", 0.8)
    if ending == "crash":
        raise RuntimeError("the disk melted")
    time.sleep(30)
except SystemExit:
    status = "interrupted"
    raise
finally:
    experiment.end(status)
"""


def start_run(folder: Path, key: str, ending: str = "wait") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, str(folder), key, ending]
    environment = os.environ | {"TMPDIR": str(folder.parent)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def wait_for_metric(folder: Path) -> None:
    patience = time.monotonic() + 20
    while time.monotonic() < patience:
        if (folder / "open.json").exists():
            messages = Path(folder, json.loads((folder / "open.json").read_text())["data"]) / "messages.json"
            if messages.exists() and b"average_precision" in messages.read_bytes():
                return
        time.sleep(0.02)
    raise AssertionError("the run logged nothing")


def test_a_crash_leaves_an_archive_that_uploads(server, tmp_path):
    run = start_run(tmp_path / "comet", key := new_key(), "crash")
    _, errors = run.communicate(timeout=60)

    assert errors.endswith(b"RuntimeError: the disk melted\n")
    (archive,) = (tmp_path / "comet").glob("*.zip")
    assert upload([archive], tmp_path / "uploaded.json") == [archive]
    assert [value for _, value in server.points("average_precision")] == [0.8]
    assert server.other("status") == "failed"
    assert server.experiments == {key}


def test_sigterm_leaves_an_archive_that_uploads(server, tmp_path):
    run = start_run(tmp_path / "comet", new_key())
    wait_for_metric(tmp_path / "comet")
    run.send_signal(signal.SIGTERM)
    output = run.communicate(timeout=60)

    assert run.returncode == 130
    assert output == (b"", b"")
    (archive,) = (tmp_path / "comet").glob("*.zip")
    assert upload([archive], tmp_path / "uploaded.json") == [archive]
    assert [value for _, value in server.points("average_precision")] == [0.8]
    assert server.other("status") == "interrupted"


def test_what_a_killed_run_had_logged_is_recovered(server, tmp_path):
    folder = tmp_path / "comet"
    run = start_run(folder, key := new_key())
    wait_for_metric(folder)
    run.kill()
    run.communicate(timeout=60)
    with (Path(folder, json.loads((folder / "open.json").read_text())["data"]) / "messages.json").open(
        "ab"
    ) as messages:
        messages.write(b'{"payload": {"key": "cut sho')

    archive = recover(folder)

    assert archive is not None
    assert list(folder.iterdir()) == [archive]
    assert upload([archive], tmp_path / "uploaded.json") == [archive]
    assert [value for _, value in server.points("average_precision")] == [0.8]
    assert server.tags == ["nightly"]
    assert server.experiments == {key}
    assert recover(folder) is None


@pytest.mark.parametrize("left", [None, "{}", '{"data": "/nowhere", "about": {}}', "[]"])
def test_nothing_to_recover_is_no_error(tmp_path, left):
    if left is not None:
        (tmp_path / "open.json").write_text(left)

    assert recover(tmp_path) is None


def test_an_archive_the_disk_had_no_room_for_is_recovered_later(opened, monkeypatch, read_archive, tmp_path):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    experiment = opened("offline")
    experiment.log_metric("average_precision", 0.8)
    with monkeypatch.context() as disk:
        disk.setattr(zipfile.ZipFile, "write", full)
        experiment.end("completed")

    assert experiment.problems == ["Comet: archive: it could not be written; is the disk full?"]
    archive = recover(tmp_path / "comet")
    assert archive is not None
    assert read_archive(archive).points("average_precision")
    assert list((tmp_path / "comet").iterdir()) == [archive]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ["it cannot be written: No space left on device"]),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ["it cannot be written: Disk quota exceeded"]),
        (OSError(errno.EIO, "Input/output error"), []),
        (ValueError("a defect"), []),
    ],
)
def test_a_file_that_a_full_disk_left_open_is_said_and_no_traceback(monkeypatch, error, said):
    printed = []
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    internals.tell_of_full_disks()
    thrown = SimpleNamespace(exc_value=error)
    with collected_errors() as errors:
        sys.unraisablehook(thrown)
    assert errors.lines == said
    assert printed == ([] if said else [thrown])
