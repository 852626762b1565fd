"""The containers of one job on the local Docker engine, found again by their labels."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from fraudlab.rehearsal.work.engine_labels import (
    FOLDER,
    GONE,
    HOST,
    OWNER,
    WORK,
    connect,
    memory,
    remove,
    remove_labelled,
)
from fraudlab.rehearsal.work.reasons import WorkLeft
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.tar_streams import Entry, first_file, members, tar_chunks

#: processes and threads of a container
_PIDS = 4096


@dataclass(frozen=True)
class Box:
    """One container.

    Attributes
    ----------
    host : str
        The name it has among its peers: ``algo-1``.
    """

    id: str
    host: str


@dataclass(frozen=True)
class BoxSettings:
    """How a container is made.

    Attributes
    ----------
    image : str
        Id on the engine.
    command, entrypoint : sequence of str or None
        None leaves the image's own.
    environment : mapping
        All that the container is given beside what the image has.
    network : str
        ``none``, ``bridge``, or the name of a network of the job's own.
    read_only : mapping
        Volume to the path where it is mounted, which cannot be written.
    """

    image: str
    environment: Mapping[str, str]
    network: str
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    read_only: Mapping[str, str] | None = None


class ContainerEngine:
    """Makes the containers of one job or endpoint, and takes them away.

    Parameters
    ----------
    services : Services
    work : str
        ``KIND/NAME``.
    """

    def __init__(self, services: Services, work: str) -> None:
        # another rehearsal takes away what belongs to a folder that is gone
        services.folder.mkdir(parents=True, exist_ok=True)
        self._api = connect()
        self.work = work
        self._name = f"fraudlab-rehearsal-{services.owner[:6]}-{work.replace('/', '-')}"
        self._labels = {OWNER: services.owner, FOLDER: str(services.folder.resolve()), WORK: work}

    def __enter__(self) -> ContainerEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, WorkLeft):
            self.hang_up()
        else:
            self.close()

    def hang_up(self) -> None:
        """Leave everything as it is."""
        self._api.close()

    def close(self) -> None:
        """Remove everything, and hang up."""
        try:
            self.remove_all()
        finally:
            self._api.close()

    def make(self, host: str, settings: BoxSettings) -> Box:
        """Make a container that does not run yet, so that files can be put into it."""
        own = settings.network not in {"none", "bridge"}
        host_config = self._api.create_host_config(
            network_mode=settings.network,
            mem_limit=memory(),
            memswap_limit=memory(),
            pids_limit=_PIDS,
            binds={
                volume: {"bind": path, "mode": "ro"} for volume, path in (settings.read_only or {}).items()
            },
            # a host knows its own name, which no network tells it here
            extra_hosts={host: "127.0.0.1"} if settings.network == "none" else None,
        )
        joined = self._api.create_endpoint_config(aliases=[host]) if own else None
        made = self._api.create_container(
            settings.image,
            name=f"{self._name}-{host}-{secrets.token_hex(3)}",
            hostname=host,
            command=None if settings.command is None else list(settings.command),
            entrypoint=None if settings.entrypoint is None else list(settings.entrypoint),
            environment=dict(settings.environment),
            labels={**self._labels, HOST: host},
            host_config=host_config,
            networking_config=self._api.create_networking_config({settings.network: joined}) if own else None,
        )
        return Box(made["Id"], host)

    def put(self, box: Box, entries: Iterable[Entry]) -> None:
        """Put files into a container, from its root on."""
        self._api.put_archive(box.id, "/", tar_chunks(entries))

    def archive(self, box: Box, path: str) -> Iterable[bytes] | None:
        """A file or folder of a container as the engine packs it; None where it is not there."""
        from docker.errors import NotFound

        try:
            chunks: Iterable[bytes] = self._api.get_archive(box.id, path, chunk_size=1 << 20)[0]
        except NotFound:
            return None
        return chunks

    def get(self, box: Box, path: str) -> Iterator[tuple[Any, Any]]:
        """What a folder of a container holds; nothing where it is not there.

        See :func:`~fraudlab.rehearsal.work.tar_streams.members`.
        """
        chunks = self.archive(box, path)
        return iter(()) if chunks is None else members(chunks)

    def read(self, box: Box, path: str, limit: int = 4096) -> bytes:
        """The beginning of one file of a container; nothing where it is not there."""
        chunks = self.archive(box, path)
        return b"" if chunks is None else first_file(chunks, limit)

    def run(self, box: Box) -> None:
        """Let it run."""
        self._api.start(box.id)

    def lines(self, box: Box) -> Iterator[bytes]:
        """What it prints, from its beginning until it ends, or until somebody takes it away."""
        from docker.errors import APIError

        try:
            yield from self._api.logs(box.id, stream=True, follow=True)
        except APIError as error:
            if error.status_code not in GONE:
                raise

    def wait(self, box: Box) -> int:
        """Wait until it has ended; its exit code, 137 where it has been taken away."""
        from docker.errors import NotFound

        try:
            return int(self._api.wait(box.id, timeout=None)["StatusCode"])
        except NotFound:
            return 137

    def signal(self, box: Box, name: str) -> None:
        """Send a signal to its first process, where it still has one."""
        from docker.errors import APIError

        try:
            self._api.kill(box.id, name)
        except APIError as error:
            if error.status_code not in GONE:
                raise

    def seconds(self, box: Box) -> float:
        """How long it runs, or ran until it ended, by the engine's own clock; 0 where it is gone."""
        from docker.errors import NotFound

        try:
            state = self._api.inspect_container(box.id)["State"]
        except NotFound:
            return 0.0
        began = _moment(state["StartedAt"])
        ended = datetime.datetime.now(datetime.UTC) if state["Running"] else _moment(state["FinishedAt"])
        return max(0.0, (ended - began).total_seconds())

    def address(self, box: Box) -> str:
        """Where this machine reaches it."""
        networks = self._api.inspect_container(box.id)["NetworkSettings"]["Networks"]
        return next((str(one["IPAddress"]) for one in networks.values() if one["IPAddress"]), "")

    def make_network(self, *, internal: bool) -> str:
        """Make a network of this job's own; an internal one has no way out."""
        name = f"{self._name}-{secrets.token_hex(3)}"
        self._api.create_network(name, driver="bridge", internal=internal, labels=self._labels)
        return name

    def job_network(self, *, isolated: bool, hosts: int) -> str:
        """The network of a job's containers: of its own where there are several."""
        if hosts > 1:
            return self.make_network(internal=isolated)
        return "none" if isolated else "bridge"

    def make_volume(self, image: str, entries: Iterable[Entry]) -> str:
        """Make a volume that holds files, by way of a container that never runs."""
        name = f"{self._name}-{secrets.token_hex(3)}"
        self._api.create_volume(name, labels=self._labels)
        bind = self._api.create_host_config(
            binds={name: {"bind": "/volume", "mode": "rw"}}, network_mode="none"
        )
        carrier = self._api.create_container(
            image, command=["never"], labels={**self._labels, HOST: "carrier"}, host_config=bind
        )
        try:
            self._api.put_archive(carrier["Id"], "/volume", tar_chunks(entries))
        finally:
            self._api.remove_container(carrier["Id"], force=True)
        return name

    def find(self) -> list[Box]:
        """The containers of this job that have been started, whether or not they still run."""
        chosen = {"label": [f"{name}={value}" for name, value in self._labels.items()]}
        boxes = [
            Box(one["Id"], one["Labels"][HOST])
            for one in self._api.containers(all=True, filters=chosen)
            if one["State"] not in {"created", "dead", "removing"}
        ]
        return sorted(boxes, key=lambda box: (len(box.host), box.host))

    def remove(self, box: Box) -> None:
        """Remove one container, whatever it does."""
        remove(lambda: self._api.remove_container(box.id, force=True, v=True))

    def remove_all(self) -> None:
        """Remove all containers, networks and volumes of this job."""
        remove_labelled(self._api, [f"{name}={value}" for name, value in self._labels.items()])


def _moment(text: str) -> datetime.datetime:
    """A time of the engine's, which has more digits than Python reads."""
    return datetime.datetime.fromisoformat(f"{text[:19]}+00:00")
