"""What XGBoost writes passes; what it would crash on, hang at or score with NaN does not."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.booster_file import RELEASE, check_booster
from fraudlab.container.model_files.booster_trees import MAX_DEPTH

from ..boosters import Forge, decoded, encoded, features, forged, train, xgboost

NUMBERS, MIXED = features(), features(5, 40)

KINDS: dict[str, dict[str, Any]] = {
    "stump": {"max_depth": 1},
    "deep": {"max_depth": 12, "min_child_weight": 0, "reg_lambda": 0, "learning_rate": 1},
    "gamma": {"max_depth": 6, "gamma": 1},
    "constant": {"gamma": 1e6},
    "nothing sampled": {"subsample": 0.001},
    "sampled": {"subsample": 0.5, "colsample_bytree": 0.5, "colsample_bylevel": 0.5},
    "forest": {"num_parallel_tree": 3, "subsample": 0.5},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "dart forest": {"booster": "dart", "rate_drop": 0.5, "num_parallel_tree": 2, "normalize_type": "forest"},
    "weighted": {"scale_pos_weight": 577.5},
    "base score": {"base_score": 0.000001},
    "regularised": {"max_delta_step": 1, "reg_alpha": 2, "max_bin": 16},
    "monotone": {"monotone_constraints": "(1,0,0,0)"},
}
GROWN: dict[str, dict[str, Any]] = {
    "lossguide": {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": 40},
    "leaves": {"max_leaves": 5, "max_depth": 5},
    "one category a split": {"max_cat_to_onehot": 100, "max_depth": 5},
    "many categories a split": {"max_cat_to_onehot": 1, "max_depth": 5},
}
TRAINED = [
    *product(("hist", "approx"), (NUMBERS, MIXED), {**KINDS, **GROWN}),
    *product(("exact",), (NUMBERS,), KINDS),
]


@pytest.mark.parametrize(("method", "given", "kind"), TRAINED)
def test_what_xgboost_trains_passes(method: str, given: Features, kind: str) -> None:
    parameters = {"tree_method": method, **{**KINDS, **GROWN}[kind]}
    booster = train(given, **parameters)
    assert encoded(decoded(booster)) == booster.save_raw("ubj")  # so forged ones differ only where they are
    for kept in (booster, booster[:1], booster[1:3], train(given, again=booster, rounds=2, **parameters)):
        kept.set_attr(best_iteration="1", best_score="0.5", anything="é")
        check_booster(kept.save_raw("ubj"), given)


def test_pruned_trees_keep_their_deleted_nodes() -> None:
    booster = train(NUMBERS, tree_method="exact", gamma=3, max_depth=6)
    trees = decoded(booster)["learner"]["gradient_booster"]["model"]["trees"]
    assert any(tree["tree_param"]["num_deleted"] != "0" for tree in trees)
    check_booster(booster.save_raw("ubj"), NUMBERS)


def test_thresholds_may_be_infinite() -> None:
    random = np.random.default_rng(0)
    matrix = np.where(random.random((300, 4)) < 0.5, np.nan, 3.3e38).astype(np.float32)
    booster = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1},
        xgboost.DMatrix(matrix, label=np.isnan(matrix[:, 0])),
        2,
    )
    tree = decoded(booster)["learner"]["gradient_booster"]["model"]["trees"][0]
    assert math.isinf(tree["split_conditions"][0])
    check_booster(booster.save_raw("ubj"), NUMBERS)


def test_the_release_is_the_installed_one() -> None:
    """A newer XGBoost may write other files: go through this check before raising RELEASE."""
    assert xgboost.__version__.startswith("{}.{}.".format(*RELEASE))


@pytest.fixture(scope="module")
def plain() -> Any:
    return train(NUMBERS)


@pytest.fixture(scope="module")
def mixed() -> Any:
    return train(MIXED, max_depth=5, max_cat_to_onehot=1)


def learner(**fields: Any) -> Forge:
    return lambda content: content["learner"].update(fields)


def model(**fields: Any) -> Forge:
    return lambda content: content["learner"]["gradient_booster"]["model"].update(fields)


def parameter(**fields: str) -> Forge:
    return lambda content: content["learner"]["learner_model_param"].update(fields)


def tree(number: int = 1, **fields: Any) -> Forge:
    return lambda content: content["learner"]["gradient_booster"]["model"]["trees"][number].update(fields)


def at(name: str, node: int, value: Any, number: int = 1) -> Forge:
    def change(content: dict[str, Any]) -> None:
        content["learner"]["gradient_booster"]["model"]["trees"][number][name][node] = value

    return change


def several(*changes: Forge) -> Forge:
    def change(content: dict[str, Any]) -> None:
        for one in changes:
            one(content)

    return change


def without(name: str) -> Forge:
    return lambda content: content["learner"]["gradient_booster"]["model"]["trees"][1].pop(name)


def objective(name: str, weight: str = "1") -> Forge:
    return learner(objective={"name": name, "reg_loss_param": {"scale_pos_weight": weight}})


def twice(name: str) -> Callable[[dict[str, Any]], Any]:
    def change(content: dict[str, Any]) -> None:
        found = content["learner"]["gradient_booster"]["model"]["trees"][1]
        found[name] = found[name] * 2

    return change


# The tree that is forged has 15 nodes in the order of levels: 0 has the children 1 and 2, 1 has 3 and 4.
FORGED: dict[str, tuple[Forge, str]] = {
    # other models
    "objective": (objective("reg:squarederror"), "its objective is 'reg:squarederror'; scores are probab"),
    "weight": (objective("binary:logistic", "-1"), "'scale_pos_weight' is '-1', not a number of at leas"),
    "weight inf": (objective("binary:logistic", "1E99"), "'scale_pos_weight' is '1E99', not a number of"),
    "linear": (
        learner(gradient_booster={"model": {"boosted_rounds": 1}, "name": "gblinear"}),
        "the model, byte 239: 'model' is expected",
    ),
    "no release": (lambda c: c.update(version=[3]), "'version' does not have three numbers"),
    "classes": (parameter(num_class="3"), "'num_class' is '3', not 0"),
    "targets": (parameter(num_target="2"), "'num_target' is '2', not 1"),
    "columns of a tree": (
        lambda c: c["learner"]["gradient_booster"]["model"]["trees"][1]["tree_param"].update(num_feature="5"),
        "a tree of 4 features, 15 nodes and one output is expected",
    ),
    "outputs of a tree": (
        lambda c: c["learner"]["gradient_booster"]["model"]["trees"][1]["tree_param"].update(
            size_leaf_vector="2"
        ),
        "a tree of 4 features, 15 nodes and one output is expected",
    ),
    "type": (learner(feature_types=["x"] * 4), "its column 'n0' is of type 'x'"),
    "attributes": (
        learner(attributes={"b": "", "a": ""}),
        "attribute 'a' does not come after 'b'",
    ),
    "base score nan": (parameter(base_score="[NaN]"), "'base_score' is '[NaN]', which is no probability"),
    "base score 2": (parameter(base_score="[2E0]"), "'base_score' is '[2E0]', which is no probability"),
    "base scores": (parameter(base_score="[5E-1,5E-1]"), "'base_score' is '[5E-1,5E-1]', which is no prob"),
    "recoded": (model(cats={"enc": ["x"]}), "'model' is expected"),
    "no trees": (
        model(gbtree_model_param={"num_parallel_tree": "1", "num_trees": "0"}),
        "'num_trees' is '0', not a whole number from 1 to 2147483647",
    ),
    "many trees": (
        model(gbtree_model_param={"num_parallel_tree": "1", "num_trees": "2147483647"}),
        "'iteration_indptr' does not share out 2147483647 trees among rounds",
    ),
    "rounds": (model(iteration_indptr=[0, 2, 1, 3, 4]), "'iteration_indptr' does not share out 4 trees"),
    "no rounds": (model(iteration_indptr=[]), "'iteration_indptr' does not share out 4 trees"),
    "groups": (model(tree_info=[0, 0, 1, 0]), "one output, 0, for each tree in 'tree_info' is expected"),
    "fewer groups": (model(tree_info=[0]), "'tree_info' has not one value for each of 4 trees"),
    # other bytes
    "id": (tree(id=7), "tree 1, byte 2034: 'id' is not 1"),
    "no parents": (without("parents"), "'parents' is expected"),
    "type of an array": (tree(parents=b"[$L#L" + bytes(8)), "'parents' is expected"),
    "length": (tree(parents=b"[$l#L\x7f" + b"\xff" * 7), "'parents' cannot have 9223372036854775807 values"),
    "negative length": (tree(parents=b"[$l#L" + b"\xff" * 8), "'parents' cannot have -1 values in a file of"),
    "two lengths": (twice("parents"), "'parents' has 30 values for 15 nodes"),
    "no nodes": (tree(base_weights=[]), "'default_left' has 15 values for 0 nodes"),
    "a field more": (lambda c: c["learner"].update(zzz="x"), "the end of 'learner' is expected"),
    "num_deleted": (
        lambda c: c["learner"]["gradient_booster"]["model"]["trees"][1]["tree_param"].update(num_deleted="x"),
        "'num_deleted' is not a whole number",
    ),
    # no trees
    "child outside": (at("left_children", 1, 14), "tree 1, node 1 has a child that is no node after it"),
    "huge child": (at("left_children", 1, 2**31 - 1), "tree 1, node 1 has a child that is no node after it"),
    "negative child": (at("left_children", 1, -2), "tree 1, node 1 has a child that is no node after it"),
    "cycle": (at("left_children", 3, 1), "tree 1, node 3 has a child that is no node after it"),
    "self": (at("left_children", 3, 3), "tree 1, node 3 has a child that is no node after it"),
    "apart": (at("right_children", 1, 5), "tree 1, node 1 has children that are not neighbours"),
    "no right child": (at("right_children", 1, -1), "tree 1, node 1 has children that are not neighbours"),
    "no left child": (at("left_children", 1, -1), "tree 1, node 1 has a right child and no left one"),
    "root below": (at("parents", 0, 3), "tree 1, node 0 is the root and has a parent"),
    "parent outside": (at("parents", 3, 15), "tree 1, node 3 has a parent that is no node"),
    "negative parent": (at("parents", 3, -1), "tree 1, node 3 has a parent that is no node"),
    "two parents": (
        several(at("left_children", 1, 5), at("right_children", 1, 6)),
        "tree 1, node 1 has a child with another parent",
    ),
    "lost": (
        several(at("left_children", 1, -1), at("right_children", 1, -1)),
        "tree 1 has nodes that no path leads to",
    ),
    "deleted child": (
        several(at("split_indices", 14, 2**31 - 1), at("default_left", 14, 1)),
        "tree 1, node 6 has a deleted child",
    ),
    "deleted parent": (
        several(at("split_indices", 1, 2**31 - 1), at("default_left", 1, 1)),
        "tree 1, node 1 is deleted and has children",
    ),
    "deleted": (
        lambda c: c["learner"]["gradient_booster"]["model"]["trees"][1]["tree_param"].update(num_deleted="2"),
        "tree 1 has other deleted nodes than 'num_deleted' says",
    ),
    # trees that do not score
    "no column": (at("split_indices", 1, 4), "tree 1, node 1 splits on a column beyond the 4 of model.json"),
    "negative column": (at("split_indices", 1, -1), "tree 1, node 1 splits on a column beyond the 4 of mod"),
    "default": (at("default_left", 1, 2), "tree 1, node 1 sends missing values neither left nor right"),
    "kind": (at("split_type", 1, 2), "tree 1, node 1 splits in an unknown way"),
    "leaf nan": (at("split_conditions", 14, math.nan), "tree 1, node 14 is a leaf whose value is not finite"),
    "leaf inf": (at("split_conditions", 14, math.inf), "tree 1, node 14 is a leaf whose value is not finite"),
    "leaf": (at("split_conditions", 14, 3e38), "its leaf values add up to as much as 3e+38, which is no"),
    "threshold": (at("split_conditions", 1, math.nan), "tree 1, node 1 has no threshold"),
    "weight nan": (at("sum_hessian", 1, math.nan), "tree 1, node 1 has a weight that is no number of at l"),
    "weight below 0": (at("sum_hessian", 1, -1.0), "tree 1, node 1 has a weight that is no number of at l"),
    "no weight": (at("sum_hessian", 1, 0.0), "tree 1, node 1 splits rows that weigh nothing"),
    "heavy": (at("sum_hessian", 14, 1e6), "tree 1, node 6 weighs less than a child of its"),
    "categories of numbers": (
        at("split_type", 1, 1),
        "tree 1 does not describe each of its splits on categories once",
    ),
}


def refused(data: bytes | bytearray, given: Features) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_booster(data, given)
    assert caught.value.sentence.startswith("model.ubj is not a booster XGBoost wrote: ")
    assert caught.value.fix == "use a model folder as a train job wrote it, or train the model again"
    return caught.value


@pytest.mark.parametrize(("change", "sentence"), FORGED.values(), ids=FORGED)
def test_what_is_forged_is_refused(plain: Any, change: Forge, sentence: str) -> None:
    assert len(decoded(plain)["learner"]["gradient_booster"]["model"]["trees"][1]["parents"]) == 15
    assert sentence in refused(forged(plain, change), NUMBERS).sentence


MISFITS: dict[str, tuple[Forge, str]] = {
    "fewer names": (
        learner(feature_names=["a"]),
        "the booster has names for 1 columns, and model.json names 4",
    ),
    "fewer types": (
        learner(feature_types=["float"]),
        "the booster has types for 1 columns, and model.json names 4",
    ),
    "another name": (
        learner(feature_names=["n0", "n1", "amount", "n3"]),
        "column 3 of the booster is 'amount', and that of model.json 'n2'",
    ),
    "another order": (
        learner(feature_names=["n0", "n2", "n1", "n3"]),
        "column 2 of the booster is 'n2', and that of model.json 'n1', which is column 3 there",
    ),
    "another case": (
        learner(feature_names=["N0", "n1", "n2", "n3"]),
        "column 1 of the booster is 'N0', and that of model.json 'n0'",
    ),
    "a category": (
        learner(feature_types=["float", "c", "float", "float"]),
        "column 'n1' is a category in the booster ('c'), and a number in model.json",
    ),
    "more columns": (parameter(num_feature="5"), "the booster takes 5 columns, and model.json names 4"),
    "fewer columns": (parameter(num_feature="3"), "the booster takes 3 columns, and model.json names 4"),
}


@pytest.mark.parametrize(("change", "sentence"), MISFITS.values(), ids=MISFITS)
def test_columns_that_are_not_the_boosters_own_are_refused(plain: Any, change: Forge, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_booster(forged(plain, change), NUMBERS)
    assert caught.value.sentence == f"model.json does not fit model.ubj: {sentence}"


def test_a_category_that_the_booster_takes_for_a_number_is_refused(mixed: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"'c0' is a number in the booster \('int'\), and a category in model"
    ):
        check_booster(forged(mixed, learner(feature_types=["int"] * 6)), MIXED)


def test_names_are_compared_as_the_booster_has_to_spell_them() -> None:
    odd = Features([Column(name) for name in ("a[0]", "a<b", "é", "a b")])
    check_booster(train(odd).save_raw("ubj"), odd)
    same = Features([Column(name) for name in ("a[0]", "a(0)", "x", "y")])
    booster = train(same)
    assert booster.feature_names == ["f0", "f1", "f2", "f3"]
    check_booster(booster.save_raw("ubj"), same)


@pytest.mark.parametrize("version", [[1, 7, 6], [2, 1, 4], [3, 1, 0], [3, 3, 0], [4, 0, 0]])
def test_another_release_is_named(plain: Any, version: list[int]) -> None:
    with pytest.raises(ConfigError) as caught:
        check_booster(forged(plain, lambda content: content.update(version=version)), NUMBERS)
    said = ".".join(map(str, version))
    assert (
        caught.value.sentence
        == f"model.ubj is of XGBoost {said}; this version of fraudlab reads what 3.2 writes"
    )
    assert "fraudlab models import model.ubj" in caught.value.fix


def test_a_forged_weight_of_dart_is_refused() -> None:
    booster = train(NUMBERS, booster="dart", rate_drop=0.5)
    for weight, sentence in ((math.nan, "something else than finite"), (1e35, "add up to as much as")):
        data = forged(
            booster, lambda c, w=weight: c["learner"]["gradient_booster"]["weight_drop"].__setitem__(1, w)
        )
        assert sentence in refused(data, NUMBERS).sentence
    data = forged(booster, lambda c: c["learner"]["gradient_booster"]["weight_drop"].pop())
    assert "'weight_drop' has not one value for each of 4 trees" in refused(data, NUMBERS).sentence


def splits(content: dict[str, Any]) -> dict[str, Any]:
    """The first tree with two splits on categories."""
    trees = content["learner"]["gradient_booster"]["model"]["trees"]
    found: dict[str, Any] = next(tree for tree in trees if len(tree["categories_nodes"]) > 1)
    return found


def put(name: str, value: Any, position: int = 1) -> Forge:
    return lambda content: splits(content)[name].__setitem__(position, value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put("categories", 40), "splits on a category its column does not have"),
        (put("categories", -1), "splits on a category its column does not have"),
        (put("categories_nodes", 0), "splits on categories that are said to be another node's"),
        (put("categories_nodes", 10**9), "splits on categories that are said to be another node's"),
        (put("categories_sizes", 0), "has no such number of categories"),
        (put("categories_sizes", 2**62), "has no such number of categories"),
        (put("categories_segments", 2**62), "has categories that do not follow the node's before"),
        (put("categories_segments", -1), "has categories that do not follow the node's before"),
        (lambda c: splits(c)["categories"].append(1), "has more or fewer categories than its splits take"),
        (lambda c: splits(c)["categories_nodes"].pop(), "does not describe each of its splits on categories"),
        (lambda c: splits(c)["categories_sizes"].pop(), "does not describe each of its splits on categories"),
    ],
)
def test_forged_categories_are_refused(mixed: Any, change: Forge, sentence: str) -> None:
    assert sentence in refused(forged(mixed, change), MIXED).sentence


def test_a_category_model_json_does_not_have(mixed: Any) -> None:
    check_booster(mixed.save_raw("ubj"), MIXED)
    assert "splits on a category its column" in refused(mixed.save_raw("ubj"), features(5, 3)).sentence
    assert (
        "splits on a category its column"
        in refused(forged(mixed, learner(feature_types=[])), features(5, 3)).sentence
    )


def test_categories_of_a_deleted_split_are_checked_too(mixed: Any) -> None:
    """Pruned trees keep the categories of what was pruned; which column it was, they no longer say."""

    def delete(content: dict[str, Any]) -> None:
        found = splits(content)
        node = max(n for n, left in enumerate(found["left_children"]) if left == len(found["parents"]) - 2)
        for leaf in (found["left_children"][node], found["right_children"][node]):
            found["split_indices"][leaf], found["default_left"][leaf] = 2**31 - 1, 1
            found["split_type"][leaf] = 1
        found["left_children"][node] = found["right_children"][node] = -1
        found["split_conditions"][node] = 0.25
        found["tree_param"]["num_deleted"] = "2"
        for leaf in (len(found["parents"]) - 2, len(found["parents"]) - 1):
            found["categories_nodes"].append(leaf)
            found["categories_segments"].append(len(found["categories"]))
            found["categories_sizes"].append(1)
            found["categories"].append(39)

    check_booster(forged(mixed, delete), MIXED)
    beyond = several(delete, lambda c: splits(c)["categories"].__setitem__(-1, 40))
    assert "splits on a category its column" in refused(forged(mixed, beyond), MIXED).sentence


def test_bits_for_categories_have_a_limit(mixed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudlab.container.model_files.booster_trees.MAX_CATEGORY_BYTES", 8)
    assert "its splits on categories need more than 0 MiB" in refused(mixed.save_raw("ubj"), MIXED).sentence


def chain(depth: int) -> Forge:
    """A tree that goes on at every right child."""

    def change(content: dict[str, Any]) -> None:
        nodes = 2 * depth + 1
        odd = [node % 2 == 1 or node == nodes - 1 for node in range(nodes)]
        content["learner"]["gradient_booster"]["model"]["trees"][1].update(
            base_weights=[0.0] * nodes,
            default_left=[0] * nodes,
            left_children=[-1 if leaf else node + 1 for node, leaf in enumerate(odd)],
            right_children=[-1 if leaf else node + 2 for node, leaf in enumerate(odd)],
            loss_changes=[0.0] * nodes,
            parents=[2**31 - 1, *(node - 1 - (node % 2 == 0) for node in range(1, nodes))],
            split_conditions=[0.0] * nodes,
            split_indices=[0] * nodes,
            split_type=[0] * nodes,
            sum_hessian=[1.0] * nodes,
        )
        content["learner"]["gradient_booster"]["model"]["trees"][1]["tree_param"]["num_nodes"] = str(nodes)

    return change


def test_depth_has_a_limit(plain: Any) -> None:
    check_booster(forged(plain, chain(MAX_DEPTH)), NUMBERS)
    sentence = refused(forged(plain, chain(MAX_DEPTH + 1)), NUMBERS).sentence
    assert sentence.endswith(f"tree 1 is {MAX_DEPTH + 1} levels deep; the limit is {MAX_DEPTH}")


def test_wide_trees_are_not_deep(plain: Any) -> None:
    """Where the number of nodes alone would allow it."""

    def full(content: dict[str, Any]) -> None:
        nodes = 4 * MAX_DEPTH - 1
        chain(nodes // 2)(content)
        inner = range(nodes // 2)
        content["learner"]["gradient_booster"]["model"]["trees"][1].update(
            left_children=[2 * n + 1 if n in inner else -1 for n in range(nodes)],
            right_children=[2 * n + 2 if n in inner else -1 for n in range(nodes)],
            parents=[2**31 - 1, *((n - 1) // 2 for n in range(1, nodes))],
        )

    check_booster(forged(plain, full), NUMBERS)


def test_every_truncation_is_refused(plain: Any) -> None:
    data = bytes(plain.save_raw("ubj"))
    for length in range(len(data)):
        refused(data[:length], NUMBERS)
    assert "bytes follow the end" in refused(data + b"\0", NUMBERS).sentence


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"{}",
        b'{"learner":{}}',
        b"\x80\x04\x95",
        b"{L" + b"\xff" * 8,
        b"binf",
        b"\0" * 99,
    ],
)
def test_what_is_no_model_is_refused(data: bytes) -> None:
    assert re.search(
        r"the model, byte 0: an object with 'learner' is expected", refused(data, NUMBERS).sentence
    )


def test_errors_name_the_tree_in_any_batch(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudlab.container.model_files.booster_trees.BATCH_TREES", 1)
    check_booster(plain.save_raw("ubj"), NUMBERS)
    data = forged(plain, at("split_indices", 2, 9, number=3))
    assert "tree 3, node 2 splits on a column" in refused(data, NUMBERS).sentence


def test_five_thousand_trees_take_less_than_a_second() -> None:
    """Measured at 0.5 s of CPU, of which this allows for a busy machine."""
    content = decoded(train(NUMBERS, rounds=1, count=20_000, max_depth=8, min_child_weight=0, gamma=0))
    inner = content["learner"]["gradient_booster"]["model"]
    one = encoded(inner["trees"][0])
    assert len(inner["trees"][0]["parents"]) > 300
    inner["trees"] = [
        one.replace(b"L" + bytes(7) + b"\x02idi\0", b"L" + bytes(7) + b"\x02id" + encoded(n))
        for n in range(5000)
    ]
    inner["tree_info"] = [0] * 5000
    inner["iteration_indptr"] = list(range(5001))
    inner["gbtree_model_param"]["num_trees"] = "5000"
    data = encoded(content)
    start = time.process_time()
    check_booster(data, NUMBERS)
    assert time.process_time() - start < 3.0


SCORE = """
import sys
import numpy as np
from fraudlab.container.runtime import lean_xgboost
with lean_xgboost():
    import xgboost
booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(sys.stdin.buffer.read()))
rows = np.array([[np.nan] * 4, [3e38] * 4, [-3e38] * 4, [0] * 4], np.float32)
data = xgboost.DMatrix(rows, nthread=1)
assert np.isfinite(booster.inplace_predict(rows)).all()
for what in ({}, {"output_margin": True}, {"pred_contribs": True}):
    assert np.isfinite(booster.predict(data, validate_features=False, **what)).all()
"""


@pytest.mark.parametrize(
    "change",
    [
        chain(MAX_DEPTH),
        at("split_conditions", 14, 9e29),
        at("split_conditions", 1, math.inf),
        at("sum_hessian", 14, 0.0),
        at("loss_changes", 1, math.nan),
        parameter(base_score="[0E0]"),
        parameter(base_score="[1E0]"),
        parameter(base_score="0.5"),
    ],
)
def test_the_edges_of_what_passes_score(plain: Any, change: Forge) -> None:
    data = forged(plain, change)
    check_booster(data, NUMBERS)
    command = [sys.executable, "-c", SCORE]
    done = subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
