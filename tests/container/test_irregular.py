"""A job's own look at what its hooks have left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fraudlab.container.failure import ConfigError, report_failure
from fraudlab.container.irregular import refuse_irregular, remove_irregular


def test_what_is_no_regular_file_is_removed_and_named(tmp_path: Path) -> None:
    model, outside = tmp_path / "model", tmp_path / "outside"
    (model / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (model / "model.ubj").write_text("booster")
    (model / "absolute").symlink_to(outside / "kept")
    (model / "deep" / "folder").symlink_to(outside)
    (model / "deep" / "dangling").symlink_to("nowhere")
    os.link(outside / "kept", model / "hard")
    os.mkfifo(model / "pipe")
    removed = remove_irregular([model, tmp_path / "absent"])
    assert [text.replace(f"{model}/", "") for text in removed] == [
        "'absolute' is a symbolic link",
        "'hard' is a hard link, which may be another file's second name",
        "'pipe' is a named pipe",
        "'deep/dangling' is a symbolic link",
        "'deep/folder' is a symbolic link",
    ]
    assert sorted(p.name for p in model.rglob("*")) == ["deep", "model.ubj"]
    assert (outside / "kept").read_text() == "kept"
    refuse_irregular([model])


def test_the_refusal_names_a_few_and_says_what_to_do(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"l{number}").symlink_to("/etc/passwd")
    with pytest.raises(
        ConfigError, match=r"regular files only: .*l0' is a symbolic link.*and 2 more$"
    ) as error:
        refuse_irregular([tmp_path])
    assert "copy instead of linking" in error.value.fix


def test_a_failure_file_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("somebody's")
    (tmp_path / "failure").symlink_to(tmp_path / "other")
    assert report_failure(ConfigError("bad", fix="do"), tmp_path / "failure") == 2
    assert (tmp_path / "other").read_text() == "somebody's"
    assert (tmp_path / "failure").read_text().startswith("bad\n")
