"""What to know before reading the numbers, as a list at the top of the page."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.report.concerns import Concern
from fraudlab.report.kit.markup import Markup, element


def concern_list(found: Sequence[Concern]) -> Markup | None:
    """The things to know before reading on; None where there are none."""
    if not found:
        return None
    names = {"problem": "Problem", "caution": "Caution", "note": "Note"}
    items = [
        element(
            "li",
            element("span", names[concern.weight], class_="weight"),
            element("div", element("strong", concern.title, "."), f" {concern.text} {concern.more}".rstrip()),
            class_=f"weight-{concern.weight} {concern.kind.replace('_', '-')}",
        )
        for concern in found
    ]
    return element("ul", items, class_="concerns", aria_label="Before reading the numbers")
