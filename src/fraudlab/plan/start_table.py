"""What a plan says of a version of data that the run would start from."""

from __future__ import annotations

from pathlib import Path

from fraudlab.config import DataConfig
from fraudlab.data.recorded_version import RecordedVersion
from fraudlab.errors import DataError
from fraudlab.plan.fitting import TableSize
from fraudlab.plan.plan_facts import TableFacts


def unasked(data: DataConfig) -> str:
    """What is not known as long as Comet has not been asked for the version."""
    return f"Comet was not asked for {data.artifact}: `fraudlab plan --ask` says whether it is prepared."


def table_of(version: RecordedVersion, *, moved: str | None) -> Path | None:
    """The table of a raw version, where it is on this machine."""
    from fraudlab.stages.version_files import raw_path

    if version.kind == "preprocessed":
        return None
    try:
        return raw_path(version, moved=moved, backend=None)
    except DataError:
        if any(uri.startswith("s3://") for uri in version.uris.values()):
            return None  # the backend may bring it
        raise


def table_facts(data: DataConfig, version: RecordedVersion | None, *, share: float) -> TableFacts:
    """The facts of a table that is not on this machine, or need not be."""
    if version is None:
        size = TableSize(None, None, False, None, share)
        return TableFacts(
            path=str(data.artifact), files=1, size=size, sha256=None, origin="a version in Comet"
        )
    raw = version.manifest.get("raw") or {}
    rows, columns = (
        value if isinstance(value := raw.get(name), int) else None for name in ("rows", "columns")
    )
    return TableFacts(
        path=str(version.reference),
        files=1,
        size=TableSize(None, rows, rows is not None, columns, share),
        sha256=version.raw_sha256,
        origin=f"a {version.kind} version in Comet",
    )
