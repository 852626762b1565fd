"""S3's objects as files: written before a client hears that they are there, read without moto's copies.

What is kept of an object is its newest version: bytes, metadata, tags, ETag, checksum and time.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from fraudlab.files import write_json
from fraudlab.rehearsal.announcement import ACCOUNT

_BLOCK = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
#: fields of moto's object that are kept as they are
_FIELDS = (
    "encryption", "kms_key_id", "bucket_key_enabled", "checksum_value", "checksum_type", "checksum_parts",
    "checksum_algorithm",
)  # fmt: skip


class ObjectFiles:
    """Objects below a folder: one folder per bucket, two files per object."""

    def __init__(self, folder: Path) -> None:
        from moto.s3.models import s3_backends

        self._folder, self._backend = folder, s3_backends[ACCOUNT]["aws"]

    def keep(self, bucket: str, key: str) -> None:
        """Make an object's files what moto has: written anew, or removed."""
        found = self._backend.buckets.get(bucket)
        value = found.keys.get(key) if found is not None else None
        data, facts = self._files(bucket, key)
        if value is None or not hasattr(value, "_value_buffer"):
            facts.unlink(missing_ok=True)
            data.unlink(missing_ok=True)
            return
        facts.parent.mkdir(parents=True, exist_ok=True)
        temporary = data.with_name(f".{data.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("wb") as opened, value.lock:
                value._value_buffer.seek(0)
                shutil.copyfileobj(value._value_buffer, opened, _BLOCK)
            temporary.replace(data)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        write_json(facts, self._described(key, value))

    def _described(self, key: str, value: Any) -> dict[str, Any]:
        return {
            "key": key,
            "etag": value.etag.strip('"'),
            "modified": value.last_modified.timestamp(),
            "metadata": dict(value.metadata),
            "storage": value.storage_class,
            "tags": self._backend.tagger.get_tag_dict_for_resource(value.arn),
            **{name: getattr(value, name, None) for name in _FIELDS},
        }

    def forget_bucket(self, bucket: str) -> None:
        """Remove what is left of a bucket."""
        shutil.rmtree(self._folder / quote(bucket, safe=""), ignore_errors=True)

    def load(self) -> None:
        """Give moto every object that an earlier rehearsal has kept, in buckets that are there."""
        for facts in sorted(self._folder.glob("*/*/*.json")):
            bucket = unquote(facts.parent.parent.name)
            data = facts.with_suffix(".data")
            if bucket not in self._backend.buckets or not data.is_file():
                continue
            known = json.loads(facts.read_text(encoding="utf-8"))
            value: Any = self._backend.put_object(
                bucket,
                known["key"],
                b"",
                storage=known["storage"],
                etag=known["etag"],
                disable_notification=True,
            )
            size = data.stat().st_size
            if size <= _BLOCK:
                value.value = data.read_bytes()
            else:
                value._value_buffer.close()
                # the file itself: nobody writes to an object that is there
                value._value_buffer, value.contentsize = data.open("rb"), size
            value.last_modified = datetime.datetime.fromtimestamp(known["modified"], datetime.UTC).replace(
                tzinfo=None
            )
            value.set_metadata(known["metadata"], replace=True)
            for name in _FIELDS:
                setattr(value, name, known[name])
            if known["tags"]:
                self._backend.put_object_tagging(value, known["tags"])

    def open(self, bucket: str, key: str) -> BinaryIO | None:
        """An object's bytes; None where there is no file of it."""
        try:
            return self._files(bucket, key)[0].open("rb")
        except OSError:
            return None

    def _files(self, bucket: str, key: str) -> tuple[Path, Path]:
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        folder = self._folder / quote(bucket, safe="") / name[:2]
        return folder / f"{name}.data", folder / f"{name}.json"


def span(text: str, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that a Range header means.

    Returns
    -------
    tuple or None
        None where the whole is meant: no single range can be read from it.

    Raises
    ------
    ValueError
        Nothing of the range is in the object.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(size - int(last), 0), size - 1
        if not int(last):
            raise ValueError(text)
    else:
        begin, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < begin:
            return None
    if begin >= size:
        raise ValueError(text)
    return begin, end - begin + 1


def blocks(opened: BinaryIO, begin: int, length: int) -> Iterator[bytes]:
    """Give a part of a file in blocks, and close it."""
    with opened:
        opened.seek(begin, os.SEEK_SET)
        while length > 0:
            block = opened.read(min(_BLOCK, length))
            if not block:
                return
            length -= len(block)
            yield block
