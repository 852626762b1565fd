"""Objects of S3 as the files of a job: which ones, under which names, and for which host."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from fraudlab.rehearsal.work.reasons import WorkFailed
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.tar_streams import Entry

#: bytes of a file that are held in memory
_IN_MEMORY = 8 << 20


@dataclass(frozen=True)
class S3Object:
    """One object.

    Attributes
    ----------
    path : str
        Where it lies in the folder of its channel.
    """

    bucket: str
    key: str
    size: int
    path: str


def split_uri(uri: str) -> tuple[str, str]:
    """The bucket and the key, or the beginning of keys, that ``s3://BUCKET/KEY`` names."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def relative_path(prefix: str, key: str) -> str:
    """Where an object lies below a prefix; one that ends within a name counts as the folder of that name."""
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    parent = posixpath.dirname(prefix)
    return key[len(parent) + 1 :] if parent else key


def listed(s3: Any, uri: str, data_type: str = "S3Prefix") -> list[S3Object]:
    """List what an S3 data source names, in the order of its keys.

    Raises
    ------
    WorkFailed
        Where S3 refuses, or the kind of source is not rehearsed.
    """
    if data_type == "ManifestFile":
        return [found for prefix, base in _manifest(s3, uri) for found in _below(s3, prefix, base)]
    if data_type != "S3Prefix":
        raise WorkFailed(f"InternalServerError: S3DataType {data_type} is not rehearsed.")
    return _below(s3, uri, uri)


def _below(s3: Any, uri: str, base: str) -> list[S3Object]:
    bucket, prefix = split_uri(uri)
    named = split_uri(base)[1]
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [one for page in pages for one in page.get("Contents", ())]
    except s3.exceptions.ClientError as error:
        raise WorkFailed(f"ClientError: Data download failed: {error}") from error
    return [
        S3Object(bucket, one["Key"], one["Size"], relative_path(named, one["Key"]))
        for one in found
        if not one["Key"].endswith("/")
    ]


def _manifest(s3: Any, uri: str) -> Iterator[tuple[str, str]]:
    """Each object that a manifest names, and the prefix below which its path begins."""
    bucket, key = split_uri(uri)
    try:
        content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        prefix = content[0]["prefix"]
        names = [str(name) for name in content[1:]]
    except (ValueError, LookupError, TypeError, s3.exceptions.ClientError) as error:
        raise WorkFailed(f"ClientError: Data download failed: the manifest {uri} cannot be read.") from error
    for name in names:
        yield prefix + name, prefix


def of_host(s3: Any, source: Mapping[str, Any], *, host: int, hosts: int) -> list[S3Object]:
    """The objects of a data source that one host gets: all, or with ``ShardedByS3Key`` its part.

    Parameters
    ----------
    source : mapping
        ``S3Uri``, ``S3DataType`` and ``S3DataDistributionType`` of a channel or an input.
    """
    objects = listed(s3, source["S3Uri"], source["S3DataType"])
    return objects[host::hosts] if source.get("S3DataDistributionType") == "ShardedByS3Key" else objects


def entries(s3: Any, objects: Sequence[S3Object], folder: str) -> Iterator[Entry]:
    """The files of a folder, read from S3 while they are packed.

    Raises
    ------
    WorkFailed
        A key names no file of the folder, or S3 refuses.
    """
    yield Entry.folder(folder)
    made: set[str] = set()
    files: set[str] = set()
    for one in objects:
        inside = path_inside(one)
        # a folder that no entry names would belong to root alone
        for parent in _parents(inside):
            if parent in files:
                raise _clash(parent)
            if parent not in made:
                made.add(parent)
                yield Entry.folder(posixpath.join(folder, parent))
        if inside in made:
            raise _clash(inside)
        files.add(inside)
        yield Entry(posixpath.join(folder, inside).lstrip("/"), one.size, _content(s3, one))


def _clash(path: str) -> WorkFailed:
    return WorkFailed(f"ClientError: Data download failed: {path} is a file and a folder.")


def path_inside(one: S3Object) -> str:
    """Where an object lies below its folder: of several slashes one counts, as in any path.

    Raises
    ------
    WorkFailed
        Its key leads out of the folder.
    """
    parts = [part for part in one.path.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise WorkFailed(f"ClientError: Data download failed: the key {one.key} leads out of its folder.")
    return "/".join(parts)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _content(s3: Any, one: S3Object) -> Iterator[bytes]:
    try:
        body = s3.get_object(Bucket=one.bucket, Key=one.key)["Body"]
    except s3.exceptions.ClientError as error:
        raise WorkFailed(f"ClientError: Data download failed: {error}") from error
    yield from body.iter_chunks(1 << 20)


def scratch(services: Services) -> SpooledTemporaryFile[bytes]:
    """A file without a name, for what is on its way: nobody has to remove it."""
    services.folder.mkdir(parents=True, exist_ok=True)
    return SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(services.folder))


def upload(s3: Any, uri: str, content: IO[bytes] | SpooledTemporaryFile[bytes]) -> None:
    """Write one object.

    Raises
    ------
    WorkFailed
        Where S3 refuses.
    """
    from boto3.exceptions import S3UploadFailedError

    bucket, key = split_uri(uri)
    try:
        s3.upload_fileobj(content, bucket, key)
    except (S3UploadFailedError, s3.exceptions.ClientError) as error:
        raise WorkFailed(f"ClientError: Artifact upload failed: {error}") from error
