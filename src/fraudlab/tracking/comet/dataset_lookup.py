"""Asks a Comet server for a version of data: what it says of itself, and where its files are."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fraudlab.dataset_reference import DatasetReference
from fraudlab.errors import ConfigError, DataError, TrackingError, nearest
from fraudlab.redaction import known_secrets, redact
from fraudlab.tracking.comet.account import unreadable
from fraudlab.tracking.comet.dataset_artifacts import ARTIFACT_TYPE, MANIFEST
from fraudlab.tracking.comet.internals import refused_key
from fraudlab.tracking.comet.probe import why_not_online
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk

_NUMBER = re.compile(r"v?(\d+\.\d+\.\d+)")
#: of a manifest; one of a thousand columns with a hundred categories each has less
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class FoundVersion:
    """A version as the server has it; nothing of it is checked.

    Attributes
    ----------
    reference : DatasetReference
        With its workspace and its number.
    aliases : tuple of str
    metadata : mapping
    uris : mapping of str to str
        Where each file is, by its name.
    manifest : mapping or None
        Of prepared data.
    """

    reference: DatasetReference
    aliases: tuple[str, ...]
    metadata: Mapping[str, Any]
    uris: Mapping[str, str]
    manifest: Mapping[str, Any] | None


def look_up(reference: DatasetReference, *, workspace: str | None) -> FoundVersion:
    """Ask the server for a version.

    Parameters
    ----------
    reference : DatasetReference
    workspace : str or None
        Where to look if the reference names none; None is the account's default.

    Raises
    ------
    TrackingError
        Without a key or a server, or where it refuses.
    ConfigError
        Where it has no such artifact or version, with those it has.
    DataError
        Where the artifact is of another kind.
    """
    if reason := unreadable() or why_not_online():
        raise TrackingError(
            f"data.artifact={reference} is looked up at a Comet server, whatever `tracking` says: {reason}.",
            fix="set COMET_API_KEY and check the network; or start from the table itself: "
            "data=table data.path=FILE data.label=COLUMN",
        )
    load_sdk()
    from comet_ml.api import API

    with _in_our_words(reference), collected_errors():
        server = API(cache=False)
        where = reference.workspace or workspace or server.get_default_workspace()
        named = replace(reference, workspace=where)
        found = replace(named, version=_number(server, named))
    with _in_our_words(found), collected_errors():
        return _read(server, found)


def _number(server: Any, reference: DatasetReference) -> str:
    """The number of the version that is meant."""
    from comet_ml.exceptions import CometRestApiException

    try:
        details = server.get_artifact_details(reference.workspace, reference.name)
    except CometRestApiException as error:
        if error.response.status_code in {401, 403, 500, 502, 503, 504}:
            raise
        raise _no_artifact(server, reference) from None
    if not isinstance(details, dict) or not isinstance(details.get("versions"), list):
        raise _no_artifact(server, reference)
    versions = [one for one in details["versions"] if isinstance(one, dict)]
    numbers = {str(one.get("version")) for one in versions}
    aliases = {str(alias): str(one.get("version")) for one in versions for alias in one.get("alias") or []}
    number = _NUMBER.fullmatch(reference.version)
    if reference.version in aliases:
        return aliases[reference.version]
    if number and number[1] in numbers:
        return number[1]
    raise ConfigError(
        f"{reference.workspace}/{reference.name} has no version {reference.version!r} in Comet.",
        fix=nearest(reference.version, numbers | aliases.keys()),
    )


def _no_artifact(server: Any, reference: DatasetReference) -> ConfigError:
    from comet_ml.exceptions import CometException

    where = reference.workspace or ""
    try:
        found = server.get_artifact_list(where, ARTIFACT_TYPE).get("artifacts") or []
        names = [str(one.get("name") or one.get("artifactName")) for one in found]
    except (CometException, AttributeError):
        return ConfigError(
            f"Comet has no workspace {where!r} that this key may read.",
            fix="check the part before / in data.artifact, or tracking.workspace",
        )
    return ConfigError(
        f"The workspace {where} has no artifact {reference.name!r} in Comet.",
        fix=nearest(reference.name, names) + f" in {where}; another workspace goes before it: WORKSPACE/NAME",
    )


def _read(server: Any, reference: DatasetReference) -> FoundVersion:
    found = server.get_artifact(reference.workspace, reference.name, version=reference.version)
    if found.artifact_type != ARTIFACT_TYPE:
        raise DataError(
            f"{reference} is an artifact of the type {found.artifact_type!r}, and no data.",
            fix="name one of the type dataset, such as data.artifact=fraud-dataset:preprocessed",
        )
    assets = list(found.assets)
    uris = {str(asset.logical_path): str(asset.link) for asset in assets if asset.remote and asset.link}
    kept = [asset for asset in assets if asset.logical_path == MANIFEST and not asset.remote]
    return FoundVersion(
        reference=reference,
        aliases=tuple(map(str, found.aliases)),
        metadata=dict(found.metadata),
        uris=uris,
        manifest=_manifest(kept[0], reference) if kept else None,
    )


def _manifest(asset: Any, reference: DatasetReference) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fraudlab-version-") as aside:
        asset.download(aside, logical_path=MANIFEST, overwrite_strategy="OVERWRITE")
        file = Path(aside) / MANIFEST
        try:
            content = json.loads(file.read_bytes()) if file.stat().st_size < _MOST_BYTES else None
        except ValueError:
            content = None
    if not isinstance(content, dict):
        raise DataError(
            f"The {MANIFEST} of {reference} is no JSON object.", fix="start from another version of it"
        )
    return content


@contextmanager
def _in_our_words(reference: DatasetReference) -> Iterator[None]:
    """Raise what the SDK says as an error of ours, without the key that its texts may hold."""
    from comet_ml.exceptions import ArtifactNotFinalException, CometException, InvalidAPIKey

    try:
        yield
    except InvalidAPIKey:
        raise refused_key() from None
    except ArtifactNotFinalException:
        raise DataError(
            f"{reference} is not complete: whoever made it was interrupted.",
            fix="start from another version, or repeat the run that made it",
        ) from None
    except (CometException, OSError) as error:
        why = redact(str(error).partition("\n")[0], known_secrets()) or type(error).__name__
        raise TrackingError(
            f"The Comet server did not say what {reference} is: {why}", fix="try again later"
        ) from None
