"""Estimates below one another: a point and its interval each, beside a line that they are held against.

It is made of blocks, not drawn: so a name of any length has its place, on a telephone too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fraudlab.report.kit.markup import Markup, element


@dataclass(frozen=True)
class Estimate:
    """A point with its interval.

    Attributes
    ----------
    name : str
    value, low, high : float or None
        None where there is no figure; then the words say why.
    words : str
        What stands beside it.
    mark : str
        What it is told apart by: a word, before the others; none where it is empty.
    class_ : str
        That colours it.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    words: str
    mark: str = ""
    class_: str = ""


@dataclass(frozen=True)
class Ruler:
    """What an interval chart is drawn against.

    Attributes
    ----------
    low, high : float
        Its ends; what lies outside is cut there.
    ticks : sequence of (float, str)
    base : float or None
        Where the line stands.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    base: float | None

    def at(self, value: float) -> float:
        """The share of the width at which a value stands."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def interval_chart(
    title: str | None, subtitle: str, estimates: Sequence[Estimate], ruler: Ruler, *, note: str | None = None
) -> Markup:
    """A figure of estimates.

    Parameters
    ----------
    title : str or None
    subtitle : str
        What is shown, and what the line is.
    estimates : sequence of Estimate
    ruler : Ruler
    note : str, optional
    """
    scale = element(
        "li",
        element("span", class_="name"),
        element(
            "span",
            [
                # the first begins at its place and the last ends there, so that none hangs over the edge
                element("span", text, class_="tick", style=f"left:{at:.2%};transform:translateX({-at:.2%})")
                for value, text in ruler.ticks
                for at in [ruler.at(value)]
            ],
            class_="track",
        ),
        element("span", class_="value"),
        class_="scale",
        aria_hidden="true",
    )
    return element(
        "figure",
        element(
            "figcaption",
            element("h4", title) if title else None,
            element("p", subtitle, class_="subtitle"),
        ),
        element("ol", [_line(one, ruler) for one in estimates], scale, class_="estimates"),
        element("p", note, class_="note") if note else None,
        class_="chart",
    )


def _line(one: Estimate, ruler: Ruler) -> Markup:
    base = (
        element("span", class_="base", style=f"left:{ruler.at(ruler.base):.2%}")
        if ruler.base is not None
        else None
    )
    marks: list[Markup] = []
    if one.value is not None and one.low is not None and one.high is not None:
        left, right = ruler.at(one.low), ruler.at(one.high)
        marks = [
            element("span", class_="band", style=f"left:{left:.2%};width:{right - left:.2%}"),
            element("span", class_="point", style=f"left:{ruler.at(one.value):.2%}"),
        ]
    return element(
        "li",
        element("span", one.name, class_="name", title=one.name),
        element("span", base, marks, class_="track", aria_hidden="true"),
        element(
            "span",
            [element("strong", one.mark, class_=f"mark {one.class_}"), " "] if one.mark else None,
            one.words,
            class_="value",
        ),
        class_=one.class_ or None,
    )
