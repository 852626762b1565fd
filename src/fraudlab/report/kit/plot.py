"""A chart: two scales, a frame, and the marks drawn between them, as inline SVG.

Lengths are in the units of the drawing, 360 wide: about one pixel each. The style sheet gives text more units
where a drawing is narrow, fewer where it is wide, so that it is never smaller than 12 pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fraudlab.report.kit.markup import Markup, coordinate, element, fragment
from fraudlab.report.kit.scales import AxisScale, Linear, Log, Logit

WIDTH, HEIGHT = 360, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 344, 30, 220
# The largest text of a tick, what a character of it needs at most, as a share, and the space between two.
TICK, CHARACTER, SPACE = 15.0, 0.64, 6.0

Label = Callable[[float], str]
Kind: TypeAlias = Linear | Log | Logit


@dataclass(frozen=True)
class Axis:
    """What an axis shows: its scale, its title and how a tick is written."""

    scale: AxisScale
    title: str
    label: Label


def across(low: float, high: float, title: str, label: Label, *, kind: type[Kind] = Linear) -> Axis:
    """A horizontal axis over the width of the chart."""
    return Axis(kind(low, high, LEFT, RIGHT), title, label)


def upward(low: float, high: float, title: str, label: Label, *, kind: type[Kind] = Linear) -> Axis:
    """A vertical axis over the height of the chart."""
    return Axis(kind(low, high, BOTTOM, TOP), title, label)


@dataclass(frozen=True)
class Plot:
    """Two axes; its methods return marks in their coordinates."""

    x: Axis
    y: Axis

    def frame(self) -> Markup:
        """Grid, tick labels and titles. The y title stands above its axis, where it can be read."""
        marks: list[Markup] = []
        for value in self.y.scale.ticks():
            at = self.y.scale(value)
            marks.append(element("line", class_="grid", x1=LEFT, x2=RIGHT, y1=at, y2=at))
            marks.append(self._text(self.y.label(value), LEFT - 8, at + 4, "end", "tick"))
        for value in self.x.scale.ticks(self._fit):
            at = self.x.scale(value)
            marks.append(element("line", class_="axis", x1=at, x2=at, y1=BOTTOM, y2=BOTTOM + 5))
            marks.append(self._text(self.x.label(value), at, BOTTOM + 22, "middle", "tick"))
        marks.append(element("line", class_="axis", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM))
        marks.append(self._text(self.y.title, 0, 14, "start", "title"))
        marks.append(self._text(self.x.title, RIGHT, HEIGHT - 6, "end", "title"))
        return fragment(marks)

    def line(self, xs: Iterable[float], ys: Iterable[float], class_: str) -> Markup:
        """A line through the points."""
        return element("path", class_=class_, d=_path(self._positions(xs, ys)))

    def steps(self, xs: Sequence[float], ys: Sequence[float], class_: str) -> Markup:
        """Level `ys[i]` from `xs[i - 1]` to `xs[i]`, as the sum of average precision has it."""
        corners_x = [xs[0], *itertools.chain.from_iterable(itertools.pairwise(xs)), xs[-1]]
        corners_y = [ys[0], *itertools.chain.from_iterable((late, late) for late in ys[1:]), ys[-1]]
        return self.line(corners_x, corners_y, class_)

    def columns(self, edges: Sequence[float], heights: Sequence[float], class_: str) -> Markup:
        """The outline of adjoining bars on the bottom of the chart."""
        floor = self.y.scale.low
        xs = [edges[0], *itertools.chain.from_iterable(itertools.pairwise(edges)), edges[-1]]
        ys = [floor, *itertools.chain.from_iterable((height, height) for height in heights), floor]
        return self.line(xs, ys, class_)

    def level(self, value: float, text: str, *, right: bool = False) -> Markup:
        """A horizontal reference line with its name at the left end, or at the right one."""
        at = self.y.scale(value)
        x, anchor = (RIGHT - 6, "end") if right else (LEFT + 6, "start")
        return fragment(
            element("line", class_="reference", x1=LEFT, x2=RIGHT, y1=at, y2=at),
            self._text(text, x, at - 6, anchor, "note"),
        )

    def upright(self, value: float, class_: str, **attributes: object) -> Markup:
        """A vertical line over the whole height."""
        at = self.x.scale(value)
        return element("line", class_=class_, x1=at, x2=at, y1=TOP, y2=BOTTOM, **attributes)

    def dot(self, x: float, y: float, class_: str, **attributes: object) -> Markup:
        """A marker at a point."""
        radius = {"here": 5, "one": 3.5, "one few": 3.5}.get(class_.removesuffix(" b"), 7)
        return element(
            "circle", class_=class_, cx=self.x.scale(x), cy=self.y.scale(y), r=radius, **attributes
        )

    def name(self, text: str, x: float, y: float, *, anchor: str = "start", dx: float = 0) -> Markup:
        """A word beside a point."""
        return self._text(text, self.x.scale(x) + dx, self.y.scale(y), anchor, "note")

    def beside(self, text: str, x: float, *, left: bool, top: bool) -> Markup:
        """Words close to an upright line, at its upper or its lower end."""
        side, anchor = (-7, "end") if left else (7, "start")
        return self._text(text, self.x.scale(x) + side, TOP + 14 if top else BOTTOM - 10, anchor, "note")

    def drawing(self, *marks: Markup, summary: str) -> Markup:
        """The whole SVG; `summary` is what a screen reader says in its place."""
        return element(
            "svg",
            self.frame(),
            marks,
            element("g", element("line", y1=TOP, y2=BOTTOM), class_="cursor", visibility="hidden"),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=summary,
            data_x=_specification(self.x.scale),
            data_y=_specification(self.y.scale),
        )

    def _fit(self, ticks: list[float]) -> bool:
        """Whether the labels of ticks below the chart stand apart, where text is largest."""
        ends = [
            (self.x.scale(value) - half, self.x.scale(value) + half)
            for value in ticks
            for half in [TICK * CHARACTER * len(self.x.label(value)) / 2]
        ]
        return all(right + SPACE <= left for (_, right), (left, _) in itertools.pairwise(ends))

    def _positions(self, xs: Iterable[float], ys: Iterable[float]) -> list[tuple[float, float]]:
        return [(self.x.scale(x), self.y.scale(y)) for x, y in zip(xs, ys, strict=True)]

    def _text(self, text: str, x: float, y: float, anchor: str, class_: str) -> Markup:
        return element("text", text, x=float(x), y=float(y), text_anchor=anchor, class_=class_)


def _path(points: Iterable[tuple[float, float]]) -> str:
    """Write a path, without the points that no screen could tell from the one before."""
    written: list[str] = []
    for x, y in points:
        point = f"{coordinate(round(x, 1))} {coordinate(round(y, 1))}"
        if not written or written[-1] != point:
            written.append(point)
    return "M" + "L".join(written)


def _specification(scale: AxisScale) -> str:
    return f"{scale.kind} {scale.low!r} {scale.high!r} {coordinate(scale.start)} {coordinate(scale.end)}"
