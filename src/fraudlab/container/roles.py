"""Which column of the raw table plays which part, as ``process.json`` says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.column_rules import (
    NO_MOMENT,
    NO_MOMENT_FIX,
    ColumnNames,
    NameFault,
    Unusable,
    name_faults,
)
from fraudlab.container.contract import MAX_FOLDS, Fields, read_json
from fraudlab.container.failure import ConfigError, TableError, listing, near, override
from fraudlab.container.row_index import GIVEN, is_given_name
from fraudlab.container.table_layout import Layout, read_layout

#: what a column of numbers may count: auto is what its values say, excel days of the 1900 system
TIME_UNITS = ("auto", "s", "ms", "us", "ns", "min", "h", "d", "excel", "yyyymmddhhmmss")


@dataclass(frozen=True, slots=True)
class Windows:
    """The folds of a prequential split, in seconds.

    Attributes
    ----------
    folds : int
        Each begins one `test` before the one that is newer.
    train, validation, test : float
        How long each lasts; a validation of 0 is none.
    start : float or None
        When the newest fold begins to train; None is as late as the table allows.
    dated : bool
        Whether `start` is a date: seconds since 1970, and not of the table's own count.
    """

    folds: int
    train: float
    validation: float
    test: float
    start: float | None
    dated: bool


@dataclass(frozen=True, slots=True)
class Split:
    """How rows are divided: fractions of the rows, and the seconds labels arrive late.

    A prequential split has windows of time, and no fractions.
    """

    kind: str
    train: float
    validation: float
    test: float
    gap_seconds: float
    windows: Windows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles(ColumnNames):
    """Everything the process job is asked for; `table` is None where the job is to find how to read it.

    `label_delay_seconds` is for frauds of which `label_known` does not say when their labels were known.
    """

    file: str
    table: Layout | None
    sha256: str | None
    duplicates: str
    scale: str
    split: Split
    seed: int
    time_unit: str = "auto"
    label_delay_seconds: float = 0.0

    @property
    def name(self) -> str:
        """What to call the table in a message."""
        return self.table.name if self.table else self.file

    def inputs(self, columns: Sequence[str]) -> list[str]:
        """The feature columns, in the order the model takes them.

        Parameters
        ----------
        columns : sequence of str
            The columns of the raw table.

        Raises
        ------
        TableError
            If the table does not have, or has twice, a column that is named; or has none left to learn from.
        """
        self._check_columns(columns)
        inputs = self.learnt(columns)
        if not inputs:
            raise TableError(
                "no column is left to learn from",
                fix="list fewer columns in data.drop and data.id, or name some in data.features",
            )
        if not self.features:
            self.refuse_indices({name: GIVEN for name in inputs if is_given_name(name)})
        return inputs

    def refuse_indices(self, reasons: Mapping[str, str]) -> None:
        """Refuse columns that number the rows and that nobody named as a feature.

        Parameters
        ----------
        reasons : mapping of str to str
            Why each is one, by its name.

        Raises
        ------
        TableError
            If there is one.
        """
        if reasons:
            without = override("data.drop", [*self.drop, *reasons])
            raise TableError(
                ", and ".join(f"column {name!r} {why}" for name, why in reasons.items()),
                fix=f"write the table with index=False, or add {without}; data.features keeps what it names",
            )

    def _check_columns(self, columns: Sequence[str]) -> None:
        for fault in name_faults(columns):
            raise self._unusable(fault)
        missing = {name: key for key, name in self.absent(columns)}
        if len(missing) == 1:
            name, key = next(iter(missing.items()))
            raise TableError(
                f"{self.name} has no column {name!r}{near(name, columns)}",
                fix=f"set {key} to one of its columns: {listing(columns)}",
            )
        if missing:
            said = ", ".join(f"no column {name!r}{near(name, columns)}" for name in missing)
            keys = " and ".join(dict.fromkeys(missing.values()))
            raise TableError(f"{self.name} has {said}", fix=f"set {keys} to its columns: {listing(columns)}")

    def _unusable(self, fault: NameFault) -> TableError:
        why, name, position, number = fault
        if why is Unusable.TWICE:
            return TableError(
                f"{self.name} has {number} columns named {name!r}", fix="give each column a name of its own"
            )
        if why is Unusable.NAMELESS:
            return TableError(
                f"column {position + 1} of {self.name} has no name",
                fix="name it; if it is the row index pandas writes, write the table with index=False",
            )
        return TableError(f"column {name!r} of {self.name} has a name fraudlab keeps", fix="rename it")

    def part_names(self) -> dict[str, Any]:
        """The parts as ``manifest.json`` records them."""
        return {
            "label": self.label,
            "time": self.time,
            "label_known": self.label_known,
            "id": list(self.id),
            "card": self.card,
            "amount": self.amount,
            "drop": list(self.drop),
            "categorical": list(self.categorical),
            "slices": list(self.slices),
        }


def read_roles(path: Path) -> Roles:
    """Read and check ``process.json``.

    Raises
    ------
    ConfigError
        If a field is missing, unknown, of the wrong type, or contradicts another.
    """
    fields = Fields(read_json(path), source="process.json")
    roles = Roles(
        file=fields.get("file", str),
        table=read_layout(fields.fields("table")) if fields.has("table") else None,
        sha256=fields.optional("sha256", str),
        label=fields.get("label", str),
        time=fields.optional("time", str),
        time_unit=fields.choice("time_unit", *TIME_UNITS, default="auto"),
        label_known=fields.optional("label_known", str),
        label_delay_seconds=_read_label_delay(fields),
        id=fields.names("id"),
        card=fields.optional("card", str),
        amount=fields.optional("amount", str),
        features=fields.names("features"),
        drop=fields.names("drop"),
        categorical=fields.names("categorical"),
        slices=fields.names("slices"),
        duplicates=fields.choice("duplicates", "flag", "drop", "keep"),
        scale=fields.choice("scale", "none", "standard"),
        split=_read_split(fields.fields("split")),
        seed=fields.get("seed", int),
    )
    fields.end()
    _check_parts(roles)
    return roles


def _read_split(fields: Fields) -> Split:
    kind = fields.choice("kind", "time", "stratified", "prequential")
    if kind == "prequential":
        split = Split(kind, 0.0, 0.0, 0.0, _read_gap(fields), _read_windows(fields))
        fields.end()
        return split
    split = Split(
        kind=kind,
        train=fields.get("train", float),
        validation=fields.get("validation", float),
        test=fields.get("test", float),
        gap_seconds=_read_gap(fields),
    )
    fields.end()
    shares = (split.train, split.validation, split.test)
    if not all(0 < share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ConfigError(
            "the split's shares are {:g}, {:g} and {:g} of the rows".format(*shares),
            fix="set split.train, split.validation and split.test to positive shares that add up to 1",
        )
    return split


def _read_gap(fields: Fields) -> float:
    gap = fields.get("gap_seconds", float, 0.0)
    if not 0 <= gap < float("inf"):
        raise ConfigError(f"the split's gap is {gap:g} s", fix="set split.gap to 0s or more")
    return gap


def _read_label_delay(fields: Fields) -> float:
    delay = fields.get("label_delay_seconds", float, 0.0)
    if not 0 <= delay < float("inf"):
        raise ConfigError(f"labels arrive {delay:g} s late", fix="set data.delay to 0s or more")
    return delay


def _read_windows(fields: Fields) -> Windows:
    windows = Windows(
        folds=fields.get("folds", int),
        train=fields.get("train_seconds", float),
        validation=fields.get("validation_seconds", float, 0.0),
        test=fields.get("test_seconds", float),
        start=fields.optional("start", float),
        dated=fields.get("dated", bool, False),
    )
    if not 1 <= windows.folds <= MAX_FOLDS:
        raise ConfigError(f"the split has {windows.folds} folds", fix=f"set split.folds to 1 to {MAX_FOLDS}")
    for name, shortest in (("train", 1.0), ("validation", 0.0), ("test", 1.0)):
        if not shortest <= (length := getattr(windows, name)) < float("inf"):
            raise ConfigError(
                f"the split's {name} lasts {length:g} s", fix=f"set split.{name}_length, as 7d or 12h"
            )
    return windows


def _check_parts(roles: Roles) -> None:
    if Path(roles.file).name != roles.file:
        raise ConfigError(f"{roles.file!r} is not a file name, but a path", fix="name the file alone")
    if roles.split.kind != "stratified" and not roles.time:
        raise ConfigError(
            f"a {roles.split.kind} split needs a time column",
            fix="set data.time to the column, or use split=stratified",
        )
    if roles.label_known and roles.split.kind == "stratified":
        raise ConfigError(NO_MOMENT, fix=NO_MOMENT_FIX)
    roles.check_parts()
