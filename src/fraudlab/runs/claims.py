"""Who has a run: claims in an object store that writes on a condition.

Nobody but the store knows the time: a claim that was not renewed for as long as it says is over when the
store's own clock says so.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from fraudlab.errors import FraudlabError, RunTaken

#: the object that says who has the run
OWNER = "owner.json"
#: how long a claim holds that is not renewed, and how often it is
LEASE_SECONDS = 120.0
_RENEWALS = 4


@dataclass(frozen=True)
class StoredObject:
    """What an object store answered.

    Attributes
    ----------
    content : bytes or None
        None where there is no such object.
    tag : str or None
        Changes with the content; given back to write over this very version.
    age : float
        Seconds since it was written, by the store's clock.
    now : datetime
        The store's clock.
    """

    content: bytes | None
    tag: str | None
    age: float
    now: datetime


class Objects(Protocol):
    """The objects of one run's state, in a store that writes on a condition."""

    @property
    def where(self) -> str:
        """What people call the place, such as ``s3://bucket/fraudlab/runs/ID/state``."""
        ...

    def read(self, name: str) -> StoredObject: ...

    def write(self, name: str, content: bytes) -> None: ...

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        """Write where the object still has a tag, or where there is none (None).

        Returns
        -------
        str or None
            The new tag; None where somebody else was faster.
        """
        ...


@dataclass(frozen=True)
class Holder:
    """A launcher that has a run.

    Attributes
    ----------
    who : str
        ``user@host, process 123``.
    since : str
        By the store's clock, ISO 8601.
    nonce : str
        Of its claim.
    left : float
        Seconds after which its claim is over unless it is renewed.
    """

    who: str
    since: str
    nonce: str
    left: float


class Claim:
    """A claim on a run, renewed until it is released or lost.

    Made by :meth:`fraudlab.runs.shared_state.SharedState.claim`.
    """

    def __init__(
        self, objects: Objects, *, run_id: str, seconds: float, since: datetime, before: str | None = None
    ) -> None:
        self._objects, self._run_id, self._seconds = objects, run_id, seconds
        self.nonce = secrets.token_hex(8)
        #: nonce of the claim that this one took the place of, whether that still held or not
        self.before = before
        self._facts = {
            "who": _who(),
            "since": since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "nonce": self.nonce,
            "seconds": seconds,
        }
        self._tag: str | None = None
        self._count = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def begin(self, tag: str | None) -> None:
        """Write the claim over the version that was read, and keep renewing it.

        Raises
        ------
        RunTaken
            Where somebody else was faster.
        """
        with self._lock:
            self._write(tag)
        threading.Thread(target=self._keep, name="claim", daemon=True).start()

    def confirm(self) -> None:
        """Make sure that the run is still ours.

        Raises
        ------
        RunTaken
            Where another launcher has taken it over.
        """
        self._renew()

    def release(self) -> None:
        """Let go of the run: another launcher may take it at once."""
        self._ended.set()
        with self._lock:
            content, tag = self._content(released=True), self._tag
            if tag is None or self._objects.write_if(OWNER, content, tag=tag) is None:
                # a renewal that was interrupted may have been carried out, under a tag that nobody told us
                found = self._objects.read(OWNER)
                holder = holder_of(found)
                if holder is not None and holder.nonce == self.nonce:
                    self._objects.write_if(OWNER, content, tag=found.tag)
            self._tag = None

    def abandon(self) -> None:
        """Renew the claim no longer, without a word to the store: it cannot be asked any more."""
        self._ended.set()

    def _renew(self) -> None:
        with self._lock:
            if self._tag is None:
                raise taken(self._run_id, holder_of(self._objects.read(OWNER)))
            self._count += 1
            self._write(self._tag)

    def _write(self, tag: str | None) -> None:
        """Write the claim over a version; one that was repeated because its answer was lost is ours too."""
        self._tag = self._objects.write_if(OWNER, self._content(), tag=tag)
        if self._tag is not None:
            return
        found = self._objects.read(OWNER)
        holder = holder_of(found)
        if holder is None or holder.nonce != self.nonce:
            self._ended.set()
            raise taken(self._run_id, holder)
        self._tag = found.tag

    def _keep(self) -> None:
        while not self._ended.wait(self._seconds / _RENEWALS):
            with suppress(FraudlabError):  # who needs the claim asks for it, and is told then
                self._renew()

    def _content(self, *, released: bool = False) -> bytes:
        # no two are equal: the tag of a store may be made of the content alone
        return json.dumps({**self._facts, "renewed": self._count, "released": released}).encode()


def taken(run_id: str, holder: Holder | None) -> RunTaken:
    """The error of who wants a run that another launcher has."""
    if holder is None:
        return RunTaken(
            f"Run {run_id} was taken over by another launcher, which has let go of it again.",
            fix=f"see how it stands: fraudlab runs attach {run_id}",
        )
    return RunTaken(
        f"Run {run_id} is being carried out by {holder.who}, since {holder.since}.",
        fix="wait for it; where that launcher is gone, its claim ends by itself in "
        f"{timedelta(seconds=round(holder.left))!s}, and `fraudlab runs attach {run_id}` works then",
    )


def holder_of(found: StoredObject) -> Holder | None:
    """Who has the run, by what the store answers of :data:`OWNER`; None where nobody has."""
    facts = facts_of_claim(found.content)
    if facts is None or facts.get("released"):
        return None
    seconds = facts.get("seconds")
    left = (seconds if isinstance(seconds, int | float) else LEASE_SECONDS) - found.age
    if left <= 0:
        return None
    return Holder(
        who=str(facts.get("who")), since=str(facts.get("since")), nonce=str(facts.get("nonce")), left=left
    )


def facts_of_claim(content: bytes | None) -> dict[str, Any] | None:
    """What a claim says of itself; None where it makes no sense, or there is none."""
    try:
        facts = json.loads(content or b"")
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}, process {os.getpid()}"
