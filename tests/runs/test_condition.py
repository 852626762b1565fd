"""Conditions on runs: what each spelling means, what is refused, and that nothing of them is executed."""

import json
import random
import time
from datetime import UTC, datetime

import pytest
import yaml

from fraudlab.cli import main
from fraudlab.errors import ConfigError
from fraudlab.runs import list_runs
from fraudlab.runs.condition import conditions
from fraudlab.runs.condition_parser import parse_condition
from fraudlab.runs.run_parameters import ParameterReader
from fraudlab.runs.run_values import RunValues

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COMPLETED = {"stages": {}, "error": None}
#: id: record, configuration, metrics of the file alone
RUNS = {
    "deep": (
        {"name": "baseline", "status": "completed", "backend": "local",
         "data": {"source": "table", "rows": 90},
         "started": "2026-11-18T10:00:00.000Z", "ended": "2026-11-18T10:05:00.000Z",
         "git": {"commit": "abc123", "dirty": True}, "stages": {"train": {"seconds": 200.0}},
         "metrics": {"average_precision": 0.9, "recall": 0.5, "roc_auc": 0.95}},
        {"model": {"max_depth": 9, "learning_rate": 0.1, "booster": None, "name": "baseline"},
         "data": {"drop": ["a", "b"], "label": "Class"}, "split": {"train": 0.6}, "seed": 1},
        {"value_recall": 0.7},
    ),
    "flat": (
        {"name": "weighted", "status": "completed", "backend": "process", "data": {"source": "synthetic"},
         "started": "2026-11-20T00:00:00.000Z", "ended": "2026-11-20T00:00:30.000Z",
         "git": {"commit": "def456", "dirty": False},
         "metrics": {"average_precision": 0.6, "recall": 0.7, "roc_auc": 0.8, "precision": None}},
        {"model": {"max_depth": 2, "learning_rate": 0.3, "booster": "dart", "name": "weighted"},
         "data": {"drop": [], "label": "Class"}, "split": {"train": 0.6}, "seed": 1},
        {"value_recall": 0.2},
    ),
    "broken": (
        {"name": "or not", "status": "failed", "backend": None, "metrics": {}, "started": None,
         "error": {"message": "It broke [here]."}},
        None,
        None,
    ),
}  # fmt: skip


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (record, config, metrics) in RUNS.items():
        folder = tmp_path / "runs" / name
        (folder / "evaluation").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"id": name, **COMPLETED, **record}))
        if config is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
            (folder / "evaluation" / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path / "runs"


MEANT = {
    "average_precision>0.8 and backend=local": {"deep"},
    "average_precision > .8": {"deep"},
    "average_precision>80%": {"deep"},
    "average_precision>8e-1": {"deep"},
    "0.8<average_precision": {"deep"},
    "0.5<average_precision<=0.6": {"flat"},
    "average_precision>=0.6": {"deep", "flat"},
    "average_precision≥0.6": {"deep", "flat"},
    "average_precision=>0.6": {"deep", "flat"},
    "average_precision==0.6": {"flat"},
    "average_precision=0.6": {"flat"},
    "average_precision!=0.6": {"deep"},
    "average_precision<>0.6": {"deep"},
    "average_precision≠0.6": {"deep"},
    "metrics.average_precision>0.8": {"deep"},
    "recall>average_precision": {"flat"},
    "value_recall>0.5": {"deep"},
    "precision is null": {"deep", "flat", "broken"},
    "precision = none": {"deep", "flat", "broken"},
    "recall is not null": {"deep", "flat"},
    "recall != null": {"deep", "flat"},
    "backend is null": {"broken"},
    "backend!=local": {"flat"},
    "not backend=local": {"flat", "broken"},
    "!(backend=local or backend=process)": {"broken"},
    "backend in (local, process) and recall>0.6": {"flat"},
    "backend in [local]": {"deep"},
    "backend not in (local)": {"flat", "broken"},
    "backend=local or backend=process": {"deep", "flat"},
    "backend=local || recall>0.6": {"deep", "flat"},
    "backend=local | recall>0.6 & recall<0.6": {"deep"},
    "(backend=local or backend=process) && recall>0.6": {"flat"},
    "backend=local, recall<0.6": {"deep"},
    "backend=local AND recall<0.6": {"deep"},
    "name='or not'": {"broken"},
    'name="or not"': {"broken"},
    "name=“or not”": {"broken"},
    "name~base": {"deep"},
    "name~BASE*": {"deep"},
    "name!~base": {"flat", "broken"},
    "name like 'base%'": {"deep"},
    "name contains ight": {"flat"},
    "error contains '[here]'": {"broken"},
    "id=flat": {"flat"},
    "data=table": {"deep"},
    "status=failed": {"broken"},
    "max_depth>5": {"deep"},
    "model.max_depth > 5": {"deep"},
    "model.booster is null": {"deep", "broken"},
    "booster=dart": {"flat"},
    "model.name=weighted": {"flat"},
    "data.drop contains a": {"deep"},
    "data.drop=b": {"deep"},
    "data.rows>50": {"deep"},
    "git.dirty": {"deep"},
    "git.dirty=true": {"deep"},
    "git.dirty=no": {"flat"},
    "not git.dirty": {"flat", "broken"},
    "git.commit~abc": {"deep"},
    "stages.train.seconds>3m": {"deep"},
    "seconds>1m": {"deep"},
    "seconds<=30": {"flat"},
    "age<2d": {"flat"},
    "age > 48 hours": None,
    "started>=2026-11-20": {"flat"},
    "started>2026-11-20": set(),
    "started=2026-11-18": {"deep"},
    "started!=2026-11-18": {"flat"},
    "started<2026-11-18T11:00:01+01:00": {"deep"},
    "started<=2026-11-18": {"deep"},
    "2026-11-19<started": {"flat"},
    "ended is null": {"broken"},
}


@pytest.mark.parametrize("text", MEANT)
def test_a_condition_chooses_the_runs_that_are_meant(runs, text):
    found = list_runs(runs)
    values = RunValues(found, now=NOW)
    if MEANT[text] is None:
        with pytest.raises(ConfigError):
            conditions([text], values, found)
        return
    holds = conditions([text], values, found)
    assert {run.id for run in found if holds(run)} == MEANT[text]


REFUSED = {
    "": "write a condition",
    "average_precision": "compare it",
    "average_precision>": "write it like",
    "average_precision>0,8": "write a number with a point",
    "average_precision 0.8": "write it like",
    "average_precison>0.8": "did you mean 'average_precision'?",
    "max_dept>5": "did you mean 'model.max_depth'?",
    "average_precision>high": "average_precision=0.9",
    "average_precision=local": "average_precision=0.9",
    "average_precision>recall_": "average_precision=0.9",
    "model.max_depth=deep": "model.max_depth=9",
    "backend>=locl": "did you mean 'local'?",
    "backend=locl": "did you mean 'local'?",
    "status=complete": "did you mean 'completed'?",
    "status in (completed, fail)": "did you mean 'failed'?",
    "started>7d": "age<7d",
    "started>20": "started>=2026-11-20",
    "started~2026": "started>=2026-11-20",
    "age<7": "did you mean age=7d?",
    "name": "name is not null",
    "data.drop>1": "contains",
    "recall=name": "put quotes around 'name'",
    "(recall>0.5": "write it like",
    "recall>0.5)": "write it like",
    "recall>0.5 and": "write it like",
    "and recall>0.5": "write it like",
    "recall in 0.5": "write it like",
    "recall in (0.5": "write it like",
    "recall is 0.5": "write it like",
    "recall>0.5 backend=local": "write it like",
    "name='baseline": "close it",
    "name=it's": "close it",
    "__import__('os').system('true')": "write it like",
    "recall.__class__=x": "Valid:",
    "(" * 60 + "recall>0.5" + ")" * 60: "leave out brackets",
    "recall>0.5 and " * 400 + "recall>0": "valid: up to 4,000",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_condition_is_refused_with_what_would_be(runs, capsys, text):
    assert main(["runs", "list", "--where", text]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert REFUSED[text].lower() in shown.err.split("\nfix: ")[1].lower()


def test_all_that_is_wrong_is_said_at_once(runs, capsys):
    words = ["--where", "recal>0.5 or backend=lokal", "--where", "status=done and", "--where", "started>soon"]
    assert main(["runs", "list", *words]) == 2
    error = capsys.readouterr().err
    for word in ("'recal'", "'lokal'", "'status=done and'", "'soon'"):
        assert word in error
    assert main(["runs", "list", "--columns", "recal,lokal,x*"]) == 2
    error = capsys.readouterr().err
    for word in ("'recal'", "'lokal'", "'x*'"):
        assert word in error


def test_any_text_is_a_condition_or_refused():
    """Drawn from the pieces of the language, so that much of it is nearly right."""
    draw = random.Random(7)
    pieces = [
        *"()[],!'\"=<>~&|",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "recall",
        "0.5",
        " ",
        "≥",
        "é",
        "\n",
    ]
    read, fixes = 0, []
    for _ in range(4_000):
        text = "".join(draw.choices(pieces, k=draw.randint(1, 14)))
        try:
            parse_condition(text)
            read += 1
        except ConfigError as error:
            fixes.append(error.fix)
    assert read > 20
    assert all(fixes)


def test_a_short_name_is_said_in_full(runs, capsys):
    assert main(["runs", "list", "--where", "max_depth>5", "--sort", "-max_depth"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "max_depth is taken for model.max_depth\n"
    assert "model.max_depth" in shown.out.splitlines()[0]


def test_a_short_name_that_may_be_two_is_refused(runs):
    (runs / "deep" / "config.yaml").write_text("a:\n  depth: 1\nb:\n  depth: 2\n")
    with pytest.raises(ConfigError, match=r"'depth' may be a\.depth or b\.depth"):
        RunValues(list_runs(runs)).find("depth")


COLUMNS = {
    "recall": ["recall"],
    "recall,model.max_depth": ["recall", "model.max_depth"],
    "recall, max_depth, recall": ["recall", "model.max_depth"],
    "model.*": ["model.booster", "model.learning_rate", "model.max_depth", "model.name"],
    "differing": ["model.booster", "model.learning_rate", "model.max_depth", "model.name", "data.drop"],
    "id,git.commit,started,seconds,error": ["git.commit", "started", "seconds", "error"],
}


@pytest.mark.parametrize("words", COLUMNS)
def test_columns_are_those_asked_for(runs, capsys, words):
    command = ["runs", "list", "--where", "recall is not null", "--columns", words]
    assert main(command) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", *COLUMNS[words]]
    assert [line.split()[0] for line in lines] == ["deep", "flat"]
    assert main([*command, "--json"]) == 0
    assert [list(run["columns"]) for run in json.loads(capsys.readouterr().out)] == [COLUMNS[words]] * 2


def test_several_keys_sort(runs, capsys):
    for key, expected in {
        "seed,-average_precision": ["deep", "flat", "broken"],
        "seed,average_precision": ["flat", "deep", "broken"],
        "-seed,-model.max_depth": ["deep", "flat", "broken"],
        "data.label,learning_rate": ["deep", "flat", "broken"],
    }.items():
        assert main(["runs", "list", "--json", "--sort", key]) == 0
        assert [run["id"] for run in json.loads(capsys.readouterr().out)] == expected
    assert main(["runs", "list", "--sort", "seed,nonsense"]) == 2
    assert "'nonsense'" in capsys.readouterr().err


def test_without_runs_only_what_never_is_is_refused(tmp_path, capsys):
    words = ["runs", "list", "--runs", str(tmp_path), "--where"]
    assert main([*words, "model.max_depth>5 and recall>0.5"]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}\n"
    assert main([*words, "nonsense>5"]) == 2


CONFIGS = {
    "flat": "model:\n  max_depth: 4\n  rate: 0.1\nseed: 1\n",
    "nested": "a:\n  b:\n    c: 1\n  d: [1, 2]\n",
    "lists": "a:\n  b:\n  - 1\n  - x\n",
    "spaces in a text": "a:\n  b: some words\n  c: 1\n",
    "quotes": "'yes': true\na:\n  'no': x\n",
    "several lines": 'a:\n  b: "one\n\n    two"\nc: |\n  text: 1\n  more\n',
    "an anchor": "a: &one\n  b: 1\nc: *one\n",
    "a value that is a date": "a:\n  b: 2026-11-20\n",
    "a comment": "# said\na: # here\n  b: 1\n",
    "a number in a text": "a:\n  b: 1e3\n  c: 0x10\n  d: 1_000\n  e: .5\n  f: on\n",
    "empty": "",
    "what is no parameter": "paths:\n  runs: x\nrun:\n  id: y\nforce: true\nverbose: false\na: 1\n",
    "a list": "- 1\n",
    "no yaml": "a: [\n",
    "tabs": "a:\n\tb: 1\n",
    "a key twice": "a:\n  b: 1\n  b: 2\na:\n  c: 3\n",
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_configurations_are_read_as_the_parser_reads_them_whole(tmp_path, kind):
    from fraudlab.runs.record import flatten
    from fraudlab.runs.run_parameters import NOT_PARAMETERS

    (tmp_path / "config.yaml").write_text(CONFIGS[kind])
    try:
        whole = yaml.safe_load(CONFIGS[kind]) or {}
    except yaml.YAMLError:
        whole = {}
    whole = whole if isinstance(whole, dict) else {}
    expected = flatten({name: value for name, value in whole.items() if name not in NOT_PARAMETERS})
    reader = ParameterReader()
    assert reader.read(tmp_path) == expected
    assert reader.read(tmp_path) == expected


def test_a_configuration_that_changes_is_read_anew(tmp_path):
    reader = ParameterReader()
    assert reader.read(tmp_path) == {}
    for depth in (4, 12):
        (tmp_path / "config.yaml").write_text(f"model:\n  max_depth: {depth}\n")
        assert reader.read(tmp_path) == {"model.max_depth": depth}


def test_ten_thousand_runs_cost_no_more_than_reading_them(tmp_path, capsys):
    """A bound of its own kind: processor time against that of reading and parsing the same files plainly."""
    record = {
        "id": "x",
        **COMPLETED,
        **RUNS["deep"][0],
        "packages": {f"package-{n}": "1.2.3" for n in range(40)},
    }
    for number in range(2_000):
        folder = tmp_path / f"run-{number:04d}"
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(record, indent=2))
    plain = listed = float("inf")
    for _ in range(3):
        began = time.process_time()
        for folder in tmp_path.iterdir():
            json.loads((folder / "run.json").read_text())
        plain = min(plain, time.process_time() - began)
        began = time.process_time()
        assert main(["runs", "list", "--runs", str(tmp_path)]) == 0
        listed = min(listed, time.process_time() - began)
    assert len(capsys.readouterr().out.splitlines()) == 3 * 2_001
    assert listed < plain
