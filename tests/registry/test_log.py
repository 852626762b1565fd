"""The log: one line per act, chained, whole or not there, and nothing lost between a hundred writers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fraudlab.errors import RegistryError, StorageError
from fraudlab.registry import fold
from fraudlab.registry.log_entries import BEGINNING, Act, LogEntry, canonical, read_lines, written
from fraudlab.registry.log_file import LogFile

TIME = "2026-11-27T15:40:00.000Z"


def act(verb: str = "register", version: int = 1, **more: object) -> Act:
    return Act(**{"verb": verb, "name": "m", "version": version, "actor": "ana", "account": "a@b", **more})


def log_of(*acts: Act) -> list[LogEntry]:
    entries: list[LogEntry] = []
    for one in acts:
        entries.append(written(one, after=entries[-1] if entries else None, time=TIME)[0])
    return entries


def lines_of(*acts: Act) -> list[bytes]:
    made: list[bytes] = []
    last = None
    for one in acts:
        last, line = written(one, after=last, time=TIME)
        made.append(line[:-1])
    return made


def test_what_is_written_is_read_and_chained() -> None:
    acts = [act(), act("approve", reason="ja, geprüft"), act("promote", stage="production", forced=True)]
    entries = read_lines(lines_of(*acts))
    assert [entry.act for entry in entries] == acts
    assert entries[0].previous == BEGINNING
    assert [entry.previous for entry in entries[1:]] == [entry.digest for entry in entries[:-1]]


CHANGES = {
    "a line taken out": lambda lines: [lines[0], lines[2]],
    "the first line taken out": lambda lines: lines[1:],
    "two lines turned round": lambda lines: [lines[1], lines[0], lines[2]],
    "a line twice": lambda lines: [lines[0], lines[0], *lines[1:]],
    "a reason changed": lambda lines: [lines[0], lines[1].replace(b"good", b"best"), lines[2]],
    "an actor changed": lambda lines: [lines[0].replace(b"ana", b"eva"), *lines[1:]],
    "another form of the same JSON": lambda lines: [json.dumps(json.loads(lines[0])).encode(), *lines[1:]],
    "a line that is empty": lambda lines: [*lines, b""],
    "a line that is no JSON": lambda lines: [*lines, b"{"],
    "a line that is no object": lambda lines: [*lines, b"[]"],
    "a key too many": lambda lines: [canonical({**json.loads(lines[0]), "more": 1}), *lines[1:]],
    "a number that is true": lambda lines: [canonical({**json.loads(lines[0]), "version": True})],
    "a verb that is none": lambda lines: [canonical({**json.loads(lines[0]), "verb": "delete"})],
    "a time that is none": lambda lines: [canonical({**json.loads(lines[0]), "time": "yesterday"})],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_log_is_not_read(change: str) -> None:
    lines = lines_of(act(), act("approve", reason="good"), act("reject", reason="bad"))
    with pytest.raises(RegistryError, match=r"Line \d of the registry's log cannot be trusted"):
        read_lines(CHANGES[change](lines))


IMPOSSIBLE = {
    "a number again": [act(), act()],
    "a number left out": [act(version=2)],
    "a decision on no version": [act(), act("approve", 2)],
    "a stage that is none": [act(), act("promote", stage="prod")],
    "a rollback to nothing": [act(), act("rollback", stage="production")],
    "a rollback to another": [
        *(act(), act(version=2), act(version=3)),
        *(act("promote", n, stage="production") for n in (1, 2)),
        act("rollback", 3, stage="production"),
    ],
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_log_of_what_could_not_be_done_is_not_added_up(what: str) -> None:
    with pytest.raises(RegistryError, match="cannot be trusted"):
        fold(log_of(*IMPOSSIBLE[what]))


def test_rollbacks_go_back_one_by_one_and_never_turn_round() -> None:
    promoted = [act("promote", n, stage="production") for n in (1, 2, 3)]
    entries = [*(act(version=n) for n in (1, 2, 3)), *promoted]
    entries += [act("rollback", 2, stage="production"), act("rollback", 1, stage="production")]
    model = fold(log_of(*entries)).models["m"]
    assert model.holders == {"production": (1,)}
    assert model.holder("staging") is None


def test_the_state_at_each_line_is_the_fold_of_the_lines_until_there() -> None:
    entries = log_of(act(), act("approve"), act("promote", stage="staging"), act("reject"))
    statuses = [fold(entries[:n]).models["m"].versions[0].status for n in (1, 2, 3, 4)]
    assert statuses == ["pending", "approved", "approved", "rejected"]
    assert fold([]).models == {}
    assert fold(entries).head == entries[-1].digest


@pytest.mark.parametrize("left", [b'{"acc', b"\x00", b'{"seq":2}'])
def test_a_line_that_its_writer_did_not_finish_is_no_line(tmp_path: Path, left: bytes) -> None:
    log = LogFile(tmp_path)
    log.append(lambda _: act(), lambda _: None)
    with log.path.open("ab") as file:
        file.write(left)
    assert len(log.read()) == 1
    assert len(log.append(lambda _: act("approve"), lambda _: None)) == 2
    assert [entry.act.verb for entry in log.read()] == ["register", "approve"]


def test_a_line_that_a_full_disk_refuses_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFile(tmp_path)
    log.append(lambda _: act(), lambda _: None)
    before = log.path.read_bytes()

    def full(descriptor: int, content: bytes) -> int:
        os.pwrite(descriptor, bytes(content[:7]), len(before))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(StorageError, match="No space left"):
        patched.setattr("fraudlab.registry.log_file.os.write", full)
        log.append(lambda _: act("approve"), lambda _: None)
    assert log.path.read_bytes() == before


def test_a_clock_that_was_set_back_does_not_turn_the_log_round(tmp_path: Path) -> None:
    line = written(act(), after=None, time="2999-01-01T00:00:00.000Z")[1]
    (tmp_path / "log.jsonl").write_bytes(line)
    entries = LogFile(tmp_path).append(lambda _: act("approve"), lambda _: None)
    assert entries[1].time == entries[0].time


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fraudlab.locks._flock", none)
    with pytest.raises(StorageError, match="cannot be locked"):
        LogFile(tmp_path).append(lambda _: act(), lambda _: None)
    assert not (tmp_path / "log.jsonl").exists()


_WRITER = """
import sys, pathlib
from fraudlab.registry.log_entries import Act
from fraudlab.registry.log_file import LogFile
log = LogFile(pathlib.Path(sys.argv[1]))
for _ in range(5):
    log.append(
        lambda log: Act(verb="register", name="m", version=len(log) + 1, actor=sys.argv[2], account="a"),
        lambda _: None,
    )
"""


def test_a_hundred_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes with five lines each beside eighty threads: all lines are there, chained, once."""
    log = LogFile(tmp_path)
    processes = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), f"process-{n}"]) for n in range(4)
    ]

    def write(n: int) -> None:
        log.append(lambda entries: act(version=len(entries) + 1, actor=f"thread-{n}"), lambda _: None)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0] * 4
    entries = log.read()
    assert len(fold(entries).models["m"].versions) == 100
    actors = [entry.act.actor for entry in entries]
    assert {f"thread-{n}" for n in range(80)} < set(actors)
    assert all(actors.count(f"process-{n}") == 5 for n in range(4))


def test_a_writer_that_is_killed_leaves_a_log_that_goes_on(tmp_path: Path) -> None:
    """Killed while it holds the lock, at a moment it says itself: the kernel lets go of it."""
    script = _WRITER.replace("lambda _: None,", "lambda _: (print('held', flush=True), sys.stdin.read()),")
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), "killed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    process.kill()
    process.communicate()
    assert len(LogFile(tmp_path).append(lambda _: act("approve"), lambda _: None)) == 2
