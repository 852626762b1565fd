"""What a job leaves, on its way to S3: archives of a training job, files of a processing job."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from typing import IO

from fraudlab.rehearsal.work.container_engine import Box, ContainerEngine
from fraudlab.rehearsal.work.s3_objects import scratch, upload
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.tar_streams import blocks, first_file


def upload_archive(
    engine: ContainerEngine, services: Services, boxes: Sequence[Box], *, path: str, uri: str, empty: bool
) -> bool:
    """Pack a folder of all containers into one ``.tar.gz``; of one name the last container's file stays.

    Parameters
    ----------
    empty : bool
        Upload an archive that holds nothing, too.

    Returns
    -------
    bool
        Whether one was uploaded.
    """
    with scratch(services) as whole:
        held = 0
        with (
            gzip.GzipFile(fileobj=whole, mode="wb", compresslevel=6, mtime=0, filename="") as packed,
            tarfile.open(fileobj=packed, mode="w|") as archive,
        ):
            for box in boxes:
                for member, content in engine.get(box, path):
                    archive.addfile(member, content)
                    held += not member.isdir()
        if not held and not empty:
            return False
        whole.seek(0)
        upload(services.s3, uri, whole)
    return True


def upload_files(
    engine: ContainerEngine, services: Services, boxes: Sequence[Box], *, path: str, uri: str
) -> None:
    """Upload each file of a folder of all containers under a prefix."""
    for box in boxes:
        for member, content in engine.get(box, path):
            if member.islnk():  # another name of a file, which S3 has twice
                again = engine.archive(box, f"{path}/{member.linkname}")
                held: IO[bytes] | None = None if again is None else io.BytesIO(first_file(again))
            else:
                held = content
            if held is None:
                continue  # S3 has neither folders nor links
            with scratch(services) as whole:
                for block in blocks(held):
                    whole.write(block)
                whole.seek(0)
                upload(services.s3, f"{uri.rstrip('/')}/{member.name}", whole)
