"""Every resource as a JSON file, so that no restart loses one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fraudlab.files import read_json, write_json
from fraudlab.rehearsal.api_call import arn
from fraudlab.rehearsal.resource import Resource, ResourceKind


class ResourceStore:
    """Resources of one account and region, in memory and in a folder.

    A change is on disk before anybody sees it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._resources: dict[tuple[ResourceKind, str], Resource] = {}
        for kind in ResourceKind:
            for file in sorted((folder / kind.value).glob("[!.]*.json")):
                found = Resource.from_json(read_json(file))
                self._resources[kind, found.name] = found

    def get(self, kind: ResourceKind, name: str) -> Resource:
        """A copy of one.

        Raises
        ------
        KeyError
            Where there is none.
        """
        with self._lock:
            return self._resources[kind, name].copy()

    def peek(self, kind: ResourceKind, name: str) -> Resource | None:
        """One itself, to be read and not changed; None where there is none.

        A change replaces it: what was given stays as it was.
        """
        return self._resources.get((kind, name))

    def all(self, kind: ResourceKind) -> Iterator[Resource]:
        """All of a kind themselves, to be read and not changed, oldest first."""
        with self._lock:
            found = [one for (its, _), one in self._resources.items() if its is kind]
        yield from sorted(found, key=lambda one: (one.created, one.name))

    def by_arn(self, wanted: str) -> Resource | None:
        """A copy of what an ARN names."""
        kind, _, name = wanted.rpartition(":")[2].partition("/")
        if kind not in set(ResourceKind):
            return None
        found = self._resources.get((ResourceKind(kind), name))
        return found.copy() if found is not None and found.arn == wanted else None

    def add(
        self, kind: ResourceKind, name: str, request: dict[str, Any], *, status: str, **more: Any
    ) -> Resource | None:
        """Keep a new one; None where its name is taken."""
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
        request = {key: value for key, value in request.items() if key != "Tags" and value is not None}
        now = time.time()
        made = Resource(
            kind, name, arn("sagemaker", f"{kind}/{name}"), request, now, now, status, tags=tags, **more
        )
        with self._lock:
            if (kind, name) in self._resources:
                return None
            self._write(made)
            self._resources[kind, name] = made
            return made.copy()

    def change(self, kind: ResourceKind, name: str, change: Callable[[Resource], None]) -> Resource:
        """Change one and write it; gives a copy.

        Raises
        ------
        KeyError
            Where there is none any more.
        """
        with self._lock:
            changed = self._resources[kind, name].copy()
            change(changed)
            self._write(changed)
            self._resources[kind, name] = changed
            return changed.copy()

    def remove(self, kind: ResourceKind, name: str) -> None:
        """Forget one; no error where it is gone."""
        with self._lock:
            self._file(kind, name).unlink(missing_ok=True)
            self._resources.pop((kind, name), None)

    def _write(self, resource: Resource) -> None:
        write_json(self._file(resource.kind, resource.name), resource.as_json())

    def _file(self, kind: ResourceKind, name: str) -> Path:
        return self._folder / kind.value / f"{name}.json"
