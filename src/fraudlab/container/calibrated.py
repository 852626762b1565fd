"""Scores to chances: what a calibration does to the probability that a booster gives.

A calibration is a few numbers in ``model.json``. Of these a table is made once, with 1,024 places in every
doubling of a score, towards 1 as towards 0, and between two places the line is straight: a score is read off
with one multiplication and one addition. So the last bit is the same on every processor, for one row or for
many, and a higher score never gets a lower chance. A score of exactly 0 or 1 stays one.

A number of 32 bits tells chances near 1 apart by 0.00000006, and scores that a curve moves nearer to it than
that would all become 1: the surest alarms, which the booster had ordered. So no chance comes nearer to 1 than
the score was, within the last thousandth, and next to it than a sixty-fourth of that.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import frexp, ldexp
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.contract import Fields
from fraudlab.container.expressions.exponential import exponential
from fraudlab.container.expressions.logarithm import natural_logarithm
from fraudlab.container.failure import ConfigError, quoted

Kind = Literal["beta", "platt", "isotonic"]
Floats = NDArray[np.float64]
_Scores = NDArray[np.float32]

KINDS: tuple[Kind, ...] = ("beta", "platt", "isotonic")
#: far beyond any calibration of a real model
_STEEPEST, _FURTHEST = 1000.0, 1000.0
#: far more places than frauds can tell apart, few enough to be checked quickly
MAX_PLACES = 100_000
_FIX = "use a model folder as a train job wrote it"

#: bits of a float32 below a place: ten of its fraction are left
_SHIFT = 13
_FRACTION = np.uint32((1 << _SHIFT) - 1)
#: of 0.5; a score above it is looked up by how far it is from 1, which is exact
_HALF = 126 << (23 - _SHIFT)
#: of the least such distance but 0
_LEAST_DISTANCE = 103 << (23 - _SHIFT)
_SIDE = _HALF + 1
#: rows at a time, so that what is between stays in the cache
_CHUNK = 16_384
#: places for which chances are worked out at a time
_BATCH = 8192
_LEAST_NORMAL = 2.0**-126
#: distance from 1 up to which chances are no nearer to it than scores, and their share of distance beyond
_TOP, _BEYOND = 2.0**-10, 2.0**-6
_pack = struct.Struct("<f").pack


@dataclass(frozen=True, slots=True)
class LogOddsCurve:
    """Chances of which the log-odds are ``a * ln(score) - b * ln(1 - score) + c``.

    Beta calibration has three numbers (Kull, Silva Filho & Flach 2017, "Beta calibration: a well-founded and
    easily implemented improvement on logistic calibration for binary classifiers", AISTATS); with one slope
    for both ends, `a` and `b` the same, it is Platt's, on log-odds.

    Attributes
    ----------
    kind : {"beta", "platt"}
    a, b : float
        Above 0, so that a higher score has a higher chance.
    c : float
    """

    kind: Literal["beta", "platt"]
    a: float
    b: float
    c: float

    def as_json(self) -> dict[str, Any]:
        """As ``model.json`` holds it."""
        numbers = (
            {"a": self.a, "b": self.b, "c": self.c} if self.kind == "beta" else {"a": self.a, "c": self.c}
        )
        return {"kind": self.kind, **numbers}

    def log_odds(self, score: Floats, distance: Floats) -> Floats:
        """Of scores above 0 and below 1, and their exact distances from 1."""
        return self.a * natural_logarithm(score) - self.b * natural_logarithm(distance) + self.c

    def chances(self, score: Floats, distance: Floats) -> Floats:
        """The chance of each score; `distance` is how far it is from 1."""
        odds = self.log_odds(score, distance)
        less = exponential(-np.abs(odds))
        return np.where(odds < 0.0, less, 1.0) / (1.0 + less)


@dataclass(frozen=True, slots=True)
class CentredSteps:
    """Straight lines between the centres of isotonic steps, from (0, 0) to (1, 1).

    Plain isotonic regression is flat between its steps, and every flat part is a tie of rows that the booster
    had ordered (Oron & Flournoy 2017, "Centered isotonic regression", Statistics in Biopharmaceutical
    Research 9).

    Attributes
    ----------
    score, share : ndarray of float64, shape (places,)
        Rising, above 0 and below 1.
    """

    score: Floats
    share: Floats

    kind: Literal["isotonic"] = "isotonic"

    def as_json(self) -> dict[str, Any]:
        """As ``model.json`` holds it."""
        return {"kind": self.kind, "score": self.score.tolist(), "share": self.share.tolist()}

    def chances(self, score: Floats, distance: Floats) -> Floats:  # noqa: ARG002 - asked as the others are
        """The chance of each score."""
        places = np.concatenate([[0.0], self.score, [1.0]])
        shares = np.concatenate([[0.0], self.share, [1.0]])
        at = np.clip(np.searchsorted(places, score, side="right") - 1, 0, len(places) - 2)
        run, rise = places[at + 1] - places[at], shares[at + 1] - shares[at]
        found: Floats = shares[at] + (score - places[at]) * (rise / run)
        np.minimum(found, shares[at + 1], out=found)
        return found


Curve = LogOddsCurve | CentredSteps


class Calibration:
    """What makes chances of a booster's scores.

    Parameters
    ----------
    curve : LogOddsCurve or CentredSteps
    """

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._level, self._slope = _table(curve)
        self._levels, self._slopes = self._level.data, self._slope.data

    def __call__(self, score: _Scores) -> _Scores:
        """The chance of each score.

        Parameters
        ----------
        score : ndarray of float32, shape (rows,)
            As a booster gives it, from 0 to 1.

        Returns
        -------
        ndarray of float32, shape (rows,)
        """
        if score.size == 1:
            return self._one(score)
        found = np.empty(score.shape, np.float32)
        for start in range(0, score.size, _CHUNK):
            part = score[start : start + _CHUNK]
            nearest = np.minimum(part, np.float32(1.0) - part)
            bits = nearest.view(np.uint32)
            place = (bits >> np.uint32(_SHIFT)).astype(np.intp)
            place += (part > np.float32(0.5)) * _SIDE
            above = (nearest - (bits & ~_FRACTION).view(np.float32)).astype(np.float64)
            above *= self._slope.take(place, mode="clip")
            above += self._level.take(place, mode="clip")
            found[start : start + _CHUNK] = above
        return found

    def _one(self, score: _Scores) -> _Scores:
        """The same of one score, without what an array of one element costs."""
        given: float = score.item()
        high = given > 0.5
        nearest = 1.0 - given if high else given
        if not nearest >= _LEAST_NORMAL:
            return self(np.repeat(score, 2))[:1]
        fraction, exponent = frexp(nearest)
        fraction *= 2048.0
        step = int(fraction)
        place = ((exponent + 126) << 10) + step - 1024
        if high:
            place += _SIDE
        above = ldexp(fraction - step, exponent - 11)
        return np.frombuffer(_pack(self._levels[place] + above * self._slopes[place]), np.float32)

    def least_score(self, chance: float) -> float:
        """The least score of a booster whose chance is at least so much; above 1 where there is none."""
        low, high = 0, int(np.float32(1.0).view(np.uint32)) + 1
        while low < high:
            middle = (low + high) // 2
            score = np.array([middle], np.uint32).view(np.float32)
            if self(score).item() >= chance:
                high = middle
            else:
                low = middle + 1
        return float(np.uint32(low).view(np.float32))


def _table(curve: Curve) -> tuple[Floats, Floats]:
    """The chance at each place, and what it rises by from there to the next, a unit of score.

    First of scores up to 0.5, then of distances from 1.
    """
    at = (np.arange(_SIDE, dtype=np.uint32) << np.uint32(_SHIFT)).view(np.float32).astype(np.float64)
    level, slope = np.zeros((2, _SIDE)), np.zeros((2, _SIDE))
    level[1, :_LEAST_DISTANCE] = 1.0  # none is so near to 1 but 1
    for side, first in ((0, 1), (1, _LEAST_DISTANCE)):
        for start in range(first, _SIDE, _BATCH):
            near = at[start : start + _BATCH]
            score, distance = (1.0 - near, near) if side else (near, 1.0 - near)
            most = 1.0 - np.minimum(distance, _TOP + (distance - _TOP) * _BEYOND)
            level[side, start : start + _BATCH] = np.minimum(curve.chances(score, distance), most)
    np.maximum.accumulate(level[0], out=level[0])
    level[1] = np.maximum(np.minimum.accumulate(level[1]), level[0, -1])
    slope[:, :-1] = np.diff(level) / np.diff(at)
    slope[1, :_LEAST_DISTANCE] = 0.0
    return level.ravel(), slope.ravel()


def cells(score: _Scores) -> NDArray[np.intp]:
    """Numbers, rising with the score, that scores between the same two places of a table share."""
    nearest = np.minimum(score, np.float32(1.0) - score)
    place: NDArray[np.intp] = (nearest.view(np.uint32) >> np.uint32(_SHIFT)).astype(np.intp)
    np.subtract(2 * _SIDE, place, out=place, where=score > np.float32(0.5))
    return place


def lower_end(score: Floats) -> Floats:
    """The place of a table next to each score, on the side away from 0.5."""
    nearest = np.minimum(score, 1.0 - score).astype(np.float32)
    place = (nearest.view(np.uint32) & ~_FRACTION).view(np.float32).astype(np.float64)
    return np.where(score > 0.5, 1.0 - place, place)


def read_calibration(content: Mapping[str, Any], *, source: str) -> Curve | None:
    """Check what a ``model.json`` says of calibration, whoever it comes from.

    Parameters
    ----------
    content : mapping
        All of it.
    source : str
        What to call it in an error.

    Returns
    -------
    LogOddsCurve, CentredSteps, or None
        None where scores are the booster's own.

    Raises
    ------
    ConfigError
        If it is none that this version can apply.
    """
    outer = Fields(content, source=source)
    if not outer.has("calibration"):
        return None
    fields = outer.fields("calibration")
    what = f"'calibration' in {source}"
    kind = cast(Kind, fields.choice("kind", *KINDS))
    fields.optional("measured", dict)
    if kind == "isotonic":
        score, share = (_rising(fields.get(name, list), f"{name!r} in {what}") for name in ("score", "share"))
        if len(score) != len(share):
            raise ConfigError(f"{what} has {len(score)} scores and {len(share)} shares", fix=_FIX)
        curve: Curve = CentredSteps(score, share)
    else:
        a = fields.get("a", float)
        curve = LogOddsCurve(kind, a, fields.get("b", float) if kind == "beta" else a, fields.get("c", float))
        if not (0.0 < curve.a <= _STEEPEST and 0.0 < curve.b <= _STEEPEST and abs(curve.c) <= _FURTHEST):
            raise ConfigError(
                f"{what} has a={curve.a:g}, b={curve.b:g} and c={curve.c:g}; a and b are above 0 and at most "
                f"{_STEEPEST:g}, and c is from -{_FURTHEST:g} to {_FURTHEST:g}",
                fix=_FIX,
            )
    fields.end()
    return curve


def _rising(values: Sequence[Any], what: str) -> Floats:
    """Numbers of which each is above the one before, all between 0 and 1."""
    if not 1 <= len(values) <= MAX_PLACES:
        raise ConfigError(f"{what} has {len(values):,} values; 1 to {MAX_PLACES:,} can be", fix=_FIX)
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise ConfigError(f"{what} is {quoted(values)}, not a list of numbers", fix=_FIX)
    found = np.array([0.0, *(min(max(value, -1), 2) for value in values), 1.0], np.float64)
    if not np.all(np.diff(found) > 0.0):
        raise ConfigError(f"{what} does not rise from above 0 to below 1", fix=_FIX)
    return found[1:-1]
