"""Conditions on runs, checked against what runs have, and asked of each of them.

A comparison with something that a run does not have is false, whichever its sign; ``not`` turns round what it
stands before. A date is its whole day: ``started>2026-11-20`` begins with the day after it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from fraudlab.backend_registry import BACKENDS
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError, nearest
from fraudlab.runs.condition_parser import AnyOf, Condition, Junction, Negation, Test, Word, parse_condition
from fraudlab.runs.find import Run
from fraudlab.runs.run_values import RunColumn, RunValues

STATUSES = ("running", "completed", "failed", "interrupted", "pruned", "detached", "dead")

Predicate = Callable[[Run], bool]
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?")
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_NOTHING = {"null", "none"}
_DAY = timedelta(days=1)


def conditions(texts: Sequence[str], values: RunValues, runs: Sequence[Run]) -> Predicate:
    """Read and check conditions that all have to hold.

    Parameters
    ----------
    texts : sequence of str
        As ``average_precision>0.8 and backend=local``.
    values : RunValues
    runs : sequence of Run
        Whose values say of which kind a parameter is.

    Raises
    ------
    ConfigError
        For all that mean nothing, at once.
    """
    binding = _Binding(values, runs)
    trees = []
    for text in texts:
        try:
            trees.append(parse_condition(text))
        except ConfigError as error:
            binding.problems.append(error)
    predicates = [binding.bind(tree) for tree in trees]
    problems = {problem.message: problem for problem in binding.problems}
    if len(problems) > 1:
        raise ConfigError(
            " ".join(problems), fix="; ".join(dict.fromkeys(problem.fix for problem in problems.values()))
        )
    for problem in problems.values():
        raise problem
    return lambda run: all(holds(run) for holds in predicates)


class _Binding:
    """Looks names up, and gives every value the kind that it is compared with."""

    def __init__(self, values: RunValues, runs: Sequence[Run]) -> None:
        self._values = values
        self._runs = runs
        self.problems: list[ConfigError] = []

    def bind(self, part: Condition) -> Predicate:
        if isinstance(part, Negation):
            inner = self.bind(part.part)
            return lambda run: not inner(run)
        if isinstance(part, Junction):
            inners = [self.bind(one) for one in part.parts]
            if part.every:
                return lambda run: all(holds(run) for holds in inners)
            return lambda run: any(holds(run) for holds in inners)
        try:
            if isinstance(part, Test):
                return self._test(part)
            column = self._values.require(part.left.text)
            if isinstance(part, AnyOf):
                tests = [self._against(column, "=", value) for value in part.values]
                return lambda run: any(holds(run) for holds in tests)
            return lambda run: column.value(run) is None
        except ConfigError as error:
            self.problems.append(error)
            return lambda _run: False

    def _test(self, test: Test) -> Predicate:
        left, sign, right = test.left, test.sign, test.right
        if sign is None or right is None:
            column = self._values.require(left.text)
            if column.kind not in {None, "boolean"} or self._kinds(column) - {"boolean"}:
                raise ConfigError(
                    f"--where {left.text!r} alone says nothing: it is {_said(column, self._kinds(column))}.",
                    fix=f"compare it, or write: {left.text} is not null",
                )
            return lambda run: column.value(run) is True
        first = None if left.quoted else self._values.find(left.text)
        second = None if right.quoted else self._values.find(right.text)
        if first is None and second is not None and (left.quoted or not left.text[:1].isalpha()):
            return self._against(second, _TURNED.get(sign, sign), left)
        if first is None:
            raise ConfigError(f"Runs have no {left.text!r}.", fix=self._values.near(left.text))
        if second is None or sign in {"~", "!~"} or self._is_status(first):
            return self._against(first, sign, right)
        return self._between(first, sign, second)

    @staticmethod
    def _is_status(column: RunColumn) -> bool:
        return column.name in {"status", "backend"}

    def _between(self, first: RunColumn, sign: str, second: RunColumn) -> Predicate:
        """Two values of the same run."""
        kinds = self._kinds(first), self._kinds(second)
        if kinds[0] and kinds[1] and not kinds[0] & kinds[1]:
            raise ConfigError(
                f"{first.name} is {_said(first, kinds[0])}, {second.name} is {_said(second, kinds[1])}.",
                fix=f"put quotes around {second.name!r} where it is meant as a text",
            )
        compare = _COMPARED[sign]

        def holds(run: Run) -> bool:
            a, b = first.value(run), second.value(run)
            return a is not None and b is not None and _kind(a) == _kind(b) and bool(compare(a, b))

        return holds

    def _against(self, column: RunColumn, sign: str, word: Word) -> Predicate:
        """A value of a run, and one that was written."""
        if word.text.lower() in _NOTHING and not word.quoted and sign in {"=", "!="}:
            return lambda run: (column.value(run) is None) == (sign == "=")
        kinds = self._kinds(column)
        if column.kind == "time":
            return _in_time(column, sign, word.text)
        if sign in {"~", "!~"}:
            return self._like(column, sign, word)
        if column.name == "status" and word.text not in STATUSES:
            raise ConfigError(f"{word.text!r} is not a status.", fix=nearest(word.text, STATUSES))
        if column.name == "backend":
            known = {*BACKENDS, *(str(run.head.backend) for run in self._runs)} - {"None"}
            if word.text not in known:
                raise ConfigError(f"{word.text!r} is no backend of any run.", fix=nearest(word.text, known))
        meant = _meanings(column, word)
        if kinds and not kinds & meant.keys():
            raise ConfigError(
                f"{column.name} is {_said(column, kinds)}, and {str(word)!r} is none.",
                fix=_example(column, self._runs),
            )
        if sign not in {"=", "!="} and "list" in kinds:
            raise ConfigError(
                f"{column.name} is a list, which has no order.", fix=f"{column.name} contains {word}"
            )
        compare = _COMPARED[sign]

        def holds(run: Run) -> bool:
            value = column.value(run)
            kind = _kind(value)
            if kind == "list":
                return (word.text in map(str, value)) == (sign == "=")
            return kind in meant and bool(compare(value, meant[kind]))

        return holds

    @staticmethod
    def _like(column: RunColumn, sign: str, word: Word) -> Predicate:
        pattern = word.text.lower().replace("%", "*")
        if not set("*?") & set(pattern):
            pattern = f"*{pattern}*"
        pattern = pattern.replace("[", "[[]")

        def holds(run: Run) -> bool:
            value = column.value(run)
            if value is None:
                return False
            texts = value if isinstance(value, list) else [value]
            return any(fnmatchcase(str(text).lower(), pattern) for text in texts) == (sign == "~")

        return holds

    def _kinds(self, column: RunColumn) -> set[str]:
        """Of which kinds the values are; empty where no run has any."""
        if column.kind is not None:
            return {"number" if column.kind == "duration" else column.kind}
        return {kind for run in self._runs if (kind := _kind(column.value(run)))}


def _kind(value: Any) -> str:
    """Of which kind a value is; empty for nothing."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, datetime):
        return "time"
    return "" if value is None else "list" if isinstance(value, list) else "text"


def _meanings(column: RunColumn, word: Word) -> dict[str, Any]:
    """What a word may be, by kind."""
    found: dict[str, Any] = {"text": word.text, "list": word.text}
    if word.quoted:
        return found
    if _NUMBER.fullmatch(word.text):
        percent = word.text.endswith("%")
        found["number"] = float(word.text.rstrip("%")) / (100 if percent else 1)
    elif column.kind == "duration" or column.name.endswith("seconds"):
        found["number"] = seconds(word.text, key=column.name)
    if column.name == "age" and "number" in found:
        found["number"] = seconds(word.text, key="age")
    if word.text.lower() in _TRUTHS:
        found["boolean"] = _TRUTHS[word.text.lower()]
    return found


def _in_time(column: RunColumn, sign: str, text: str) -> Predicate:
    if sign in {"~", "!~"}:
        raise ConfigError(
            f"{column.name} is a time, which has no pattern.",
            fix=f"{column.name}>=2026-11-20, or =2026-11-20",
        )
    first, behind = _span(column.name, text)
    tests: dict[str, Callable[[datetime], bool]] = {
        "=": lambda value: first <= value < behind,
        "!=": lambda value: not first <= value < behind,
        "<": lambda value: value < first,
        "<=": lambda value: value < behind,
        ">": lambda value: value >= behind,
        ">=": lambda value: value >= first,
    }

    def holds(run: Run) -> bool:
        value = column.value(run)
        return value is not None and tests[sign](value)

    return holds


def _span(name: str, text: str) -> tuple[datetime, datetime]:
    """The day, or the moment, that a text names, and what is behind it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{name} is a time, and {text!r} is none.",
            fix=f"write a date or a time, such as {name}>=2026-11-20, or how long ago: age<7d",
        ) from error
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    whole_day = len(text) <= len("2026-11-20") and ":" not in text
    return found, found + (_DAY if whole_day else timedelta(microseconds=1))


def _said(column: RunColumn, kinds: set[str]) -> str:
    if column.kind == "duration":
        return "a duration"
    return " or ".join(f"a {kind}" for kind in sorted(kinds)) or "nothing in any run"


def _example(column: RunColumn, runs: Sequence[Run]) -> str:
    """A comparison that is possible, with a value that a run has."""
    for run in runs:
        if (value := column.value(run)) is not None:
            written = f"{value:.4g}" if isinstance(value, float) else str(value).lower()
            return f"compare it with what it is, such as {column.name}={written}"
    return "compare it with a number, such as 0.8"
