"""Archives of hostile jobs end in an error that says so, and leave nothing half-written."""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import struct
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.archives import pack, unpack
from fraudlab.backends.outputs import Outputs
from fraudlab.errors import ArchiveError, StorageError

Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"{}", **fields: Any) -> Member:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, content


def packed(path: Path, members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w:gz", format=form) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return path


def raw(path: Path, tar: bytes) -> Path:
    path.write_bytes(gzip.compress(tar, mtime=0))
    return path


def plain(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> bytearray:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=form) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return bytearray(buffer.getvalue())


def header(**fields: Any) -> bytes:
    """One header block of ustar with some of its bytes as they are given."""
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    places = {"name": 0, "size": 124, "checksum": 148, "type": 156}
    for field, value in fields.items():
        block[places[field] : places[field] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def everything(target: Path) -> Callable[[str], Path]:
    return lambda name: target / name


def found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refusal(archive: Path, **limits: int) -> ArchiveError:
    target = archive.parent / "out"
    with pytest.raises(ArchiveError) as caught:
        unpack(archive, everything(target), **limits)
    assert caught.value.message.startswith(str(archive))
    assert caught.value.fix
    assert caught.value.exit_code == 5
    assert not list(archive.parent.rglob("*.unfinished"))
    return caught.value


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "model.ubj").write_bytes(random.Random(0).randbytes(700_001))
    (source / "deep" / "er" / "é ü.json").write_bytes(b"")
    pack(Outputs(source, name="source").files(), tmp_path / "a.tar.gz")
    unpack(tmp_path / "a.tar.gz", everything(tmp_path / "out"))
    assert found(tmp_path / "out") == found(source)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_tar(tmp_path: Path, form: int) -> None:
    name = "a" * 90 + "/" + "b" * 90
    archive = packed(tmp_path / "a.tar.gz", [file(name, b"1"), file("./x", b"2" * 513)], form)
    unpack(archive, everything(tmp_path / "out"))
    assert found(tmp_path / "out") == {name: b"1", "x": b"2" * 513}


LEFT_OUT: dict[str, Member] = {
    "above": file("../evil"),
    "above, later": file("a/../../evil"),
    "absolute": file("/tmp/evil"),
    "symbolic link": file("evil", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": file("evil", b"", type=tarfile.LNKTYPE, linkname="good"),
    "device": file("evil", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": file("evil", b"", type=tarfile.BLKTYPE),
    "pipe": file("evil", b"", type=tarfile.FIFOTYPE),
    "folder": file("evil", b"", type=tarfile.DIRTYPE),
    "NUL": file("evil\0.json", pax_headers={"path": "evil\0.json"}),
    "escape": file("evil\x1b[31m"),
    "line": file("evil\n.json"),
    "right to left": file("evil\u202egnp.json"),
    "not UTF-8": file("evil\udcff.json"),
    "long name": file("evil" * 60),
    "long path": file("evil/" * 250 + "x"),
    "no name": file("."),
}


@pytest.mark.parametrize("member", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_no_file_of_ours_is_left_out(tmp_path: Path, member: Member) -> None:
    asked: list[str] = []

    def place(name: str) -> Path:
        asked.append(name)
        return tmp_path / "out" / name

    archive = packed(tmp_path / "a.tar.gz", [file("good"), member, file("better")], tarfile.GNU_FORMAT)
    if member[0].pax_headers:
        archive = packed(archive, [file("good"), member, file("better")])
    unpack(archive, place)
    assert asked == ["good", "better"]
    assert found(tmp_path / "out") == {"good": b"{}", "better": b"{}"}
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_cannot_lead_a_later_file_away(tmp_path: Path) -> None:
    members = [file("data", b"", type=tarfile.SYMTYPE, linkname=str(tmp_path)), file("data/evil")]
    unpack(packed(tmp_path / "a.tar.gz", members), everything(tmp_path / "out"))
    assert found(tmp_path / "out") == {"data/evil": b"{}"}
    assert not (tmp_path / "evil").exists()


def test_a_link_that_stands_where_a_file_goes_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "precious")
    unpack(packed(tmp_path / "a.tar.gz", [file("x", b"theirs")]), everything(tmp_path / "out"))
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert (tmp_path / "out" / "x").read_bytes() == b"theirs"


def test_what_is_not_wanted_is_not_written(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("x"), file("x"), file("y")])
    unpack(archive, lambda name: tmp_path / "out" / name if name == "y" else None)
    assert found(tmp_path / "out") == {"y": b"{}"}


@pytest.mark.parametrize(("first", "second"), [("x", "x"), ("x", "./x"), ("a//x", "a/x"), ("x", "x/y")])
def test_two_files_of_one_name(tmp_path: Path, first: str, second: str) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file(first, b"1"), file(second, b"2")])
    name = str(Path(second))
    assert refusal(archive).message == f"{archive} holds {name!r} twice."
    assert found(tmp_path / "out") == {str(Path(first)): b"1"}


def test_a_bomb_of_bytes(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("good"), file("bomb", bytes(40 << 20))])
    assert archive.stat().st_size < 100_000
    error = refusal(archive, max_bytes=1 << 20)
    assert error.message == f"{archive} holds more than 1,048,576 bytes."
    assert error.fix == "train again; if the job meant to write that much, unpack the archive by hand"
    assert found(tmp_path / "out") == {"good": b"{}"}


def test_a_bomb_that_nobody_wants_is_one(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("bomb", bytes(40 << 20))])
    with pytest.raises(ArchiveError, match="holds more than"):
        unpack(archive, lambda _: None, max_bytes=1 << 20)


def test_a_bomb_behind_the_end(tmp_path: Path) -> None:
    archive = raw(tmp_path / "a.tar.gz", bytes(plain([file("x")])) + bytes(4 << 20))
    assert "holds more than" in refusal(archive, max_bytes=1 << 20).message


def test_a_declared_size_is_not_allocated(tmp_path: Path) -> None:
    tar = header(size=b"77777777777\0") + bytes(1024)  # 8 GiB less one byte
    assert refusal(raw(tmp_path / "a.tar.gz", tar)).message.endswith(" is cut short.")
    assert found(tmp_path / "out") == {}


def test_a_bomb_of_members(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file(f"{n}", b"", type=tarfile.DIRTYPE) for n in range(11)])
    unpack(archive, everything(tmp_path / "out"), max_members=11)
    assert refusal(archive, max_members=10).message == f"{archive} holds more than 10 files and folders."


HEADER_BOMBS: dict[str, tuple[Member, int]] = {
    "large": (file("x", pax_headers={"comment": "x" * (64 << 10)}), tarfile.PAX_FORMAT),
    "many": (file("x", pax_headers={f"a{n}": "b" for n in range(10_000)}), tarfile.PAX_FORMAT),
    "long name": (file("x" * (64 << 10)), tarfile.PAX_FORMAT),
    "long name of GNU": (file("x" * (64 << 10)), tarfile.GNU_FORMAT),
}


@pytest.mark.parametrize(("bomb", "form"), HEADER_BOMBS.values(), ids=HEADER_BOMBS)
def test_a_bomb_of_a_header(tmp_path: Path, bomb: Member, form: int) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("good"), bomb], form)
    assert refusal(archive).message == f"{archive} has a header of more than 65,536 bytes."
    assert found(tmp_path / "out") == {"good": b"{}"}


def test_a_header_that_declares_to_be_huge(tmp_path: Path) -> None:
    archive = raw(tmp_path / "a.tar.gz", header(type=b"x", size=b"77777777777\0") + bytes(1 << 20))
    assert refusal(archive).message == f"{archive} has a header of more than 65,536 bytes."


def test_headers_for_all_members_are_not_piled_up(tmp_path: Path) -> None:
    """A header for all is copied to each: a thousand of them for a thousand members would be a million."""
    buffer = io.BytesIO()
    for number in range(300):
        names = {f"a{number}-{n}": "b" for n in range(500)}
        buffer.write(tarfile.TarInfo.create_pax_global_header(names))
        buffer.write(tarfile.TarInfo(f"{number}").tobuf(tarfile.USTAR_FORMAT))
    archive = raw(tmp_path / "a.tar.gz", buffer.getvalue() + bytes(1024))
    unpack(archive, everything(tmp_path / "out"))
    assert len(found(tmp_path / "out")) == 300


def test_headers_upon_headers(tmp_path: Path) -> None:
    one = tarfile.TarInfo.create_pax_global_header({"a": "b"})
    archive = raw(tmp_path / "a.tar.gz", one * 60 + bytes(plain([file("x")])))
    unpack(archive, everything(tmp_path / "out"))
    assert (
        "has a header of more than" in refusal(raw(archive, one * 2000 + bytes(plain([file("x")])))).message
    )


def test_files_with_holes(tmp_path: Path) -> None:
    """Their size is what the header says, not what is there."""
    old = bytearray(header(type=b"S", size=b"00000000000\0"))
    struct.pack_into("12s12s", old, 386, b"00000000000\0", b"00000000000\0")
    old[483:495] = b"77777777777\0"
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    error = refusal(raw(tmp_path / "old.tar.gz", bytes(old) + bytes(1024)))
    assert error.message.endswith("old.tar.gz holds 'x' with holes in it.")
    assert error.fix == "pack it without tar's --sparse"
    names = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * 12}
    new = packed(tmp_path / "new.tar.gz", [file("x", b"0\n".ljust(512, b"\0"), pax_headers=names)])
    assert refusal(new).message.endswith("new.tar.gz holds 'x' with holes in it.")
    assert found(tmp_path / "out") == {}


def test_sizes_below_zero(tmp_path: Path) -> None:
    """With these, a reader that steps back by them never ends (CVE-2025-8194)."""
    minus = b"\xff" * 12
    for kind in (b"0", b"x", b"L", b"g"):
        archive = raw(
            tmp_path / "a.tar.gz",
            bytes(plain([file("a")]))[:1024] + header(size=minus, type=kind) + bytes(1024),
        )
        assert re.search("negative|order|not a tar archive|damaged", refusal(archive).message)


@pytest.mark.parametrize("kept", [0, 1, 9, 10, 17, 100, 0.3, 0.6, 0.9, -1, -4, -8])
def test_every_truncation_is_an_error(tmp_path: Path, kept: float) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("x", random.Random(0).randbytes(5000)), file("y")])
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    assert re.search("is not a whole gzip file|is not a tar archive", refusal(archive).message)


def test_a_tar_that_is_cut_short_inside_whole_gzip(tmp_path: Path) -> None:
    whole = bytes(plain([file("x", b"1" * 600), file("y")]))
    for kept in (0, 100, 512, 600, 1536, 1600, 2048, 2100):
        archive = raw(tmp_path / "a.tar.gz", whole[:kept])
        assert re.search("is cut short|is not a tar archive", refusal(archive).message), kept


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("x", random.Random(0).randbytes(5000))])
    damaged = bytearray(archive.read_bytes())
    damaged[2000] ^= 1
    archive.write_bytes(damaged)
    assert "is not a whole gzip file" in refusal(archive).message


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    tar = plain([file("x"), file("y")])
    tar[1024 + 20] ^= 1
    error = refusal(raw(tmp_path / "a.tar.gz", bytes(tar)))
    assert error.message.endswith("is cut short or damaged after 1 files and folders.")


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"<html>404</html>")
    assert "is not a whole gzip file: Not a gzipped file" in refusal(tmp_path / "text").message
    assert "is not a tar archive" in refusal(raw(tmp_path / "gz", b"x" * 2000)).message
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "absent").message
    (tmp_path / "folder").mkdir()
    assert "cannot be read: Is a directory" in refusal(tmp_path / "folder").message


def test_a_disk_that_refuses_is_another_error(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("x/y")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_bytes(b"in the way")
    with pytest.raises(StorageError, match="Cannot write"):
        unpack(archive, everything(tmp_path / "out"))
    assert found(tmp_path / "out") == {"x": b"in the way"}


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(tmp_path / "a.tar.gz", [file("x", b"old")])
    unpack(archive, everything(tmp_path / "out"))
    packed(archive, [file("x", b"new")])

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="No space left on device"):
        unpack(archive, everything(tmp_path / "out"))
    assert found(tmp_path / "out") == {"x": b"old"}


BASE = bytes(plain([file("a", b"1" * 700), file("é" * 80, b"2"), file("c", b"", type=tarfile.SYMTYPE)]))


@given(st.data())
def test_any_archive_is_unpacked_or_refused(tmp_path_factory: Any, data: st.DataObject) -> None:
    tar = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(BASE) - 1))
        new = data.draw(st.binary(max_size=12))
        tar[place : place + len(new)] = new
        block = place // 512 * 512
        if data.draw(st.booleans()):
            tar[block + 148 : block + 156] = b" " * 8
            tar[block + 148 : block + 156] = b"%06o\0 " % (sum(tar[block : block + 512]) % 8**6)
    folder = tmp_path_factory.mktemp("any")
    archive = raw(folder / "a.tar.gz", bytes(tar))
    with suppress(ArchiveError):
        unpack(archive, everything(folder / "out"), max_bytes=1 << 20)
    assert {p.parent for p in folder.iterdir()} == {folder}
    assert set(folder.iterdir()) <= {archive, folder / "out"}
