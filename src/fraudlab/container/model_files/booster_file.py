"""Whether ``model.ubj`` is a booster XGBoost wrote for these columns, before XGBoost reads it.

XGBoost takes lengths, child and feature indices from the file as they are: a truncated file ends the process,
and a forged one reads memory that is not its own, or never arrives at a leaf. What passes here is laid out to
the byte as XGBoost 3.2 lays it out, and every tree in it ends in finite leaves.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError, quoted
from fraudlab.container.model_files.booster_trees import Trees
from fraudlab.container.model_files.ubjson import Cursor, Malformed, array_key, key, text

if TYPE_CHECKING:
    from fraudlab.container.features import Features

#: the release whose layout this is; later ones may write another
RELEASE = (3, 2)
#: leaf values that add up to more would be infinite scores in the arithmetic of some prediction
_MAX_MARGIN = 1e30
_MAX_FLOAT32 = float(np.finfo(np.float32).max)
_OBJECTIVE = "binary:logistic"
#: the version is the last a file says
_VERSION_BYTES = 200
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\]\s*\}\s*$')
_WHOLE = re.compile(r"[0-9]{1,10}")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")
_NO_CATEGORIES = b"".join(
    (
        key("cats") + b"{",
        key("enc") + b"[#L" + bytes(8),
        array_key("feature_segments", "l") + bytes(8),
        array_key("sorted_idx", "l") + bytes(8),
        b"}",
    )
)


def check_booster(data: bytes | bytearray, features: Features) -> None:
    """Refuse a booster that XGBoost cannot load, or not score with.

    Parameters
    ----------
    data : bytes
        Content of ``model.ubj``.
    features : Features
        What the scoring contract says the booster was trained on.

    Raises
    ------
    ConfigError
        If `data` is anything but UBJSON as ``Booster.save_raw`` writes it, of trees for ``binary:logistic``
        that split on these features.
    """
    try:
        _read_booster(Cursor(data), features)
    except Malformed as error:
        version = written_by(data)
        if version is not None and version[:2] != RELEASE:
            raise ConfigError(
                f"model.ubj is of XGBoost {'.'.join(map(str, version))}; this version of fraudlab reads what "
                f"{'.'.join(map(str, RELEASE))} writes",
                fix="make a model of it: fraudlab models import model.ubj --columns model.json --threshold T",
            ) from error
        taken = _columns_taken(data)
        if taken not in (None, len(features.inputs)):
            raise _misfit(
                f"the booster takes {taken} columns, and model.json names {len(features.inputs)}"
            ) from error
        raise ConfigError(
            f"model.ubj is not a booster XGBoost wrote: {error}",
            fix="use a model folder as a train job wrote it, or train the model again",
        ) from error


def written_by(data: bytes | bytearray) -> tuple[int, ...] | None:
    """The version that a model file, UBJSON or JSON, says has written it; None where it says nothing."""
    end = bytes(data[-_VERSION_BYTES:])
    if found := _JSON_VERSION.search(end):
        return tuple(map(int, found.groups()))
    cursor = Cursor(end, max(0, end.rfind(key("version"))))
    try:
        if cursor.values("version", 2) == 3:
            return tuple(cursor.whole("'version'") for _ in range(3))
    except Malformed:
        pass
    return None


def _columns_taken(data: bytes | bytearray) -> int | None:
    """How many columns the booster says it takes: each tree says it, too, and then the learner."""
    cursor = Cursor(data, max(0, data.rfind(key("num_feature"))))
    try:
        return _read_parameter(cursor, "num_feature")
    except Malformed:
        return None


def _misfit(sentence: str) -> ConfigError:
    return ConfigError(
        f"model.json does not fit model.ubj: {sentence}",
        fix="use the two files of one job; columns stand in model.json as the booster was trained on them",
    )


def _read_booster(cursor: Cursor, features: Features) -> None:
    cursor.expect(b"{" + key("learner") + b"{", "an object with 'learner'")
    _read_attributes(cursor)
    _read_columns(cursor, features)
    largest = _read_gradient_booster(cursor, features)
    _read_learner_parameters(cursor, len(features.inputs))
    _read_objective(cursor)
    cursor.expect(b"}", "the end of 'learner'")
    _read_version(cursor)
    cursor.expect(b"}", "the end of the model")
    if cursor.at != len(cursor.data):
        raise cursor.malformed(f"{len(cursor.data) - cursor.at} bytes follow the end of the model")
    if not largest <= _MAX_MARGIN:
        raise Malformed(f"its leaf values add up to as much as {largest:g}, which is no score")


def _read_attributes(cursor: Cursor) -> None:
    cursor.expect(key("attributes") + b"{", "'attributes'")
    before = None
    while cursor.finds(b"L"):
        name = cursor.name("the name of an attribute")
        if before is not None and name.encode() <= before.encode():
            raise cursor.malformed(f"attribute {name!r} does not come after {before!r}")
        cursor.text(f"attribute {name!r}")
        before = name
    cursor.expect(b"}", "the end of 'attributes'")


def _read_columns(cursor: Cursor, features: Features) -> None:
    names = [cursor.text("a feature's name") for _ in range(cursor.values("feature_names", 10))]
    types = [cursor.text("a feature's type") for _ in range(cursor.values("feature_types", 10))]
    for what, found in (("names", names), ("types", types)):
        if len(found) not in (0, inputs := len(features.inputs)):
            raise _misfit(f"the booster has {what} for {len(found)} columns, and model.json names {inputs}")
    for position, (own, told) in enumerate(zip(names, features.booster_names, strict=False)):
        if own != told:
            where = f", which is column {names.index(told) + 1} there" if told in names else ""
            at = f"column {position + 1} of the booster is {quoted(own)}"
            raise _misfit(f"{at}, and that of model.json {quoted(told)}{where}")
    for column, kind in zip(features.inputs, types, strict=False):
        if kind not in ("c", "float", "int", "q", "i"):
            raise cursor.malformed(f"its column {quoted(column.name)} is of type {quoted(kind)}")
        if (kind == "c") != (column.categories is not None):
            own, told = ("a category", "a number") if kind == "c" else ("a number", "a category")
            raise _misfit(
                f"column {quoted(column.name)} is {own} in the booster ({kind!r}), and {told} in model.json"
            )


def _read_gradient_booster(cursor: Cursor, features: Features) -> float:
    """The largest score, up or down, the trees can add up to."""
    cursor.expect(key("gradient_booster") + b"{", "'gradient_booster'")
    dart = cursor.finds(key("gbtree") + b"{")
    largest = _read_trees(cursor, features)
    cursor.expect(key("name") + text("gbtree") + b"}", "the name 'gbtree'")
    if dart:
        cursor.expect(key("name") + text("dart"), "the name 'dart'")
        largest = largest * np.abs(_read_weights(cursor, largest.size))
        cursor.expect(b"}", "the end of 'gradient_booster'")
    return float(largest.sum())


def _read_weights(cursor: Cursor, trees: int) -> NDArray[np.float64]:
    """What dart multiplies each tree by."""
    if cursor.values("weight_drop", 5) != trees:
        raise cursor.malformed(f"'weight_drop' has not one value for each of {trees} trees")
    cells = np.frombuffer(cursor.data, [("marker", "S1"), ("weight", ">f4")], trees, cursor.at)
    if not (cells["marker"] == b"d").all() or not np.isfinite(cells["weight"]).all():
        raise cursor.malformed("'weight_drop' holds something else than finite numbers")
    cursor.at += 5 * trees
    return cells["weight"].astype(np.float64)


def _read_trees(cursor: Cursor, features: Features) -> NDArray[np.float64]:
    """The largest value, up or down, of each tree."""
    cursor.expect(key("model") + b"{" + _NO_CATEGORIES + key("gbtree_model_param") + b"{", "'model'")
    _read_parameter(cursor, "num_parallel_tree", at_least=1)
    trees = _read_parameter(cursor, "num_trees", at_least=1)
    cursor.expect(b"}", "the end of 'gbtree_model_param'")
    bounds = [cursor.whole("'iteration_indptr'") for _ in range(cursor.values("iteration_indptr", 2))]
    if bounds[:1] != [0] or bounds[-1] != trees or any(a >= b for a, b in pairwise(bounds)):
        raise cursor.malformed(f"'iteration_indptr' does not share out {trees} trees among rounds")
    if cursor.values("tree_info", 2) != trees:
        raise cursor.malformed(f"'tree_info' has not one value for each of {trees} trees")
    cursor.expect(b"i\0" * trees, "one output, 0, for each tree in 'tree_info'")
    if cursor.values("trees", 1) != trees:
        raise cursor.malformed(f"'trees' does not hold the {trees} trees of 'num_trees'")
    largest = Trees(cursor, [len(column.categories or ()) for column in features.inputs]).read(trees)
    cursor.expect(b"}", "the end of 'model'")
    return largest


def _read_learner_parameters(cursor: Cursor, columns: int) -> None:
    cursor.expect(key("learner_model_param") + b"{" + key("base_score"), "'learner_model_param'")
    score = cursor.text("'base_score'")
    inner = score[1:-1] if score.startswith("[") and score.endswith("]") else score
    if not _DECIMAL.fullmatch(inner) or not 0.0 <= float(inner) <= 1.0:
        raise cursor.malformed(f"'base_score' is {quoted(score)}, which is no probability")
    _read_parameter(cursor, "boost_from_average", at_most=1)
    _read_parameter(cursor, "num_class", at_most=0)
    if _read_parameter(cursor, "num_feature") != columns:
        raise cursor.malformed(f"'num_feature' is not {columns}, the columns model.json names")
    _read_parameter(cursor, "num_target", at_least=1, at_most=1)
    cursor.expect(b"}", "the end of 'learner_model_param'")


def _read_objective(cursor: Cursor) -> None:
    cursor.expect(key("objective") + b"{" + key("name"), "'objective'")
    if (name := cursor.text("the objective")) != _OBJECTIVE:
        raise cursor.malformed(f"its objective is {quoted(name)}; scores are probabilities of {_OBJECTIVE}")
    cursor.expect(key("reg_loss_param") + b"{" + key("scale_pos_weight"), "'scale_pos_weight'")
    weight = cursor.text("'scale_pos_weight'")
    if not _DECIMAL.fullmatch(weight) or not 0.0 <= float(weight) <= _MAX_FLOAT32:
        raise cursor.malformed(f"'scale_pos_weight' is {quoted(weight)}, not a number of at least 0")
    cursor.expect(b"}}", "the end of 'objective'")


def _read_version(cursor: Cursor) -> None:
    if cursor.values("version", 2) != 3:
        raise cursor.malformed("'version' does not have three numbers")
    version = [cursor.whole("'version'") for _ in range(3)]
    if tuple(version[:2]) != RELEASE:
        raise cursor.malformed(f"'version' is not of {'.'.join(map(str, RELEASE))}")


def _read_parameter(cursor: Cursor, name: str, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
    """A whole number XGBoost writes as a string."""
    cursor.expect(key(name), repr(name))
    number = cursor.text(repr(name))
    if not _WHOLE.fullmatch(number) or not at_least <= int(number) <= at_most:
        wanted = f"{at_least}" if at_least == at_most else f"a whole number from {at_least} to {at_most}"
        raise cursor.malformed(f"{name!r} is {quoted(number)}, not {wanted}")
    return int(number)
