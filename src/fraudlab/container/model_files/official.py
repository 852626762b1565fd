"""A booster as the official container's archives hold it; every XGBoost from 1.0 on reads it alike.

From 3.1 on XGBoost writes ``base_score`` as a list, which older ones take for another number without a word
(measured: 1.7 to 3.0 score up to 0.32 otherwise). So the file is JSON with one number there, and the older
spelling of what readers before 1.6 insist on.
"""

from __future__ import annotations

import json
from typing import Any

Content = dict[str, Any]


def trees_of(content: Content) -> Content:
    """The object that holds the trees, of gbtree and of dart."""
    booster: Content = content["learner"]["gradient_booster"]
    found: Content = booster.get("gbtree", booster)["model"]
    return found


def official_bytes(raw_json: bytes | bytearray) -> bytes:
    """The content of ``xgboost-model``, without names.

    Parameters
    ----------
    raw_json : bytes
        What ``Booster.save_raw("json")`` gives.
    """
    return json.dumps(official(json.loads(raw_json)), separators=(",", ":")).encode()


def official(content: Content) -> Content:
    """The content as readers from XGBoost 1.0 on understand it, without names; it is changed."""
    learner, model = content["learner"], trees_of(content)
    learner["feature_names"], learner["feature_types"], learner["attributes"] = [], [], {}
    parameters = learner["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    del model["cats"]
    # Readers before 1.5 would take a split on categories for one on a number: those are to fail.
    if not any(any(tree["split_type"]) for tree in model["trees"]):
        for tree in model["trees"]:
            tree["default_left"] = [bool(value) for value in tree["default_left"]]
            tree["leaf_child_counts"] = [0] * len(tree["parents"])
    return content
