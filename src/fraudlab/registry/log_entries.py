"""One line of the registry's log: what somebody did to a version, chained to the line before it.

The form is canonical JSON (sorted keys, no spaces, ASCII), so that a line has one digest wherever it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fraudlab.errors import RegistryError

VERBS: Final = ("register", "approve", "reject", "promote", "rollback")
#: what the first line is chained to
BEGINNING: Final = "0" * 64
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_RESTORE = "restore the log from a copy, or from whoever keeps its head: `fraudlab models verify --help`"


@dataclass(frozen=True, kw_only=True)
class Act:
    """What somebody does to a version of a model, before it has a place in the log.

    Attributes
    ----------
    verb : str
        One of ``VERBS``.
    name : str
        Of the model.
    version : int
        Which of its versions.
    actor : str
        Who does it.
    account : str
        The account of the operating system that the actor's process had.
    reason : str
        In the actor's words; empty where none was given.
    stage : str
        Of a promotion or a rollback; else empty.
    forced : bool
        Whether a gate failed and was passed all the same.
    facts : mapping
        What is kept besides: of a registration the digests and the run, of a promotion its gates.
    """

    verb: str
    name: str
    version: int
    actor: str
    account: str
    reason: str = ""
    stage: str = ""
    forced: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogEntry:
    """An act with its place in the log.

    Attributes
    ----------
    seq : int
        1 for the first.
    previous : str
        Digest of the line before, in hexadecimal.
    time : str
        UTC, to the millisecond, as ``2026-11-27T15:40:00.000Z``.
    act : Act
    digest : str
        Of this line (SHA-256).
    """

    seq: int
    previous: str
    time: str
    act: Act
    digest: str

    @property
    def as_json(self) -> dict[str, Any]:
        """Everything, for other programs."""
        return {**_content(self.seq, self.previous, self.time, self.act), "digest": self.digest}


def written(act: Act, *, after: LogEntry | None, time: str) -> tuple[LogEntry, bytes]:
    """Give an act its place behind the last line, and the line that says so."""
    seq, previous = (after.seq + 1, after.digest) if after else (1, BEGINNING)
    line = canonical(_content(seq, previous, time, act))
    return LogEntry(seq, previous, time, act, digest_of(line)), line + b"\n"


def read_lines(lines: Iterable[bytes]) -> list[LogEntry]:
    """Read whole lines, each checked against the one before it.

    Raises
    ------
    RegistryError
        For the first line that is not what its writer wrote, with its number.
    """
    entries: list[LogEntry] = []
    for number, line in enumerate(lines, start=1):
        entry = _read_line(line, number)
        expected = entries[-1].digest if entries else BEGINNING
        if entry.seq != number or entry.previous != expected:
            raise damaged(number, "it does not follow from the line before: one was changed or taken out")
        entries.append(entry)
    return entries


def damaged(number: int, why: str) -> RegistryError:
    """The error of a log that cannot be trusted from a line on."""
    return RegistryError(f"Line {number} of the registry's log cannot be trusted: {why}.", fix=_RESTORE)


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one form of some JSON."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _content(seq: int, previous: str, time: str, act: Act) -> dict[str, Any]:
    return {"seq": seq, "previous": previous, "time": time, **vars(act), "facts": dict(act.facts)}


def _read_line(line: bytes, number: int) -> LogEntry:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged(number, "it is not JSON") from error
    if not isinstance(content, dict):
        raise damaged(number, "it is no object")
    wrong = [key for key, kind in _KINDS.items() if not _is(content.get(key), kind)]
    if wrong or set(content) != set(_KINDS):
        named = wrong or sorted(set(content) ^ set(_KINDS))
        raise damaged(number, f"its {named[0]!r} is none")
    if (
        content["verb"] not in VERBS
        or not _DIGEST.fullmatch(content["previous"])
        or not _TIME.fullmatch(content["time"])
    ):
        raise damaged(number, "a verb, a time or a digest in it is none")
    act = {key: content[key] for key in content if key not in {"seq", "previous", "time"}}
    if canonical(content) != line:
        raise damaged(number, "it was written by something else")
    return LogEntry(
        content["seq"], content["previous"], content["time"], Act(**cast(Any, act)), digest_of(line)
    )


_KINDS: dict[str, type] = {
    "seq": int, "previous": str, "time": str, "verb": str, "name": str, "version": int, "actor": str,
    "account": str, "reason": str, "stage": str, "forced": bool, "facts": dict,
}  # fmt: skip


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
