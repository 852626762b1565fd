"""The work that calls have begun: begins it, tells it to stop, and takes it up again after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Protocol

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.log_files import LogFiles
from fraudlab.rehearsal.resource import Resource, ResourceKind
from fraudlab.rehearsal.resource_store import ResourceStore
from fraudlab.rehearsal.work import Services

#: how long work may take to leave its containers as they are when the rehearsal ends
_CLOSING_SECONDS = 30
_Key = tuple[ResourceKind, str]


class Carrier(Protocol):
    """Who carries out jobs and endpoints: the module :mod:`fraudlab.rehearsal.work`, which says more."""

    def start(self, progress: JobProgress, services: Services) -> threading.Thread: ...

    def resume(self, progress: JobProgress, services: Services) -> threading.Thread: ...

    def update(self, progress: JobProgress) -> threading.Thread: ...

    def sweep(self, services: Services, *, keep: Collection[str]) -> None: ...

    def invoke(
        self, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]: ...


class WorkRecords:
    """What work may read and write; see ``job_progress.Keeper``."""

    def __init__(self, store: ResourceStore, logs: LogFiles, logged: Callable[[], None]) -> None:
        self.get, self.change = store.get, store.change
        self._logs, self._needed = logs, logged
        self.logged = logs.logged

    def log(self, group: str, stream: str, lines: list[tuple[float, str]]) -> None:
        if lines:
            self._needed()
            self._logs.append(group, stream, lines)


class Running:
    """Every job and endpoint that has a thread; see ``grounds.Work``."""

    def __init__(
        self, store: ResourceStore, records: WorkRecords, services: Services, carrier: Carrier
    ) -> None:
        self._store, self._records, self._services, self._carrier = store, records, services, carrier
        self._lock = threading.Lock()
        self._progress: dict[_Key, JobProgress] = {}
        self._threads: dict[_Key, threading.Thread] = {}
        self._updates: list[threading.Thread] = []
        self._closed = False

    def start(self, resource: Resource) -> None:
        """Begin the work on a new resource; while the rehearsal ends it is left for the next one."""
        self._begin(resource, self._carrier.start)

    def resume(self) -> None:
        """Take up what an earlier rehearsal of this state left, and remove the containers of nobody."""
        jobs = (ResourceKind.PROCESSING, ResourceKind.TRAINING, ResourceKind.TRANSFORM)
        left = [one for kind in jobs for one in self._store.all(kind) if not one.ended]
        for endpoint in self._store.all(ResourceKind.ENDPOINT):
            if endpoint.status == "Deleting":
                self._store.remove(ResourceKind.ENDPOINT, endpoint.name)
            else:
                left.append(endpoint)
        self._carrier.sweep(self._services, keep={f"{one.kind}/{one.name}" for one in left})
        for one in left:
            self._begin(one, self._carrier.resume)

    def update(self, endpoint: str) -> None:
        """Bring an endpoint to the configuration that its record says it goes to."""
        with self._lock:
            progress = self._progress.get((ResourceKind.ENDPOINT, endpoint))
            if progress is not None and not self._closed:
                self._updates = [thread for thread in self._updates if thread.is_alive()]
                self._updates.append(self._carrier.update(progress))

    def stop(self, kind: ResourceKind, name: str) -> None:
        """Let the work on a job whose record says Stopping know; work that begins later reads the record."""
        with self._lock:
            progress = self._progress.get((kind, name))
        if progress is not None:
            progress.stopping.set()

    def delete(self, endpoint: str) -> None:
        """Take an endpoint down; one that has no work any more is forgotten at once."""
        key = ResourceKind.ENDPOINT, endpoint
        with self._lock:
            progress = self._progress.get(key)
            if progress is None:
                self._store.remove(*key)
            else:
                progress.move("Deleting")
                progress.deleted.set()

    def busy(self) -> bool:
        """Whether a job runs, or an endpoint is on its way to another state."""
        with self._lock:
            active = list(self._progress)
        found = [self._store.peek(kind, name) for kind, name in active]
        return any(
            one is not None and one.status not in ("InService", "Failed") and not one.ended for one in found
        )

    def close(self) -> None:
        """Let all work know that the rehearsal ends, and wait until it has let go of what it does."""
        with self._lock:
            self._closed = True
            progress, threads = list(self._progress.values()), [*self._threads.values(), *self._updates]
        for one in progress:
            one.closing.set()
        end = time.monotonic() + _CLOSING_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _begin(self, resource: Resource, begin: Callable[[JobProgress, Services], threading.Thread]) -> None:
        key = resource.kind, resource.name
        progress = JobProgress(resource.kind, resource.name, self._records)
        with self._lock:
            if self._closed:
                return
            self._progress[key] = progress
            # a call may have stopped it before its work began, in this rehearsal or before a restart
            if (known := self._store.peek(*key)) is not None and known.status == "Stopping":
                progress.stopping.set()
            self._threads[key] = thread = begin(progress, self._services)
        # an endpoint that is deleted is gone for Describe once nothing of it runs any more
        threading.Thread(target=partial(self._tidy, key, thread, progress), daemon=True).start()

    def _tidy(self, key: _Key, thread: threading.Thread, progress: JobProgress) -> None:
        thread.join()
        if progress.closing.is_set():
            return
        with self._lock:
            self._threads.pop(key, None)
            self._progress.pop(key, None)
            if progress.deleted.is_set():
                self._store.remove(*key)
