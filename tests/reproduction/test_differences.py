"""What differs between then and now, and what of it may matter."""

import copy

import pytest

from fraudlab.reproduction.differences import of_contracts, of_data, of_image, of_surroundings

THEN = {
    "git": {"commit": "a" * 40, "branch": "main", "dirty": False},
    "code": "c" * 64,
    "packages": {"fraudlab": "0.1.0", "xgboost-cpu": "3.2.0", "numpy": "2.4.6", "comet_ml": "3.58.8"},
    "platform": {"python": "3.11.7", "system": "Linux-6.1-x86_64-with-glibc2.36", "cpus": 2},
}
CONTRACT = {
    "hyperparameters": {"max_depth": 4, "eval_metric": ["aucpr"]},
    "columns": [{"name": "a", "type": "number"}],
    "preprocessing": {"scale": None},
    "versions": {"xgboost": "3.2.0"},
    "hashes": {"data": "d" * 64, "prepared": {"train": "e" * 64}, "model.ubj": "f" * 64},
}


def changed(source, path, value):
    made = copy.deepcopy(source)
    *sections, last = path.split("/")
    node = made
    for section in sections:
        node = node[section]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return made


def test_what_is_as_it_was_differs_in_nothing():
    assert of_surroundings(THEN, copy.deepcopy(THEN)) == []
    assert of_contracts(CONTRACT, changed(CONTRACT, "hashes/model.ubj", "0" * 64)) == []


@pytest.mark.parametrize(
    ("path", "value", "said", "matters"),
    [
        ("code", "1" * 64, "code: of the jobs: cccccccccccc (commit aaa", True),
        ("packages/numpy", "2.5.0", "package: numpy: 2.4.6 then, 2.5.0 now", True),
        ("packages/numpy", None, "package: numpy: 2.4.6 then, none now", True),
        ("packages/xgboost-cpu", "3.3.0", "package: xgboost: 3.2.0 then, 3.3.0 now", True),
        ("packages/comet_ml", "4.0", "package: comet_ml: 3.58.8 then, 4.0 now", False),
        ("packages/pyarrow", "26.0.1", "package: pyarrow: none then, 26.0.1 now", True),
        ("platform/python", "3.12.1", "package: python: 3.11.7 then, 3.12.1 now", True),
        ("platform/cpus", 64, "machine: cpus: 2 then, 64 now", False),
        ("platform/system", "Linux-6.9-x86_64-with-glibc2.40", "machine: system: Linux-6.1", False),
        ("platform/system", "Linux-6.1-aarch64-with-glibc2.36", "machine: system: Linux-6.1", True),
    ],
)
def test_one_thing_that_changed_is_the_one_that_is_said(path, value, said, matters):
    (found,) = of_surroundings(THEN, changed(THEN, path, value))
    assert str(found).startswith(said)
    assert found.may_matter is matters


def test_a_commit_counts_only_where_the_code_is_not_known():
    other = changed(THEN, "git/commit", "b" * 40)
    assert of_surroundings(THEN, other) == []
    (found,) = of_surroundings(changed(THEN, "code", None), other)
    assert (found.then, found.now) == (f"commit {'a' * 40}", f"commit {'b' * 40}")


@pytest.mark.parametrize("git", [None, {}, "main", {"commit": "a" * 40, "dirty": True}])
def test_a_run_of_code_that_nobody_can_bring_back_says_so(git):
    then = {**changed(THEN, "code", None), "git": git}
    (found,) = of_surroundings(then, then)
    assert found.what == "code"


def test_the_two_builds_of_xgboost_are_one_package():
    other = changed(changed(THEN, "packages/xgboost-cpu", None), "packages/xgboost", "3.2.0")
    assert of_surroundings(THEN, other) == []


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("hyperparameters/max_depth", 5, "configuration: max_depth: 4 then, 5 now"),
        ("preprocessing/scale", {"a": [0, 1]}, "configuration: preprocessing.scale"),
        ("columns", [], "configuration: columns"),
        ("versions/xgboost", "3.1.0", "package: xgboost of the train job: 3.2.0 then, 3.1.0 now"),
        ("hashes/prepared", {"train": "0" * 64}, "prepared data: train: eeeeeeeeeeee then, 000000000000 now"),
        ("hashes/hooks", "0" * 64, "hook: model.hooks: none then, 000000000000 now"),
    ],
)
def test_inputs_of_a_model_that_are_others_are_named(path, value, what):
    found = [str(one) for one in of_contracts(CONTRACT, changed(CONTRACT, path, value))]
    assert any(one.startswith(what) for one in found), found


def test_a_table_and_an_image_are_told_by_their_digests():
    assert of_data({"sha256": "a" * 64}, {"sha256": "a" * 64, "path": "elsewhere.csv"}) == []
    (data,) = of_data({"sha256": "a" * 64}, {"sha256": "b" * 64, "path": "t.csv"})
    assert str(data) == "data: t.csv: aaaaaaaaaaaa then, bbbbbbbbbbbb now"
    same = {"name": "fraudlab:1", "id": "sha256:" + "a" * 64}
    assert of_image(same, {**same, "name": "fraudlab:2"}) == []
    assert of_image(None, None) == []
    (image,) = of_image(same, None)
    assert str(image) == "image: fraudlab:1: aaaaaaaaaaaa then, none now"
