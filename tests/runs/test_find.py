"""Runs found by name and read back: a name stays in its folder, and a damaged record stops nobody."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.errors import RunError
from fraudlab.runs import RunFolder, find_run, list_runs

WHOLE = {"id": "x", "status": "completed", "error": None, "started": "2026", "stages": {}, "metrics": {}}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of runs with one that is good, beside another folder of runs."""
    monkeypatch.chdir(tmp_path)
    RunFolder.create(tmp_path / "runs", "good", backend="process", data={"source": "table"}).complete()
    RunFolder.create(tmp_path / "elsewhere", "other").complete()
    return tmp_path / "runs"


DAMAGE = {
    "truncated": lambda path: path.write_bytes(json.dumps(WHOLE).encode()[:40]),
    "empty": lambda path: path.write_bytes(b""),
    "blank": lambda path: path.write_bytes(b"\0" * 4096),
    "not UTF-8": lambda path: path.write_bytes(b'{"id": "\xff"}'),
    "a list": lambda path: path.write_text("[1, 2]"),
    "a number": lambda path: path.write_text("7"),
    "null": lambda path: path.write_text("null"),
    "no id": lambda path: path.write_text(json.dumps({**WHOLE, "id": None})),
    "no status": lambda path: path.write_text(json.dumps({k: v for k, v in WHOLE.items() if k != "status"})),
    "metrics are a list": lambda path: path.write_text(json.dumps({**WHOLE, "metrics": []})),
    "started is a number": lambda path: path.write_text(json.dumps({**WHOLE, "started": 5})),
    "error is a text": lambda path: path.write_text(json.dumps({**WHOLE, "error": "bad"})),
    "nested too deeply": lambda path: path.write_text("[" * 100_000),
    "huge": lambda path: path.write_text(json.dumps({**WHOLE, "name": "x" * (5 << 20)})),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link out": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path: path.symlink_to("/nonexistent"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_record_is_left_out_and_said(runs, capsys, kind):
    (runs / "bad").mkdir()
    DAMAGE[kind](runs / "bad" / "run.json")
    assert main(["runs", "list"]) == 0
    shown = capsys.readouterr()
    assert "good" in shown.out
    assert "bad" not in shown.out
    assert shown.err.startswith("left out: ")
    assert str(runs.name) + "/bad/run.json" in shown.err
    assert main(["clean"]) == 0
    assert main(["runs", "show", "good"]) == 0
    capsys.readouterr()
    for command in (["runs", "show", "bad"], ["runs", "report", "bad"], ["compare", "good", "bad"]):
        assert main(command) == 7
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "\nfix: " in error


def test_a_record_that_may_not_be_read_is_left_out_and_said(runs):
    (runs / "bad").mkdir()
    (runs / "bad" / "run.json").write_text(json.dumps(WHOLE))
    (runs / "bad" / "run.json").chmod(0)
    (runs / "shut").mkdir()
    (runs / "shut").chmod(0)
    script = (
        "import sys\nfrom pathlib import Path\nfrom fraudlab.runs import list_runs\nimport os\n"
        "if os.getuid() == 0:\n    os.setgroups([]); os.setuid(65534)\n"
        "print([r.id for r in list_runs(Path(sys.argv[1]), damaged=lambda e: print(e.message))])\n"
    )
    (runs / "good").chmod(0o755)
    if os.getuid() == 0:  # as somebody else, whom modes hold back
        for folder in runs.parents:
            if Path(tempfile.gettempdir()) in folder.parents:
                folder.chmod(0o755)
    words = [sys.executable, "-c", script, str(runs)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    (runs / "shut").chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be read: Permission denied") == 2
    assert done.stdout.endswith("['good']\n")


def test_a_half_written_summary_is_shown_without_numbers(runs, capsys):
    (runs / "odd").mkdir()
    odd = {**WHOLE, "metrics": {"average_precision": "high"}, "error": {"message": "a\nb\x1b[31m"}}
    (runs / "odd" / "run.json").write_text(json.dumps(odd))
    assert main(["runs", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("odd")]
    assert line.endswith("a b [31m")


OUT = {
    "a parent's": "../elsewhere/other",
    "absolute": "{tmp}/elsewhere/other",
    "through itself": "good/../../elsewhere/other",
    "the parent": "..",
    "itself": ".",
    "nothing": "",
    "a link out": "way-out",
    "a system folder": "../../../../../etc",
    "with a line break": "good\nother",
    "with a zero byte": "good\0",
    "of a folder inside": "good/",
}


@pytest.mark.parametrize("kind", OUT)
@pytest.mark.parametrize("command", ["show", "report", "compare"])
def test_names_stay_in_the_folder_that_runs_names(runs, capsys, command, kind):
    (runs / "way-out").symlink_to(runs.parent / "elsewhere" / "other")
    name = OUT[kind].format(tmp=runs.parent)
    words = ["compare", "good", name] if command == "compare" else ["runs", command, name]
    assert main([*words, "--runs", str(runs)]) == 7
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ")
    assert shown.out == ""
    with pytest.raises(RunError):
        find_run(runs, name)


@pytest.mark.parametrize("target", ["../elsewhere/other", "{tmp}/elsewhere/other", "latest", "good/.."])
def test_a_latest_that_leads_out_is_refused(runs, target):
    (runs / "latest").unlink()
    (runs / "latest").symlink_to(target.format(tmp=runs.parent))
    with pytest.raises(RunError):
        find_run(runs, "latest")
    with pytest.raises(RunError):
        find_run(None, "latest")


def test_without_runs_a_folder_may_be_named_anywhere(runs, capsys):
    assert find_run(None, "elsewhere/other").id == "other"
    assert find_run(None, runs.parent / "elsewhere" / "other").id == "other"
    assert find_run(None, "good").id == "good"
    assert main(["runs", "show", "elsewhere/other"]) == 0
    with pytest.raises(RunError, match=r"There is no run in \.\./etc"):
        find_run(None, "../etc")


def test_a_run_is_called_as_its_folder_is(runs):
    """A record's own id could lead a comparison's file name out of the folder."""
    path = runs / "good" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": "../../x"}))
    assert find_run(runs, "good").id == "good"


KILLED = """
import os, signal, sys
from pathlib import Path
from fraudlab.runs import RunFolder
folder = RunFolder.create(Path(sys.argv[1]), "killed", backend="process", data={"source": "table"})
print("made", flush=True)
sys.stdin.read()
"""


def test_a_run_is_running_while_its_launcher_lives_and_dead_after_that(runs, capsys):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(runs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as launcher:
        assert launcher.stdout.readline() == b"made\n"
        assert find_run(runs, "killed").status == "running"
        launcher.send_signal(signal.SIGKILL)
        launcher.wait()
        launcher.stdin.close()
    assert [(run.id, run.status) for run in list_runs(runs)] == [("good", "completed"), ("killed", "dead")]
    assert main(["runs", "list"]) == 0
    assert "dead         process  table       Its launcher ended without a word" in capsys.readouterr().out
    assert main(["runs", "report", "killed"]) == 7
    assert "Run killed is dead, not completed." in capsys.readouterr().err


def test_a_child_of_the_launcher_does_not_hold_its_run(runs):
    """A job that outlives its launcher must not let the run look alive."""
    folder = RunFolder.create(runs, "parent")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        folder._owner.release()  # what the launcher's death does
        assert find_run(runs, "parent").status == "dead"
        child.stdin.close()
        child.wait()


def test_a_name_too_long_for_a_folder_is_no_run(runs, capsys):
    assert main(["runs", "show", "x" * 5000]) == 7
    assert "There is no run" in capsys.readouterr().err
