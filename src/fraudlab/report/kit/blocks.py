"""Blocks that several parts of a page are made of: a name and its value, a table, a figure of bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fraudlab.report.kit.markup import Child, Markup, element


def fact(name: str, value: Child, *, marked: bool = False) -> Markup:
    """A name and its value, in a list of such."""
    return element("div", element("dt", name), element("dd", value), class_="set" if marked else None)


def written(value: Any) -> str:
    """Write a parameter as a person would type it."""
    if value is None or value == "???":
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list):
        return ", ".join(written(item) for item in value) if value else "none given"
    return str(value)


def table(heads: Sequence[str], rows: Iterable[Markup], *, class_: str, caption: str | None = None) -> Markup:
    """A table of rows below a row of headings, and a caption above it."""
    named = element("caption", caption) if caption else None
    head = element("tr", [element("th", text, scope="col") for text in heads])
    return element("table", named, element("thead", head), element("tbody", rows), class_=class_)


def bar_figure(title: str, subtitle: str, bars: Sequence[Markup], *, note: str | None = None) -> Markup:
    """A figure of bars, each made by :func:`bar`; without bars it says its subtitle alone."""
    return element(
        "figure",
        element("figcaption", element("h3", title), element("p", subtitle, class_="subtitle")),
        element("ol", bars, class_="bars") if bars else None,
        element("p", note, class_="note") if note else None,
        class_="chart",
    )


def bar(name: str, share: float, value: str, mark: Markup | None = None) -> Markup:
    """One bar of a figure: its name, the share of the track it fills, and its value in words."""
    return element(
        "li",
        element("span", name, mark, class_="name", title=name),
        element("span", element("span", style=f"width:{max(0.0, min(share, 1.0)):.2%}"), class_="track"),
        element("span", value, class_="value"),
    )
