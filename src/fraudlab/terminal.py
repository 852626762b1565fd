"""What a person sees while a run goes on: one line per stage, a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fraudlab import streams
from fraudlab.redaction import hide


class Meter(Protocol):
    """Progress of something counted."""

    def reach(self, count: int) -> None:
        """Say how many are done by now."""
        ...


class StageLine:
    """The line of a stage.

    Attributes
    ----------
    detail : str
        Printed behind its duration.
    facts : dict
        Recorded with its duration.
    notes : list of str
        Printed below, one line for each.
    """

    def __init__(self) -> None:
        self.detail = ""
        self.facts: dict[str, Any] = {}
        self.notes: list[str] = []


class _Console(Console):
    """A console whose run goes on when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        streams.silence()


class Terminal:
    """Prints the progress of a run.

    Parameters
    ----------
    file : file-like, optional
        Where to; default standard output.
    quiet : bool
        Print nothing at all.
    """

    def __init__(self, *, file: IO[str] | None = None, quiet: bool = False) -> None:
        self._console = _Console(file=file, highlight=False, soft_wrap=True, quiet=quiet)
        #: the stage that goes on; None before, between and after
        self.current: str | None = None

    @property
    def quiet(self) -> bool:
        return self._console.quiet

    def say(self, text: str, *, style: str | None = None) -> None:
        """Print one line as it is."""
        self._console.print(hide(text), style=style, markup=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Print a line with name, seconds and detail when the block ends, also when it ends badly."""
        line = StageLine()
        began = time.perf_counter()
        failed = True
        self.current = name
        try:
            yield line
            failed = False
        finally:
            self.current = None
            text = f"  {name:<9}{time.perf_counter() - began:7.2f} s  {'failed' if failed else line.detail}"
            self.say(text, style="red" if failed else None)
            for note in line.notes:
                self.say(f"  {note}", style="yellow")

    @contextmanager
    def meter(self, what: str, *, total: int) -> Iterator[Meter]:
        """Show progress towards a total: a bar on a terminal, about five lines elsewhere."""
        if not self._console.is_terminal:
            yield _PlainMeter(self, what, total)
            return
        columns = (
            TextColumn("  {task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            yield _BarMeter(bar, what, total)


class _BarMeter:
    def __init__(self, bar: Progress, what: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)

    def reach(self, count: int) -> None:
        self._bar.update(self._task, completed=count)


class _PlainMeter:
    """Prints one line per fifth of the way, and only where the whole takes more than a moment."""

    _PATIENCE = 5.0

    def __init__(self, terminal: Terminal, what: str, total: int) -> None:
        self._terminal, self._what, self._total = terminal, what, total
        self._last = time.monotonic()
        self._fifth = 0

    def reach(self, count: int) -> None:
        fifth = 5 * count // max(self._total, 1)
        now = time.monotonic()
        if fifth > self._fifth and fifth < 5 and now - self._last > self._PATIENCE:
            self._fifth, self._last = fifth, now
            self._terminal.say(f"  {self._what}: {count:,} of {self._total:,}")
