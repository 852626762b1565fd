"""A rehearsal that cannot start says why in a sentence, and what to do."""

import os
import socket
import subprocess
import sys

import pytest


def refused(tmp_path, *words, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "rehearsal", "--port", "0", "--state", "state", *words],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    error, fix = done.stderr.splitlines()
    return done.returncode, error, fix


@pytest.mark.parametrize(
    ("words", "code", "error", "fix"),
    [
        (["--port", "99999"], 2, "--port 99999 is no port.", "1 to 65535"),
        (["--port", "-1"], 2, "--port -1 is no port.", "1 to 65535"),
        (["--idle-exit", "-1"], 2, "--idle-exit -1.0 is no time.", "0 or more"),
        (["--idle-exit", "nan"], 2, "--idle-exit nan is no time.", "0 or more"),
        (["--fault", "nonsense"], 2, "no such fault: nonsense", "Valid: access_denied"),
        (["--image", "nonsense"], 2, "is no PATTERN=LOCAL", "such as"),
        (["--state", "file"], 8, "The state folder file cannot be written: File exists.", "--state"),
        (["--state", "file/below"], 8, "The state folder file/below cannot be written", "--state"),
        (["--state", "broken"], 4, "What an earlier rehearsal left in broken cannot be read", "--state"),
        (["--host", "no.such.host.invalid"], 4, "Cannot listen on no.such.host.invalid:0", "--host"),
    ],
)
def test_a_start_that_cannot_be(tmp_path, words, code, error, fix):
    (tmp_path / "file").write_text("")
    (tmp_path / "broken" / "sagemaker" / "model").mkdir(parents=True)
    (tmp_path / "broken" / "sagemaker" / "model" / "m.json").write_text("{")
    found = refused(tmp_path, *words)
    assert found[0] == code
    assert error in found[1]
    assert fix in found[2]


def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, error, fix = refused(tmp_path, "--port", str(port))
    assert (code, f"127.0.0.1:{port}" in error, "--port" in fix) == (4, True, True)


def test_no_engine(tmp_path):
    code, error, fix = refused(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none")
    assert (code, "no Docker engine answers" in error, fix) == (4, True, "fix: start Docker")


def test_no_moto(tmp_path):
    (tmp_path / "moto.py").write_text("raise ImportError('none', name='moto')\n")
    code, error, fix = refused(tmp_path, PYTHONPATH=str(tmp_path))
    assert (code, "moto is not installed" in error, "fraudlab[rehearsal]" in fix) == (4, True, True)
