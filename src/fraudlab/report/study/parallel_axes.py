"""All parameters of a study and what came of them in one drawing: an axis each, and a line for each trial.

The axes lie across and stand below one another, so that as many as there are find room on a telephone too.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.markup import Markup, coordinate, element
from fraudlab.report.kit.plot import CHARACTER, SPACE, TICK, WIDTH
from fraudlab.report.kit.scales import Linear, Log
from fraudlab.report.recorded.run_record import Json
from fraudlab.report.study.study_values import (
    best_of_all,
    choice_at,
    completed,
    value_bounds,
    written_value,
)

_LEFT, _RIGHT, _TOP, _STEP, _BELOW = 6.0, 354.0, 26.0, 56.0, 24.0
#: lines of one kind that are drawn at most, and the longest word of a choice
_MOST, _LONGEST = 200, 14
#: how far apart trials with the same choice lie, as a share of the room that a choice has
_SPREAD = 0.6
#: from how many trials on the best tenth is a kind of its own
_ENOUGH = 10


@dataclass(frozen=True)
class _Row:
    """An axis: where a trial is on it, and what is written above and below it."""

    title: str
    value: Callable[[Json], str]
    place: Callable[[Json], float | None]
    labels: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class _Kind:
    """Trials that are drawn alike."""

    class_: str
    name: str
    trials: Sequence[Json]

    @property
    def drawn(self) -> Sequence[Json]:
        """All of them, or as many of them as can be told apart, evenly chosen."""
        return self.trials[:: math.ceil(len(self.trials) / _MOST) or 1]


def parallel_chart(space: Mapping[str, Json], trials: Sequence[Json]) -> Chart | None:
    """A line for each trial through its settings to its value; None where no trial has completed."""
    done = completed(trials)
    if not done or not space:
        return None
    best = best_of_all(done)
    kinds = [kind for kind in _kinds(done, trials, best) if kind.trials]
    drawn = [(trial, kind.class_) for kind in kinds for trial in kind.drawn]
    rows = [
        *(_of_parameter(name, entry, [trial for trial, _ in drawn]) for name, entry in space.items()),
        _of_value(done),
    ]
    return Chart(
        "parallel",
        "All parameters together",
        legend({f"strand {kind.class_}": kind.name for kind in reversed(kinds)}),
        _drawing(rows, drawn, best),
        note=_note(space, sum(len(kind.trials) - len(kind.drawn) for kind in kinds)),
    )


def _note(space: Mapping[str, Json], left: int) -> str:
    said = ["Each line is a trial. Values at the right are the best one's."]
    if any("choices" in entry for entry in space.values()):
        said.append("Trials of one choice lie side by side, the better ones to the right.")
    if left:
        said.append(f"{numerals.counted(left, 'more trial')} are not drawn; outcome.json has all.")
    return " ".join(said)


def _kinds(done: Sequence[Json], trials: Sequence[Json], best: Json) -> Iterator[_Kind]:
    """The kinds of trials, the one that is to lie on top last."""
    others = sorted((trial for trial in done if trial is not best), key=lambda trial: -trial["value"])
    good = math.ceil(len(done) / 10) - 1 if len(done) >= _ENOUGH else 0
    yield _Kind("early", "ended early", [trial for trial in trials if trial["state"] == "pruned"])
    yield _Kind("", "trial", others[good:][::-1])
    yield _Kind("good", "best tenth", others[:good][::-1])
    yield _Kind("top", "best", [best])


def _of_parameter(name: str, entry: Json, drawn: Sequence[Json]) -> _Row:
    def value(trial: Json) -> str:
        return _short(written_value(trial["params"].get(name)))

    if choices := entry.get("choices"):
        scale = Linear(-0.5, len(choices) - 0.5, _LEFT, _RIGHT)
        beside = _beside(name, choices, drawn)
        labels = [(scale(at), _short(written_value(choice))) for at, choice in enumerate(choices)]

        def place(trial: Json) -> float | None:
            at = choice_at(choices, trial["params"].get(name))
            return None if at is None else scale(at + beside[trial["number"]])

        return _Row(name, value, place, labels)
    low, high = float(entry["low"]), float(entry["high"])
    along = (Log if entry.get("log") else Linear)(low, high, _LEFT, _RIGHT)

    def where(trial: Json) -> float | None:
        found = trial["params"].get(name)
        return along(float(found)) if isinstance(found, int | float) else None

    ends = [(along(end), written_value(_as_given(end))) for end in (low, high)]
    return _Row(f"{name} (log)" if entry.get("log") else name, value, where, ends)


def _of_value(done: Sequence[Json]) -> _Row:
    scale = Linear(*value_bounds(done), _LEFT, _RIGHT)
    ends = [(scale(end), numerals.decimal(end)) for end in (scale.low, scale.high)]
    return _Row(
        "average precision",
        lambda trial: numerals.decimal(trial["value"], 4),
        lambda trial: scale(trial["value"]) if trial["state"] == "completed" else None,
        ends,
    )


def _beside(name: str, choices: Sequence[Any], drawn: Sequence[Json]) -> dict[int, float]:
    """How far from the middle of its choice each trial is drawn, so that trials of one choice stay apart."""
    same: dict[int | None, list[int]] = defaultdict(list)
    for trial in sorted(drawn, key=lambda trial: (trial["value"] or 0.0, trial["number"])):
        same[choice_at(choices, trial["params"].get(name))].append(trial["number"])
    return {
        number: _SPREAD * ((rank + 0.5) / len(numbers) - 0.5)
        for numbers in same.values()
        for rank, number in enumerate(numbers)
    }


def _drawing(rows: Sequence[_Row], drawn: Sequence[tuple[Json, str]], best: Json) -> Markup:
    heights = [_TOP + _STEP * at for at in range(len(rows))]
    axes = [element("line", class_="axis", x1=_LEFT, x2=_RIGHT, y1=y, y2=y) for y in heights]
    lines = [_line(trial, rows, heights, class_) for trial, class_ in drawn]
    texts = [text for row, y in zip(rows, heights, strict=True) for text in _texts(row, y, best)]
    words = f"Each line is a trial. The best, trial {best['number'] + 1}: {_said(best, rows)}."
    return element(
        "svg",
        axes,
        lines,
        texts,
        viewBox=f"0 0 {WIDTH} {coordinate(heights[-1] + _BELOW)}",
        role="img",
        aria_label=words,
    )


def _line(trial: Json, rows: Sequence[_Row], heights: Sequence[float], class_: str) -> Markup | None:
    """A trial's line, as far as it came; what it is, for a pointer that rests on it."""
    places = [(row.place(trial), y) for row, y in zip(rows, heights, strict=True)]
    points = [(x, y) for x, y in places if x is not None]
    if len(points) < 2:
        return None
    path = "M" + "L".join(f"{coordinate(round(x, 1))} {coordinate(y)}" for x, y in points)
    reached = [row for row in rows if row.place(trial) is not None]
    said = element("title", f"trial {trial['number'] + 1}: {_said(trial, reached)}")
    return element("path", said, class_=f"strand {class_}".strip(), d=path)


def _texts(row: _Row, y: float, best: Json) -> Iterator[Markup]:
    yield element("text", row.title, x=_LEFT, y=y - 8, class_="title halo")
    yield element("text", row.value(best), x=_RIGHT, y=y - 8, text_anchor="end", class_="title halo")
    for at, label in _apart(row.labels):
        yield element("text", label, x=at, y=y + 17, text_anchor="middle", class_="tick halo")


def _apart(labels: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The most labels, the first of them among them, that stand apart where text is largest."""
    for every in itertools.count(1):
        found: list[tuple[float, float, str]] = []
        for at, label in labels[::every]:
            half = TICK * CHARACTER * len(label) / 2
            found.append((min(max(at, half), WIDTH - half), half, label))
        pairs = itertools.pairwise(found)
        if all(first + half + SPACE <= second - other for (first, half, _), (second, other, _) in pairs):
            break
    return [(at, label) for at, _, label in found]


def _said(trial: Json, rows: Sequence[_Row]) -> str:
    return ", ".join(f"{row.title} {row.value(trial)}" for row in rows)


def _as_given(end: float) -> float | int:
    return int(end) if end.is_integer() and abs(end) < 1e6 else end


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
