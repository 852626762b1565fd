"""From values to positions: linear and logarithmic scales with round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

#: says whether the labels of some ticks stand beside one another without touching
Fit: TypeAlias = Callable[[list[float]], bool]


def _always(_: list[float]) -> bool:
    return True


class AxisScale(Protocol):
    """A map from the values `low`…`high` to the positions `start`…`end`."""

    @property
    def kind(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    def __call__(self, value: float) -> float: ...
    def ticks(self, fit: Fit = ...) -> list[float]: ...


@dataclass(frozen=True)
class Linear:
    """Equal steps of value are equal steps of position; values outside are moved to the ends."""

    low: float
    high: float
    start: float
    end: float
    most: int = 6
    kind: str = "linear"

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.start + (self.end - self.start) * (inside - self.low) / (self.high - self.low)

    def ticks(self, fit: Fit = _always) -> list[float]:
        """The most round values, at most about `most`, that fit."""
        found: list[float] = []
        for most in range(max(self.most - 1, 1), 0, -1):
            step = round_step((self.high - self.low) / most)
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            found = [round(index * step, 12) for index in range(first, last + 1)] or found
            if fit(found):
                break
        return found


@dataclass(frozen=True)
class Log:
    """Equal factors of value are equal steps of position; ticks are powers of ten."""

    low: float
    high: float
    start: float
    end: float
    most: int = 6
    kind: str = "log"

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * share

    def ticks(self, fit: Fit = _always) -> list[float]:
        """The most powers of ten, at most `most`, that fit."""
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        fewest = max(1, math.ceil((last - first + 1) / self.most))
        found: list[float] = []
        for every in range(fewest, max(fewest, last - first + 1) + 1):
            found = [10.0**power for power in range(last, first - 1, -every)][::-1]
            if fit(found):
                break
        return found


@dataclass(frozen=True)
class Logit:
    """Equal factors of the odds are equal steps of position: room for the rare and for the certain."""

    low: float
    high: float
    start: float
    end: float
    most: int = 8
    kind: str = "logit"

    def __call__(self, value: float) -> float:
        inside = logit(min(max(value, self.low), self.high))
        share = (inside - logit(self.low)) / (logit(self.high) - logit(self.low))
        return self.start + (self.end - self.start) * share

    def ticks(self, fit: Fit = _always) -> list[float]:
        """One half, and as many powers of ten from either end, at most `most` in all, as fit."""
        inside: list[float] = []
        for first, every in ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3), (4, 4), (9, 1)):
            rare = [10.0**-power for power in range(first, 9, every)]
            all_ticks = [*rare[::-1], 0.5, *(round(1 - value, 9) for value in rare)]
            inside = [value for value in all_ticks if self.low <= value <= self.high] or inside
            if len(inside) <= self.most and fit(inside):
                break
        return inside


def logit(share: float) -> float:
    """Logarithm of the odds."""
    return math.log(share / (1 - share))


def round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `least`."""
    if not least > 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))
