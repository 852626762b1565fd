"""DeclaredColumn columns, compiled: what of all expressions is alike is computed together, and once.

A row's values stand in slots: the columns that are read, the constants, and then every step of every
expression. Steps of one kind that need nothing of each other are one call of numpy, whether they belong to
one column or to twenty, so that a single row costs as many calls as the deepest expression has steps.

A slot holds a number that float64 can hold, or NaN, which is missing, and nothing else: whatever is neither
becomes missing where it arises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from math import frexp
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.expressions.declared import DeclaredColumn
from fraudlab.container.expressions.grammar import COMPARISONS, Call, ColumnName, Constant, Text, Tree
from fraudlab.container.expressions.logarithm import Floats, natural_logarithm
from fraudlab.container.failure import ConfigError, quoted

#: values computed at once, so that they stay in the processor's cache
_BLOCK, _BLOCK_ROWS = 1 << 18, 1 << 11
_ZERO = np.float32(0.0)
_MAX_FLOAT32 = float(np.finfo(np.float32).max)
#: two to these powers are above whatever float32, and float64, can hold
_FLOAT32, _FLOAT64 = 128, 1024
_Step: TypeAlias = "tuple[str, tuple[int, ...]]"
#: the code of a category by column and name; None where train had none of that name
CodeOf: TypeAlias = Callable[[str, str], "float | None"]


def _held(ufunc: Any) -> Callable[[Floats, Floats, Floats], None]:
    """An operation whose result float64 may not hold."""

    def step(out: Floats, a: Floats, b: Floats) -> None:
        ufunc(a, b, out=out)
        out -= out * 0.0  # 0 for a number, and missing for what is none

    return step


def _comparison(compare: Any) -> Callable[[Floats, Floats, Floats], None]:
    def step(out: Floats, a: Floats, b: Floats) -> None:
        out[...] = compare(a, b)
        out += a * 0.0 + b * 0.0

    return step


def _where(out: Floats, condition: Floats, value: Floats, other: Floats) -> None:
    out[...] = np.where(condition != 0.0, value, other)
    out += condition * 0.0


def _log(out: Floats, a: Floats) -> None:
    out[...] = natural_logarithm(a)


def _is_missing(out: Floats, a: Floats) -> None:
    out[...] = np.isnan(a)


def _hour(out: Floats, a: Floats) -> None:
    """Of the hour within the week, which is what stands for a time; both are whole and small, so exact."""
    out[...] = a - 24.0 * np.floor(a / 24.0)


def _weekday(out: Floats, a: Floats) -> None:
    out[...] = np.floor(a / 24.0)


def _as_column(out: Floats, a: Floats) -> None:
    """What a later expression reads of an earlier column: what the model is given of it."""
    out[...] = _rounded(a)


def _rounded(values: Floats) -> NDArray[np.float32]:
    """The values as a model's inputs. Zero has no sign: that of min(0, -0) depends on the processor."""
    found: NDArray[np.float32] = values.astype(np.float32)
    found -= found * _ZERO
    return found


def _exact(ufunc: Any) -> Callable[..., None]:
    """An operation whose result float64 can hold."""

    def step(out: Floats, *arguments: Floats) -> None:
        ufunc(*arguments, out=out)

    return step


_STEPS: dict[str, Callable[..., None]] = {
    "+": _held(np.add),
    "-": _held(np.subtract),
    "*": _held(np.multiply),
    "/": _held(np.divide),
    "small +": _exact(np.add),
    "small -": _exact(np.subtract),
    "small *": _exact(np.multiply),
    "neg": _exact(np.negative),
    "abs": _exact(np.abs),
    "min": _exact(np.minimum),
    "max": _exact(np.maximum),
    "<": _comparison(np.less),
    "<=": _comparison(np.less_equal),
    ">": _comparison(np.greater),
    ">=": _comparison(np.greater_equal),
    "==": _comparison(np.equal),
    "!=": _comparison(np.not_equal),
    "where": _where,
    "log": _log,
    "is_missing": _is_missing,
    "hour": _hour,
    "weekday": _weekday,
    "column": _as_column,
}


class Program:
    """Computes declared columns from the columns of a table.

    Parameters
    ----------
    declared : sequence of DeclaredColumn
    columns : sequence of str
        Of the table, in the order of the matrix.
    code_of : callable
        What stands in the matrix for a category, by its column and its name.

    Raises
    ------
    ConfigError
        If an expression names a category that its column does not have.
    """

    def __init__(self, declared: Sequence[DeclaredColumn], columns: Sequence[str], code_of: CodeOf) -> None:
        build = _Build({name: position for position, name in enumerate(columns)}, code_of)
        outputs = [build.declare(one) for one in declared]
        order, steps = build.scheduled()
        self._columns = np.array(build.read, np.intp)
        self._constants = np.array(build.constants, np.float64)
        self._slots = len(order)
        self._steps = steps
        self._outputs = np.array([order[slot] for slot in outputs], np.intp)

    @np.errstate(all="ignore")
    def fill(self, outputs: NDArray[np.float32], rows: NDArray[np.float32]) -> None:
        """Compute the declared columns of some rows.

        Parameters
        ----------
        outputs : ndarray of float32, shape (rows, declared columns)
            Receives them.
        rows : ndarray of float32, shape (rows, columns)
            Finite or NaN, not scaled; categories as codes, the time as its hour within the week.
        """
        if len(rows) == 1:  # with one dimension less, each call of numpy takes half as long
            outputs[0] = self._compute(rows[0], np.empty(self._slots), self._constants)
            return
        constants = self._constants[:, np.newaxis]
        at_once = max(1, min(_BLOCK_ROWS, _BLOCK // self._slots))
        for start in range(0, len(rows), at_once):
            block = rows[start : start + at_once].T
            slots = np.empty((self._slots, block.shape[1]))
            outputs[start : start + at_once] = self._compute(block, slots, constants).T

    def _compute(self, columns: NDArray[np.float32], slots: Floats, constants: Floats) -> NDArray[np.float32]:
        read = len(self._columns)
        slots[:read] = columns[self._columns]
        slots[read : read + len(constants)] = constants
        for step, places, arguments in self._steps:
            step(slots[places], *[slots[indices] for indices in arguments])
        return _rounded(slots[self._outputs])


@dataclass(slots=True)
class _Build:
    """Steps by number, each once; a number below ``offset`` is a column or a constant.

    Columns and constants have keys of their own, so that equal ones share a slot.
    """

    positions: Mapping[str, int]
    code_of: CodeOf
    read: list[int] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    _leaves: dict[tuple[str, float], int] = field(default_factory=dict)
    _steps: dict[_Step, int] = field(default_factory=dict)
    _levels: list[int] = field(default_factory=list)
    #: no value is as large as two to this power
    _powers: list[int] = field(default_factory=list)
    _earlier: dict[str, int] = field(default_factory=dict)

    def declare(self, one: DeclaredColumn) -> int:
        """Add a declared column; the number of what it is."""
        try:
            found = self._of(one.tree)
        except _NoCategoryError as error:
            raise ConfigError(
                f"derived column {quoted(one.name)} {error}", fix="name one that train has, or leave it out"
            ) from error
        self._earlier[one.name] = found
        return found

    def _of(self, tree: Tree) -> int:
        if isinstance(tree, Constant):
            return self._leaf("constant", tree.value)
        if isinstance(tree, ColumnName):
            if tree.name in self._earlier:
                return self._step("column", self._earlier[tree.name])
            return self._leaf("column", self.positions[tree.name])
        assert isinstance(tree, Call)
        arguments = tree.arguments
        if tree.function in COMPARISONS:
            left, right = (self._compared(own, other) for own, other in (arguments, arguments[::-1]))
            return self._step(tree.function, left, right)
        places = [self._of(argument) for argument in arguments]
        if tree.function in ("min", "max"):
            return reduce(lambda a, b: self._step(tree.function, a, b), places)
        return self._step(tree.function, *places)

    def _compared(self, own: Tree, other: Tree) -> int:
        """One side of a comparison, as it has to be to be equal to what it is compared with."""
        if isinstance(other, ColumnName):
            # A column holds float32's 0.1, which float64's is not equal to.
            if isinstance(own, Constant) and abs(own.value) <= _MAX_FLOAT32:
                return self._leaf("constant", float(np.float32(own.value)))
            if isinstance(own, Text):
                code = self.code_of(other.name, own.value)
                if code is None:
                    what = f"compares {quoted(other.name)} with {quoted(own.value)}"
                    raise _NoCategoryError(f"{what}, a category that train does not have")
                return self._leaf("constant", code)
        return self._of(own)

    def _leaf(self, kind: str, value: float) -> int:
        if (kind, value) not in self._leaves:
            (self.read if kind == "column" else self.constants).append(value)  # type: ignore[arg-type]
            self._leaves[kind, value] = self._new(0, _FLOAT32 if kind == "column" else frexp(value)[1])
        return self._leaves[kind, value]

    def _step(self, function: str, *places: int) -> int:
        power = self._power(function, places)
        if function in ("+", "-", "*") and power < _FLOAT64:
            function = f"small {function}"
        key = function, places
        if key not in self._steps:
            level = 1 + max(self._levels[place] for place in places)
            self._steps[key] = self._new(level, min(power, _FLOAT64))
        return self._steps[key]

    def _power(self, function: str, places: Sequence[int]) -> int:
        powers = [self._powers[place] for place in places]
        if function in ("+", "-"):
            return max(powers) + 1
        if function in ("/", "*"):
            return sum(powers) if function == "*" else _FLOAT64
        return _FLOAT32 if function == "column" else max(*powers, 10)  # a logarithm is less than 2 ** 10

    def _new(self, level: int, power: int) -> int:
        self._levels.append(level)
        self._powers.append(power)
        return len(self._levels) - 1

    def scheduled(
        self,
    ) -> tuple[dict[int, int], list[tuple[Callable[..., None], slice, list[NDArray[np.intp]]]]]:
        """The slot of each number, and the calls in order: what to call, where to write, what to read."""
        of_kind = {
            kind: [n for (k, _), n in self._leaves.items() if k == kind] for kind in ("column", "constant")
        }
        order = {number: slot for slot, number in enumerate(of_kind["column"] + of_kind["constant"])}

        def group(item: tuple[_Step, int]) -> tuple[int, str, int]:
            (function, places), number = item
            return self._levels[number], function, len(places)

        calls = []
        for (_, function, arity), items in groupby(sorted(self._steps.items(), key=group), key=group):
            steps = list(items)
            first = len(order)
            order |= {number: first + at for at, (_, number) in enumerate(steps)}
            reads = [np.array([order[key[1][at]] for key, _ in steps], np.intp) for at in range(arity)]
            calls.append((_STEPS[function], slice(first, first + len(steps)), reads))
        return order, calls


class _NoCategoryError(ValueError):
    """What is wrong, as the end of a sentence."""
