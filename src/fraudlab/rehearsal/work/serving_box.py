"""A container that serves a model: started from its archive, asked over HTTP, stopped with 30 s of grace."""

from __future__ import annotations

import http.client
import tarfile
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.work.container_engine import BoxSettings, ContainerEngine
from fraudlab.rehearsal.work.host_group import follow
from fraudlab.rehearsal.work.reasons import WorkFailed, no_model_data
from fraudlab.rehearsal.work.s3_objects import entries, listed, split_uri
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.tar_streams import Entry, blocks

PORT = 8080
#: seconds: between two pings, for one ping, and between SIGTERM and SIGKILL
_BETWEEN, _PING, _GRACE = 0.05, 2.0, 30.0


class ContainerReply(NamedTuple):
    """What a container answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class ServingBox:
    """One serving container.

    Parameters
    ----------
    engine : ContainerEngine
    services : Services
    progress : JobProgress
    model : mapping
        Container of a CreateModel request.
    image : str
        Id of its image on the engine.
    host : str
        Name of the instance.
    stream : str
        Log stream.
    network : str
    environment : mapping
        What the container is given beside the model's own.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        services: Services,
        progress: JobProgress,
        *,
        model: Mapping[str, Any],
        image: str,
        host: str,
        stream: str,
        network: str,
        environment: Mapping[str, str],
    ) -> None:
        self.host = host
        self._engine, self._ended = engine, threading.Event()
        given = {**environment, **(model.get("Environment") or {})}
        source = _source(model)
        volume = engine.make_volume(image, _model_files(services, *source)) if source else None
        read_only = {volume: "/opt/ml/model"} if volume else None
        self._box = engine.make(
            host, BoxSettings(image, given, network, command=["serve"], read_only=read_only)
        )
        engine.run(self._box)
        threading.Thread(target=self._watch, args=(progress, stream), daemon=True).start()
        self._address = engine.address(self._box)

    def _watch(self, progress: JobProgress, stream: str) -> None:
        try:
            follow(self._engine, self._box, progress, stream)
            self._engine.wait(self._box)
        finally:
            self._ended.set()

    @property
    def ended(self) -> bool:
        """Whether its first process has ended."""
        return self._ended.is_set()

    def healthy_within(self, seconds: float, *give_up: threading.Event) -> bool:
        """Ping it until it answers 200; False where it ends or one of `give_up` is set before it does."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not any(one.is_set() for one in (self._ended, *give_up)):
            try:
                if self.ask("GET", "/ping", timeout=_PING).status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            self._ended.wait(_BETWEEN)
        return False

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float,
    ) -> ContainerReply:
        """Ask it once.

        Raises
        ------
        OSError, http.client.HTTPException
            It did not answer, or not in time.
        """
        connection = http.client.HTTPConnection(self._address, PORT, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return ContainerReply(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL: whoever waits for its answer gives up."""
        self._engine.signal(self._box, "KILL")

    def stop(self) -> None:
        """SIGTERM, SIGKILL after 30 s, and remove it."""
        self._engine.signal(self._box, "TERM")
        self._ended.wait(_GRACE)
        self._engine.remove(self._box)


def serving_network(engine: ContainerEngine, *, isolated: bool) -> str:
    """A network on which this machine reaches a container; without a way out where it is isolated."""
    return engine.make_network(internal=True) if isolated else "bridge"


def the_container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """The only container of a CreateModel request.

    Raises
    ------
    WorkFailed
        It has several, or hosts several models.
    """
    found = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers") or []
    if len(found) != 1 or found[0].get("Mode", "SingleModel") != "SingleModel":
        raise WorkFailed("InternalServerError: only a model of one container and one model is rehearsed.")
    one: Mapping[str, Any] = found[0]
    return one


def _source(model: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Where a model lies, and whether it is an archive; None where the image has it."""
    if "ModelDataUrl" in model:
        return model["ModelDataUrl"], True
    source = (model.get("ModelDataSource") or {}).get("S3DataSource")
    if source is None:
        return None
    return source["S3Uri"], source.get("CompressionType") == "Gzip"


def _model_files(services: Services, uri: str, packed: bool) -> Iterator[Entry]:
    if not packed:
        objects = listed(services.s3, uri)
        if not objects:
            raise WorkFailed(no_model_data(uri))
        yield from entries(services.s3, objects, ".")
        return
    bucket, key = split_uri(uri)
    try:
        body = services.s3.get_object(Bucket=bucket, Key=key)["Body"]
        with tarfile.open(fileobj=body, mode="r|gz") as archive:
            for member in archive:
                path = f"./{member.name.removeprefix('./')}"
                if member.isdir():
                    yield Entry.folder(path)
                elif member.issym() or member.islnk():
                    yield Entry(path, link=member.linkname, hard=member.islnk())
                elif (content := archive.extractfile(member)) is not None:
                    yield Entry(path, member.size, blocks(content))
    except (services.s3.exceptions.ClientError, tarfile.TarError, zlib.error, EOFError) as error:
        raise WorkFailed(no_model_data(uri)) from error
