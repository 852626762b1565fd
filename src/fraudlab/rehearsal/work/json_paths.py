"""The part of JSONPath that batch transform documents: ``$``, names, wildcards, indices and slices. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*|\*)
      | \[\s*(?P<quoted>'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)\s*\]
      | \[\s*(?P<places>\*|-?\d*\s*(?::\s*-?\d*)?(?:\s*,\s*-?\d+(?:\s*:\s*-?\d*)?)*)\s*\]""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


def path_filter(expression: str) -> Callable[[Any], Any]:
    """Make a function that takes its part out of a record.

    Several names give an object, several places a list, one name or place the value itself.

    Raises
    ------
    ValueError
        The expression is none of those that are documented.

    Examples
    --------
    >>> path_filter("$[1:]")(["id", 1, 2])
    [1, 2]
    >>> path_filter("$['id','SageMakerOutput']")({"id": 7, "a": 1, "SageMakerOutput": 0.5})
    {'id': 7, 'SageMakerOutput': 0.5}
    """
    steps, place = [], 1
    if not expression.startswith("$"):
        raise ValueError(f"{expression!r} does not begin with $")
    while place < len(expression):
        found = _STEP.match(expression, place)
        if found is None:
            raise ValueError(f"{expression!r} cannot be read from {expression[place:]!r} on")
        steps.append(_step(found))
        place = found.end()

    def apply(record: Any) -> Any:
        for step in steps:
            record = step(record)
        return record

    return apply


def _step(found: re.Match[str]) -> Callable[[Any], Any]:
    if found["name"] is not None:
        return _all if found["name"] == "*" else lambda record: _named(record, found["name"])
    if found["quoted"] is not None:
        names = [one or other for one, other in _QUOTED.findall(found["quoted"])]
        if len(names) == 1:
            return lambda record: _named(record, names[0])
        return lambda record: {name: _named(record, name) for name in names}
    places = found["places"].replace(" ", "")
    if places in {"", "*"}:
        return _all
    parts = places.split(",")
    if len(parts) == 1 and ":" not in places:
        return lambda record: _placed(record, int(places))
    return lambda record: [value for part in parts for value in _places(record, part)]


def _all(record: Any) -> Any:
    return list(record.values()) if isinstance(record, dict) else list(record)


def _named(record: Any, name: str) -> Any:
    if not isinstance(record, dict) or name not in record:
        raise ValueError(f"a record has no {name!r}")
    return record[name]


def _placed(record: Any, place: int) -> Any:
    if not isinstance(record, list) or not -len(record) <= place < len(record):
        raise ValueError(f"a record has no place {place}")
    return record[place]


def _places(record: Any, part: str) -> list[Any]:
    """The values of one place or one slice, whose ends may be left out."""
    if ":" not in part:
        return [_placed(record, int(part))]
    if not isinstance(record, list):
        raise ValueError("a record is no list")
    first, _, end = part.partition(":")
    if first and int(first) > len(record):
        raise ValueError(f"a record has no place {first}")
    return record[int(first) if first else None : int(end) if end else None]
