"""A booster as the JSON object XGBoost saves: what it says of itself, and what can be changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.categories import category_text
from fraudlab.container.failure import ConfigError, quoted
from fraudlab.container.model_files.official import Content, trees_of

#: the feature of a deleted node
_NO_FEATURE = 2**31 - 1


def require_alike(contents: Sequence[Content], names: Sequence[str]) -> None:
    """Refuse to average boosters that do not score the same rows in the same way.

    Raises
    ------
    ConfigError
        If one has other columns, another objective or another kind of booster than the first.
    """

    def described(content: Content) -> dict[str, Any]:
        learner = content["learner"]
        return {
            "columns": learner["learner_model_param"]["num_feature"],
            "names": learner["feature_names"],
            "types": learner["feature_types"],
            "categories": trees_of(content)["cats"],
            "objective": learner["objective"]["name"],
            "booster": learner["gradient_booster"]["name"],
            "trees of a round": trees_of(content)["gbtree_model_param"]["num_parallel_tree"],
        }

    first = described(contents[0])
    for name, content in zip(names[1:], contents[1:], strict=True):
        differ = [what for what, value in described(content).items() if value != first[what]]
        if differ:
            raise ConfigError(
                f"{name} is no fold of the same training as {names[0]}: its {differ[0]} differ",
                fix="import one of the files alone",
            )


def categories_of(content: Content) -> list[tuple[str, ...] | None]:
    """The categories of each column that the file lists, which XGBoost does from 3.1 on; empty without any.

    See :func:`cut_lists` for those that may not be whole.

    Raises
    ------
    ConfigError
        If two of a column are one to fraudlab, or one has no name.
    """
    found: list[tuple[str, ...] | None] = []
    for position, listed in enumerate(trees_of(content)["cats"]["enc"]):
        values = _texts(listed) if "offsets" in listed else listed["values"]
        if not values:
            found.append(None)
            continue
        texts = [category_text(value) for value in values]
        if None in texts or len(set(texts)) != len(texts):
            raise ConfigError(
                f"categories of column {position + 1} have no distinct names: {quoted(values)}",
                fix="train it again with categories that differ in more than their type or spelling",
            )
        found.append(tuple(text for text in texts if text is not None))
    return found


def cut_lists(content: Content) -> set[int]:
    """The columns whose list of categories may be cut: those with letters beyond ASCII.

    XGBoost 3.1 and 3.2 count the characters of pandas' categories where they mean bytes, so that ``ÖT``
    is saved as ``Ö``, and what follows in the list is shifted.
    """
    return {
        position
        for position, listed in enumerate(trees_of(content)["cats"]["enc"])
        if "offsets" in listed and any(not 0 <= value < 0x80 for value in listed["values"])
    }


def _texts(listed: Content) -> list[str]:
    # Bytes are written as signed numbers.
    content = bytes(value & 0xFF for value in listed["values"])
    return [content[a:b].decode(errors="replace") for a, b in pairwise(listed["offsets"])]


def say_what_is_deleted(content: Content) -> None:
    """Count the deleted nodes of pruned trees, which XGBoost 1.0 did not, and later ones insist on."""
    for tree in trees_of(content)["trees"]:
        deleted = sum(feature == _NO_FEATURE for feature in tree["split_indices"])
        tree["tree_param"].setdefault("num_deleted", str(deleted))


def forget_categories(content: Content) -> None:
    """Take away the list of categories: codes are made of them outside the booster."""
    trees_of(content)["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}


def probe_rows(
    content: Content | None, categories: Sequence[int], *, count: int = 2000, seed: int = 20_240_229
) -> NDArray[np.float32]:
    """Rows that reach many leaves: values at the booster's own thresholds, just below, and missing ones.

    Parameters
    ----------
    content : dict or None
        The booster; None for values that do not depend on it.
    categories : sequence of int
        How many each column has; 0 for a number.
    count : int
    seed : int

    Returns
    -------
    ndarray of float32, shape (count, columns)
    """
    random = np.random.default_rng(seed)
    thresholds = _thresholds(content, len(categories))
    rows = np.empty((count, len(categories)), np.float32)
    for position, many in enumerate(categories):
        if many:
            rows[:, position] = random.integers(0, many, count)
            continue
        known = thresholds[position]
        if not known.size:
            rows[:, position] = random.normal(size=count)
            continue
        picked = random.choice(known, count)
        below = np.nextafter(picked, np.float32(-np.inf))
        rows[:, position] = np.where(random.random(count) < 0.5, picked, below)
    rows[random.random(rows.shape) < 0.1] = np.nan
    rows[~np.isfinite(rows)] = np.nan
    return rows


def uses(content: Content, position: int) -> bool:
    """Whether a tree splits on a column."""
    return any(
        feature == position and left != -1
        for tree in trees_of(content)["trees"]
        for feature, left in zip(tree["split_indices"], tree["left_children"], strict=True)
    )


def _thresholds(content: Content | None, columns: int) -> list[NDArray[np.float32]]:
    found: list[list[NDArray[np.float32]]] = [[] for _ in range(columns)]
    for tree in trees_of(content)["trees"] if content is not None else ():
        features = np.array(tree["split_indices"])
        inner = (np.array(tree["left_children"]) != -1) & (np.array(tree["split_type"]) == 0)
        values = np.array(tree["split_conditions"], np.float32)
        for position in np.unique(features[inner]):
            if 0 <= position < columns:
                found[position].append(values[inner & (features == position)])
    return [np.unique(np.concatenate(each)) if each else np.empty(0, np.float32) for each in found]
