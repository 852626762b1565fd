"""What a signal leaves, stops or asks, on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab.errors import Interrupted
from fraudlab.interruption import Attention

PROGRAM = """
import os, signal, sys
from fraudlab.errors import Interrupted
from fraudlab.interruption import Leavable, interruptible
from fraudlab.terminal import Terminal

job = None if sys.argv[1] == "none" else "train job"
told, tells = os.pipe()
os.set_blocking(tells, False)
signal.set_wakeup_fd(tells)
try:
    with interruptible(Terminal()) as attention:
        attention.leavable = lambda: None if sys.argv[1] == "nothing" else Leavable("r", job)
        os.write(1, b"ready")
        while os.read(told, 1):
            print("waited on", flush=True)
except Interrupted as error:
    print(type(error).__name__, error.exit_code, error.message, flush=True)
"""


ASKING = """
import sys
from pathlib import Path
from fraudlab.aws.account import Keys, open_account
from fraudlab.backends.aws.log_tail import LogTail
from fraudlab.backends.aws.patience import Patience
from fraudlab.backends.aws.state import StateObjects
from fraudlab.backends.joblog import JobLog
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import Interrupted
from fraudlab.interruption import Leavable, interruptible
from fraudlab.terminal import Terminal

url, folder, what, leavable = sys.argv[1:]
config = SageMakerConfig(region="us-east-1", bucket="b")
account = open_account(config, endpoint_url=url, keys=Keys("testing", "testing"))
clients = {name: account.client(name) for name in ("sagemaker", "logs", "s3")}
asks = {
    "a job": lambda: Patience().ask(clients["sagemaker"].list_training_jobs, doing="Asking"),
    "a log": lambda: LogTail(clients["logs"], group="g", prefix="p").read(JobLog(Path(folder) / "log")),
    "the state": lambda: StateObjects(account, prefix="p/").read("run.json"),
}
try:
    with interruptible(Terminal()) as attention:
        attention.leavable = lambda: Leavable("r", "train job") if leavable == "job" else None
        asks[what]()
        print("nothing was raised", flush=True)
except Interrupted as error:
    print(type(error).__name__, error.exit_code, error.message, flush=True)
"""


class Person:
    """A program on a terminal, and who types there."""

    def __init__(self, leavable: str) -> None:
        self.shown = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, leavable])
        self.sees("ready")

    def sees(self, text: str) -> None:
        while text not in self.shown:
            assert select.select([self.terminal], [], [], 60)[0], self.shown
            self.shown += os.read(self.terminal, 4096).decode()

    def types(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def close(self) -> None:
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@pytest.mark.parametrize(
    ("typed", "ending"),
    [
        ("s\n", "Interrupted 130"),
        ("stop\n", "Interrupted 130"),
        ("l\n", "Detached 11"),
        ("LEAVE\n", "Detached 11"),
        ("what?\nl\n", "Detached 11"),
        ("\n\nl\n", "Detached 11"),
        ("\x04", "Detached 11"),
    ],
    ids=["s", "stop", "l", "LEAVE", "another word", "nothing", "end of input"],
)
def test_ctrl_c_asks_what_becomes_of_a_job(typed: str, ending: str) -> None:
    person = Person("job")
    person.types("\x03")
    person.sees("The train job is going on. [s]top it, [l]eave it running, or [w]ait on?")
    person.types(typed)
    person.sees(ending)
    person.close()


def test_who_waits_on_is_asked_again_the_next_time() -> None:
    person = Person("job")
    person.types("\x03")
    person.sees("[w]ait on?")
    person.types("w\n")
    person.sees("waited on")
    person.shown = ""
    person.types("\x03")
    person.sees("[w]ait on?")
    person.types("s\n")
    person.sees("Interrupted 130")
    person.close()


def test_what_a_library_makes_of_an_interruption_is_the_interruption_again() -> None:
    attention = Attention(raised=Interrupted("Interrupted by SIGTERM.", fix="repeat the run"))
    with pytest.raises(Interrupted) as found, attention.as_raised():
        raise TypeError("__init__() missing 1 required keyword-only argument: 'fix'")
    assert found.value is attention.raised
    with pytest.raises(TypeError), Attention().as_raised():
        raise TypeError


@pytest.mark.parametrize(
    ("leavable", "number", "ending"),
    [
        ("job", signal.SIGTERM, "Detached 11"),
        ("job", signal.SIGHUP, "Detached 11"),
        ("none", signal.SIGINT, "Detached 11"),
        ("nothing", signal.SIGINT, "Interrupted 130"),
        ("nothing", signal.SIGTERM, "Interrupted 130"),
    ],
)
def test_everything_else_asks_nothing(leavable: str, number: int, ending: str) -> None:
    person = Person(leavable)
    os.kill(person.pid, number)
    person.sees(ending)
    assert "[w]ait on?" not in person.shown
    person.close()


@pytest.mark.parametrize(("leavable", "ending"), [("job", "Detached 11"), ("nothing", "Interrupted 130")])
@pytest.mark.parametrize("what", ["a job", "a log", "the state"])
def test_a_signal_while_aws_is_asked_is_neither_tried_again_nor_taken_for_its_answer(
    tmp_path: Path, what: str, leavable: str, ending: str
) -> None:
    """Whoever is asked takes the call, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-c", ASKING, url, str(tmp_path), what, leavable],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            taken, _ = silent.accept()
            with taken:
                taken.settimeout(60)
                assert taken.recv(1)
                process.send_signal(signal.SIGTERM)
                shown, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert shown.splitlines()[-1].startswith(ending), (shown, error)
    assert process.returncode == 0, error


def test_what_was_not_taken_down_is_in_the_fix_of_the_interruption() -> None:
    attention = Attention(raised=Interrupted("Interrupted by SIGINT.", fix="repeat the run"))
    with pytest.raises(Interrupted) as found, attention.as_raised():
        error = KeyboardInterrupt()
        error.add_note("the endpoint e is left")
        raise error
    assert found.value.fix == "repeat the run; the endpoint e is left"
    with pytest.raises(KeyboardInterrupt), Attention().as_raised():
        raise KeyboardInterrupt
