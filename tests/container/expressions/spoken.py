"""Expressions at random, each with what a row at a time makes of it in plain Python; None is missing."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

COLUMNS = ("a", "b c", "Größe", "log")
WRITTEN = ("a", "`b c`", "Größe", "log")
Row = dict[str, float | None]


@dataclass(frozen=True)
class Spoken:
    text: str
    of: Callable[[Row], float | None]


def float32(value: float | None) -> float | None:
    """As a model is given it."""
    if value is None:
        return None
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    return rounded if math.isfinite(rounded) else None


def held(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _both(work: Callable[[float, float], float | None]) -> Callable[..., float | None]:
    return lambda a, b: None if a is None or b is None else work(a, b)


_BINARY: dict[str, Callable[..., float | None]] = {
    "+": _both(lambda a, b: held(a + b)),
    "-": _both(lambda a, b: held(a - b)),
    "*": _both(lambda a, b: held(a * b)),
    "/": _both(lambda a, b: held(a / b) if b else None),
}
_COMPARED: dict[str, Callable[..., float | None]] = {
    "<": _both(lambda a, b: float(a < b)),
    "<=": _both(lambda a, b: float(a <= b)),
    ">": _both(lambda a, b: float(a > b)),
    ">=": _both(lambda a, b: float(a >= b)),
    "==": _both(lambda a, b: float(a == b)),
    "!=": _both(lambda a, b: float(a != b)),
}


def _column(at: int) -> Spoken:
    return Spoken(WRITTEN[at], lambda row: row[COLUMNS[at]])


def _number(value: float) -> Spoken:
    return Spoken(repr(value), lambda row: value)


def _binary(left: Spoken, sign: str, right: Spoken) -> Spoken:
    work = _BINARY[sign]
    return Spoken(f"({left.text}) {sign} ({right.text})", lambda row: work(left.of(row), right.of(row)))


def _compared(left: Spoken, sign: str, right: Spoken) -> Spoken:
    work = _COMPARED[sign]
    # 0 is added so that no number stands right beside a column, where it is rounded as the column is
    return Spoken(f"({left.text}) {sign} (0 + {right.text})", lambda row: work(left.of(row), right.of(row)))


def _negated(one: Spoken) -> Spoken:
    return Spoken(f"-({one.text})", lambda row: None if (v := one.of(row)) is None else -v)


def _absolute(one: Spoken) -> Spoken:
    return Spoken(f"abs({one.text})", lambda row: None if (v := one.of(row)) is None else abs(v))


def _extreme(name: str, several: list[Spoken]) -> Spoken:
    choose = {"min": min, "max": max}[name]

    def of(row: Row) -> float | None:
        values = [one.of(row) for one in several]
        return None if None in values else choose(v for v in values if v is not None)

    return Spoken(f"{name}({', '.join(one.text for one in several)})", of)


def _asked(one: Spoken) -> Spoken:
    return Spoken(f"is_missing({one.text})", lambda row: float(one.of(row) is None))


def _where(condition: Spoken, value: Spoken, other: Spoken) -> Spoken:
    def of(row: Row) -> float | None:
        met = condition.of(row)
        return None if met is None else (value if met else other).of(row)

    return Spoken(f"where({condition.text}, {value.text}, {other.text})", of)


def _larger(inner: st.SearchStrategy[Spoken]) -> st.SearchStrategy[Spoken]:
    compared = st.builds(_compared, inner, st.sampled_from(list(_COMPARED)), inner)
    return (
        st.builds(_binary, inner, st.sampled_from(list(_BINARY)), inner)
        | compared
        | st.builds(_where, compared | st.builds(_asked, inner), inner, inner)
        | st.builds(_negated, inner)
        | st.builds(_absolute, inner)
        | st.builds(_asked, inner)
        | st.builds(_extreme, st.sampled_from(["min", "max"]), st.lists(inner, min_size=2, max_size=4))
    )


_LEAVES = st.builds(_column, st.integers(0, len(COLUMNS) - 1)) | st.builds(
    _number, st.sampled_from([0.0, 1.0, 0.1, 3.0, 1e-30, 1e30, 1e200]) | st.floats(1e-6, 1e6)
)
#: each reads a column, as an expression has to
EXPRESSIONS = st.recursive(_LEAVES, _larger, max_leaves=12).map(
    lambda one: Spoken(f"({one.text}) + 0 * is_missing(a)", one.of)
)
VALUES = (
    st.none()
    | st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 3e38, -3e38, 1e-45])
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
)
ROWS = st.lists(st.tuples(*[VALUES] * len(COLUMNS)), min_size=1, max_size=5)


def as_matrix(rows: list[tuple[float | None, ...]]) -> np.ndarray:
    return np.float32([[math.nan if value is None else value for value in row] for row in rows])


def as_rows(rows: list[tuple[float | None, ...]]) -> list[Row]:
    return [dict(zip(COLUMNS, map(float32, row), strict=True)) for row in rows]
