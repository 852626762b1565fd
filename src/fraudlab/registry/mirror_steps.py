"""What a mirror has to be told, as the difference between the log and what it has. Pure.

A mirror never decides anything: it shows to others what the log adds up to. Whatever was cut off is found
missing the next time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fraudlab.errors import RegistryError
from fraudlab.registry.log_entries import LogEntry
from fraudlab.registry.registry_state import REJECTED, ModelVersion, RegisteredModel

#: tags that are ours; those of others stay
TAGS = frozenset({"pending", "approved", "rejected", "staging", "production"})
_ANCHOR = re.compile(r"^fraudlab registry: line \d+, head ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Mirrored:
    """A version as a mirror has it.

    Attributes
    ----------
    status : str
        In the mirror's words.
    tags : frozenset of str
    """

    status: str
    tags: frozenset[str]


@dataclass(frozen=True)
class MirrorStep:
    """One thing to tell a mirror.

    Attributes
    ----------
    verb : {"create", "status", "tag", "untag"}
    version : ModelVersion
    value : str
        The status or the tag; empty of a creation.
    """

    verb: str
    version: ModelVersion
    value: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.version.reference} {self.value}".rstrip()


def comet_version(number: int) -> str:
    """A number as Comet has versions, which are semantic."""
    return f"{number}.0.0"


def comet_form(model: RegisteredModel, version: ModelVersion) -> Mirrored:
    """A version as Comet is to show it: its best stage as status, status and stages as tags."""
    stages = model.stages_of(version.number)
    status = "Archived" if version.status == REJECTED else "None"
    for stage in stages:  # production comes last and weighs most
        status = stage.capitalize()
    return Mirrored(status, frozenset({version.status, *stages}))


def steps_to(
    model: RegisteredModel, there: Mapping[int, Mirrored], statuses: Sequence[str]
) -> list[MirrorStep]:
    """What Comet has to be told of one model.

    Parameters
    ----------
    model : RegisteredModel
    there : mapping of int to Mirrored
        What it has, by number.
    statuses : sequence of str
        Those that the workspace allows; another one is left out, the tags say the same.
    """
    steps = []
    for version in model.versions:
        wanted, found = comet_form(model, version), there.get(version.number)
        if found is None:
            steps.append(MirrorStep("create", version))
            found = Mirrored("None", frozenset())
        if wanted.status != found.status and wanted.status in statuses:
            steps.append(MirrorStep("status", version, wanted.status))
        steps += [MirrorStep("tag", version, tag) for tag in sorted(wanted.tags - found.tags)]
        steps += [MirrorStep("untag", version, tag) for tag in sorted((found.tags & TAGS) - wanted.tags)]
    return steps


def anchored(notes: str, entries: Sequence[LogEntry]) -> str:
    """Notes with the head of the log in them; what people wrote there stays.

    Raises
    ------
    RegistryError
        Where the notes have a head that the log does not: it was cut short, or written anew.
    """
    for head in _ANCHOR.findall(notes):
        require_known(head, entries)
    last = entries[-1]
    line = f"fraudlab registry: line {last.seq}, head {last.digest}"
    rest = _ANCHOR.sub("", notes).strip("\n")
    return f"{rest}\n{line}" if rest else line


def require_known(head: str, entries: Sequence[LogEntry]) -> None:
    """Refuse a log that does not have a head which it had once.

    Raises
    ------
    RegistryError
        Where no line has it.
    """
    if head not in {entry.digest for entry in entries}:
        raise RegistryError(
            f"No line of the registry's log has the digest {head}: it was cut short, or written anew.",
            fix="restore the log from a copy that has it",
        )
