"""The files of a channel: which are read, and which are none."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudlab.container.channels import csv_files

from .example_channel import (
    FORMATS,
    LABEL,
    MATRIX,
    as_table,
    assert_is_the_table,
    put,
    read,
    refusal,
    sentence,
)


def test_only_nested_files_in_sorted_order(folder: Path) -> None:
    files = {
        "b.csv": "1,3\n",
        "a/z/one.csv": "0,1\n",
        "a/two.csv": "1,0.5\n",
        ".hidden": b"\x00",
        ".git/config": b"\x00",
        "_SUCCESS": b"junk",
        "_temporary/0/part.csv": "9,9\n",
        "empty.csv": "",
        "blank.csv": "\n\n",
    }
    assert read(folder, files).matrix.tolist() == [[0.5], [1], [3]]


def test_links_are_followed_and_may_go_in_circles(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", {"a.csv": "0,1\n", "more/b.csv": "1,2\n"})
    folder.mkdir()
    (folder / "1.csv").symlink_to(tmp_path / "elsewhere/a.csv")
    (folder / "2").symlink_to(tmp_path / "elsewhere/more")
    (tmp_path / "elsewhere/more/again").symlink_to(folder)
    assert read(folder, {}).matrix[:, 0].tolist()[:2] == [1, 2]
    (tmp_path / "link").symlink_to(folder)
    assert read(tmp_path / "link", {}).label.tolist()[:2] == [0, 1]


def test_folders_that_hold_nothing(folder: Path) -> None:
    assert sentence(folder, {}) == "there is no channel train"
    assert refusal(folder, {}).fix == "give the job an input channel named train"
    folder.mkdir()
    assert sentence(folder, {}) == "channel train has no files"
    assert sentence(folder, {"_SUCCESS": "x", ".a": "x", "_b/c.csv": "1,2\n"}) == "channel train has no files"
    assert sentence(folder, {"a.csv": "", "b/c.csv": ""}) == "channel train has only empty files"


@pytest.mark.parametrize(
    ("files", "content_type"),
    [
        ({"a.csv": "\n \n"}, None),
        ({"a.svm": "\n\n"}, None),
        ({"a.svm": "# nothing\n"}, None),
        ({"a.parquet": as_table([], np.empty((0, 2)))}, None),
    ],
)
def test_files_without_rows(folder: Path, files: Any, content_type: Any) -> None:
    assert sentence(folder, files, content_type) == "channel train has no rows"


def test_what_is_no_regular_file(folder: Path) -> None:
    put(folder, {"a.csv": "1,2\n"})
    (folder / "b").symlink_to(folder / "gone")
    assert sentence(folder, {}) == "b of channel train is a link to nothing"
    (folder / "b").unlink()
    os.mkfifo(folder / "b")
    assert sentence(folder, {}) == "b of channel train is no regular file"


@contextmanager
def not_root() -> Iterator[None]:
    """Root reads everything, so for once be somebody else."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(12345)
    try:
        yield
    finally:
        os.seteuid(user)


def test_files_that_may_not_be_read() -> None:
    # pytest's own folders may not be entered by anybody else
    with tempfile.TemporaryDirectory() as entered:
        Path(entered).chmod(0o755)
        folder = Path(entered) / "train"
        put(folder, {"a.csv": "1,2\n"})
        (folder / "a.csv").chmod(0)
        with not_root():
            found = sentence(folder, {})
    assert found.startswith("channel train cannot be read: [Errno 13] Permission denied")


@pytest.mark.parametrize("content_type", FORMATS)
def test_a_read_only_channel_is_left_as_it_is(folder: Path, content_type: str) -> None:
    write, _ = FORMATS[content_type]
    path = put(folder, {"part": write(LABEL, MATRIX)}) / "part"
    path.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = path.stat().st_mtime_ns, sorted(folder.iterdir())
    assert_is_the_table(read(folder, {}))
    assert (path.stat().st_mtime_ns, sorted(folder.iterdir())) == before
    folder.chmod(stat.S_IRWXU)


def test_a_channel_that_breaks_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error", "a.csv")

    monkeypatch.setattr(csv_files, "line_blocks", fail)
    expected = "channel train cannot be read: [Errno 5] Input/output error: 'a.csv'"
    assert sentence(folder, {"a.csv": "1,2\n"}) == expected
