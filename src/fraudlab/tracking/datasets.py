"""Which data a run used, identified by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """A table, or what the process job made of it.

    Attributes
    ----------
    name : str
        Name over all versions, such as ``synthetic-raw`` or ``synthetic-prepared``.
    hashes : mapping of str to str
        SHA-256 of each file, by its name. Equal content is the same version.
    facts : mapping
        Whatever else describes it: rows, columns, split boundaries. JSON values.
    """

    name: str
    hashes: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of the content: of the file, or of the sorted names and hashes of several."""
        if len(self.hashes) == 1:
            return next(iter(self.hashes.values()))
        listing = "".join(f"{sha256}  {file}\n" for file, sha256 in sorted(self.hashes.items()))
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def alias(self) -> str:
        """The digest, as short as versions are still told apart."""
        return self.digest[:12]

    def as_dict(self) -> dict[str, Any]:
        """The version as JSON values."""
        return {
            "name": self.name,
            "digest": self.digest,
            "hashes": dict(self.hashes),
            "facts": dict(self.facts),
        }
