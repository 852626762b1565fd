"""A comparison in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraudlab.report.comparison.compared_slices import NAMED, slice_lead, slice_sentences
from fraudlab.report.comparison.comparison import Comparison
from fraudlab.report.comparison.comparison_page import metric_rows
from fraudlab.report.kit.blocks import written

if TYPE_CHECKING:
    from rich.console import Console


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the verdict, the metrics side by side and the parameters that differ.

    Parameters
    ----------
    comparison : Comparison
    console : rich.console.Console
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    metrics = Table("", "A", "B", "B − A", box=SIMPLE_HEAD, pad_edge=False)
    for row in metric_rows(comparison):
        metrics.add_row(*row)
    for column in metrics.columns[1:]:
        column.justify = "right"

    different = [parameter for parameter in comparison.parameters if parameter.differs]
    parameters = Table("parameter", "A", "B", box=SIMPLE_HEAD, pad_edge=False)
    for parameter in different:
        # Names and values come from runs: they are text, not console markup.
        parameters.add_row(
            *(Text(text) for text in (parameter.name, written(parameter.a), written(parameter.b)))
        )

    console.print(Text(f"A  {comparison.a.id}\nB  {comparison.b.id}"))
    console.print(metrics)
    console.print(parameters if different else Text(f"{comparison.nothing_differs}\n"))
    if comparison.slices:
        sentences = slice_sentences(comparison.slices, comparison.letters)
        shown = [slice_lead(comparison.slices, comparison.letters), *sentences[:NAMED]]
        if len(sentences) > NAMED:
            shown.append(f"And {len(sentences) - NAMED} more, marked on the page.")
        console.print(Text("\n  ".join(shown) + "\n"))
    console.print(Text(comparison.verdict, style="bold"))
