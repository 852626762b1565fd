"""Ctrl-C, SIGTERM and a closed terminal: what stops, or goes on without us, is said at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from fraudlab.backends.signals import stop_signals
from fraudlab.errors import AFTER_INTERRUPTION, Detached, FraudlabError, Interrupted
from fraudlab.terminal import Terminal

#: signals this close together are one: a terminal, make and timeout may each send theirs
_TOGETHER_SECONDS = 1.0

_AGAIN = "Again: end at once, and the run says `dead`."

Answer = Literal["stop", "leave", "wait"]


@dataclass(frozen=True)
class Leavable:
    """What of a run goes on, or can be gone on with, when its launcher ends.

    Attributes
    ----------
    run_id : str
    job : str or None
        The job that is going on; None where nothing is, and what earlier jobs wrote is kept.
    study : bool
        It is a study, of that name, and the job is the work of its trials.
    """

    run_id: str
    job: str | None
    study: bool = False

    @property
    def name(self) -> str:
        """What is left, as a part of a sentence."""
        return f"{'study' if self.study else 'run'} {self.run_id}"

    @property
    def come_back(self) -> str:
        """What to do next, as the fix of an error."""
        attach = f"come back with `fraudlab runs attach {self.run_id}`"
        back = "the same command goes on with it" if self.study else attach
        return f"{back}; until it ends, the {self.job} costs what it costs" if self.job else back

    @property
    def going_on(self) -> str:
        """What becomes of it without its launcher, as a part of a sentence."""
        return f"the {self.job} goes on" if self.job else "what its jobs wrote is kept"


@dataclass
class Attention:
    """Who is asked what a signal leaves; until `leavable` is set, nothing.

    Attributes
    ----------
    leavable : callable
        What goes on when the launcher ends; None where nothing does.
    raised : Interrupted or None
        What the ``KeyboardInterrupt`` of a signal stands for.
    is_ending : bool
        How the run ends is settled, and a first signal changes nothing of it.
    """

    leavable: Callable[[], Leavable | None] = field(default=lambda: None)
    raised: Interrupted | None = None
    is_ending: bool = False

    @contextmanager
    def as_raised(self) -> Iterator[None]:
        """Raise what a signal stands for, whatever an interrupted library has made of it: nothing included.

        What the interrupted code has noted, such as what it could not take down, is added to the fix.
        """
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if self.raised is None or isinstance(error, FraudlabError):
                raise
            self.raised.fix = "; ".join([self.raised.fix, *getattr(error, "__notes__", [])])
            raise self.raised from error
        if self.raised is not None:
            raise self.raised

    def heed(self) -> None:
        """Raise again what a signal has raised where nobody could hear it, such as in a finalizer."""
        if self.raised is not None:
            raise KeyboardInterrupt(self.raised.message)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Let a first signal change nothing while a block sees to the end of the run."""
        self.is_ending = True
        yield
        self.is_ending = False


class _Leave(Exception):
    """Ctrl-C once more, in answer to the question."""


@contextmanager
def interruptible(terminal: Terminal) -> Iterator[Attention]:
    """Make the first signal raise, so that all is taken down or left; the second ends at once.

    A job that outlives its launcher is left (:class:`Detached`), or stopped (:class:`Interrupted`) where a
    person at a terminal says so. Everything else stops.

    Parameters
    ----------
    terminal : Terminal
        Knows which stage goes on, and whether anybody is told.
    """
    attention = Attention()
    if threading.current_thread() is not threading.main_thread():
        yield attention
        return
    signals = _Signals(terminal, attention)
    before = {number: signal.signal(number, signals.take) for number in stop_signals()}
    try:
        with attention.as_raised():
            yield attention
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Signals:
    """What the signals of one run do."""

    def __init__(self, terminal: Terminal, attention: Attention) -> None:
        self._terminal, self._attention = terminal, attention
        self._first: float | None = None
        self._asking = False

    def take(self, number: int, _frame: object) -> None:
        now, name = time.monotonic(), signal.Signals(number).name
        if self._first is None:
            self._first = now
            if self._attention.is_ending:
                _say(self._terminal, f"{name}: the run is ending, and is only being recorded. {_AGAIN}")
                return
            self._begin(number, name)
        elif now - self._first > _TOGETHER_SECONDS or (self._asking and number != signal.SIGINT):
            if self._asking:
                raise _Leave
            _say(self._terminal, f"{name} again: ending at once. What is left goes with `fraudlab clean`.")
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # jobs end with their launcher, or go on without it

    def _begin(self, number: int, name: str) -> None:
        leavable = self._attention.leavable()
        answer: Answer = "stop" if leavable is None else "leave"
        if leavable is not None and leavable.job and number == signal.SIGINT and _somebody_answers():
            answer = self._ask(leavable.job)
        if answer == "wait":
            self._first = None
            return
        if leavable is None or answer == "stop":
            job = None if leavable is None else leavable.job
            _say(self._terminal, _stopping(name, self._terminal.current, job))
            self._raise(Interrupted(f"Interrupted by {name}.", fix=AFTER_INTERRUPTION))
        _say(self._terminal, f"{name}: leaving {leavable.name}; {leavable.going_on}.")
        left = f"{leavable.name[0].upper()}{leavable.name[1:]} was left by {name}; {leavable.going_on}."
        self._raise(Detached(left, fix=leavable.come_back))

    def _raise(self, error: Interrupted) -> NoReturn:
        """Raise what no library takes for a fault of its own, which it would hide, wrap or try again."""
        self._attention.raised = error
        raise KeyboardInterrupt(error.message)

    def _ask(self, job: str) -> Answer:
        self._asking = True
        try:
            while True:
                _write(
                    2,
                    f"\nThe {job} is going on. [s]top it, [l]eave it running, or [w]ait on? (Ctrl-C: leave) ",
                )
                typed = os.read(0, 1024)
                for word in ("stop", "leave", "wait"):
                    if typed.strip() and word.startswith(typed.decode(errors="replace").strip().lower()):
                        return word
                if not typed:  # nobody is there any more
                    return "leave"
        except (_Leave, OSError):
            return "leave"
        finally:
            self._asking = False


def _somebody_answers() -> bool:
    """Whether a person reads what is asked, and may type: not in the background, nor in a pipe."""
    with suppress(OSError):
        return os.isatty(0) and os.isatty(2) and os.tcgetpgrp(0) == os.getpgrp()
    return False


def _stopping(name: str, stage: str | None, job: str | None) -> str:
    of_stage = {
        None: "the run",
        "prepare": "the process job (prepare)",
        "train": "the train job",
        "score": "what scores the test split (score)",
        "evaluate": "the evaluation",
        "report": "the report",
    }
    doing = f"the {job}" if job else of_stage.get(stage, f"{stage}")
    return f"{name}: stopping {doing}; this may take half a minute. The run will say `interrupted`. {_AGAIN}"


def _say(terminal: Terminal, text: str) -> None:
    """Write where progress is shown, without the buffer, which the interrupted code may be using."""
    if not terminal.quiet:
        _write(1, f"\n{text}\n")


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):
        os.write(descriptor, text.encode())
