"""Which data a run used, identified by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fraudlab.lineage.recorded import content_digest


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """A table, or what the process job made of it.

    Attributes
    ----------
    name : str
        Name over all versions, such as ``fraud-dataset``.
    kind : {"raw", "preprocessed"}, optional
        The alias that the newest version of its kind has.
    hashes : mapping of str to str
        SHA-256 of each file, by its name. Equal content is the same version.
    facts : mapping
        Whatever else describes it: rows, share of fraud, split boundaries, preprocessing. JSON values.
    uris : mapping of str to str
        Where each file is, by its name: ``s3://`` or ``file://``. It is named there, and not copied.
    """

    name: str
    kind: Literal["raw", "preprocessed"] | None = None
    hashes: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    uris: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of the content: of the file, or of the sorted names and hashes of several."""
        return content_digest(self.hashes)

    @property
    def alias(self) -> str:
        """The digest, as short as versions are still told apart."""
        return self.digest[:12]

    def as_dict(self) -> dict[str, Any]:
        """The version as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "digest": self.digest,
            "hashes": dict(self.hashes),
            "facts": dict(self.facts),
            "uris": dict(self.uris),
        }
