"""Which data a run used, identified by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fraudlab.files import as_json
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
    manifest : mapping, optional
        Of prepared data: what a run that starts from this version has to know of them.
    place : mapping, optional
        ``workspace`` and ``number`` of the version that a run has started from: it is used, and never made.
    """

    name: str
    kind: Literal["raw", "preprocessed"] | None = None
    hashes: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    uris: Mapping[str, str] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    place: Mapping[str, str] | None = None

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
        about = {
            "name": self.name,
            "kind": self.kind,
            "digest": self.digest,
            "hashes": dict(self.hashes),
            "facts": dict(self.facts),
            "uris": dict(self.uris),
        }
        if self.manifest is not None:
            about |= {"manifest_sha256": manifest_sha256(self.manifest), "manifest": dict(self.manifest)}
        return about if self.place is None else {**about, "place": dict(self.place)}


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """The SHA-256 of a manifest as a version has it."""
    return hashlib.sha256(as_json(manifest).encode()).hexdigest()
