"""Constraints on columns: from names to the positions XGBoost's own syntax is about.

XGBoost would take names too, but those of the booster, from which characters it keeps for itself are gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from fraudlab.container.failure import ConfigError, near


def by_position(
    monotone: Mapping[str, int] | Sequence[int] | None,
    interaction: Sequence[Sequence[str | int]] | None,
    columns: Sequence[str],
) -> dict[str, str]:
    """The constraints as XGBoost's parameters; empty where there are none.

    Parameters
    ----------
    monotone : mapping of str to int, sequence of int, or None
        Directions by column name, or one for each column.
    interaction : sequence of groups, or None
        Columns by name or position.
    columns : sequence of str
        The features in order.

    Raises
    ------
    ConfigError
        If a column is not there, or there is not one direction for each column.
    """
    found = {}
    if monotone is not None:
        found["monotone_constraints"] = f"({','.join(map(str, _directions(monotone, columns)))})"
    if interaction is not None:
        groups = [[_position(item, columns) for item in group] for group in interaction]
        found["interaction_constraints"] = json.dumps(groups)
    return found


def _directions(monotone: Mapping[str, int] | Sequence[int], columns: Sequence[str]) -> Sequence[int]:
    if isinstance(monotone, Mapping):
        for name in monotone:
            _known(name, columns, "monotone_constraints")
        return [monotone.get(name, 0) for name in columns]
    if len(monotone) != len(columns):
        raise ConfigError(
            f"monotone_constraints has {len(monotone)} directions for {len(columns)} features",
            fix="give one for each feature, or name the columns",
        )
    return monotone


def _position(item: str | int, columns: Sequence[str]) -> int:
    if isinstance(item, str):
        return _known(item, columns, "interaction_constraints")
    if not 0 <= item < len(columns):
        raise ConfigError(
            f"interaction_constraints has the position {item}, and there are {len(columns)} features",
            fix=f"positions are 0 to {len(columns) - 1}; or name the columns",
        )
    return item


def _known(name: str, columns: Sequence[str], parameter: str) -> int:
    if name not in columns:
        raise ConfigError(
            f"{parameter} names {name!r}, which is not a feature{near(name, columns, limit=3)}",
            fix="name columns that are features",
        )
    return columns.index(name)
