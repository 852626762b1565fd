"""What a check found: well, worth knowing, wrong with what mends it, or not to be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum


class State(Enum):
    """How a check ended; ``unknown`` is never taken for ``well``."""

    well = "well"
    note = "note"
    wrong = "wrong"
    unknown = "unknown"


#: what stands before a finding's line
MARKS = {State.well: "✓", State.note: "!", State.wrong: "✗", State.unknown: "?"}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        What was looked at, such as ``"disk"``.
    state : State
    said : str
        What was found, in one line.
    fix : str
        The command or console page that mends it; never empty where something is wrong.
    """

    check: str
    state: State
    said: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.state is State.wrong and not self.fix:
            raise ValueError(f"{self.check}: what is wrong needs a fix")

    def as_record(self) -> dict[str, str]:
        """The finding as ``--json`` prints it."""
        return {**asdict(self), "state": self.state.value}


#: what a check returns
Findings = Sequence[Finding]


@dataclass(frozen=True)
class Check:
    """One question, asked beside all others.

    Attributes
    ----------
    name : str
        What its finding is called where it gives none.
    ask : callable
        Gives the findings; what it raises is told as unknown.
    seconds : float
        After which it is given up.
    """

    name: str
    ask: Callable[[], Findings]
    seconds: float = 10.0


def well(check: str, said: str) -> Finding:
    """A finding of something that is as it should be."""
    return Finding(check, State.well, said)


def note(check: str, said: str, fix: str = "") -> Finding:
    """A finding that stops nothing and that a person should know."""
    return Finding(check, State.note, said, fix)


def wrong(check: str, said: str, *, fix: str) -> Finding:
    """A finding of something that a run would stop at."""
    return Finding(check, State.wrong, said, fix)


def unknown(check: str, said: str, fix: str = "") -> Finding:
    """A finding that says why nothing could be found."""
    return Finding(check, State.unknown, said, fix)
