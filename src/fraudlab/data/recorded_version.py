"""What a version of data says of itself, checked: it may have been made by anybody."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fraudlab.dataset_reference import DatasetReference
from fraudlab.errors import DataError
from fraudlab.files import as_json
from fraudlab.lineage.recorded import content_digest, prepared_hashes

SPLITS = ("train", "validation", "test")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: what the launcher reads of each part of a manifest
_READ_OF_SPLITS = ("rows", "positives", "unseen", "sha256")
_READ = ("schema", "raw", "roles", "columns", "preprocessing", "duplicates", "split", "notes", "label_copies")


@dataclass(frozen=True, kw_only=True)
class RecordedVersion:
    """A version of data that a run starts from.

    Attributes
    ----------
    reference : DatasetReference
        With its workspace and its number.
    kind : {"raw", "preprocessed"}
    digest : str
        The SHA-256 of its content.
    hashes : mapping of str to str
        SHA-256 of each file, by its name; of a raw table one, by which runs know it.
    uris : mapping of str to str
        Where each file is, by its name.
    description : mapping
        ``data`` and, of prepared data, ``split``: the configuration by which it was read. Nothing of it is
        checked.
    source : str
        Which table it was: ``data.kind`` of the run that began with it.
    raw_sha256 : str
        Of the raw table.
    manifest : mapping
        Of prepared data; empty of a raw table.
    """

    reference: DatasetReference
    kind: Literal["raw", "preprocessed"]
    digest: str
    hashes: Mapping[str, str]
    uris: Mapping[str, str]
    description: Mapping[str, Any]
    source: str
    raw_sha256: str
    manifest: Mapping[str, Any]

    @property
    def prepared_key(self) -> str | None:
        """Names the preparation, as its content does; None of a raw table."""
        if self.kind == "raw":
            return None
        text = json.dumps([self.digest, hashlib.sha256(as_json(self.manifest).encode()).hexdigest()])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def as_record(self) -> dict[str, Any]:
        """What ``run.json`` says of it."""
        reference = self.reference
        return {
            "workspace": reference.workspace,
            "name": reference.name,
            "number": reference.version,
            "kind": self.kind,
            "sha256": self.digest,
        }


def read_version(
    reference: DatasetReference,
    *,
    metadata: Mapping[str, Any],
    uris: Mapping[str, str],
    manifest: Mapping[str, Any] | None,
) -> RecordedVersion:
    """Check what a version says of itself.

    Raises
    ------
    DataError
        Where it says too little, or contradicts itself.
    """
    kind, hashes, facts = metadata.get("kind"), metadata.get("hashes"), metadata.get("facts")
    if kind not in ("raw", "preprocessed") or not _are_hashes(hashes) or not isinstance(facts, dict):
        raise _refused(reference, "does not say what fraudlab's versions of data say of themselves")
    assert isinstance(hashes, dict)
    if content_digest(hashes) != metadata.get("digest"):
        raise _refused(
            reference,
            f"contradicts itself: its files make the sha256 {content_digest(hashes)}, "
            f"and it says {metadata.get('digest')}",
        )
    prepared = kind == "preprocessed"
    if prepared:
        _check_prepared(reference, hashes, metadata, manifest)
    raw = facts.get("raw") if prepared else metadata["digest"]
    if len(hashes) != (len(SPLITS) if prepared else 1) or not _is_sha256(raw):
        raise _refused(reference, "does not say which table it is")
    description, source = facts.get("description"), facts.get("source")
    return RecordedVersion(
        reference=reference,
        kind="preprocessed" if prepared else "raw",
        digest=metadata["digest"],
        hashes=hashes,
        uris=uris,
        description=description if isinstance(description, dict) else {},
        source=source if isinstance(source, str) and source else "artifact",
        raw_sha256=str(raw),
        manifest=manifest if prepared and manifest else {},
    )


def _check_prepared(
    reference: DatasetReference,
    hashes: Mapping[str, str],
    metadata: Mapping[str, Any],
    manifest: Mapping[str, Any] | None,
) -> None:
    if manifest is None:
        raise _refused(reference, "was made without the manifest of what was prepared")
    digest = hashlib.sha256(as_json(manifest).encode()).hexdigest()
    if digest != metadata.get("manifest_sha256"):
        raise _refused(
            reference,
            f"has another manifest than it says: its sha256 is {digest}, "
            f"and the version says {metadata.get('manifest_sha256')}",
        )
    splits = manifest.get("splits")
    whole = all(name in manifest for name in _READ) and isinstance(splits, dict)
    parts = [splits.get(name) for name in SPLITS] if isinstance(splits, dict) else []
    known = all(isinstance(part, dict) and all(name in part for name in _READ_OF_SPLITS) for part in parts)
    if not (whole and known) or prepared_hashes(manifest) != hashes:
        raise _refused(reference, "has a manifest that does not describe its files")


def _are_hashes(found: object) -> bool:
    return isinstance(found, dict) and bool(found) and all(map(_is_sha256, found.values()))


def _is_sha256(found: object) -> bool:
    return isinstance(found, str) and _SHA256.fullmatch(found) is not None


def _refused(reference: DatasetReference, why: str) -> DataError:
    return DataError(
        f"{reference} cannot be started from: it {why}.",
        fix=f"start from another version, such as {reference.name}:raw, or from the table itself",
    )
