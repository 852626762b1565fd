"""How long to wait between two questions, and how often to ask again what was refused for the moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fraudlab.aws.answers import explained, is_passing
from fraudlab.aws.codes import is_throttled

_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """The pace of one backend.

    Attributes
    ----------
    first, longest : float
        Seconds between the first two questions for a job, and between later ones.
    growth : float
        From one pause to the next.
    drain : float
        Seconds in which the last lines of a log may come after a job's end.
    refused : float
        Seconds for which a call is repeated that is throttled.
    lost : float
        Seconds for which a call is repeated that does not reach AWS.
    pause : float
        Seconds between two calls for a log.
    """

    first: float = 1.0
    longest: float = 15.0
    growth: float = 1.25
    drain: float = 8.0
    refused: float = 300.0
    lost: float = 300.0
    pause: float = 0.15

    def pauses(self) -> Pauses:
        """Pauses that grow."""
        return Pauses(self)

    def ask(self, call: Callable[[], _T], *, doing: str) -> _T:
        """Make a call, and repeat it as long as it is only refused for the moment.

        Raises
        ------
        FraudlabError
            What it was refused with in the end, with a fix; see :func:`fraudlab.aws.answers.explained`.
        """
        pauses, began = self.pauses(), time.monotonic()
        while True:
            try:
                return call()
            except Exception as error:
                limit = self.refused if is_throttled(error) else self.lost
                if not is_passing(error) or time.monotonic() - began > limit:
                    raise explained(error, doing=doing) from error
            pauses.rest()


class Pauses:
    """Pauses, each longer than the one before up to a longest."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._next = patience.first

    def rest(self) -> None:
        """Sleep until the next question."""
        time.sleep(self._next)
        self._next = min(self._next * self._patience.growth, self._patience.longest)


#: of a rehearsal, where machines start at once and nobody else asks
REHEARSED = Patience(first=0.1, longest=0.5, growth=1.1, drain=1.0, refused=60.0, lost=30.0, pause=0.0)
