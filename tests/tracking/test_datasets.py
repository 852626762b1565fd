"""Versions of data as artifacts: one for each content, named where it is, whichever way a run travelled."""

import json
from dataclasses import replace

import pytest

from fraudlab.compose import compose
from fraudlab.errors import ConfigError
from fraudlab.stages.publish import _prepared_facts
from fraudlab.tracking import DatasetVersion, new_key
from fraudlab.tracking.uploading import upload_run

RAW = DatasetVersion(
    name="fraud-dataset",
    kind="raw",
    hashes={"t.csv": "ab" * 32},
    facts={"rows": 10, "fraud_share": 0.1},
    uris={"t.csv": "file:///data/t.csv"},
)
PREPARED = DatasetVersion(
    name="fraud-dataset",
    kind="preprocessed",
    hashes={"train/part-0.parquet": "cd" * 32, "test/part-0.parquet": "ef" * 32},
    facts={"raw": "ab" * 32},
    uris={f"{name}/part-0.parquet": f"s3://b/p/{name}/part-0.parquet" for name in ("train", "test")},
)
NEWER = replace(RAW, hashes={"t.csv": "12" * 32}, facts={"rows": 11})


def used_online(opened, tmp_path, *versions):
    experiment = opened("online")
    for version in versions:
        experiment.log_dataset(version)
    experiment.end()
    assert experiment.problems == []


def used_offline(opened, tmp_path, *versions):
    folder = tmp_path / f"offline-{new_key()}"
    experiment = opened("offline", key=(key := new_key()), folder=folder)
    for version in versions:
        experiment.log_dataset(version)
    experiment.end()
    upload_run(folder, key, settle=0.0)
    assert upload_run(folder, key, settle=0.0) == {}


WAYS = {"online": used_online, "offline and synced": used_offline}


@pytest.mark.parametrize("way", WAYS)
def test_both_kinds_are_versions_of_one_artifact_with_their_alias(opened, server, tmp_path, way):
    WAYS[way](opened, tmp_path, RAW, PREPARED)
    raw, prepared = server.artifacts
    assert {one["artifactName"] for one in server.artifacts} == {"fraud-dataset"}
    assert [one["state"] for one in server.artifacts] == ["CLOSED", "CLOSED"]
    assert set(raw["alias"]) == {RAW.alias, "raw"}
    assert set(prepared["alias"]) == {PREPARED.alias, "preprocessed"}
    assert json.loads(raw["versionMetadata"])["facts"] == {"rows": 10, "fraud_share": 0.1}
    links = {
        (one.artifact, one.name, one.link) for one in server.assets if one.artifact is not None and one.link
    }
    assert links == {
        (raw["artifactVersionId"], "t.csv", "file:///data/t.csv"),
        *(
            (prepared["artifactVersionId"], name, uri)
            for name, uri in PREPARED.uris.items()
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    "ways", [("online", "offline and synced"), ("offline and synced", "online")], ids=str
)
def test_the_same_content_makes_no_new_version_and_newer_content_takes_the_alias(
    opened, server, tmp_path, ways
):
    first, second = (WAYS[way] for way in ways)
    first(opened, tmp_path, RAW)
    second(opened, tmp_path, RAW)
    assert len(server.artifacts) == 1
    assert len(server.artifacts[0]["consumers"]) >= 1
    second(opened, tmp_path, NEWER)
    older, newer = server.artifacts
    assert "raw" not in older["alias"]
    assert set(newer["alias"]) == {NEWER.alias, "raw"}


def test_an_experiment_says_which_version_of_each_kind_it_used(opened, server, tmp_path):
    used_online(opened, tmp_path, RAW, PREPARED)
    assert server.other("dataset.raw") == RAW.alias
    assert server.other("dataset.preprocessed") == PREPARED.alias


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_a_model_in_a_bucket_is_named_there_and_not_copied(opened, server, tmp_path, mode):
    folder, uri = tmp_path / mode, "s3://b/runs/r/train/output/model.tar.gz"
    experiment = opened(mode, key=(key := new_key()), folder=folder)
    experiment.log_model("fraudlab-baseline", tmp_path, uri=uri)
    experiment.end()
    assert experiment.problems == []
    if mode == "offline":
        upload_run(folder, key, settle=0.0)
    (model,) = server.models
    assert model["modelName"] == "fraudlab-baseline"
    assert uri in json.dumps(model["remoteAssets"])
    assert not [one for one in server.assets if one.name in {"model.ubj", "model.json"}]


def test_prepared_data_say_their_parts_their_boundaries_and_what_was_done():
    splits = {
        name: {"rows": rows, "positives": frauds, "time_start": start, "time_end": start + 9.0, "sha256": "x"}
        for name, rows, frauds, start in [
            ("train", 80, 4, 0.0),
            ("validation", 10, 1, 20.0),
            ("test", 10, 0, 40.0),
        ]
    }
    manifest = {
        "splits": splits,
        "split": {"kind": "time", "cuts": [15.0, 35.0]},
        "duplicates": {"policy": "flag"},
        "preprocessing": {"scale": None},
        "roles": {"label": "y"},
        "time": None,
    }
    facts = _prepared_facts(manifest, raw_sha256="ab" * 32)
    assert (facts["split_rows"], facts["frauds"], facts["fraud_share"]) == (100, 5, 0.05)
    assert facts["splits"]["train"] == {
        "rows": 80, "positives": 4, "time_start": 0.0, "time_end": 9.0, "fraud_share": 0.05
    }  # fmt: skip
    assert facts["split"]["cuts"] == [15.0, 35.0]
    assert facts["raw"] == "ab" * 32
    assert {"duplicates", "preprocessing", "roles"} <= set(facts)


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "-a", "a.", "é", "x" * 101])
def test_a_name_that_comet_would_read_as_something_else_is_refused(name):
    with pytest.raises(ConfigError, match="cannot be its name") as error:
        compose([f"tracking.dataset='{name}'"])
    assert "up to 100 letters" in error.value.fix


def test_the_name_can_be_ones_own():
    assert compose(["tracking.dataset=cards_2026.v2"]).tracking.dataset == "cards_2026.v2"
