"""What an expression's values are, and what is wrong with how it uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from fraudlab.container.expressions.grammar import COMPARISONS, Call, ColumnName, Constant, Text, Tree
from fraudlab.container.failure import near, quoted

MAX_ARGUMENTS = 16


class ValueKind(Enum):
    """A truth is 1 or 0 where a number is wanted; `UNKNOWN` is what has been objected to already."""

    NUMBER = "a number"
    TRUTH = "a comparison"
    TEXT = "text"
    TIME = "the time of a row"
    UNKNOWN = "unknown"


AS_NUMBERS = "; hour(time) and weekday(time) make numbers of it"
_NUMERIC = (ValueKind.NUMBER, ValueKind.TRUTH, ValueKind.UNKNOWN)


class _Signature(NamedTuple):
    least: int
    most: int
    written: str


FUNCTIONS = {
    "min": _Signature(2, MAX_ARGUMENTS, "min(a, b, …)"),
    "max": _Signature(2, MAX_ARGUMENTS, "max(a, b, …)"),
    "log": _Signature(1, 1, "log(x)"),
    "abs": _Signature(1, 1, "abs(x)"),
    "where": _Signature(3, 3, "where(condition, value, other)"),
    "is_missing": _Signature(1, 1, "is_missing(column)"),
    "hour": _Signature(1, 1, "hour(time)"),
    "weekday": _Signature(1, 1, "weekday(time)"),
}
_OF_TIME = ("hour", "weekday")
#: what a model cannot be asked: a day or a month that train does not have would be like none it has
_NOT_OF_TIME = ("day", "month", "year", "minute", "second", "date", "now")
_WEEKDAYS = ("dayofweek", "day_of_week", "dow", "week_day")
#: names of numbers elsewhere
_NO_NUMBERS = ("nan", "inf", "infinity", "null", "none", "missing")


@dataclass(slots=True)
class TypeCheck:
    """Walks a tree and collects what is wrong with it.

    Parameters
    ----------
    columns : mapping of str to ValueKind
        What can be read: columns of the table and those declared before.
    complete : bool
        Whether `columns` are all there are; else an unknown name is taken for a number.
    barred : mapping of str to str
        Names that may not be read, and why.

    Attributes
    ----------
    faults : list of str
        Each the end of a sentence that begins with the expression's name.
    read : set of str
        The columns that are named.
    """

    columns: Mapping[str, ValueKind]
    complete: bool
    barred: Mapping[str, str]
    faults: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def kind(self, tree: Tree) -> ValueKind:
        """What the value of a tree is."""
        if isinstance(tree, Constant):
            return ValueKind.NUMBER
        if isinstance(tree, Text):
            return ValueKind.TEXT
        if isinstance(tree, ColumnName):
            return self._column(tree.name)
        kinds = [self.kind(argument) for argument in tree.arguments]
        if tree.function in COMPARISONS:
            self._compare(tree, kinds)
            return ValueKind.TRUTH
        if tree.function not in FUNCTIONS and tree.function not in ("neg", "+", "-", "*", "/"):
            self.faults.append(_unknown_function(tree.function))
            return ValueKind.UNKNOWN
        return self._apply(tree, kinds)

    def _column(self, name: str) -> ValueKind:
        self.read.add(name)
        if (why := self.barred.get(name)) is not None:
            self.faults.append(f"reads {quoted(name)}, {why}")
            return ValueKind.UNKNOWN
        if name in self.columns:
            return self.columns[name]
        if name.lower() in _NO_NUMBERS:
            self.faults.append(
                f"has {quoted(name)}, which is no number; is_missing(column) tells what is missing"
            )
        elif self.complete:
            self.faults.append(f"reads an unknown column {quoted(name)}{near(name, self.columns)}")
        return ValueKind.UNKNOWN

    def _apply(self, tree: Call, kinds: Sequence[ValueKind]) -> ValueKind:
        name = tree.function
        if name in FUNCTIONS and not FUNCTIONS[name].least <= len(kinds) <= FUNCTIONS[name].most:
            self.faults.append(f"gives {name} {len(kinds)} values; it is {FUNCTIONS[name].written}")
            return ValueKind.UNKNOWN
        if name in _OF_TIME:
            if kinds[0] not in (ValueKind.TIME, ValueKind.UNKNOWN):
                asked = f"asks for the {name} of {self._said(tree.arguments[0])}"
                self.faults.append(f"{asked}, which is not the time of a row: that is data.time")
            return ValueKind.NUMBER
        if name == "is_missing":
            if not isinstance(tree.arguments[0], ColumnName) and kinds[0] is ValueKind.TEXT:
                self.faults.append("asks whether a text is missing; is_missing(column) asks it of a column")
            return ValueKind.TRUTH
        if name == "where":
            if kinds[0] not in (ValueKind.TRUTH, ValueKind.UNKNOWN):
                self.faults.append(f"gives where {kinds[0].value} as its condition; compare it, as in x > 0")
            kinds = kinds[1:]
            self._require_numbers(name, tree.arguments[1:], kinds)
            return ValueKind.TRUTH if set(kinds) == {ValueKind.TRUTH} else ValueKind.NUMBER
        self._require_numbers(name, tree.arguments, kinds)
        return (
            ValueKind.TRUTH
            if name in ("min", "max") and set(kinds) == {ValueKind.TRUTH}
            else ValueKind.NUMBER
        )

    def _require_numbers(self, name: str, arguments: Sequence[Tree], kinds: Sequence[ValueKind]) -> None:
        for argument, kind in zip(arguments, kinds, strict=True):
            if kind not in _NUMERIC:
                what = "the minus in front" if name == "neg" else name
                hint = AS_NUMBERS if kind is ValueKind.TIME else ""
                self.faults.append(f"gives {what} {self._said(argument)}, which is no number{hint}")

    def _compare(self, tree: Call, kinds: Sequence[ValueKind]) -> None:
        left, right = tree.arguments
        if ValueKind.TIME in kinds:
            self.faults.append(f"compares {self._said(left)} with {self._said(right)}{AS_NUMBERS}")
            return
        if ValueKind.UNKNOWN in kinds or ValueKind.TEXT not in kinds:
            return
        if kinds[0] is not kinds[1]:
            self.faults.append(f"compares {self._said(left)} with {self._said(right)}")
        elif tree.function not in ("==", "!="):
            self.faults.append(f"asks which text comes first with {tree.function}; texts are == or !=")
        elif type(left) is type(right):
            self.faults.append(
                f"compares {self._said(left)} with {self._said(right)}, not a column with a text"
            )

    def _said(self, tree: Tree) -> str:
        """A value in words, with what may have been meant."""
        if isinstance(tree, ColumnName):
            if self.columns.get(tree.name) is ValueKind.TIME:
                return f"the time {quoted(tree.name)}"
            is_text = self.columns.get(tree.name) is ValueKind.TEXT
            return (
                f"the categories of {quoted(tree.name)}" if is_text else f"the numbers of {quoted(tree.name)}"
            )
        if isinstance(tree, Text):
            column = f" (the column is written `{tree.value}`)" if tree.value in self.columns else ""
            return f"the text {quoted(tree.value)}{column}"
        if isinstance(tree, Constant):
            return f"the number {tree.value:g} (as a category's name it is written '{tree.value:g}')"
        return "a number"


def _unknown_function(name: str) -> str:
    if name.lower() in _WEEKDAYS:
        return f"calls {name}; weekday(time) is 0 on a Monday and 6 on a Sunday"
    if name.lower() in _NOT_OF_TIME:
        return f"calls {name}; of a time there are hour(time) and weekday(time), which every week has again"
    return (
        f"calls an unknown function {quoted(name)}{near(name, FUNCTIONS)}; there are {', '.join(FUNCTIONS)}"
    )
