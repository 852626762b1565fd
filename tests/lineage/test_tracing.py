"""``fraudlab models lineage``: every word that means something, from real runs."""

import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.lineage import tracing
from fraudlab.lineage.deployments import record_deployment

from ..conftest import ROOT
from ..trained import Trained, served

SMALL = ["data.rows=3000", "data.fraud_rate=0.03", "model.num_round=3", "evaluation.resamples=100"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two runs of one table, with different models."""
    import fraudlab

    folder = tmp_path_factory.mktemp("lineage")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["data", "generate", "t.parquet", "--rows", "3000", "--fraud-rate", "0.03"]) == 0
        table = ["data=table", "data.path=t.parquet", "data.label=Class", "data.time=Time", "split.gap=1h"]
        for name, depth in (("one", 2), ("two", 3)):
            words = ["backend=process", "tracking=off", *SMALL, *table]
            fraudlab.train([*words, f"model.max_depth={depth}", f"run.id={name}"], quiet=True)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def runs(made, monkeypatch):
    monkeypatch.chdir(made)
    return made / "runs"


def asked(capsys, word, *more):
    code = main(["models", "lineage", word, *more])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def graph(capsys, word, *more):
    code, out, err = asked(capsys, word, "--json", *more)
    assert (code, err) == (0, "")
    return json.loads(out)


def names(found, kind):
    return sorted(node["name"] for node in found["nodes"] if node["kind"] == kind)


def contract(runs, run="one"):
    return json.loads((runs / run / "model" / "model.json").read_text())


WORDS = {
    "id": lambda runs: "one",
    "folder of the run": lambda runs: "runs/one",
    "absolute folder of the run": lambda runs: str(runs / "one"),
    "folder of the model": lambda runs: "runs/one/model",
    "booster": lambda runs: "runs/one/model/model.ubj",
    "contract": lambda runs: "runs/one/model/model.json",
    "archive": lambda runs: "runs/one/model/model.tar.gz",
    "digest of the model": lambda runs: contract(runs)["hashes"]["model.ubj"],
    "id of the model in answers": lambda runs: contract(runs)["hashes"]["model.ubj"][:12],
    "digest as sha256sum's users write it": lambda runs: f"sha256:{contract(runs)['hashes']['model.ubj']}",
    "endpoint of the run": lambda runs: json.loads((runs / "one/requests/endpoint.json").read_text())[
        "EndpointName"
    ],
    "training job": lambda runs: json.loads((runs / "one/requests/training-job.json").read_text())[
        "TrainingJobName"
    ],
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_one_run_gives_the_whole_line_and_nothing_of_others(runs, capsys, word):
    found = graph(capsys, WORDS[word](runs))
    hashes = contract(runs)["hashes"]
    assert names(found, "run") == ["one"]
    assert names(found, "raw table") == [hashes["data"]]
    assert names(found, "model") == [hashes["model.ubj"]]
    assert len(found["nodes"]) == 5
    assert len(found["edges"]) == 4


DATA = {
    "file": lambda runs: "t.parquet",
    "absolute file": lambda runs: str(runs.parent / "t.parquet"),
    "digest": lambda runs: hashlib.sha256((runs.parent / "t.parquet").read_bytes()).hexdigest(),
    "digest of one split": lambda runs: contract(runs)["hashes"]["prepared"]["test"][:16],
}


@pytest.mark.parametrize("word", DATA)
def test_a_word_for_data_gives_every_run_and_model_that_came_of_it(runs, capsys, word):
    found = graph(capsys, DATA[word](runs))
    assert names(found, "run") == ["one", "two"]
    assert names(found, "model") == sorted(
        contract(runs, run)["hashes"]["model.ubj"] for run in ("one", "two")
    )


def test_the_drawing_has_what_an_answer_must_lead_back_to(runs, capsys):
    code, out, _ = asked(capsys, "latest")
    assert code == 0
    assert "run two: completed, " in out
    assert f"configuration {runs / 'two' / 'config.yaml'}" in out
    assert str(runs.parent / "t.parquet") in out
    assert out.count("← asked for") == 1
    assert [line.lstrip("│├└─ ").split(" ")[0] for line in out.splitlines()] == [
        "raw", "prepared", "run", "model", "endpoint"
    ]  # fmt: skip


def test_an_answer_of_an_endpoint_leads_back_to_its_run(runs, capsys):
    import http.client

    with served(_as_trained(runs / "one")) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/model")
        said = connection.getresponse().getheader("x-fraudlab-model")
        connection.close()
        by_url = graph(capsys, f"http://127.0.0.1:{port}")
    by_answer = graph(capsys, said)
    for found in (by_url, by_answer):
        (run,) = [node for node in found["nodes"] if node["kind"] == "run"]
        assert run["name"] == "one"
        assert run["facts"]["configuration"] == str(runs / "one" / "config.yaml")
    assert f"http://127.0.0.1:{port}" in names(by_url, "endpoint")


def _as_trained(folder):
    found = Trained.__new__(Trained)
    found.folder = folder
    return found


def test_an_endpoint_that_was_deployed_is_found_from_the_data_and_leads_back(runs, capsys):
    digest = contract(runs)["hashes"]["model.ubj"]
    record_deployment(runs, endpoint="fraudlab-scoring", place="sagemaker eu-west-1", model=digest)
    try:
        assert names(graph(capsys, "fraudlab-scoring"), "run") == ["one"]
        assert "fraudlab-scoring@sagemaker eu-west-1" in names(graph(capsys, "t.parquet"), "endpoint")
        assert "endpoint fraudlab-scoring: sagemaker eu-west-1; deployed; since " in asked(capsys, "one")[1]
    finally:
        (runs / "deployments.jsonl").unlink()


def test_versions_of_the_registry_are_found_both_ways(runs, capsys, tmp_path, monkeypatch):
    """Also where the run that was registered is gone: the registry has a copy of it."""
    shutil.copytree(runs / "one", tmp_path / "runs" / "one")
    monkeypatch.chdir(tmp_path)
    assert main(["models", "register", "one", "--name", "fraud"]) == 0
    force = ["--force", "--reason", "a test"]
    assert main(["models", "promote", "fraud", "1", "--to", "staging", *force]) == 0
    capsys.readouterr()
    hashes = contract(runs)["hashes"]
    for word in ("one", hashes["data"], hashes["model.ubj"][:12], "fraud:1"):
        assert names(graph(capsys, word), "registry version") == ["fraud:1"], word
    assert "registry version fraud:1: pending; staging; since " in asked(capsys, "one")[1]
    shutil.rmtree(tmp_path / "runs")
    shutil.copytree(runs / "two", tmp_path / "runs" / "one")
    assert names(graph(capsys, "fraud:1"), "run") == ["one of another folder"]
    shutil.rmtree(tmp_path / "runs")
    for word in ("fraud:1", "fraud:v1", "fraud:staging", "fraud:latest", "fraud"):
        found = graph(capsys, word)
        assert names(found, "run") == ["one"]
        assert names(found, "raw table") == [hashes["data"]]
    (copy,) = (tmp_path / "registry").glob("versions/*/one/run.json")
    copy.write_text("{")
    code, _, err = asked(capsys, "fraud:1")
    assert code == 7
    assert "left out: fraud:1: " in err


def test_two_runs_with_the_same_model_are_both_its_origin(runs, capsys, tmp_path):
    for run in ("one", "two"):
        shutil.copytree(runs / run, tmp_path / "runs" / run)
    shutil.copytree(runs / "one", tmp_path / "runs" / "again")
    record = json.loads((tmp_path / "runs/again/run.json").read_text())
    (tmp_path / "runs/again/run.json").write_text(json.dumps({**record, "id": "again"}))
    found = graph(capsys, contract(runs)["hashes"]["model.ubj"], "--runs", str(tmp_path / "runs"))
    assert names(found, "run") == ["again", "one"]
    _, out, _ = asked(capsys, "t.parquet", "--runs", str(tmp_path / "runs"))
    assert out.count("as above") == 1


def test_a_run_elsewhere_is_traced_among_its_own_neighbours(runs, capsys, tmp_path):
    shutil.copytree(runs / "two", tmp_path / "elsewhere" / "one")
    record = json.loads((tmp_path / "elsewhere/one/run.json").read_text())
    (tmp_path / "elsewhere/one/run.json").write_text(json.dumps({**record, "id": "one"}))
    found = graph(capsys, str(tmp_path / "elsewhere" / "one"))
    assert names(found, "model") == [contract(runs, "two")["hashes"]["model.ubj"]]


def test_a_model_of_another_machine_says_what_it_knows_and_takes_no_run_of_the_same_name(
    runs, capsys, tmp_path
):
    shutil.copytree(runs / "two" / "model", tmp_path / "model")
    changed = {**contract(runs, "two"), "run_id": "one"}
    changed["hashes"]["data"] = "f" * 64
    (tmp_path / "model" / "model.json").write_text(json.dumps(changed))
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    alone = graph(capsys, str(tmp_path / "model"), "--runs", str(tmp_path / "none"))
    assert names(alone, "run") == ["one"]
    assert names(alone, "raw table") == ["f" * 64]
    beside = graph(capsys, str(tmp_path / "model"))
    assert names(beside, "run") == ["one of another folder", "two"]
    _, out, _ = asked(capsys, str(tmp_path / "model"), "--runs", str(tmp_path / "none"))
    assert "run one: not in this folder of runs" in out


def test_an_imported_model_leads_back_to_its_file(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = ROOT / "tests/inputs/official-models/xgboost-1.7.ubj"
    assert main(["models", "import", str(source), "--columns", "auto", "--output", "brought"]) == 0
    capsys.readouterr()
    found = graph(capsys, "brought")
    assert names(found, "imported file") == [hashlib.sha256(source.read_bytes()).hexdigest()]
    assert names(found, "run") == []


def broken_run(runs, tmp_path):
    (tmp_path / "runs" / "bad").mkdir(parents=True)
    (tmp_path / "runs" / "bad" / "run.json").write_text("{")
    return "bad", "is not JSON"


def changed_booster(runs, tmp_path):
    shutil.copytree(runs / "one" / "model", tmp_path / "model")
    (tmp_path / "model" / "model.ubj").write_bytes(b"other")
    return str(tmp_path / "model"), "is not the model that model.json beside it describes"


def changed_table(runs, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    return str(tmp_path / "t.csv"), "No run here has used"


def empty_archive(runs, tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz"):
        pass
    return str(tmp_path / "model.tar.gz"), "has no model.json"


def no_contract(runs, tmp_path):
    (tmp_path / "model.json").write_text("[]")
    return str(tmp_path / "model.json"), "describes no model"


def several(runs, tmp_path):
    for name in "cd":
        record_deployment(tmp_path / "runs", endpoint="e", place=name, model="a" * 64)
    return "e", "means several: endpoint e@c, endpoint e@d"


REFUSED = {
    "nothing": lambda runs, tmp_path: ("nosuch", "'nosuch' is nothing that runs here have used or made"),
    "nobody listens": lambda runs, tmp_path: ("http://127.0.0.1:9", "127.0.0.1:9"),
    "a damaged run": broken_run,
    "a changed booster": changed_booster,
    "a changed table": changed_table,
    "an archive without a model": empty_archive,
    "no contract": no_contract,
    "several": several,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_leads_nowhere_is_said_with_a_fix(runs, capsys, tmp_path, what, monkeypatch):
    from fraudlab.predict import client

    monkeypatch.setattr(client, "PAUSES", ())
    word, sentence = REFUSED[what](runs, tmp_path)
    more = ["--runs", str(tmp_path / "runs")] if (tmp_path / "runs").exists() else []
    code, out, err = asked(capsys, word, *more)
    assert code in {5, 6, 7}
    assert out == ""
    assert sentence in err
    assert "\nfix: " in err


def test_a_damaged_run_hides_no_other(runs, capsys, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "runs" / "one")
    for name, content in {"cut": "{", "odd": None}.items():
        shutil.copytree(runs / "two", tmp_path / "runs" / name)
        if content:
            (tmp_path / "runs" / name / "run.json").write_text(content)
        else:
            (tmp_path / "runs" / name / "data" / "manifest.json").write_text("[1]")
    code, out, err = asked(capsys, "t.parquet", "--runs", str(tmp_path / "runs"))
    assert code == 0
    assert "run one: " in out
    assert err.count("left out: ") == 2


@pytest.mark.parametrize(
    "damage",
    [
        {"git": "main"},
        {"data": None},
        {"image": 5},
        {"experiment": []},
        {"metrics": {"average_precision": None}},
    ],
    ids=str,
)
def test_a_record_with_odd_parts_is_drawn_without_them(runs, capsys, tmp_path, damage):
    shutil.copytree(runs / "one", tmp_path / "runs" / "one")
    record = json.loads((tmp_path / "runs/one/run.json").read_text())
    (tmp_path / "runs/one/run.json").write_text(json.dumps({**record, **damage}))
    code, out, err = asked(capsys, "one", "--runs", str(tmp_path / "runs"))
    assert (code, err) == (0, "")
    assert "run one: " in out


def test_words_that_are_no_names_are_refused(runs, capsys):
    for word in ("", " ", ".", "..", "runs", "\0", "a\nb", "é", "x" * 5000):
        code, _, err = asked(capsys, word)
        assert code != 0
        assert "Traceback" not in err


def model_words(runs, found):
    digest = found["hashes"]["model.ubj"]
    return [digest, digest[:12], digest[:12].upper(), f"sha256:{digest}", str(runs / "one" / "model"),
            "runs/one/model/model.ubj", "runs/one/model/model.json"]  # fmt: skip


@pytest.mark.parametrize("number", range(7))
def test_a_model_needs_no_other_run_to_be_read(runs, capsys, monkeypatch, number):
    word = model_words(runs, contract(runs))[number]
    whole = graph(capsys, contract(runs)["hashes"]["model.ubj"][:11])  # too few digits to be sure of
    read = []
    monkeypatch.setattr(tracing, "known_lineage", lambda *_, **__: read.append(word))
    assert graph(capsys, word) == whole
    assert not read


def test_what_a_model_shares_with_others_is_asked_of_all(runs, capsys):
    hashes = contract(runs)["hashes"]
    for digest in (hashes["data"], *hashes["prepared"].values()):
        assert names(graph(capsys, digest), "run") == ["one", "two"]


def test_a_model_that_came_of_two_runs_or_left_them_is_seen_at_once(runs, capsys, tmp_path):
    copied = tmp_path / "runs"
    shutil.copytree(runs, copied, symlinks=True)
    digest = contract(runs)["hashes"]["model.ubj"]
    shutil.copytree(copied / "one", copied / "three")
    assert names(graph(capsys, digest, "--runs", str(copied)), "run") == ["one", "three"]
    shutil.rmtree(copied / "one")
    assert names(graph(capsys, digest, "--runs", str(copied)), "run") == ["three"]
    shutil.rmtree(copied / "three")
    code, _, err = asked(capsys, digest, "--runs", str(copied))
    assert code
    assert "is nothing that runs here have used or made" in err
