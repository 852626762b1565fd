"""Which runs are shown, in which order, and as what: arithmetic on records that were read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from math import isnan
from typing import Any

from fraudlab.durations import seconds
from fraudlab.errors import ConfigError, nearest
from fraudlab.runs.find import Run

STATUSES = ("running", "completed", "failed", "interrupted", "dead")
#: what runs are sorted by, besides any metric of theirs
FIELDS = ("id", "name", "status", "backend", "data", "started", "ended", "seconds")
#: what a list may be sorted by even where no run has it
_METRICS = ("average_precision", "roc_auc", "precision", "recall", "f1", "accuracy", "threshold")
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
    sort : str or None
        A field, a metric, or either with a hyphen before it to turn the order round; None is ``started``.
    limit : int or None
        At most so many: the first ones where `sort` is given, else the newest.
    """

    status: Sequence[str] = ()
    backend: Sequence[str] = ()
    name: str | None = None
    since: str | None = None
    sort: str | None = None
    limit: int | None = None


def select(runs: Iterable[Run], selection: Selection, *, now: datetime | None = None) -> list[Run]:
    """Filter, sort and cut.

    Parameters
    ----------
    runs : iterable of Run
        Oldest first.
    selection : Selection
    now : datetime, optional
        Default the present.

    Returns
    -------
    list of Run
        A run that lacks what is sorted by comes last, in either order.

    Raises
    ------
    ConfigError
        For a status, time, number or sort key that means nothing.
    """
    if unknown := [status for status in selection.status if status not in STATUSES]:
        raise ConfigError(f"{unknown[0]!r} is not a status.", fix=nearest(unknown[0], STATUSES))
    if selection.limit is not None and selection.limit < 1:
        raise ConfigError(f"--limit {selection.limit} shows no run.", fix="valid: 1 or more")
    begin = None if selection.since is None else _begin(selection.since, now or datetime.now(UTC))
    runs = list(runs)
    order = _order(selection.sort, runs)
    found = [run for run in runs if _matches(run, selection) and (begin is None or _started(run) >= begin)]
    if order is None:
        return found[-selection.limit :] if selection.limit else found
    return order(found)[: selection.limit]


def summary(run: Run) -> dict[str, Any]:
    """What a list says of a run; what the record lacks is null."""
    record = run.record
    data = record.get("data")
    return {
        "id": run.id,
        "name": record.get("name"),
        "status": run.status,
        "backend": record.get("backend"),
        "data": data.get("source") if isinstance(data, dict) else None,
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": _seconds(record),
        "metrics": record["metrics"],
        "gates": record.get("gates") or [],
        "error": record["error"],
        "folder": str(run.folder.absolute()),
    }


def headline(run: Run) -> str:
    """Average precision with its interval; of a run without one, why there is none."""
    metrics = run.record["metrics"]
    numbers = [metrics.get(f"average_precision{bound}") for bound in ("", "_low", "_high")]
    if not all(isinstance(number, int | float) for number in numbers):
        return str((run.record["error"] or {}).get("message", ""))
    gates = run.record.get("gates")
    failed = (
        [gate for gate in gates if isinstance(gate, dict) and gate.get("failed")]
        if isinstance(gates, list)
        else []
    )
    text = "{:.3f} ({:.3f} to {:.3f})".format(*numbers)
    return text + "".join(f"; fails {gate.get('condition')}" for gate in failed)


def sorted_by_metric(selection: Selection) -> str | None:
    """The metric a list is sorted by, which then has a column of its own."""
    key = (selection.sort or "").removeprefix("-")
    return None if key in ("", "average_precision", *FIELDS) else key


def _matches(run: Run, selection: Selection) -> bool:
    if selection.status and run.status not in selection.status:
        return False
    if selection.backend and run.record.get("backend") not in selection.backend:
        return False
    if not selection.name:
        return True
    names = [run.id, str(run.record.get("name") or "")]
    if set("*?[") & set(selection.name):
        return any(fnmatchcase(name, selection.name) for name in names)
    return any(selection.name in name for name in names)


def _order(sort: str | None, runs: Sequence[Run]) -> Callable[[list[Run]], list[Run]] | None:
    if sort is None:
        return None
    down, key = sort.startswith("-"), sort.removeprefix("-")
    metrics = {name for run in runs for name in run.record["metrics"]}
    valid = [*FIELDS, *sorted({*_METRICS, *metrics})]
    if key not in valid:
        raise ConfigError(f"Runs cannot be sorted by {key!r}.", fix=nearest(key, valid))

    def value(run: Run) -> Any:
        found = summary(run)[key] if key in FIELDS else run.record["metrics"].get(key)
        if key in FIELDS and key != "seconds":
            return None if found is None else _natural(str(found))
        return found if isinstance(found, int | float) and not isnan(found) else None

    def ordered(found: list[Run]) -> list[Run]:
        having = [run for run in found if value(run) is not None]
        lacking = [run for run in found if value(run) is None]
        return [*sorted(having, key=value, reverse=down), *lacking]

    return ordered


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
    return _moment(run.record.get("started")) or datetime.min.replace(tzinfo=UTC)


def _seconds(record: dict[str, Any]) -> float | None:
    began, ended = _moment(record.get("started")), _moment(record.get("ended"))
    return None if began is None or ended is None else round((ended - began).total_seconds(), 3)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
