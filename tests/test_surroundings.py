"""What surrounds a run and must not matter: modules beside the table, terminals, readers, Comet's files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab import children
from fraudlab.errors import TrackingError
from fraudlab.tracking import open_experiment
from fraudlab.tracking.comet.account import unreadable

FRAUDLAB = [sys.executable, "-m", "fraudlab"]
SMALL = [
    "backend=process", "tracking=off", "data.rows=2000", "data.fraud_rate=0.02", "model.num_round=2",
    "evaluation.resamples=100",
]  # fmt: skip


def call(*words, cwd, stdout=subprocess.PIPE, program=FRAUDLAB, **environment):
    return subprocess.run(
        [*program, *words], cwd=cwd, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
        encoding="utf-8", errors="replace", env={**os.environ, **environment},
    )  # fmt: skip


def test_modules_of_ones_own_and_a_plain_terminal_do_not_stop_a_run(tmp_path):
    """One run for all: names that jobs import, ASCII, a broken file of Comet's, an odd folder."""
    for name in ("xgboost", "random", "queue", "json", "numpy", "secrets", "types", "fraudlab_hooks"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    (tmp_path / ".comet.config").write_text("[comet]\nworkspace=a\nworkspace=b\n")
    words = [word for word in SMALL if word != "tracking=off"]
    done = call(
        "train", *words, "run.id=r", "paths.runs=ü = (1)", cwd=tmp_path, PYTHONIOENCODING="ascii",
        program=[str(Path(sys.executable).with_name("fraudlab"))],
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "run r - baseline on synthetic - plain processes" in done.stdout
    assert "report: \\xfc = (1)/r/report.html" in done.stdout
    assert ".comet.config is not a configuration: see line 3; nothing is kept" in done.stdout


def test_children_import_nothing_of_the_current_folder(in_tmp):
    assert children.python("m", "a")[1:] == ["-P", "-m", "m", "a"]
    made = children.environment(
        {"PYTHONPATH": os.pathsep.join(["", ".", str(in_tmp), "/x", "src"]), "A": "b"}
    )
    assert made == {
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "A": "b",
        "PYTHONPATH": f"/x{os.pathsep}src",
    }
    assert "PYTHONPATH" not in children.environment({"PYTHONPATH": ":"})


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "utf-8:strict"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["größe → 表.csv", "\udce9.csv"])
def test_every_terminal_can_show_an_error(tmp_path, environment, name):
    done = call("predict", name, cwd=tmp_path, **environment)
    assert done.returncode in {2, 3, 6, 7}
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    "words",
    ["--help", "--version", "runs list --help", "train --help", "train --help seed", "train --cfg job"],
)
def test_a_reader_who_leaves_early_is_no_error(tmp_path, words, unbuffered):
    read, write = os.pipe()
    os.close(read)
    done = call(*words.split(), cwd=tmp_path, stdout=write, PYTHONUNBUFFERED=unbuffered)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_ends_well_without_anybody_who_reads(tmp_path):
    read, write = os.pipe()
    os.close(read)
    done = call("train", *SMALL, "run.id=r", cwd=tmp_path, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "runs" / "r" / "report.html").is_file()


def test_closed_streams_are_stood_in_for(tmp_path):
    shell = f'{sys.executable} -m fraudlab runs list >&- 2>&- <&-; echo "$?" >code'
    subprocess.run(["bash", "-c", shell], cwd=tmp_path, check=True)
    assert (tmp_path / "code").read_text() == "0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", ["runs list", "train --help"])
def test_output_that_cannot_be_written_is_said(tmp_path, words, unbuffered):
    with Path("/dev/full").open("wb") as full:
        done = call(*words.split(), cwd=tmp_path, stdout=full, PYTHONUNBUFFERED=unbuffered)
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stderr) == (
        8,
        "error: Output cannot be written: No space left on device.\n",
    )


BROKEN = {
    "a key twice": (b"[comet]\na=1\na=2\n", "is not a configuration: see line 3"),
    "a section twice": (b"[a]\n[a]\n", "is not a configuration: see line 2"),
    "no section's end": (b"[comet\na=1\n", "is not a configuration"),
    "binary": (b"\xf5\x00\x81\n\xff", "is not text"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("where", ["here", "home", "named"])
def test_a_broken_configuration_of_comets_is_a_line(in_tmp, monkeypatch, kind, where):
    folder = in_tmp / where
    folder.mkdir()
    file = folder / ".comet.config"
    content, said = BROKEN[kind]
    file.write_bytes(content)
    if where == "here":
        monkeypatch.chdir(folder)
    elif where == "home":
        monkeypatch.setenv("HOME", str(folder))
    else:
        monkeypatch.setenv("COMET_CONFIG", str(file))
    assert unreadable().startswith(f"{file} {said}")
    about = {"workspace": None, "project": "p", "name": "n", "key": "k" * 32, "folder": in_tmp / "comet"}
    for mode in ("auto", "offline"):
        made = open_experiment(mode=mode, **about)
        assert (made.key, len(made.problems)) == (None, 1)
    with pytest.raises(TrackingError, match="tracking=online is not possible: "):
        open_experiment(mode="online", **about)
    assert open_experiment(mode="off", **about).problems == []


def test_an_address_that_is_none_is_a_line_too(in_tmp, monkeypatch):
    for address in ("http://[::1", "http://h:port"):
        monkeypatch.setenv("COMET_URL_OVERRIDE", address)
        assert unreadable() == "COMET_URL_OVERRIDE is not a URL"
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://h:80/api")
    assert unreadable() == ""


def test_a_table_whose_name_is_no_utf8_is_read_like_any_other(tmp_path):
    table = ["data", "generate", "t.csv", "--rows", "2000", "--fraud-rate", "0.05"]
    assert call(*table, cwd=tmp_path).returncode == 0
    (tmp_path / "t.csv").rename(tmp_path / "k\udce9.csv")
    words = [word for word in SMALL if not word.startswith("data.")]
    about = ["data=table", "data.path=k\udce9.csv", "data.label=Class", "data.time=Time", "data.time_unit=s"]
    done = call("train", *words, *about, "run.id=r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "runs" / "r" / "run.json").read_text(encoding="utf-8"))
    assert record["data"]["path"] == str(tmp_path / "k\udce9.csv")
