"""Which runs a list shows, in which order, and as what."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.errors import ConfigError
from fraudlab.runs import Run, list_runs
from fraudlab.runs.listing import Selection, select

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
#: id, model, status, backend, began, seconds, average precision
RUNS = [
    ("a-1", "baseline", "completed", "process", "2026-11-01T10:00:00.000Z", 20, 0.70),
    ("a-10", "weighted", "completed", "local", "2026-11-10T10:00:00.000Z", 10, 0.80),
    ("a-2", "baseline", "failed", "local", "2026-11-15T10:00:00.000Z", 5, None),
    ("v2", "weighted", "interrupted", None, "2026-11-19T13:00:00.000Z", 3, None),
    ("w", "baseline", "completed", "process", "2026-11-20T11:00:00.000Z", 30, 0.75),
]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Five runs, written as run.json has them."""
    monkeypatch.chdir(tmp_path)
    for name, model, status, backend, began, seconds, precision in RUNS:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        ended = began.replace(":00.000Z", f":{seconds:02d}.000Z")
        failed = {"type": "X", "message": "It broke.", "fix": "mend it", "exit_code": 5}
        metrics = {} if precision is None else {
            "average_precision": precision, "average_precision_low": 0.6, "average_precision_high": 0.9,
            "roc_auc": 1 - precision, "precision": None,
        }  # fmt: skip
        record = {
            "id": name, "name": model, "status": status, "backend": backend, "started": began, "ended": ended,
            "error": failed if precision is None else None, "stages": {}, "metrics": metrics,
            "data": {"source": "table"},
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(record))
    return tmp_path / "runs"


CHOICES = {
    "all, oldest first": ([], ["a-1", "a-10", "a-2", "v2", "w"]),
    "one status": (["--status", "failed"], ["a-2"]),
    "two statuses": (["--status", "failed,interrupted"], ["a-2", "v2"]),
    "a status twice": (["--status", "failed", "--status", "interrupted"], ["a-2", "v2"]),
    "a backend": (["--backend", "process"], ["a-1", "w"]),
    "a part of an id": (["--name", "a-1"], ["a-1", "a-10"]),
    "a model": (["--name", "weigh"], ["a-10", "v2"]),
    "a pattern": (["--name", "a-?"], ["a-1", "a-2"]),
    "since a duration": (["--since", "24h"], ["v2", "w"]),
    "since a date": (["--since", "2026-11-15"], ["a-2", "v2", "w"]),
    "since a time": (["--since", "2026-11-15T10:00:01"], ["v2", "w"]),
    "since a time elsewhere": (["--since", "2026-11-19T14:00:00+01:00"], ["v2", "w"]),
    "by id": (["--sort", "id"], ["a-1", "a-2", "a-10", "v2", "w"]),
    "by id, down": (["--sort", "-id"], ["w", "v2", "a-10", "a-2", "a-1"]),
    "by seconds": (["--sort", "seconds"], ["v2", "a-2", "a-10", "a-1", "w"]),
    "by a metric": (["--sort", "average_precision"], ["a-1", "w", "a-10", "a-2", "v2"]),
    "best first": (["--sort", "-average_precision"], ["a-10", "w", "a-1", "a-2", "v2"]),
    "best first, in one word": (["--sort=-average_precision"], ["a-10", "w", "a-1", "a-2", "v2"]),
    "by what is null everywhere": (["--sort", "precision"], ["a-1", "a-10", "a-2", "v2", "w"]),
    "the newest two": (["--limit", "2"], ["v2", "w"]),
    "the best two": (["--sort", "-average_precision", "--limit", "2"], ["a-10", "w"]),
    "more than there are": (["--limit", "99"], ["a-1", "a-10", "a-2", "v2", "w"]),
    "all together": (
        ["--status", "completed", "--backend", "process", "--sort", "-started", "--limit", "1"], ["w"]
    ),
    "none": (["--name", "nothing"], []),
}  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES)
def test_runs_are_chosen_and_ordered(runs, capsys, monkeypatch, choice):
    words, expected = CHOICES[choice]
    monkeypatch.setattr("fraudlab.runs.listing.datetime", _Frozen)
    assert main(["runs", "list", *words, "--json"]) == 0
    assert [run["id"] for run in json.loads(capsys.readouterr().out)] == expected
    assert main(["runs", "list", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    if expected:
        assert [line.split()[0] for line in lines] == ["run", *expected]
        at = lines[0].index("status")
        assert all(line[at - 2 : at] == "  " and line[at] != " " for line in lines)
    else:
        assert lines == ["no such runs in runs, of 5"]


class _Frozen(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


REFUSED = {
    "a status": (["--status", "complete"], "did you mean 'completed'?"),
    "a metric": (["--sort", "-average_precison"], "did you mean 'average_precision'?"),
    "nothing to sort by": (["--sort", "-"], "Valid: "),
    "a number without a unit": (["--since", "7"], "did you mean --since=7d?"),
    "no time": (["--since", "yesterday"], "or a date or time such as 2026-11-20"),
    "no run": (["--limit", "0"], "valid: 1 or more"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_means_nothing_is_refused_with_what_would(runs, capsys, kind):
    words, fix = REFUSED[kind]
    assert main(["runs", "list", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert fix in shown.err.split("\nfix: ")[1]


def test_the_json_has_what_scripts_ask_for(runs, capsys):
    assert main(["runs", "list", "--json", "--sort", "id", "--limit", "2"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "id": "a-1", "name": "baseline", "status": "completed", "backend": "process", "data": "table",
        "started": "2026-11-01T10:00:00.000Z", "ended": "2026-11-01T10:00:20.000Z", "seconds": 20.0,
        "metrics": {
            "average_precision": 0.7, "average_precision_low": 0.6, "average_precision_high": 0.9,
            "roc_auc": pytest.approx(0.3), "precision": None,
        },
        "gates": [], "error": None, "folder": str(runs / "a-1"),
    }  # fmt: skip
    assert second["error"]["fix"] == "mend it"


def test_without_runs_the_json_is_an_empty_list(tmp_path, capsys):
    assert main(["runs", "list", "--json", "--runs", str(tmp_path / "nothing")]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_a_number_that_json_does_not_have_is_null(runs, capsys):
    record = json.loads((runs / "w" / "run.json").read_text())
    record["metrics"]["roc_auc"] = float("nan")
    (runs / "w" / "run.json").write_text(json.dumps(record))
    assert main(["runs", "list", "--json", "--sort", "-roc_auc"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in found] == ["a-1", "a-10", "a-2", "v2", "w"]
    assert found[-1]["metrics"]["roc_auc"] is None


def test_a_metric_that_is_sorted_by_has_a_column(runs, capsys):
    assert main(["runs", "list", "--sort", "roc_auc"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    at = head.index("roc_auc")
    assert first.startswith("a-10 ")
    assert first[at : at + 4] == "0.2 "


def test_a_backend_of_any_name_has_its_column(runs, capsys):
    path = Path("runs/a-1/run.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "backend": "a-backend-with-a-long-name"}))
    assert main(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines[0].index("data")
    assert {line[at - 2 : at] for line in lines} == {"  "}
    assert {line[at : at + 5] for line in lines[1:]} == {"table"}


def test_on_a_terminal_no_line_is_longer_than_it(runs, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["runs", "list"]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) == 60


def test_a_selection_is_pure(runs):
    found = list_runs(runs)
    before = list(found)
    assert select(found, Selection(sort="-id", limit=1), now=NOW)[0].id == "w"
    assert found == before
    with pytest.raises(ConfigError):
        select([], Selection(sort="nonsense"))
    assert isinstance(found[0], Run)
    assert Path(found[0].folder).is_dir()
