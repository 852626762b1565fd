"""Standard streams that take everything printed, also what no terminal shows and nobody reads any more."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress

#: our typography where an encoding has none; all else keeps its code point, and names can be told apart
_PLAIN = str.maketrans(
    {
        "·": "-",
        "…": "...",
        "–": "-",
        "—": "-",
        "→": "->",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "ø": "o",
        "✓": "+",
        "✗": "x",
    }
)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def prepare() -> None:
    """Let standard output and error take every text; one that is closed becomes the null device."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # else the next file that is opened becomes standard output
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error("fraudlab.plainly", _plainly)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="fraudlab.plainly")


@contextmanager
def only_answers() -> Iterator[Callable[[str], None]]:
    """Let standard output have answers only: all else that is printed meanwhile goes to standard error.

    Yields
    ------
    callable
        Prints one answer as one line.
    """
    out = sys.stdout
    out.flush()
    try:
        real = out.fileno() == 1
    except (OSError, ValueError):  # a stream that stands for standard output, as in tests
        real = False
    kept = os.dup(1)
    try:
        answers = open(kept, "w", encoding="utf-8", errors="backslashreplace", closefd=False) if real else out  # noqa: SIM115
        if real:
            os.dup2(2, 1)

        def answer(text: str) -> None:
            with suppress(BrokenPipeError):  # the reader has seen enough; the runs go on
                print(text, file=answers, flush=True)

        with redirect_stdout(sys.stderr):
            yield answer
    finally:
        if real:
            sys.stderr.flush()
            os.dup2(kept, 1)
        os.close(kept)


def silence() -> None:
    """Print to nobody from now on: the reader, such as ``head``, has left or the disk behind it is full."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nobody, 1)
    finally:
        os.close(nobody)
