"""How large a model a table can bear: the depth of trees, from what the train split is.

A deep tree splits frauds into leaves too small to be believed; a shallow one cannot tell them apart where
there are many of them and many columns to tell them by. ``docs/rare_class_defaults.md`` has the ablation
that the rule was held against.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from fraudlab.container.hyperparameters import Hyperparameters
from fraudlab.container.training.job import Job

#: what ``max_depth`` is where the job is to choose it
AUTO = "auto"
#: what the rule chooses among
MIN_DEPTH, MAX_DEPTH = 4, 8
#: frauds times columns for which a depth of 0 would do, as a power of two: where the line crosses the axis
_OFFSET = 13


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A depth, and what it was chosen from.

    Attributes
    ----------
    max_depth : int
    rows, frauds : int
        Of the train split, on all hosts.
    columns : int
        The features, derived ones among them.
    """

    max_depth: int
    rows: int
    frauds: int
    columns: int

    def as_json(self) -> dict[str, Any]:
        """``model_size`` as ``history.json`` holds it."""
        return asdict(self)


def depth_for(*, frauds: int, columns: int) -> int:
    """Depth of the trees: ``log2(frauds * columns) - 13``, rounded, and kept from 4 to 8.

    A level more halves the frauds of a leaf; each doubling of frauds, or of columns to choose from, pays for
    one.

    Parameters
    ----------
    frauds : int
        Of the train split, at least 1.
    columns : int
        At least 1.
    """
    return min(max(round(math.log2(frauds * columns)) - _OFFSET, MIN_DEPTH), MAX_DEPTH)


def choose_model_size(job: Job, *, rows: int, frauds: int, columns: int) -> tuple[Job, ModelSize | None]:
    """Put a number where the job is to choose one, and print why.

    Parameters
    ----------
    job : Job
    rows, frauds : int
        Of the train split, on all hosts.
    columns : int

    Returns
    -------
    job : Job
        The same where every number was given.
    model_size : ModelSize or None
        None where every number was given.
    """
    parameters = job.parameters
    if all(one.booster.get("max_depth") != AUTO for one in (parameters, *parameters.each)):
        return job, None
    chosen = ModelSize(depth_for(frauds=frauds, columns=columns), rows, frauds, columns)
    print(f"max_depth={chosen.max_depth}, for {frauds:,} frauds and {columns:,} columns (max_depth=auto)")
    each = tuple(_of_depth(member, chosen.max_depth) for member in parameters.each)
    return replace(job, parameters=replace(_of_depth(parameters, chosen.max_depth), each=each)), chosen


def _of_depth(parameters: Hyperparameters, depth: int) -> Hyperparameters:
    """The parameters, with a number where they leave it to the job."""
    if parameters.booster.get("max_depth") != AUTO:
        return parameters
    return replace(parameters, booster={**parameters.booster, "max_depth": depth})
