"""Outputs of a hostile job: what is no file of its own is left out and named, and nothing leads outside."""

from __future__ import annotations

import os
import socket
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fraudlab.archives import pack
from fraudlab.backends import outputs
from fraudlab.backends.outputs import Outputs, refuse_left_out
from fraudlab.errors import JobFailed

SECRET = b"the host's own"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "passwd").write_bytes(SECRET)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "job" / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.ubj").write_bytes(b"booster")
    (folder / "deep" / "notes.txt").write_bytes(b"notes")
    return folder


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


#: what a hook may leave at a path, given a folder of the host; and what is said about it
LEFT: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "absolute link": (lambda at, host: at.symlink_to(host / "passwd"), "is a symbolic link"),
    "relative link": (lambda at, host: at.symlink_to("../../host/passwd"), "is a symbolic link"),
    "link to a neighbour": (lambda at, host: at.symlink_to("model.ubj"), "is a symbolic link"),
    "dangling link": (lambda at, host: at.symlink_to(host / "absent"), "is a symbolic link"),
    "link to itself": (lambda at, host: at.symlink_to(at), "is a symbolic link"),
    "link to a folder": (lambda at, host: at.symlink_to(host), "is a symbolic link"),
    "link to the root": (lambda at, host: at.symlink_to("/"), "is a symbolic link"),
    "hard link": (lambda at, host: os.link(host / "passwd", at), "is a hard link, which may be"),
    "named pipe": (lambda at, host: os.mkfifo(at), "is a named pipe"),
    "socket": (lambda at, host: bind(at), "is a socket"),
    "hole of a terabyte": (lambda at, host: (at.touch(), os.truncate(at, 1 << 40)), "is too large"),
}  # fmt: skip


@pytest.mark.parametrize("below", ["", "deep"])
@pytest.mark.parametrize("kind", LEFT)
def test_what_is_no_file_of_the_jobs_own_is_left_out_and_named(
    model: Path, host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, below: str
) -> None:
    leave, said = LEFT[kind]
    monkeypatch.chdir(model / below)  # a socket's path may not be long
    leave(Path("evil.json") if kind == "socket" else model / below / "evil.json", host)
    written = Outputs(model, name="model")
    written.copy(tmp_path / "copied")
    copied = {str(p.relative_to(tmp_path / "copied")) for p in (tmp_path / "copied").rglob("*")}
    assert copied == {"model.ubj", "deep", "deep/notes.txt"}
    (why,) = written.left_out
    assert why.startswith(f"{Path('model', below, 'evil.json')} {said}")

    pack(Outputs(model, name="model").files(), tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        members = archive.getmembers()
        assert {member.name for member in members} == {"model.ubj", "deep/notes.txt"}
        assert all(member.isreg() for member in members)

    with pytest.raises(JobFailed, match=f"The train job left what cannot be taken: model/.*{said}") as error:
        refuse_left_out("train", written.left_out)
    assert "plain files of their own" in (error.value.fix or "")


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(host: Path, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(host)
    written = Outputs(tmp_path / "model", name="model")
    assert list(written.files()) == []
    assert written.left_out == ["model is a symbolic link"]


def test_plain_outputs_are_taken_whole(model: Path, tmp_path: Path) -> None:
    (model / "é\udcff ü").write_bytes(b"named by bytes")
    (model / "empty").write_bytes(b"")
    written = Outputs(model, name="model")
    written.copy(tmp_path / "copied")
    assert written.left_out == []
    assert (tmp_path / "copied" / "é\udcff ü").read_bytes() == b"named by bytes"
    assert (tmp_path / "copied" / "empty").read_bytes() == b""
    refuse_left_out("train", written.left_out)


def test_outputs_that_are_not_there_hold_nothing(tmp_path: Path) -> None:
    written = Outputs(tmp_path / "absent", name="model")
    assert list(written.files()) == [] == written.left_out


def test_a_file_that_becomes_a_link_while_it_is_looked_at(model: Path, host: Path) -> None:
    """Somebody swaps a file and a link as fast as they can; what is read is never the host's."""
    (model / "link").symlink_to(host / "passwd")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (model / "link").rename(model / "swapped")
            (model / "link").write_bytes(b"own")
            (model / "link").replace(model / "swapped")
            (model / "link").symlink_to(host / "passwd")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        read = [file.read() for _ in range(300) for _, file in Outputs(model, name="model").files()]
    finally:
        stop.set()
        swapper.join()
    assert b"booster" in read
    assert SECRET not in read


def test_bounds_of_bytes_members_and_depth(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Outputs(model, name="model", max_bytes=7)
    assert [name for name, _ in written.files()] == ["deep/notes.txt"]
    assert written.left_out == ["model/model.ubj is too large (7 bytes; 2 are left for it)"]
    assert len(list(Outputs(model, name="model", max_bytes=None).files())) == 2

    monkeypatch.setattr(outputs, "MAX_MEMBERS", 2)
    written = Outputs(model, name="model")
    assert [name for name, _ in written.files()] == ["deep/notes.txt"]
    assert written.left_out == ["model/model.ubj is one of more than 2 files and folders"]

    monkeypatch.undo()
    deepest = model.joinpath(*["d"] * 40)
    deepest.mkdir(parents=True)
    written = Outputs(model, name="model")
    assert len(list(written.files())) == 2
    (why,) = written.left_out
    assert why.endswith("d is more than 32 folders deep")


def test_nothing_is_left_open(model: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    next(Outputs(model, name="model").files())
    list(Outputs(model, name="model").files())
    assert len(list(descriptors.iterdir())) == before


def test_names_that_a_terminal_would_obey_are_shown(model: Path) -> None:
    (model / "a\x1b[2J\nb").symlink_to("/")
    written = Outputs(model, name="model")
    list(written.files())
    assert written.left_out == [r"model/a\x1b[2J\nb is a symbolic link"]


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_named(model: Path) -> None:
    (model / "closed").mkdir(mode=0)
    (model / "shut").touch(mode=0)
    written = Outputs(model, name="model")
    list(written.files())
    assert written.left_out == [
        f"model/{name} cannot be read (Permission denied)" for name in ("closed", "shut")
    ]


def test_an_error_names_a_few(model: Path) -> None:
    for number in range(9):
        (model / f"l{number}").symlink_to("/")
    written = Outputs(model, name="model")
    list(written.files())
    with pytest.raises(JobFailed, match=r"model/l4 is a symbolic link, and 4 more\.\n"):
        refuse_left_out("train", written.left_out)
