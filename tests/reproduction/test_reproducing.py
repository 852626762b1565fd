"""A run carried out once more: byte-identical, or what differs is named; nothing is begun in vain."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.csv as pacsv
import pytest

from fraudlab.cli import main

from ..conftest import ROOT, require
from ..test_workflow import table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A completed run of a table with a category."""
    folder = tmp_path_factory.mktemp("reproduced")
    before = Path.cwd()
    os.chdir(folder)
    try:
        pacsv.write_csv(table(rows=2000), "t.csv")
        words = ["data=table", "data.path=t.csv", "data.label=y", "data.time=ts", "data.id=[tx]"]
        fixed = ["backend=process", "tracking=off", "model.num_round=4", "data.categorical=[country]"]
        assert main(["train", *words, *fixed, "evaluation.resamples=100", "run.id=first"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of the run and its table, in the current folder."""
    shutil.copytree(made, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def reproduce(capsys, *words):
    capsys.readouterr()
    code = main(["runs", "reproduce", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def change(path, **facts):
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def test_the_same_bytes_come_out_again(here, capsys):
    code, out, err = reproduce(capsys, "first", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["identical"] is True
    assert found["also_identical"] == {"scores": True, "metrics": True}
    again = here / "runs" / found["again"]
    assert (again / "model/model.ubj").read_bytes() == (here / "runs/first/model/model.ubj").read_bytes()
    assert json.loads((again / "run.json").read_text())["experiment"] is None
    # nothing came out of the cache: it was done again
    assert json.loads((again / "run.json").read_text())["stages"]["prepare"]["cached"] is False


def test_a_model_that_is_another_is_refused_with_the_reason(here, capsys):
    config = here / "runs/first/config.yaml"
    config.write_text(config.read_text().replace("max_depth: auto", "max_depth: 2"))
    change(here / "runs/first/run.json", packages={"numpy": "1.0"}, code="0" * 64)
    code, out, err = reproduce(capsys, "first")
    assert code == 7
    assert "package: numpy: 1.0 then" in out
    assert "error: The model of run first is " in err
    for reason in (
        "configuration: max_depth: 4 then, 2 now",
        "package: numpy: 1.0 then",
        "code: of the jobs",
    ):
        assert reason in err
    assert "\nfix: " in err
    assert "reproduced" not in out


def remove_table(here):
    (here / "t.csv").unlink()
    record = json.loads((here / "runs/first/run.json").read_text())
    change(here / "runs/first/run.json", data={**record["data"], "path": str(here / "t.csv")})
    return [], 3, "The table of run first is not here"


def change_table(here):
    pacsv.write_csv(table(rows=2001), "t.csv")
    return [], 3, "is not the table of run first: sha256"


def name_another(here):
    pacsv.write_csv(table(rows=2001), "other.csv")
    return ["--data", "other.csv"], 3, "other.csv is not the table of run first"


def fail_it(here):
    error = {"type": "JobFailed", "message": "m", "fix": "f", "exit_code": 5}
    change(here / "runs/first/run.json", status="failed", error=error)
    return [], 7, "Run first is failed, not completed"


def change_model(here):
    (here / "runs/first/model/model.ubj").write_bytes(b"x")
    return [], 7, "was changed: its model.json names"


def lose_model(here):
    (here / "runs/first/model/model.ubj").unlink()
    return [], 7, "has no model/model.ubj"


REFUSED = [remove_table, change_table, name_another, fail_it, change_model, lose_model]


@pytest.mark.parametrize("what", REFUSED, ids=lambda what: what.__name__)
def test_what_cannot_be_reproduced_begins_no_run(here, capsys, what):
    words, exit_code, sentence = what(here)
    code, _, err = reproduce(capsys, "first", *words)
    assert code == exit_code
    assert sentence in err
    assert "\nfix: " in err
    assert visible(here / "runs") == ["first", "latest"]


def test_a_dry_run_says_all_that_differs_and_begins_none(here, capsys):
    change(here / "runs/first/run.json", packages={"numpy": "1.0"})
    pacsv.write_csv(table(rows=2001), "t.csv")
    code, out, err = reproduce(capsys, "first", "--dry-run")
    assert (code, err) == (0, "")
    assert "data: " in out
    assert "package: numpy: 1.0 then" in out
    assert visible(here / "runs") == ["first", "latest"]


def test_a_table_that_moved_is_found_where_it_is_said_to_be(here, capsys):
    (here / "t.csv").rename(here / "moved.csv")
    code, out, _ = reproduce(capsys, "first", "--data", "moved.csv", "--dry-run")
    assert code == 0
    assert "data: " not in out
    assert "code, packages and machine are as they were" in out


@pytest.mark.slow
def test_a_clean_clone_at_the_commit_gives_the_same_bytes(tmp_path):
    """Trained in one clone, reproduced in another at that commit, from a copy of the run's folder."""
    require("git", (ROOT / ".git").exists(), "no checkout to clone")
    clones = [tmp_path / name for name in ("first", "second")]
    for clone in clones:
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    words = ["backend=process", "tracking=off", "data.rows=2000", "data.fraud_rate=0.05", "model.num_round=3"]
    small = ["evaluation.resamples=100", "run.id=r"]
    done = in_clone(clones[0], "train", *words, *small)
    assert done.returncode == 0, done.stderr
    record = json.loads((clones[0] / "runs/r/run.json").read_text())
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clones[1], capture_output=True, text=True, check=True
    )
    assert record["git"] == {**record["git"], "commit": commit.stdout.strip(), "dirty": False}
    shutil.copytree(clones[0] / "runs" / "r", clones[1] / "runs" / "r")
    done = in_clone(clones[1], "runs", "reproduce", "r")
    assert done.returncode == 0, done.stderr
    assert "code, packages and machine are as they were" in done.stdout
    assert "reproduced: the model is byte-identical" in done.stdout
    # and code that is another is named
    source = clones[1] / "src/fraudlab/container/training/boosting.py"
    source.write_text(source.read_text() + "# changed\n")
    done = in_clone(clones[1], "runs", "reproduce", "r", "--dry-run")
    assert "code: of the jobs: " in done.stdout
    assert f"commit {record['git']['commit']} with uncommitted changes" in done.stdout


def in_clone(clone, *words):
    return subprocess.run(
        [sys.executable, "-m", "fraudlab", *words],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(clone / "src")},
    )
