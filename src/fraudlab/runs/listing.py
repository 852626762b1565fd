"""Which runs are shown, in which order, and as what: arithmetic on records that were read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from fraudlab.durations import seconds
from fraudlab.errors import ConfigError, nearest
from fraudlab.runs.condition import STATUSES, conditions
from fraudlab.runs.find import Run
from fraudlab.runs.run_values import RunColumn, RunValues, moment, run_seconds

#: what a list shows where nobody asks for other columns, besides its headline
_SHOWN = ("id", "status", "backend", "data", "average_precision")
_HEADLINE = ("average_precision", "average_precision_low", "average_precision_high")
#: a word for all parameters that differ among the runs that are shown
DIFFERING = "differing"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which runs.

    Attributes
    ----------
    status, backend : sequence of str
        One of these; empty takes all.
    name : str or None
        A part of the run's id or of the model's name, or a pattern with ``*`` and ``?``.
    since : str or None
        Begun since: ``7d`` ago, or a date or time (UTC where it names no zone).
    where : sequence of str
        Conditions that all hold, as ``average_precision>0.8 and model.max_depth<6``.
    sort : str or None
        A field, metric or parameter, with a hyphen before it to turn the order round; several with commas,
        the first counts most. None is ``started``.
    limit : int or None
        At most so many: the first ones where `sort` is given, else the newest.
    """

    status: Sequence[str] = ()
    backend: Sequence[str] = ()
    name: str | None = None
    since: str | None = None
    where: Sequence[str] = ()
    sort: str | None = None
    limit: int | None = None


def select(
    runs: Iterable[Run],
    selection: Selection,
    *,
    now: datetime | None = None,
    values: RunValues | None = None,
) -> list[Run]:
    """Filter, sort and cut.

    Parameters
    ----------
    runs : iterable of Run
        Oldest first.
    selection : Selection
    now : datetime, optional
        Default the present.
    values : RunValues, optional
        Of the same runs.

    Returns
    -------
    list of Run
        A run that lacks what is sorted by comes last, in either order.

    Raises
    ------
    ConfigError
        For a status, time, number, condition or sort key that means nothing.
    """
    if unknown := [status for status in selection.status if status not in STATUSES]:
        raise ConfigError(f"{unknown[0]!r} is not a status.", fix=nearest(unknown[0], STATUSES))
    if selection.limit is not None and selection.limit < 1:
        raise ConfigError(f"--limit {selection.limit} shows no run.", fix="valid: 1 or more")
    now = now or datetime.now(UTC)
    begin = None if selection.since is None else _begin(selection.since, now)
    runs = list(runs)
    values = values or RunValues(runs, now=now)
    keys = _sort_keys(selection.sort, values)
    found = [run for run in runs if _matches(run, selection) and (begin is None or _started(run) >= begin)]
    if selection.where:
        holds = conditions(selection.where, values, runs)
        found = [run for run in found if holds(run)]
    if not keys:
        return found[-selection.limit :] if selection.limit else found
    for column, down in reversed(keys):
        found = _ordered(found, column, down=down)
    return found[: selection.limit]


def summary(run: Run) -> dict[str, Any]:
    """What a list says of a run; what the record lacks is null."""
    head = run.head
    data = head.data
    return {
        "id": run.id,
        "name": head.name,
        "status": run.status,
        "backend": head.backend,
        "data": data.get("source") if isinstance(data, dict) else None,
        "started": head.started,
        "ended": head.ended,
        "seconds": run_seconds(head),
        "metrics": head.metrics,
        "gates": head.gates or [],
        "error": head.error,
        "folder": str(run.folder.absolute()),
    }


def headline(run: Run) -> str:
    """Average precision with its interval; of a run without one, why there is none."""
    metrics = run.head.metrics
    precision, low, high = map(metrics.get, _HEADLINE)
    if not (
        isinstance(precision, int | float) and isinstance(low, int | float) and isinstance(high, int | float)
    ):
        return str((run.head.error or {}).get("message", ""))
    text = f"{precision:.3f} ({low:.3f} to {high:.3f})"
    gates = run.head.gates
    if not isinstance(gates, list):
        return text
    failed = [gate for gate in gates if isinstance(gate, dict) and gate.get("failed")]
    return text + "".join(f"; fails {gate.get('condition')}" for gate in failed)


def shown_columns(words: Sequence[str], values: RunValues, runs: Sequence[Run]) -> list[RunColumn]:
    """The columns that are asked for.

    Parameters
    ----------
    words : sequence of str
        Names, patterns with ``*`` or ``?``, and ``differing`` for the parameters that differ among `runs`.
    values : RunValues
    runs : sequence of Run
        Those that are shown.

    Raises
    ------
    ConfigError
        For all that mean nothing, at once.
    """
    found: list[RunColumn] = []
    unknown: list[ConfigError] = []
    for word in words:
        if word == DIFFERING:
            found += map(values.parameter, values.differing(runs))
        elif set("*?") & set(word):
            metrics = values.metrics()
            everything = sorted({*metrics, *values.parameters()})
            matching = [name for name in everything if fnmatchcase(name, word)]
            if not matching and runs:
                unknown.append(ConfigError(f"Runs have nothing like {word!r}.", fix=values.near(word)))
            found += [
                values.require(name) if name in metrics else values.parameter(name) for name in matching
            ]
        else:
            try:
                found.append(values.require(word))
            except ConfigError as error:
                unknown.append(error)
    if unknown:
        raise ConfigError(
            " ".join(error.message for error in unknown),
            fix="; ".join(dict.fromkeys(error.fix for error in unknown)),
        )
    return list({column.name: column for column in found if column.name != "id"}.values())


def sorted_by(selection: Selection, values: RunValues) -> list[RunColumn]:
    """What a list is sorted by and does not show anyhow: it then has columns of its own."""
    return [column for column, _ in _sort_keys(selection.sort, values) if column.name not in _SHOWN]


def _matches(run: Run, selection: Selection) -> bool:
    if selection.status and run.status not in selection.status:
        return False
    if selection.backend and run.head.backend not in selection.backend:
        return False
    if not selection.name:
        return True
    names = [run.id, str(run.head.name or "")]
    if set("*?[") & set(selection.name):
        return any(fnmatchcase(name, selection.name) for name in names)
    return any(selection.name in name for name in names)


def _sort_keys(sort: str | None, values: RunValues) -> list[tuple[RunColumn, bool]]:
    """What is sorted by, each with whether the largest come first."""
    if sort is None:
        return []
    found = []
    for word in sort.split(","):
        key = word.strip().removeprefix("-")
        column = values.find(key) if key else None
        if column is None:
            raise ConfigError(f"Runs cannot be sorted by {key!r}.", fix=values.near(key))
        found.append((column, word.strip().startswith("-")))
    return found


def _ordered(runs: list[Run], column: RunColumn, *, down: bool) -> list[Run]:
    keyed = [(run, column.value(run)) for run in runs]
    having = [(_place(value), run) for run, value in keyed if value is not None]
    having.sort(key=lambda pair: pair[0], reverse=down)
    return [run for _, run in having] + [run for run, value in keyed if value is None]


def _place(value: Any) -> tuple[int, Any]:
    """Where a value stands: numbers before times before texts."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, datetime) else (2, _natural(str(value)))


def _natural(text: str) -> list[tuple[int, int | str]]:
    """A text in whose order ``v2`` comes before ``v10``."""
    parts = _DIGITS.split(text)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _begin(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    else:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return now - timedelta(seconds=seconds(text, key="--since"))
    except ConfigError as error:
        raise ConfigError(
            error.message, fix=f"{error.fix}, or a date or time such as 2026-11-20 or 2026-11-20T14:00"
        ) from error


def _started(run: Run) -> datetime:
    return moment(run.head.started) or datetime.min.replace(tzinfo=UTC)
