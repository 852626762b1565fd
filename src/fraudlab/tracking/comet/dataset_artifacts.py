"""Versions of data as artifacts of a Comet server, one for each content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fraudlab.errors import TrackingError
from fraudlab.files import write_json
from fraudlab.redaction import known_secrets, redact
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.internals import end, send_files_once, temporary_files_in
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk, quiet_config

#: of the artifacts that are data
ARTIFACT_TYPE = "dataset"
#: file of a version of prepared data: what was decided and counted, which its parts alone do not say
MANIFEST = "manifest.json"


def use(live: Any, about: dict[str, Any]) -> None:
    """Use the artifact version with this content in a live experiment, making it where there is none.

    Parameters
    ----------
    live : comet_ml.CometExperiment
        Online.
    about : dict
        Of :meth:`~fraudlab.tracking.datasets.DatasetVersion.as_dict`.
    """
    from comet_ml import Artifact
    from comet_ml.exceptions import ArtifactNotFinalException, ArtifactNotFound

    if place := about.get("place"):
        live.get_artifact(about["name"], workspace=place["workspace"], version_or_alias=place["number"])
        return
    alias = about["digest"][:12]
    try:
        live.get_artifact(about["name"], version_or_alias=alias)
    except (ArtifactNotFound, ArtifactNotFinalException):  # nobody has made it, or whoever did was killed
        aliases = [alias, about["kind"]] if about.get("kind") else [alias]
        metadata = {name: value for name, value in about.items() if name != "manifest"}
        artifact = Artifact(about["name"], ARTIFACT_TYPE, aliases=aliases, metadata=metadata)
        described = {"dataset.json": metadata, MANIFEST: about.get("manifest")}
        for name, content in described.items():
            if content is not None:
                file = Path(live.tmpdir) / f"{alias}-{name}"
                write_json(file, content)
                artifact.add(str(file), logical_path=name)
        for file, uri in (about.get("uris") or {}).items():
            # without sync_mode=False the SDK would list the bucket itself
            artifact.add_remote(uri, logical_path=file, sync_mode=False, metadata=_of_file(about, file))
        live.log_artifact(artifact)


def _of_file(about: dict[str, Any], file: str) -> dict[str, str] | None:
    digest = (about.get("hashes") or {}).get(file)
    return None if digest is None else {"sha256": str(digest)}


def noted(folder: Path) -> list[dict[str, Any]]:
    """Which data a run has used, by its folder of archives."""
    try:
        found = json.loads((folder / archives.DATASETS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [about for about in found if isinstance(about, dict)] if isinstance(found, list) else []


def replay(folder: Path, key: str, versions: Sequence[dict[str, Any]]) -> None:
    """Use versions in an experiment that the server has: an archive can hold none.

    Raises
    ------
    TrackingError
        The server did not take one.
    """
    reasons: list[str] = []
    before = set(archives.find(folder, key))
    sdk = load_sdk()
    send_files_once()
    config = quiet_config(sdk, folder=folder)
    with collected_errors() as errors, temporary_files_in(folder):
        try:
            live = sdk.start(online=True, mode="get_or_create", experiment_key=key, experiment_config=config)
            try:
                for about in versions:
                    use(live, about)
            finally:
                end(live)
        except Exception as error:  # noqa: BLE001 - the SDK raises whatever its server said
            reasons.append(redact(str(error).split("\n")[0], known_secrets()))
    for archive in set(archives.find(folder, key)) - before:
        archive.unlink()  # of what the server has been told just now
    if reasons := [*reasons, *errors.lines]:
        raise TrackingError(
            f"the datasets were not recorded: {reasons[0]}", fix="try again later with `fraudlab sync`"
        )
