"""The state of a run where every machine finds it.

A run whose jobs outlive its launcher is gone on with from any machine. What that needs lies in an object
store, and so does ``owner.json``: who has the run; see :mod:`fraudlab.runs.claims`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fraudlab.errors import FraudlabError
from fraudlab.runs.claims import (
    LEASE_SECONDS,
    OWNER,
    Claim,
    Objects,
    facts_of_claim,
    holder_of,
    taken,
)

#: small files that are sent at once
_AT_ONCE = 8


class SharedState:
    """The state of one run, and the claim on it.

    Parameters
    ----------
    objects : Objects
    run_id : str
    lease_seconds : float
        How long a claim holds that is not renewed.
    """

    def __init__(self, objects: Objects, *, run_id: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self._objects = objects
        self._run_id = run_id
        self._lease_seconds = lease_seconds
        self._claim: Claim | None = None

    @property
    def where(self) -> str:
        return self._objects.where

    def load(self, name: str) -> bytes | None:
        """What was saved under a name; None where nothing was."""
        return self._objects.read(name).content

    def save(self, name: str, content: bytes) -> None:
        """Save content under a name; whoever has a claim makes sure first that it still holds.

        Raises
        ------
        RunTaken
            Where another launcher has taken the run over meanwhile.
        """
        if self._claim is not None:
            self._claim.confirm()
        self._objects.write(name, content)

    def save_files(self, files: Mapping[str, Path]) -> dict[str, str]:
        """Save files, several at once; that a claim still holds is made sure of before the first.

        Returns
        -------
        dict of str to str
            The SHA-256 of what was saved under each name.

        Raises
        ------
        RunTaken
            Where another launcher has taken the run over meanwhile.
        """
        if files and self._claim is not None:
            self._claim.confirm()

        def save(name: str) -> str:
            content = files[name].read_bytes()
            self._objects.write(name, content)
            return hashlib.sha256(content).hexdigest()

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="state") as pool:
            return dict(zip(files, pool.map(save, files), strict=True))

    def claim(self, *, over: str | None = None) -> Claim:
        """Take the run, and hold it until the claim is released; a thread renews it until then.

        Parameters
        ----------
        over : str, optional
            Nonce of a claim whose launcher is known to be gone: it need not run out first.

        Raises
        ------
        RunTaken
            Where another launcher has it, with its name and since when.
        """
        found = self._objects.read(OWNER)
        holder = holder_of(found)
        if holder is not None and holder.nonce != over:
            raise taken(self._run_id, holder)
        before = facts_of_claim(found.content)
        # kept before it is written: who is interrupted then may have it, and lets go of it
        self._claim = made = Claim(
            self._objects,
            run_id=self._run_id,
            seconds=self._lease_seconds,
            since=found.now,
            before=None if before is None else str(before.get("nonce")),
        )
        made.begin(found.tag)
        return made

    def let_go(self) -> None:
        """Release the claim, if there is one; where the store cannot be asked, it ends by itself."""
        if self._claim is not None:
            try:
                self._claim.release()
            except FraudlabError:
                self._claim.abandon()
            self._claim = None
