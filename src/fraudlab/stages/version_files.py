"""The files of a version of data: found where it names them, or where they were moved to, and checked."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fraudlab.cache import Cache
from fraudlab.data.file_hashes import file_sha256
from fraudlab.data.recorded_version import RecordedVersion
from fraudlab.errors import BackendError, DataError
from fraudlab.files import publish, storage, write_json
from fraudlab.stages.prepare import place_table

if TYPE_CHECKING:
    from fraudlab.backends.backend import Backend


def raw_path(version: RecordedVersion, *, moved: str | None, backend: Backend | None) -> Path:
    """Where the table of a raw version is: a file, a folder or a pattern; its content is not checked yet.

    Parameters
    ----------
    version : RecordedVersion
    moved : str or None
        Where a person says that it is now.
    backend : Backend or None
        Can bring files of its bucket.

    Raises
    ------
    DataError
        Where it is nowhere, or cannot be had from here.
    """
    if moved is not None:
        return Path(moved)
    root = _root(version, backend)
    files = {name: root / name for name in version.uris}
    _check_there(version, files)
    if len(files) == 1:
        return next(iter(files.values()))
    within = (version.description.get("data") or {}).get("within")
    return root / within if isinstance(within, str) and _is_inside(within) else root


def prepared_folder(
    version: RecordedVersion, *, cache: Cache, workspace: Path, moved: str | None, backend: Backend
) -> Path:
    """The prepared splits of a version, in the cache under their content; checked.

    Parameters
    ----------
    version : RecordedVersion
    cache : Cache
        Keeps them while the run uses them.
    workspace : Path
        Of the run, for what is not whole yet.
    moved : str or None
        Folder that holds them, where a person says so.
    backend : Backend
        Can bring files of its bucket.

    Raises
    ------
    DataError
        Where one is nowhere, cannot be had from here, or has other content.
    """
    final = cache.use("prepared", str(version.prepared_key))
    cache.use("digests")
    if not (final / "manifest.json").is_file():
        root = Path(moved).absolute() if moved is not None else _root(version, backend)
        found = {name: root / name for name in version.hashes}
        _check_there(version, found)
        made = workspace / "version"
        for name, path in found.items():
            place_table(path, made / name)
            _check_content(version, made / name, name, shown=path)
        write_json(made / "manifest.json", dict(version.manifest))
        publish(made, final)
    for name in version.hashes:
        if not (final / name).is_file():
            raise DataError(
                f"{final / name} of {version.reference} is gone.", fix=f"remove {final}, and repeat"
            )
        _check_content(version, final / name, name, cache=cache.folder)
    return final


def check_table(version: RecordedVersion, path: Path, sha256: str) -> None:
    """Refuse a table that is not the one a raw version names.

    Raises
    ------
    DataError
        Naming both digests.
    """
    if sha256 != version.digest:
        raise _other_content(version, path, sha256, version.digest)


def _root(version: RecordedVersion, backend: Backend | None) -> Path:
    """The folder on this machine below which the files of a version have their names."""
    names = set(version.hashes) if version.kind == "preprocessed" else set(version.uris)
    if missing := sorted(names - set(version.uris)) or ([] if names else ["any file"]):
        raise DataError(
            f"{version.reference} does not say where {missing[0]} is.",
            fix="say where its files are: data.path=PATH",
        )
    roots = {_without_name(version, version.uris[name], name) for name in names}
    if len(roots) > 1:
        raise DataError(
            f"The files of {version.reference} are in several places, such as {min(roots)}.",
            fix="bring them into one folder, then data.path=FOLDER",
        )
    root = roots.pop()
    parts = urlsplit(root)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path, errors="surrogateescape"))
    if parts.scheme == "s3" and backend is not None and backend.placement.cloud is not None:
        try:
            return backend.files.fetch(root)
        except BackendError as error:
            raise _elsewhere(version, root, why=error.message) from error
    raise _elsewhere(version, root)


def _without_name(version: RecordedVersion, uri: str, name: str) -> str:
    """The folder that a URI and the name of its file leave."""
    if _is_inside(name) and unquote(uri).endswith(f"/{name}"):
        levels = len(PurePosixPath(name).parts)
        return uri.rsplit("/", levels)[0]
    raise DataError(
        f"{version.reference} says that its file {name!r} is {uri}.",
        fix="start from another version, or say where its files are: data.path=PATH",
    )


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name and bool(path.parts)


def _elsewhere(version: RecordedVersion, root: str, *, why: str = "") -> DataError:
    fetch = f"aws s3 cp --recursive {root} FOLDER" if root.startswith("s3://") else f"from {root}"
    return DataError(
        f"The files of {version.reference} are in {root}, and this backend cannot bring them"
        f"{f' ({why.rstrip(chr(46))})' if why else ''}.",
        fix=f"bring them here ({fetch}), then data.path=FOLDER",
    )


def _check_there(version: RecordedVersion, files: dict[str, Path]) -> None:
    gone = [path for path in files.values() if not path.is_file()]
    if gone:
        which = f"{gone[0]} and {len(gone) - 1} more" if len(gone) > 1 else str(gone[0])
        raise DataError(
            f"{version.reference} names {which}, and there is no such file here.",
            fix="bring it back, say where it is now with data.path=PATH, or start from the table itself",
        )


def _check_content(
    version: RecordedVersion, path: Path, name: str, *, shown: Path | None = None, cache: Path | None = None
) -> None:
    with storage(path):
        digest = file_sha256(path.absolute(), cache=cache)
    if digest != version.hashes[name]:
        raise _other_content(version, shown or path, digest, version.hashes[name])


def _other_content(version: RecordedVersion, path: Path, digest: str, wanted: str) -> DataError:
    return DataError(
        f"{path} is not what {version.reference} names: its sha256 is {digest}, "
        f"and the version says {wanted}.",
        fix="bring that file back, say where it is now with data.path=PATH, or start from another version",
    )
