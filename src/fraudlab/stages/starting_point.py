"""What a run begins with: a table, or a version of data that Comet has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.cache import Cache
from fraudlab.config import DataKind, RunConfig, TrackingMode
from fraudlab.data.recorded_version import RecordedVersion, read_version
from fraudlab.dataset_reference import read_reference
from fraudlab.named_columns import column_names
from fraudlab.objections import together
from fraudlab.stages.raw_table import faults_of_columns, find_table, look
from fraudlab.stages.version_description import described_by, keys_of

if TYPE_CHECKING:
    from fraudlab.backends.backend import Backend
    from fraudlab.data.sources import Source


def find_start(
    config: RunConfig, cache: Cache, *, workspace: Path, backend: Backend, overrides: Collection[str] = ()
) -> tuple[RunConfig, Source]:
    """Find what a run begins with, checked, and its configuration with all that is known of it.

    Parameters
    ----------
    config : RunConfig
    cache : Cache
        Keeps what the run uses.
    workspace : Path
        Working folder of the run.
    backend : Backend
        Where the run is carried out.
    overrides : collection of str
        What a person has typed: of a version, what is given wins.

    Raises
    ------
    DataError, ConfigError
        Where there is none, or it is not what the configuration says.
    TrackingError
        Where a version cannot be looked up.
    """
    if config.data.kind is not DataKind.artifact:
        return config, find_table(config, cache)
    version, filled = look_up_start(config, overrides)
    return filled, _found(filled, version, cache, workspace, backend)


def look_up_start(config: RunConfig, overrides: Collection[str]) -> tuple[RecordedVersion, RunConfig]:
    """Ask Comet's server for the version of ``data.artifact``; and the configuration that it describes."""
    from fraudlab.tracking.comet.dataset_lookup import look_up

    reference = read_reference(config.data.artifact or "")
    found = look_up(reference, workspace=config.tracking.workspace)
    version = read_version(found.reference, metadata=found.metadata, uris=found.uris, manifest=found.manifest)
    return version, described_by(config, version, given=keys_of(overrides))


def _columns(version: RecordedVersion) -> list[str]:
    """The columns of prepared data, as its manifest says; the train job reads that with more care."""
    columns = version.manifest.get("columns")
    named = [one.get("name") for one in columns if isinstance(one, dict)] if isinstance(columns, list) else []
    return [name for name in named if isinstance(name, str)]


def _found(
    config: RunConfig, version: RecordedVersion, cache: Cache, workspace: Path, backend: Backend
) -> Source:
    from fraudlab.data.sources import absent
    from fraudlab.stages.version_files import check_table, prepared_folder, raw_path

    moved = config.data.path
    notes = [f"starts from {version.reference}, {version.kind}: sha256 {version.digest[:12]}…, checked"]
    if config.tracking.mode in (TrackingMode.offline, TrackingMode.off):
        notes.append(
            f"tracking={config.tracking.mode.value}: the version was looked up at Comet's server all the same"
        )
    if version.kind == "preprocessed":
        if wrong := faults_of_columns(config, column_names(config.data), _columns(version)):
            raise together(wrong)
        folder = prepared_folder(version, cache=cache, workspace=workspace, moved=moved, backend=backend)
        return replace(absent(folder, sha256=version.raw_sha256), started_from=version, notes=tuple(notes))
    cache.use("digests")
    path = raw_path(version, moved=moved, backend=backend)
    source = look(config, path, cache.folder)
    check_table(version, path, source.sha256)
    return replace(source, started_from=version, notes=(*notes, *source.notes))
