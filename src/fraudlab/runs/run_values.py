"""What a run has by name: a fact, a metric, a part of its record, or a parameter of its configuration."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from fraudlab.errors import ConfigError, RunError, nearest
from fraudlab.files import read_json
from fraudlab.gates import METRICS, is_metric
from fraudlab.runs.find import Run
from fraudlab.runs.record import Head
from fraudlab.runs.run_parameters import ParameterReader

Kind = Literal["number", "text", "time", "duration", "boolean"]
Value = Callable[[Run], Any]

#: what every run is asked for, each of one kind
FIELDS: dict[str, Kind] = {
    "id": "text",
    "name": "text",
    "status": "text",
    "backend": "text",
    "data": "text",
    "started": "time",
    "ended": "time",
    "seconds": "duration",
    "age": "duration",
    "error": "text",
}


@dataclass(frozen=True)
class RunColumn:
    """A name that means something.

    Attributes
    ----------
    name : str
        In full: ``model.max_depth`` for what was called ``max_depth``.
    kind : str or None
        None where each run may have a value of another kind.
    value : callable
        What a run has; None where it has nothing. A time is a :class:`datetime.datetime`, a duration seconds.
    """

    name: str
    kind: Kind | None
    value: Value


class RunValues:
    """Finds values of runs by their names.

    Parameters
    ----------
    runs : sequence of Run
        What names are looked for in.
    now : datetime, optional
        What ``age`` is measured from; default the present.
    reader : ParameterReader, optional
        One that remembers what it has read.
    """

    def __init__(
        self, runs: Sequence[Run], *, now: datetime | None = None, reader: ParameterReader | None = None
    ) -> None:
        self._runs = runs
        self._now = now or datetime.now(UTC)
        self._reader = reader or ParameterReader()
        self._files: dict[str, dict[str, Any]] = {}
        self._recorded: set[str] | None = None
        self._parameters: set[str] | None = None
        #: what a short name was taken for, in sentences
        self.notes: list[str] = []

    def find(self, name: str) -> RunColumn | None:
        """What a name means; None where no run has such a thing.

        Raises
        ------
        ConfigError
            Where a short name means several things.
        """
        if name in FIELDS:
            return RunColumn(name, FIELDS[name], self._field(name))
        metric = name.removeprefix("metrics.")
        if is_metric(metric) or metric in self.metrics():
            return RunColumn(metric, "number", lambda run: self._metric(run, metric))
        path = name.split(".")
        if len(path) > 1 and any(dig(run.record, path) is not None for run in self._runs):
            return RunColumn(name, None, lambda run: scalar(dig(run.record, path)))
        if name in self.parameters():
            return self.parameter(name)
        return self._short(name)

    def parameter(self, name: str) -> RunColumn:
        """A parameter by its full name, which is known to be one."""
        return RunColumn(name, None, lambda run: scalar(self.of(run).get(name)))

    def _short(self, name: str) -> RunColumn | None:
        """A parameter by the end of its name, where no other ends so."""
        full = sorted(found for found in self.parameters() if found.endswith(f".{name}"))
        if len(full) > 1:
            raise ConfigError(f"{name!r} may be {' or '.join(full)}.", fix=f"write it in full: {full[0]}")
        if not full:
            if not self._runs and "." in name:  # nobody can say that it is wrong
                return RunColumn(name, None, lambda _run: None)
            return None
        note = f"{name} is taken for {full[0]}"
        if note not in self.notes:
            self.notes.append(note)
        return self.find(full[0])

    def require(self, name: str) -> RunColumn:
        """What a name means.

        Raises
        ------
        ConfigError
            Where it means nothing, with names that are near.
        """
        found = self.find(name)
        if found is None:
            raise ConfigError(f"Runs have no {name!r}.", fix=self.near(name))
        return found

    def near(self, name: str) -> str:
        """Which names are meant, closest first; parameters are too many to be listed."""
        plain = sorted({*FIELDS, *METRICS, *self.metrics()})
        if difflib.get_close_matches(name, plain, n=1, cutoff=0.6):
            return nearest(name, plain)
        parameters = sorted(self.parameters())
        ends = {full.split(".", 1)[-1]: full for full in parameters}
        close = difflib.get_close_matches(name, [*parameters, *ends], n=1, cutoff=0.6)
        if close:
            return f"did you mean {ends.get(close[0], close[0])!r}?"
        return f"{nearest(name, plain)}, and what a configuration has, such as model.max_depth"

    def metrics(self) -> set[str]:
        """Names of the metrics that any of the runs has in its record."""
        if self._recorded is None:
            self._recorded = {name for run in self._runs for name in run.head.metrics}
        return self._recorded

    def parameters(self) -> set[str]:
        """Names of the parameters that any of the runs has."""
        if self._parameters is None:
            self._parameters = set()
            for run in self._runs:
                self._parameters.update(self.of(run))
        return self._parameters

    def of(self, run: Run) -> dict[str, Any]:
        """The parameters of a run, by dotted name."""
        return self._reader.read(run.folder)

    def differing(self, runs: Iterable[Run]) -> list[str]:
        """The parameters that are not the same in all of these runs; those of the model first."""
        found = [self.of(run) for run in runs]
        names = dict.fromkeys(name for values in found for name in values)
        different = [
            name for name in names if any(values.get(name) != found[0].get(name) for values in found[1:])
        ]
        return sorted(different, key=lambda name: not name.startswith("model."))

    def _field(self, name: str) -> Value:
        fields: dict[str, Value] = {
            "id": lambda run: run.id,
            "status": lambda run: run.status,
            "data": lambda run: dig(run.head.data, ["source"]),
            "started": lambda run: moment(run.head.started),
            "ended": lambda run: moment(run.head.ended),
            "seconds": lambda run: run_seconds(run.head),
            "age": self._age,
            "error": lambda run: dig(run.head.error, ["message"]),
        }
        return fields.get(name, lambda run: getattr(run.head, name))

    def _age(self, run: Run) -> float | None:
        began = moment(run.head.started)
        return None if began is None else (self._now - began).total_seconds()

    def _metric(self, run: Run, name: str) -> Any:
        """From the record, and from the file of all metrics where the record does not have it."""
        if name in run.head.metrics:
            return number(run.head.metrics[name])
        if run.id not in self._files:
            try:
                found = read_json(run.folder / "evaluation" / "metrics.json")
            except (RunError, OSError):
                found = {}
            self._files[run.id] = found if isinstance(found, dict) else {}
        return number(self._files[run.id].get(name))


def dig(record: Any, path: Iterable[str]) -> Any:
    """Follow a path through nested mappings; None where it ends early."""
    for part in path:
        if not isinstance(record, dict):
            return None
        record = record.get(part)
    return record


def scalar(value: Any) -> Any:
    """A value that stands in a cell: lists become their text, what is no number is nothing."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def number(value: Any) -> float | None:
    """A number; None for anything else, and for what is not a number."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    return value if usable else None


def moment(text: object) -> datetime | None:
    """A time of a record; UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def run_seconds(head: Head) -> float | None:
    """How long a run has taken."""
    began, ended = moment(head.started), moment(head.ended)
    return None if began is None or ended is None else round((ended - began).total_seconds(), 3)
