"""Whether a registry is what was written into it."""

from __future__ import annotations

from dataclasses import dataclass

from fraudlab.registry.mirror_steps import require_known
from fraudlab.registry.model_registry import ModelRegistry


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes
    ----------
    entries : int
        Lines of the log that follow from one another.
    versions : int
    head : str
        Digest of the last line: whoever keeps it notices a log that was cut short.
    objections : tuple of str
        What is not as it was written; empty where all is.
    mended : tuple of str
        Links that were not as the log has them, and are now.
    """

    entries: int
    versions: int
    head: str
    objections: tuple[str, ...]
    mended: tuple[str, ...]


def verify(registry: ModelRegistry, *, head: str | None = None) -> Verified:
    """Check the chain of the log and every file of every version, and make the links again.

    Parameters
    ----------
    registry : ModelRegistry
    head : str, optional
        A digest that the log had as its last once, as somebody wrote it down.

    Raises
    ------
    RegistryError
        Where the log itself cannot be trusted.
    """
    entries, state = registry.entries(), registry.state()
    if head is not None:
        require_known(head, entries)
    versions = [version for model in state.models.values() for version in model.versions]
    wrong = [
        f"{version.reference}: {objection}"
        for version in versions
        for objection in registry.store.objections(version.content)
    ]
    return Verified(len(entries), len(versions), state.head, tuple(wrong), tuple(registry.mend_links()))
