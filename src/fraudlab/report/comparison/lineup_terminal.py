"""Several runs side by side in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraudlab.report.comparison.comparison_page import interval_text
from fraudlab.report.comparison.comparison_terminal import print_comparison
from fraudlab.report.comparison.lineup import Lineup
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import written
from fraudlab.report.recorded.run_record import number

if TYPE_CHECKING:
    from rich.console import Console


def print_lineup(lineup: Lineup, console: Console) -> None:
    """Print a line per run with its judgement, what differs in their parameters, and the verdict.

    Two runs are printed with all their metrics, as ``print_comparison`` does.

    Parameters
    ----------
    lineup : Lineup
    console : rich.console.Console
    """
    if len(lineup.pairs) == 1:
        print_comparison(lineup.pairs[0], console)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    runs = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in ("", "run", "AP", "95 % interval", "minus A", "judged"):
        runs.add_column(head, no_wrap=True, overflow="ellipsis")
    for index, (letter, record) in enumerate(zip(lineup.letters, lineup.runs, strict=True)):
        pair = lineup.pairs[index - 1] if index else None
        value = numerals.decimal(number(record.metrics, "average_precision"))
        difference = numerals.signed(pair.difference.value) if pair and pair.difference else ""
        texts = (letter, record.id, value, interval_text(record), difference, pair.title if pair else "")
        runs.add_row(*map(Text, texts))
    console.print(runs)
    different = [row for row in lineup.parameters if row.differs]
    for row in different:
        groups: dict[str, list[str]] = {}
        for letter, setting in zip(lineup.letters, row.values, strict=True):
            groups.setdefault(written(setting), []).append(letter)
        said = "; ".join(f"{text} ({' '.join(letters)})" for text, letters in groups.items())
        console.print(Text(f"{row.name}: {said}"))
    if not different:
        console.print(Text("All runs were made with the same parameters."))
    console.print(Text(f"\n{lineup.title}. {lineup.reason[:1].upper()}{lineup.reason[1:]}", style="bold"))
