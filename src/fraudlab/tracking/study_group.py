"""What makes the experiments of a study one group at Comet: the fields that Comet's own optimizer writes.

Comet has no object that is a group. Its project view puts experiments together that have the same value of a
field, and its panels for searches read the fields ``optimizer_…``, which ``Experiment.log_optimization``
writes for searches that are not Comet's. They are written here instead: that method would send the figure
that a trial is judged by a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fraudlab.container.contract import VALIDATION_FIGURE

#: by which experiments are one study, whatever other studies are called
GROUP = "optimizer_id"


def group_facts(study: Mapping[str, Any]) -> dict[str, str | int]:
    """What an experiment says of the study its run belongs to, as soon as it is open.

    Parameters
    ----------
    study : mapping
        As a run's record has it: ``name``, ``role``, and what its kind of run has.
    """
    facts: dict[str, str | int] = {"study.name": study["name"], "study.role": study["role"]}
    facts |= {GROUP: study.get("group", study["name"]), "optimizer_name": study["name"]}
    if study["role"] != "trial":  # on validation it is not measured as trials are
        return facts
    return {
        **facts,
        "study.trial": study["trial"],
        "optimizer_count": study["trial"] + 1,
        "optimizer_metric": VALIDATION_FIGURE,
        "optimizer_objective": "maximum",
        "optimizer_parameters": json.dumps(study.get("params", {})),
    }


def judged(value: float) -> dict[str, float]:
    """What it says once a trial was measured."""
    return {"optimizer_metric_value": value}
