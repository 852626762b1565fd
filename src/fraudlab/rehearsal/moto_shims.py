"""What must change in moto, each with its reason; all in this one place."""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from typing import Any

#: a part or an object above this is kept in a file, not in memory; moto's own limit is above the size of a
#: part, so that a whole upload would lie in memory
_IN_MEMORY_BYTES = 1 << 20
_BLOCK = 1 << 20


def before_import(account: str) -> None:
    """Set what moto reads when it is imported."""
    os.environ["MOTO_ACCOUNT_ID"] = account
    # no web page is to read an answer
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
    os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(_IN_MEMORY_BYTES)


def join_parts_on_disk() -> None:
    """Complete a multipart upload without its bytes in memory; moto joins them in memory three times."""
    from moto import settings
    from moto.s3 import exceptions, models

    key: Any = models.FakeKey
    upload: Any = models.FakeMultipart
    smallest = settings.S3_UPLOAD_PART_MIN_SIZE

    def complete(self: Any, body: Iterator[tuple[int, str]]) -> tuple[Any, str, Any]:
        algorithm = self.metadata.get("x-amz-checksum-algorithm")
        kind = self.metadata.get("x-amz-checksum-type")
        checksums: Any = models.MultipartChecksumBuilder(algorithm, kind)
        digests, count, last = hashlib.md5(usedforsecurity=False), 0, None
        with tempfile.TemporaryFile() as joined:
            for number, etag in body:
                part = self.parts.get(number)
                if part is None or part.etag.strip('"') != etag.strip('"'):
                    raise exceptions.InvalidPart
                if last is not None and last.contentsize < smallest:
                    raise exceptions.EntityTooSmall
                value = part.value
                joined.write(value)
                digests.update(bytes.fromhex(part.etag.strip('"')))
                checksums.addPart(value)
                last, count = part, count + 1
            if not count:
                raise exceptions.MalformedXML
            joined.flush()
            size = joined.tell()
            content = mmap.mmap(joined.fileno(), size, access=mmap.ACCESS_READ) if size else b""
        # a checksum of checksums ends in the number of parts, so that no client takes it for one of the bytes
        kind, checksum, parts = checksums.build()
        checksum = f"{checksum}-{count}" if kind == "COMPOSITE" else checksum
        return content, f"{digests.hexdigest()}-{count}", (kind, checksum, parts)

    def set_value(self: Any, value: Any) -> None:
        buffer = self._value_buffer
        buffer.seek(0)
        buffer.truncate()
        if isinstance(value, mmap.mmap):
            buffer.rollover()
            for begin in range(0, len(value), _BLOCK):
                buffer.write(value[begin : begin + _BLOCK])
        else:
            buffer.write(value.encode() if isinstance(value, str) else value)
        self.contentsize = len(value)

    upload.complete = complete
    key.value = key.value.setter(set_value)


def keep_underscores(environ: dict[str, Any]) -> None:
    """Tell moto which names of S3's metadata have an underscore, which WSGI takes for a hyphen."""
    from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY

    names = [name for name in environ.get("fraudlab.names", ()) if "_" in name]
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        f"HTTP_{name.upper().replace('-', '_')}": name
        for name in names
        if name.lower().startswith("x-amz-meta-")
    }


def allow_many_files() -> None:
    """Let this process have as many open files as it may: moto keeps one for each object above a size."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
