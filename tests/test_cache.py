"""The cache: entries are whole or not there, and what somebody uses stays."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from fraudlab.cache import Cache, clean, take_away_dead
from fraudlab.files import publish


def made(folder, name="manifest.json", content="x"):
    folder.mkdir(parents=True)
    (folder / name).write_text(content)
    return folder


def everything_ends(_workspace):
    return True


def test_what_a_run_uses_stays_and_the_rest_goes(tmp_path):
    cache = tmp_path / "cache"
    with Cache(cache) as held:
        used = made(held.use("prepared", "used"))
        made(cache / "prepared" / "unused", content="1234567")
        held.use("synthetic")
        (cache / "synthetic").mkdir()
        (cache / "synthetic" / "t.parquet").write_text("x")
        workspace = held.workspace("run")
        made(cache / "jobs" / "left-by-0.1.0")
        freed = clean(cache, release=everything_ends)
        assert used.is_dir()
        assert not (cache / "prepared" / "unused").exists()
        assert not (cache / "jobs" / "left-by-0.1.0").exists()
        assert workspace.is_dir()
        assert freed.bytes == 8
        assert sorted(path.name for path in freed.kept) == sorted([workspace.name, "t.parquet", "used"])
    assert not workspace.exists()
    assert clean(cache, release=everything_ends).kept == []
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_cache_is_its_owners(tmp_path):
    before = os.umask(0)
    try:
        with Cache(tmp_path / "cache") as cache:
            assert cache.workspace("run").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_two_runs_of_one_id_have_working_folders_of_their_own(tmp_path):
    with Cache(tmp_path) as one, Cache(tmp_path) as two:
        assert one.workspace("same") != two.workspace("same")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_published_entry_is_never_replaced(tmp_path, kind):
    def make(number):
        made_here = tmp_path / f"made-{number}"
        if kind == "file":
            made_here.write_text(str(number))
        else:
            made(made_here, content=str(number))
        return made_here

    candidates = [make(number) for number in range(12)]
    with ThreadPoolExecutor(12) as threads:
        won = list(threads.map(lambda path: publish(path, tmp_path / "final"), candidates))
    assert won.count(True) == 1
    final = tmp_path / "final"
    content = (final if kind == "file" else final / "manifest.json").read_text()
    assert content == str(won.index(True))


def test_a_file_is_published_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for number, expected in ((1, True), (2, False)):
        (tmp_path / "made").write_text(str(number))
        assert publish(tmp_path / "made", tmp_path / "final") is expected
    assert (tmp_path / "final").read_text() == "1"


def test_an_entry_in_use_is_not_discarded(tmp_path):
    with Cache(tmp_path) as one, Cache(tmp_path) as two:
        made(one.use("prepared", "key"))
        assert not two.discard("prepared", "key")
        one.close()
        assert two.discard("prepared", "key")
        assert not (tmp_path / "prepared" / "key").exists()


KILLED = """
import sys
from pathlib import Path
from fraudlab.cache import Cache
cache = Cache(Path(sys.argv[1]))
print(cache.workspace("killed"), flush=True)
sys.stdin.read()
"""


def test_the_working_folder_of_a_killed_run_is_taken_away_by_the_next(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as launcher:
        workspace = tmp_path / "jobs" / launcher.stdout.readline().strip().rsplit("/", 1)[-1]
        assert take_away_dead(tmp_path, release=everything_ends).kept == [workspace]
        assert workspace.is_dir()
        launcher.send_signal(signal.SIGKILL)
        launcher.wait()
        launcher.stdin.close()
    asked = []
    assert take_away_dead(tmp_path, release=lambda path: bool(asked.append(path))).kept == [workspace]
    assert asked == [workspace]
    assert workspace.is_dir()  # what works in it could not be ended
    assert take_away_dead(tmp_path, release=everything_ends).kept == []
    assert not workspace.exists()


def test_runs_and_cleans_at_once_lose_nothing(tmp_path):
    """Seeded by nothing but the scheduler: whoever holds an entry has it until the end."""
    script = """
import sys
from pathlib import Path
from fraudlab.cache import Cache, clean
from fraudlab.files import publish
folder, role = Path(sys.argv[1]), sys.argv[2]
for number in range(60):
    if role == "clean":
        clean(folder, release=lambda path: True)
        continue
    with Cache(folder) as cache:
        workspace = cache.workspace("run")
        final = cache.use("prepared", f"key-{number % 3}")
        if not (final / "manifest.json").is_file():
            output = workspace / "output"
            output.mkdir()
            (output / "manifest.json").write_text("whole")
            publish(output, final)
        assert (final / "manifest.json").read_text() == "whole"
        assert workspace.is_dir()
"""
    roles = ["run", "run", "clean", "clean"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), role], stderr=subprocess.PIPE, text=True
        )
        for role in roles
    ]
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
