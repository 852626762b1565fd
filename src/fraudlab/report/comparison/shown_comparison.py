"""Comparisons as notebooks show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from fraudlab.report.comparison.comparison import Comparison, compare_runs
from fraudlab.report.comparison.lineup import Lineup, line_up
from fraudlab.report.comparison.lineup_page import lineup_html
from fraudlab.report.kit import numerals
from fraudlab.runs.framed_page import framed


class ShownComparison(Comparison):
    """A comparison that a notebook shows as its page, with plots."""

    def __repr__(self) -> str:
        return f"<{self.a.id} and {self.b.id}: {self.title}. {self.reason}>"

    def _repr_html_(self) -> str:
        return framed(lineup_html(line_up([self.a.folder, self.b.folder])))


class ShownLineup(Lineup):
    """Several runs side by side that a notebook shows as their page, with plots."""

    def __repr__(self) -> str:
        more = numerals.counted(len(self.pairs), "other")
        return f"<{self.runs[0].id} and {more}: {self.title}. {self.reason}>"

    def _repr_html_(self) -> str:
        return framed(lineup_html(self))


def shown_comparison(a: Path, b: Path) -> Comparison:
    """Compare two runs by their folders; see :func:`~fraudlab.report.comparison.comparison.compare_runs`."""
    found = compare_runs(a, b)
    return ShownComparison(**{field.name: getattr(found, field.name) for field in fields(found)})


def shown_lineup(folders: Sequence[Path]) -> Lineup:
    """Compare runs with the first of them; see :func:`~fraudlab.report.comparison.lineup.line_up`."""
    found = line_up(folders)
    return ShownLineup(**{field.name: getattr(found, field.name) for field in fields(found)})
