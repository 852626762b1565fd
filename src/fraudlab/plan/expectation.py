"""How long a step will probably take: as long as it took in earlier runs of its shape. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log10
from statistics import median

from fraudlab.plan.steps import Step, StepName

#: of how many runs, the newest ones, the middle is taken
_NEWEST = 5


@dataclass(frozen=True, slots=True)
class EarlierStep:
    """A step of a run that completed on the backend that is planned for.

    Attributes
    ----------
    name : str
        Of the step.
    instance_type : str or None
        None where none is rented: the machine is the one that plans.
    machines : int
    rows : int
        Of the table.
    seconds : float
        Of each machine, as they were billed, or as they took where nothing is billed.
    spot : bool
        Of spot machines fewer seconds are billed than they work.
    """

    name: StepName
    instance_type: str | None
    machines: int
    rows: int
    seconds: float
    spot: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """What earlier runs say of a step.

    Attributes
    ----------
    seconds : float
        The median.
    runs : int
        How many runs that is of.
    """

    seconds: float
    runs: int


def expected(step: Step, earlier: Iterable[EarlierStep], *, rows: int | None) -> Expected | None:
    """What earlier runs of a step's shape took; None where there is none.

    Of its shape are those on the same machines, spot or not, whose table had rows of the same order of
    magnitude (between 0.3 and 3 times as many).

    Parameters
    ----------
    step : Step
    earlier : iterable of EarlierStep
        Newest first.
    rows : int or None
        Of the table; where they are not known, nothing is expected.
    """
    if rows is None:
        return None
    alike = [
        one.seconds
        for one in earlier
        if one.name == step.name
        and _same_machines(one, step)
        and abs(log10(max(one.rows, 1) / max(rows, 1))) <= 0.5
    ][:_NEWEST]
    return Expected(median(alike), len(alike)) if alike else None


def _same_machines(one: EarlierStep, step: Step) -> bool:
    if one.instance_type is None:
        return True
    rented = (one.instance_type, one.machines, one.spot)
    return rented == (step.instance_type, step.instance_count, step.spot)
