"""What a run was told: its configuration in groups, without places and names."""

from __future__ import annotations

from collections.abc import Mapping

from fraudlab.report.recorded.run_record import Json, RunRecord, section
from fraudlab.runs.record import flatten
from fraudlab.runs.run_parameters import NOT_PARAMETERS

# Groups that decide the result; the others say where it was made.
MODELLING = ("model", "data", "split", "evaluation", "other")


def parameter_groups(record: RunRecord) -> dict[str, Json]:
    """The configuration as ``{group: {key: value}}``; single keys are in ``other``.

    Falls back to the hyperparameters in ``model.json`` where the folder has no ``config.yaml``.
    """
    config = record.config or {"model": section(record.model, "hyperparameters")}
    groups: dict[str, Json] = {}
    for key, value in config.items():
        if key in NOT_PARAMETERS:
            continue
        if isinstance(value, Mapping):
            groups[str(key)] = flatten(value)
        else:
            groups.setdefault("other", {})[str(key)] = value
    return {name: values for name, values in groups.items() if values}
