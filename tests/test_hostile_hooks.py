"""What hooks.py leaves in a job's outputs: a run takes files of the job's own, and nothing else."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from fraudlab.cli import main

SMALL = ["backend=process", "tracking=off", "data.rows=5000", "data.fraud_rate=0.02", "model.num_round=3"]
SECRET = "the host's own"
#: a metric that runs `leave` once, where the job writes
HOOK = """
import os
import pathlib
import socket

MODEL = pathlib.Path(os.environ["FRAUDLAB_ML_ROOT"], "model")
DATA = MODEL.parent / "output" / "data"
SECRET = {secret!r}


def curious(label, score, weight):
    if not (MODEL / "once").exists():
        MODEL.mkdir(exist_ok=True)
        DATA.mkdir(parents=True, exist_ok=True)
        (MODEL / "once").touch()
        {leave}
    return 0.0
"""


def train(tmp: Path, run: str, leave: str) -> int:
    (tmp / "secret").write_text(SECRET)
    (tmp / "hooks.py").write_text(HOOK.format(secret=str(tmp / "secret"), leave=leave))
    hooks = ["model.hooks=hooks.py", "model.eval_metric=[logloss,hook:curious]"]
    return main(["train", *SMALL, *hooks, f"run.id={run}"])


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("(MODEL / 'evil').symlink_to(SECRET)", "model/evil' is a symbolic link"),
        ("os.link(SECRET, MODEL / 'evil')", "model/evil' is a hard link"),
        ("os.mkfifo(DATA / 'evil.json')", "output/data/evil.json' is a named pipe"),
        ("(DATA / 'evil.json').symlink_to(SECRET)", "output/data/evil.json' is a symbolic link"),
        ("os.mkdir(MODEL / 'd'); os.symlink('/', MODEL / 'd' / 'evil')", "model/d/evil' is a symbolic link"),
        ("DATA.parent.joinpath('failure').symlink_to(SECRET)", "output/failure' is a symbolic link"),
    ],
)  # fmt: skip
def test_a_job_that_leaves_links_fails_and_says_so(in_tmp, capsys, leave, said):
    assert train(in_tmp, "evil", leave) == 2
    error = capsys.readouterr().err
    assert "the job's outputs may hold regular files only: " in error
    assert said in error
    assert "copy instead of linking" in error
    assert json.loads(Path("runs/evil/run.json").read_text())["status"] == "failed"
    assert not list(Path("runs/evil").rglob("model.tar.gz"))
    assert Path("secret").read_text() == SECRET
    assert not [p for p in Path("runs").rglob("*") if p.is_file() and SECRET in p.read_text(errors="replace")]


def test_a_folder_that_a_hook_replaces_by_a_link_is_refused_by_the_launcher(in_tmp, capsys):
    """The job itself takes its model folder for one that a platform mounted."""
    leave = "os.rename(MODEL, SECRET + '-folder'); os.symlink(SECRET + '-folder', MODEL)"
    assert train(in_tmp, "moved", leave) == 5
    assert "The train job left what cannot be taken: model is a symbolic link." in capsys.readouterr().err
    assert not list(Path("runs/moved").rglob("model.tar.gz"))


def test_plain_files_of_a_hook_are_taken(in_tmp):
    assert train(in_tmp, "plain", "(MODEL / 'notes.txt').write_text('plain')") == 0
    with tarfile.open("runs/plain/model/model.tar.gz") as archive:
        assert sorted(archive.getnames()) == [
            "model.json",
            "model.ubj",
            "model_card.md",
            "notes.txt",
            "once",
        ]
