"""Constraints on columns: from names to the positions XGBoost's own syntax is about.

XGBoost would take names too, but those of the booster, from which characters it keeps for itself are gone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from fraudlab.container.failure import ConfigError, near


def by_position(
    monotone: Mapping[str, int] | Sequence[int] | None,
    interaction: Sequence[Sequence[str | int]] | None,
    columns: Sequence[str],
    *,
    categorical: Collection[str] = (),
    prefix: str = "",
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
    categorical : collection of str
        Those of them that are categories.
    prefix : str
        What stands before every name where the person writes it, such as ``model.``.

    Raises
    ------
    ConfigError
        With everything that is wrong: columns that are not there, a direction for a category, a number of
        directions that is not that of the columns.
    """
    problems: list[ConfigError] = []
    found = {}
    if monotone is not None:
        name = f"{prefix}monotone_constraints"
        directions = _directions(monotone, columns, name, problems)
        problems += _of_categories(directions, columns, categorical, name)
        found["monotone_constraints"] = f"({','.join(map(str, directions))})"
    if interaction is not None:
        name = f"{prefix}interaction_constraints"
        groups = [[_position(item, columns, name, problems) for item in group] for group in interaction]
        found["interaction_constraints"] = json.dumps(groups)
    if problems:
        raise _together(problems)
    return found


def _together(problems: Sequence[ConfigError]) -> ConfigError:
    fixes = dict.fromkeys(problem.fix for problem in problems)
    return ConfigError("; ".join(problem.sentence for problem in problems), fix="; ".join(fixes))


def _directions(
    monotone: Mapping[str, int] | Sequence[int],
    columns: Sequence[str],
    parameter: str,
    problems: list[ConfigError],
) -> Sequence[int]:
    if isinstance(monotone, Mapping):
        for name in monotone:
            _known(name, columns, parameter, problems)
        return [monotone.get(name, 0) for name in columns]
    if len(monotone) != len(columns):
        problems.append(
            ConfigError(
                f"{parameter} has {len(monotone)} directions for {len(columns)} features",
                fix="give one for each feature, or name the columns",
            )
        )
        return []
    return monotone


def _of_categories(
    directions: Sequence[int], columns: Sequence[str], categorical: Collection[str], parameter: str
) -> list[ConfigError]:
    """Categories have no order to rise or fall in, and XGBoost silently splits by them no more."""
    pairs = zip(columns, directions, strict=False)
    ordered = [name for name, direction in pairs if direction and name in categorical]
    if not ordered:
        return []
    names, several = ", ".join(map(repr, ordered)), len(ordered) > 1
    kind, number = ("are categories", "they are numbers") if several else ("is a category", "it is a number")
    return [
        ConfigError(
            f"{parameter} gives a direction to {names}, which {kind} and cannot rise or fall",
            fix=f"take {names} out of {parameter}, or out of data.categorical where {number}",
        )
    ]


def _position(item: str | int, columns: Sequence[str], parameter: str, problems: list[ConfigError]) -> int:
    if isinstance(item, str):
        return _known(item, columns, parameter, problems)
    if not 0 <= item < len(columns):
        problems.append(
            ConfigError(
                f"{parameter} has the position {item}, and there are {len(columns)} features",
                fix=f"positions are 0 to {len(columns) - 1}; or name the columns",
            )
        )
    return item


def _known(name: str, columns: Sequence[str], parameter: str, problems: list[ConfigError]) -> int:
    if name in columns:
        return columns.index(name)
    problems.append(
        ConfigError(
            f"{parameter} names {name!r}, which is not a feature{near(name, columns, limit=3)}",
            fix="name columns that are features",
        )
    )
    return -1
