"""What a run was told: its configuration in groups, without places and names."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fraudlab.report.recorded.run_record import Json, RunRecord, section
from fraudlab.runs.record import flatten
from fraudlab.runs.run_parameters import NOT_PARAMETERS

# Groups that decide the result; the others say where it was made.
MODELLING = ("model", "data", "split", "evaluation", "other")


def parameter_groups(record: RunRecord) -> dict[str, Json]:
    """The configuration as ``{group: {key: value}}``; single keys are in ``other``.

    Falls back to the hyperparameters in ``model.json`` where the folder has no ``config.yaml``. What was left
    to the job is shown with what the job chose: ``auto: 4``.
    """
    used = section(record.model, "hyperparameters")
    config = record.config or {"model": used}
    groups: dict[str, Json] = {}
    for key, value in config.items():
        if key in NOT_PARAMETERS:
            continue
        if isinstance(value, Mapping):
            groups[str(key)] = flatten(value)
            if key == "model":
                groups["model"] = {
                    name: _chosen(told, used.get(name)) for name, told in flatten(value).items()
                }
        else:
            groups.setdefault("other", {})[str(key)] = value
    return {name: values for name, values in groups.items() if values}


def _chosen(told: object, used: object) -> object:
    return f"auto: {json.dumps(used)}" if told == "auto" and used not in (None, "auto") else told
