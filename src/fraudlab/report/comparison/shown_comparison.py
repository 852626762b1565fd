"""A comparison as notebooks show it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from fraudlab.report.comparison.comparison import Comparison, compare_runs
from fraudlab.report.comparison.lineup import line_up
from fraudlab.report.comparison.lineup_page import lineup_html
from fraudlab.runs.framed_page import framed


class ShownComparison(Comparison):
    """A comparison that a notebook shows as its page, with plots."""

    def __repr__(self) -> str:
        return f"<{self.a.id} and {self.b.id}: {self.title}. {self.reason}>"

    def _repr_html_(self) -> str:
        return framed(lineup_html(line_up([self.a.folder, self.b.folder])))


def shown_comparison(a: Path, b: Path) -> Comparison:
    """Compare two runs by their folders; see :func:`~fraudlab.report.comparison.comparison.compare_runs`."""
    found = compare_runs(a, b)
    return ShownComparison(**{field.name: getattr(found, field.name) for field in fields(found)})
