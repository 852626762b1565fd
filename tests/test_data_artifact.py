"""`data=artifact`: a run that starts from a version of data that Comet has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from tests.comet_server import KEY, comet_server

from fraudlab.compose import compose
from fraudlab.errors import ConfigError, DataError, TrackingError
from fraudlab.stages.starting_point import look_up_start

SMALL = ["train", "backend=process", "model.num_round=6"]
MADE = [*SMALL, "data.rows=20000", "data.fraud_rate=0.01", "tracking=online"]


class Place:
    """A folder of runs with an account on a Comet server."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server

    def account(self, monkeypatch):
        """Let this process have the account."""
        for name in [name for name in os.environ if name.startswith(("COMET_", "AWS_PARTNER_APP"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("COMET_CONFIG", str(self.folder / "none"))
        monkeypatch.setenv("COMET_URL_OVERRIDE", self.server.url)
        monkeypatch.setenv("COMET_API_KEY", KEY)

    def ran(self, *words, ok=True, **changes):
        environment = {**os.environ, "HOME": str(self.folder), "COMET_CONFIG": str(self.folder / "none")}
        environment |= {"COMET_API_KEY": KEY, "COMET_URL_OVERRIDE": self.server.url, **changes}
        done = subprocess.run(
            [sys.executable, "-m", "fraudlab", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    def began(self, run, version, *words):
        return self.ran(*SMALL, f"run.id={run}", "data=artifact", f"data.artifact={version}", *words)

    def json(self, run, name):
        return json.loads((self.folder / "runs" / run / name).read_text())

    def version(self, run):
        """What its record says of the version that a run started from."""
        return self.json(run, "run.json")["data"]["version"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Run `a` has made a raw version, 1.0.0, and a prepared one, 2.0.0."""
    with comet_server() as server:
        found = Place(tmp_path_factory.mktemp("artifact"), server)
        found.ran(*MADE, "run.id=a")
        yield found


def check_same_model(place, run, number):
    first, second = (place.json(one, "model/model.json") for one in ("a", run))
    assert second["hashes"] == first["hashes"]
    assert second["threshold"] == first["threshold"]
    metrics = [place.json(one, "evaluation/metrics.json") for one in ("a", run)]
    assert metrics[0]["average_precision"] == metrics[1]["average_precision"]
    assert place.json(run, "data/manifest.json") == place.json("a", "data/manifest.json")
    assert place.version(run)["number"] == number
    assert len(place.server.artifacts) == 2, "identical data makes no new version"
    (used,) = [one for one in place.server.artifacts if one["version"] == number]
    assert place.json(run, "run.json")["experiment"]["key"] in used["consumers"]
    # made of random numbers, whichever way it came
    assert "Generated data" in (place.folder / "runs" / run / "report.html").read_text()
    drawn = place.ran("models", "lineage", run).stdout
    kind = "preprocessed" if number == "2.0.0" else "raw"
    assert f"dataset version ws/fraud-dataset:{number}: {kind}" in drawn


def test_a_run_from_prepared_data_makes_the_same_model_and_is_reproduced_from_its_number(place):
    place.began("b", "fraud-dataset:preprocessed", "tracking=online", "paths.cache=empty")
    assert not (place.folder / "runs/b/logs/process.log").exists()
    check_same_model(place, "b", "2.0.0")
    assert "artifact: ws/fraud-dataset:2.0.0" in (place.folder / "runs/b/config.yaml").read_text()
    place.ran("runs", "reproduce", "b")


def test_texts_of_reasons_are_held_against_the_columns_of_prepared_data(place):
    (place.folder / "texts.yaml").write_text("Amont: x\nAmount: '{value}'\n")
    words = ["run.id=t", "data=artifact", f"data.artifact={PREPARED}", "serving.reasons=texts.yaml"]
    done = place.ran(*SMALL, *words, "tracking=off", ok=False)
    assert done.returncode == 2
    assert "'Amont' is not a column of the model (did you mean 'Amount'?)" in done.stderr
    assert not (place.folder / "runs/t/model").exists()


def test_a_run_from_a_raw_version_prepares_it_and_one_that_is_offline_tells_of_it_later(place):
    done = place.began("c", "ws/fraud-dataset:v1.0.0", "tracking=offline", "paths.cache=another")
    assert "looked up at Comet's server all the same" in done.stdout
    assert (place.folder / "runs/c/logs/process.log").exists()
    place.ran("sync", "c")
    check_same_model(place, "c", "1.0.0")


def test_a_plan_asks_comet_only_where_it_is_told_to(place):
    words = ["backend=process", "data=artifact", "data.artifact=fraud-dataset:preprocessed"]
    before = len(place.server.paths)
    assert "Comet was not asked" in place.ran("plan", *words).stdout
    assert len(place.server.paths) == before
    asked = place.ran("plan", *words, "--ask").stdout
    assert "ws/fraud-dataset:2.0.0" in asked
    assert "20,000 rows" in asked
    assert "ws/fraud-dataset:2.0.0 is prepared" in asked
    raw = place.ran("plan", "backend=process", "data=artifact", "data.artifact=fraud-dataset:raw", "--ask")
    assert ".parquet" in raw.stdout


PREPARED, RAW = "fraud-dataset:preprocessed", "fraud-dataset:raw"
REFUSED = {
    "no such alias": (["fraud-dataset:preprocesed"], ["'preprocesed'", "mean 'preprocessed'? Valid: 1.0.0"]),
    "no such number": (["fraud-dataset:7.0.0"], ["'7.0.0'", "1.0.0", "2.0.0"]),
    "no such artifact": (["fraud-datset:raw"], ["'fraud-datset'", "did you mean 'fraud-dataset'"]),
    "no such workspace": (["nobody/fraud-dataset:raw"], ["workspace 'nobody'"]),
    "another workspace": (["risk/fraud-dataset:raw"], ["The workspace risk has no artifact"]),
    "a workspace of the configuration": ([RAW, "tracking.workspace=risk"], ["workspace risk"]),
    "no version": (["fraud-dataset"], ["names no version", "fraud-dataset:preprocessed"]),
    "nothing named": (None, ["data.artifact must be given for data=artifact"]),
    "an empty version": (["fraud-dataset:"], ["names no version"]),
    "too many parts": (["a/b/c:raw"], ["names no version"]),
    "not for a table": ([RAW, "data=synthetic"], ["data=synthetic starts from no version"]),
    "split again": (
        [PREPARED, "split=stratified", "split.gap=2h"],
        ["ws/fraud-dataset:2.0.0 is prepared already", "split, split.gap would", ":raw"],
    ),
    "split as it is, but asked for": ([PREPARED, "split.train=0.6"], ["split.train would change nothing"]),
    "described again": (
        [PREPARED, "data.time=null", "data.scale=standard"],
        ["data.time=null (it has Time)", "data.scale=standard (it has none)"],
    ),
    "an experiment that prepares otherwise": (
        ["fraud-dataset:2.0.0", "experiment=notebook_v1"],
        ["data.duplicates=drop (it has flag)", "split.kind=stratified"],
    ),
    "another table": ([RAW, f"data.sha256={'0' * 64}"], ["0" * 64, "its sha256 is 44147033ec77"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_what_can(place, monkeypatch, case):
    given, said = REFUSED[case]
    place.account(monkeypatch)
    overrides = ["data=artifact", *([f"data.artifact={given[0]}", *given[1:]] if given else [])]
    with pytest.raises(ConfigError) as refused:
        look_up_start(compose(overrides), overrides)
    assert [part for part in said if part not in str(refused.value)] == []


@pytest.mark.parametrize("version", ["2.0.0", "v2.0.0", "preprocessed", "1a7f8f68976b"])
@pytest.mark.parametrize("workspace", ["", "ws/"])
def test_a_version_has_several_names(place, monkeypatch, workspace, version):
    place.account(monkeypatch)
    words = ["data=artifact", f"data.artifact={workspace}fraud-dataset:{version}"]
    found, config = look_up_start(compose(words), words)
    assert config.data.artifact == "ws/fraud-dataset:2.0.0"
    assert (config.data.label, config.data.amount, config.split.kind.value) == ("Class", "Amount", "time")
    assert found.kind == "preprocessed"


def test_what_is_given_of_a_raw_version_wins(place, monkeypatch):
    place.account(monkeypatch)
    words = [
        "data=artifact",
        f"data.artifact={RAW}",
        "data.amount=null",
        "data.drop=[V1]",
        "split=stratified",
    ]
    _, config = look_up_start(compose(words), words)
    assert (config.data.label, config.data.time, config.data.amount) == ("Class", "Time", None)
    assert (config.data.drop, config.data.delay, config.split.gap) == (["V1"], "1h", "1h")
    assert config.split.kind.value == "stratified"


def test_what_agrees_with_a_prepared_version_may_be_said(place, monkeypatch):
    place.account(monkeypatch)
    words = [
        "data=artifact",
        f"data.artifact={PREPARED}",
        "data.label=Class",
        "data.duplicates=flag",
        "seed=7",
    ]
    _, config = look_up_start(compose(words), words)
    assert config.seed == 7


CHANGED = {
    "of another type": ({"artifactType": "model"}, {}, "of the type 'model'"),
    "of somebody else": ({}, {"kind": None}, "does not say what fraudlab's versions"),
    "other hashes": ({}, {"digest": "0" * 64}, "contradicts itself"),
    "another manifest": ({}, {"manifest_sha256": "0" * 64}, "has another manifest than it says"),
    "no description": ({}, {"facts": {"raw": "ab" * 32}}, "does not say as what it was read"),
    "of no table": ({}, {"facts": {}}, "does not say which table it is"),
    "a description of other types": (
        {},
        {"facts": {"raw": "ab" * 32, "description": {"data": {"label": ["a"]}, "split": {}}}},
        "does not say as what it was read",
    ),
    "never finished": ({"state": "OPEN"}, {}, "is not complete"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_version_that_nobody_can_start_from_says_why(place, monkeypatch, case):
    record, metadata, said = CHANGED[case]
    (version,) = [one for one in place.server.artifacts if one["version"] == "2.0.0"]
    changed = {**json.loads(version["versionMetadata"]), **metadata}
    for name, value in {**record, "versionMetadata": json.dumps(changed)}.items():
        monkeypatch.setitem(version, name, value)
    place.account(monkeypatch)
    words = ["data=artifact", f"data.artifact={PREPARED}"]
    with pytest.raises(DataError, match=said) as refused:
        look_up_start(compose(words), words)
    assert "ws/fraud-dataset:2.0.0" in refused.value.message
    assert refused.value.fix


def test_what_a_version_says_resolves_nothing_of_this_machine(place, monkeypatch):
    """Whoever made it wrote it: what looks like a reference is a text."""
    (version,) = [one for one in place.server.artifacts if one["version"] == "1.0.0"]
    about = json.loads(version["versionMetadata"])
    about["facts"]["description"]["data"]["label"] = "${oc.env:HOME}"
    monkeypatch.setitem(version, "versionMetadata", json.dumps(about))
    place.account(monkeypatch)
    words = ["data=artifact", f"data.artifact={RAW}"]
    _, config = look_up_start(compose(words), words)
    assert config.data.label == "${oc.env:HOME}"


@pytest.mark.parametrize("mode", ["offline", "off", "auto", "online"])
def test_without_a_server_nothing_can_be_looked_up_whatever_tracking_says(place, monkeypatch, mode):
    place.account(monkeypatch)
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9/clientlib/")
    words = ["data=artifact", f"data.artifact={RAW}", f"tracking={mode}"]
    with pytest.raises(
        TrackingError, match="looked up at a Comet server, whatever `tracking` says"
    ) as refused:
        look_up_start(compose(words), words)
    assert KEY not in str(refused.value)


def test_without_a_key_a_run_leaves_nothing_behind(place):
    done = place.ran(*SMALL, "run.id=no", "data=artifact", f"data.artifact={RAW}", ok=False, COMET_API_KEY="")
    assert done.returncode == 9
    assert "no COMET_API_KEY" in done.stderr
    assert not (place.folder / "runs" / "no").exists()


def test_files_that_are_gone_or_others_are_named_and_their_copy_is_taken(place, tmp_path):
    links = {one.name: one.link for one in place.server.assets if one.artifact == "1" and one.link}
    folder = tmp_path / "prepared"
    source = place.folder / "runs/.cache/prepared"
    (kept,) = [path for path in source.iterdir() if f"/{path.name}/" in links["test/part-0.parquet"]]
    shutil.copytree(kept, folder)
    file = folder / "test" / "part-0.parquet"
    whole = file.read_bytes()

    def start(run, *words):
        return place.ran(
            *SMALL, f"run.id={run}", "data=artifact", f"data.artifact={PREPARED}", "tracking=off",
            f"paths.cache={tmp_path / run}", f"data.path={folder}", *words, ok=False,
        )  # fmt: skip

    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    other = start("other")
    assert other.returncode == 3
    expected = json.loads(place.server.artifacts[1]["versionMetadata"])["hashes"]["test/part-0.parquet"]
    assert expected in other.stderr
    assert str(file) in other.stderr
    assert other.stderr.count("sha256") >= 1
    file.unlink()
    gone = start("gone")
    assert gone.returncode == 3
    assert f"ws/fraud-dataset:2.0.0 names {file}" in gone.stderr
    file.write_bytes(whole)
    moved = start("moved")
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert place.json("moved", "model/model.json")["hashes"] == place.json("a", "model/model.json")["hashes"]
