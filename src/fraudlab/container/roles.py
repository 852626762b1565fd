"""Which column of the raw table plays which part, as ``process.json`` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.contract import Fields, read_json
from fraudlab.container.failure import ConfigError, TableError, listing, near, override
from fraudlab.container.row_index import GIVEN, is_given_name
from fraudlab.container.table_layout import Layout, read_layout

#: columns the process job adds to the splits
RESERVED = "fraudlab."
#: what a column of numbers may count: auto is what its values say, excel days of the 1900 system
TIME_UNITS = ("auto", "s", "ms", "us", "ns", "min", "h", "d", "excel", "yyyymmddhhmmss")


@dataclass(frozen=True, slots=True)
class Split:
    """How rows are divided: fractions of the rows, and the seconds labels arrive late."""

    kind: str
    train: float
    validation: float
    test: float
    gap_seconds: float


@dataclass(frozen=True, slots=True)
class Roles:
    """Everything the process job is asked for.

    `features` is empty for "every other column"; `table` is None where the job is to find how to read it.
    """

    file: str
    table: Layout | None
    sha256: str | None
    label: str
    time: str | None
    id: tuple[str, ...]
    card: str | None
    amount: str | None
    features: tuple[str, ...]
    drop: tuple[str, ...]
    categorical: tuple[str, ...]
    duplicates: str
    scale: str
    split: Split
    seed: int
    time_unit: str = "auto"

    @property
    def name(self) -> str:
        """What to call the table in a message."""
        return self.table.name if self.table else self.file

    def apart(self) -> dict[str, str]:
        """Columns that are never features unless they are listed as one, and the part each plays."""
        parts = dict.fromkeys(self.drop, "drop")
        parts |= dict.fromkeys(self.id, "id")
        parts |= {name: part for part, name in (("card", self.card), ("time", self.time)) if name}
        return parts | {self.label: "label"}

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
        apart = self.apart()
        inputs = list(self.features) or [name for name in columns if name not in apart]
        if not inputs:
            raise TableError(
                "no column is left to learn from",
                fix="list fewer columns in data.drop and data.id, or name some in data.features",
            )
        for name in self.categorical:
            if name not in inputs:
                raise ConfigError(
                    f"data.categorical names {name!r}, not a feature",
                    fix="take it out of data.categorical, or out of data.drop",
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
        for name, count in Counter(columns).items():
            if count > 1:
                raise TableError(
                    f"{self.name} has {count} columns named {name!r}",
                    fix="give each column a name of its own",
                )
            if not name.strip():
                raise TableError(
                    f"column {columns.index(name) + 1} of {self.name} has no name",
                    fix="name it; if it is the row index pandas writes, write the table with index=False",
                )
            if name.startswith(RESERVED):
                raise TableError(
                    f"column {name!r} of {self.name} has a name fraudlab keeps",
                    fix="rename it",
                )
        named = {"data.features": self.features} | ({"data.amount": (self.amount,)} if self.amount else {})
        named |= {f"data.{part}": (name,) for name, part in self.apart().items()}
        named |= {"data.drop": self.drop, "data.id": self.id, "data.categorical": self.categorical}
        missing = {name: key for key, names in named.items() for name in names if name not in columns}
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

    def part_names(self) -> dict[str, Any]:
        """The parts as ``manifest.json`` records them."""
        return {
            "label": self.label,
            "time": self.time,
            "id": list(self.id),
            "card": self.card,
            "amount": self.amount,
            "drop": list(self.drop),
            "categorical": list(self.categorical),
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
        id=fields.names("id"),
        card=fields.optional("card", str),
        amount=fields.optional("amount", str),
        features=fields.names("features"),
        drop=fields.names("drop"),
        categorical=fields.names("categorical"),
        duplicates=fields.choice("duplicates", "flag", "drop", "keep"),
        scale=fields.choice("scale", "none", "standard"),
        split=_read_split(fields.fields("split")),
        seed=fields.get("seed", int),
    )
    fields.end()
    _check_parts(roles)
    return roles


def _read_split(fields: Fields) -> Split:
    split = Split(
        kind=fields.choice("kind", "time", "stratified"),
        train=fields.get("train", float),
        validation=fields.get("validation", float),
        test=fields.get("test", float),
        gap_seconds=fields.get("gap_seconds", float, 0.0),
    )
    fields.end()
    shares = (split.train, split.validation, split.test)
    if not all(0 < share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ConfigError(
            "the split's shares are {:g}, {:g} and {:g} of the rows".format(*shares),
            fix="set split.train, split.validation and split.test to positive shares that add up to 1",
        )
    if not 0 <= split.gap_seconds < float("inf"):
        raise ConfigError(f"the split's gap is {split.gap_seconds:g} s", fix="set split.gap to 0s or more")
    return split


def _check_parts(roles: Roles) -> None:
    if Path(roles.file).name != roles.file:
        raise ConfigError(f"{roles.file!r} is not a file name, but a path", fix="name the file alone")
    if roles.split.kind == "time" and not roles.time:
        raise ConfigError(
            "a time split needs a time column", fix="set data.time to the column, or use split=stratified"
        )
    parts: dict[str, str] = {}
    given = [("drop", name) for name in roles.drop] + [("id", name) for name in roles.id]
    given += [("label", roles.label)]
    given += [(part, name) for part, name in (("time", roles.time), ("card", roles.card)) if name]
    for part, name in given:
        if name in parts and parts[name] != part:
            raise ConfigError(
                f"column {name!r} is both data.{parts[name]} and data.{part}",
                fix="give each part its own column",
            )
        parts[name] = part
    for name in roles.features:
        other = parts.get(name)
        if other in ("drop", "id", "label"):
            raise ConfigError(
                f"column {name!r} is both data.{other} and data.features",
                fix="take it out of data.features, or out of the other",
            )
    if roles.amount == roles.label:
        raise ConfigError(f"column {roles.label!r} is both data.label and data.amount", fix="name the amount")
