"""One thing to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Concern:
    """One thing to know before trusting a number.

    Attributes
    ----------
    kind : str
        Which: a name for style sheets and tests.
    weight : {"problem", "caution", "note"}
        Whether no number can be trusted, some mean less than they seem, or only how they were made is told.
    title : str
        What, in a few words, without a full stop.
    text : str
        One short sentence or two, also for the terminal.
    more : str
        What may be done about it, for the page alone.
    """

    kind: str
    weight: Literal["problem", "caution", "note"]
    title: str
    text: str
    more: str = ""
