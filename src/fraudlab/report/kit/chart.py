"""A chart as a figure of a page: a drawing, its words, and what the pointer reads from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fraudlab.report.kit.markup import Markup, element, fragment


@dataclass(frozen=True)
class Chart:
    """A drawing with its words, and what the pointer reads from it, which then stands for the subtitle."""

    id: str
    title: str
    subtitle: Markup | str
    drawing: Markup
    note: str = ""
    hover: dict[str, Any] = field(default_factory=dict)

    def figure(self) -> Markup:
        """The chart as an element of the page."""
        return element(
            "figure",
            element(
                "figcaption",
                element("h3", self.title),
                element("p", self.subtitle, class_="subtitle"),
                element("p", class_="readout", aria_hidden="true"),
            ),
            self.drawing,
            element("p", self.note, class_="note") if self.note else None,
            class_="chart",
            id=self.id,
        )


def legend(names: Mapping[str, str]) -> Markup:
    """Coloured keys, by the class that colours them, each with its name."""
    return fragment(
        element("span", element("span", class_=f"key {class_}"), name, class_="entry")
        for class_, name in names.items()
    )
