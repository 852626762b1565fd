"""What is to be taken away, one thing after the other; what cannot be stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fraudlab.errors import BackendError, FraudlabError


@dataclass(frozen=True)
class Removal:
    """One thing that is to be taken away.

    Attributes
    ----------
    what : str
        For people, in one line.
    remove : callable
        Raises FraudlabError where that is not possible.
    key : str
        What others name it by; empty where none does.
    stands_under : frozenset of str
        Keys of what uses it: it stays where one of those could not be removed.
    """

    what: str
    remove: Callable[[], None]
    key: str = ""
    stands_under: frozenset[str] = frozenset()


@dataclass
class Clearing:
    """What is to be taken away, and what a person should know beside it.

    Attributes
    ----------
    removals : list of Removal
        In the order in which they are carried out.
    stays : list of str
        What is ours and stays, with the reason.
    unasked : list of FraudlabError
        What could not be looked at.
    hidden : list of str
        Somebody else's things that may not be looked at, and may use ours.
    """

    removals: list[Removal] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    unasked: list[FraudlabError] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def carry_out(removals: Sequence[Removal], *, say: Callable[[str], object]) -> list[FraudlabError]:
    """Take everything away; what cannot be stops nothing but what it uses, and is returned."""
    failed: list[FraudlabError] = []
    there: set[str] = set()
    for removal in removals:
        if users := sorted(removal.stands_under & there):
            say(f"stays: {removal.what}: {' and '.join(users)} could not be removed, and uses it")
            there.add(removal.key)
            continue
        try:
            removal.remove()
        except FraudlabError as error:
            say(f"not removed: {removal.what}: {error.message}")
            failed.append(error)
            there.add(removal.key)
        else:
            say(f"removed: {removal.what}")
    return failed


def partial_failure(failed: Sequence[FraudlabError], *, of: int) -> BackendError:
    """All that could not be removed, as one error."""
    reasons = "; ".join(dict.fromkeys(error.message.rstrip(".") for error in failed))
    fixes = "; ".join(dict.fromkeys(error.fix for error in failed))
    return BackendError(f"{len(failed)} of {of} could not be removed: {reasons}.", fix=fixes)
