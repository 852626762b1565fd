"""One booster that scores as the mean of several: all their trees, each leaf divided by their number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.model_files.official import Content, trees_of


def average(contents: Sequence[Content]) -> Content:
    """One booster whose raw score is the mean of theirs.

    Parameters
    ----------
    contents : sequence of dict
        What ``Booster.save_raw("json")`` gives of boosters of the same columns, objective and kind. The first
        is changed.
    """
    whole = contents[0]
    model = trees_of(whole)
    parts = [trees_of(content) for content in contents]
    share = np.float32(len(contents))
    trees: list[Content] = []
    bounds = [0]
    for part in parts:
        bounds += [bounds[-1] + rounds for rounds in np.diff(part["iteration_indptr"]).cumsum().tolist()]
        for tree in part["trees"]:
            _divide(tree, share)
            tree["id"] = len(trees)
            trees.append(tree)
    model["trees"] = trees
    model["iteration_indptr"] = bounds
    model["tree_info"] = [0] * len(trees)
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    weights = [content["learner"]["gradient_booster"].get("weight_drop") for content in contents]
    if weights[0] is not None:
        whole["learner"]["gradient_booster"]["weight_drop"] = [w for part in weights for w in part]
    scores = [base_score(content) for content in contents]
    if len(set(scores)) > 1:
        margin = math.fsum(math.log(score / (1.0 - score)) for score in scores) / len(scores)
        mean = np.float32(1.0 / (1.0 + math.exp(-margin)))
        whole["learner"]["learner_model_param"]["base_score"] = f"[{mean}]"
    whole["learner"]["attributes"] = {}
    return whole


def without_dropout(content: Content) -> Content:
    """The same trees as a ``gbtree``, with the weights of ``dart`` multiplied into their leaves.

    Parameters
    ----------
    content : dict
        A booster of either kind; it is changed.
    """
    booster = content["learner"]["gradient_booster"]
    if "weight_drop" not in booster:
        return content
    inner = booster["gbtree"]
    for tree, weight in zip(inner["model"]["trees"], booster["weight_drop"], strict=True):
        values = np.array(tree["split_conditions"], np.float32)
        values[_leaves(tree)] *= np.float32(weight)
        tree["split_conditions"] = _shortest(values)
    content["learner"]["gradient_booster"] = inner
    return content


def base_score(content: Content) -> float:
    """The probability every row starts with, as float32."""
    text = content["learner"]["learner_model_param"]["base_score"]
    return float(np.float32(text.strip("[]")))


def _divide(tree: Content, share: np.float32) -> None:
    """Divide what the leaves add, in float32; other nodes keep their thresholds."""
    leaves = _leaves(tree)
    for name, where in (("split_conditions", leaves), ("base_weights", np.ones_like(leaves))):
        values = np.array(tree[name], np.float32)
        values[where] /= share
        tree[name] = _shortest(values)


def _leaves(tree: Content) -> NDArray[np.bool_]:
    leaves: NDArray[np.bool_] = np.array(tree["left_children"]) == -1
    return leaves


def _shortest(values: NDArray[np.float32]) -> list[float]:
    """Numbers that are written with the fewest digits that are the same float32 again."""
    return [float(str(value)) for value in values]
