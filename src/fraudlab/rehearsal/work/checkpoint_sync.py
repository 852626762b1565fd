"""A folder of a running container that is kept the same in S3."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import threading
import time

from fraudlab.rehearsal.work.container_engine import Box, ContainerEngine
from fraudlab.rehearsal.work.reasons import WorkFailed
from fraudlab.rehearsal.work.s3_objects import scratch, split_uri, upload
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.tar_streams import blocks, members

#: seconds between looks at a container that prints nothing, and how many times longer than a look it rests
_LONGEST, _REST = 5.0, 4


class FolderSync:
    """Uploads what is new or changed in a folder of a container, and with `deletes` what is gone.

    It looks whenever :meth:`nudge` is called, and every few seconds; never for more than a fifth of the time.

    Parameters
    ----------
    engine : ContainerEngine
    services : Services
    box : Box
    path : str
        The folder.
    uri : str
        The prefix in S3.
    deletes : bool
        A file that the container deletes is deleted in S3.
    known : iterable of str
        Keys, from the prefix on, that were restored into the folder.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        services: Services,
        box: Box,
        *,
        path: str,
        uri: str,
        deletes: bool,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._engine, self._services, self._s3 = engine, services, services.s3
        self._box, self._path, self._uri, self._deletes = box, path, uri.rstrip("/"), deletes
        self._seen: dict[str, str] = dict.fromkeys(known, "")
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Look soon: the container has just said something."""
        self._wake.set()

    def end(self, *, last: bool) -> None:
        """Stop; with `last` what the container has left is brought to S3, else it is lost."""
        self._ended.set()
        self._wake.set()
        self._thread.join()
        if last:
            self.look()

    def _work(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError
        from docker.errors import DockerException
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        while not self._ended.is_set():
            began = time.monotonic()
            # files come and go while they are read, and so does the container, and S3 may refuse: the next
            # look has them, and what the last look cannot bring fails the job
            with contextlib.suppress(
                DockerException,
                RequestException,
                HTTPError,
                BotoCoreError,
                ClientError,
                tarfile.TarError,
                WorkFailed,
            ):
                self.look()
            # a container that prints much is not looked at all the time
            self._ended.wait(min(_LONGEST, _REST * (time.monotonic() - began)))
            self._wake.wait(_LONGEST)
            self._wake.clear()

    def look(self) -> None:
        """Compare the folder with what was seen last, and bring S3 up to it."""
        archive = self._engine.archive(self._box, self._path)
        if archive is None:
            return
        there: set[str] = set()
        for member, content in members(archive):
            if content is None:
                continue
            there.add(member.name)
            # a time in an archive has no fractions of a second: only the bytes tell what is new
            digest = hashlib.sha256()
            with scratch(self._services) as held:
                for block in blocks(content):
                    digest.update(block)
                    held.write(block)
                if self._seen.get(member.name) == digest.hexdigest():
                    continue
                held.seek(0)
                upload(self._s3, f"{self._uri}/{member.name}", held)
            self._seen[member.name] = digest.hexdigest()
        for name in self._seen.keys() - there:
            del self._seen[name]
            if self._deletes:
                bucket, key = split_uri(f"{self._uri}/{name}")
                self._s3.delete_object(Bucket=bucket, Key=key)
