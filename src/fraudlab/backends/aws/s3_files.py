"""The files of jobs in S3: sent once, brought back whole, and kept for other runs.

Keys are those of ``PREFIX/raw|prepared/CONTENT/…`` for what is found by its content, with an object
``.complete`` that is written last, and ``PREFIX/runs/RUN/NAME/…`` for what is a run's own. A folder of a run
that is staged lies below a digest of what it holds: a request that names it is for that content alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from fraudlab.backends.aws.bucket import Bucket, files_below, marked, marker
from fraudlab.backends.aws.transfers import ShowMeter, Transfer
from fraudlab.errors import BackendError, DataError
from fraudlab.files import storage

COMPLETE = ".complete"


class S3Files:
    """Folders that jobs read from and write to, in one bucket; see :class:`fraudlab.backends.backend.Files`.

    Parameters
    ----------
    bucket : Bucket
    prefix : str
        What every key begins with.
    run_id : str
    workspace : Path
        Working folder of the run, for what is brought.
    meter : callable
        Gives what shows the progress of a transfer; asked for each.
    """

    def __init__(
        self, bucket: Bucket, *, prefix: str, run_id: str, workspace: Path, meter: Callable[[], ShowMeter]
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._run = f"{self._prefix}/runs/{run_id}".lstrip("/")
        self._brought = workspace / "brought"
        self._meter = meter

    def stage(self, folder: Path, *, name: str, content: str | None = None) -> str:
        own = content is None
        files = dict(files_below(folder))
        place = f"{self._run}/{name}/{_digest(files)}" if content is None else self._place(content)
        before = {key: _state(path) for key, path in files.items()}
        sizes = {key: int(state[0]) for key, state in before.items()}
        found = self._bucket.sizes(f"{place}/")
        if not (own or COMPLETE in found) or any(found.get(key) != size for key, size in sizes.items()):
            self._send(files, place, sizes)
            if changed := sorted(key for key, path in files.items() if _state(path) != before[key]):
                raise DataError(
                    f"{changed[0]} has changed while it was sent.",
                    fix="wait until it is written, and start again",
                )
            if not own:
                self._bucket.put(f"{place}/{COMPLETE}", marker(sizes))
        return self._bucket.uri(place)

    def destination(self, name: str) -> str:
        return self._bucket.uri(f"{self._run}/{name}")

    def fetch(self, uri: str) -> Path:
        key = self._bucket.key(uri)
        folder = self._brought / hashlib.sha256(key.encode()).hexdigest()[:16]
        sizes = self._bucket.sizes(f"{key}/")
        wanted = {name: size for name, size in sizes.items() if name and name.rpartition("/")[2] != COMPLETE}
        targets = {name: _inside(folder, name) for name in wanted if not name.endswith("/")}
        with storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        missing = {name: path for name, path in targets.items() if not _is_of_size(path, wanted[name])}
        with self._counted(key, sum(wanted[name] for name in missing)) as brought:
            for name, path in missing.items():
                self._bucket.bring(f"{key}/{name}", path, brought=brought)
        return folder

    def exists(self, uri: str) -> bool:
        return self._bucket.has(f"{self._bucket.key(uri)}/")

    def find(self, content: str) -> str | None:
        place = self._place(content)
        found = self._bucket.sizes(f"{place}/")
        if COMPLETE not in found:
            return None
        said = marked(self._bucket.read(f"{place}/{COMPLETE}"))
        is_whole = bool(said) and all(found.get(name) == size for name, size in (said or {}).items())
        return self._bucket.uri(place) if is_whole else None

    def keep(self, uri: str, *, content: str) -> str:
        key, place = self._bucket.key(uri), self._place(content)
        sizes = {name: size for name, size in self._bucket.sizes(f"{key}/").items() if name}
        found = self._bucket.sizes(f"{place}/")
        if COMPLETE not in found or any(found.get(name) != size for name, size in sizes.items()):
            for name in sizes:
                self._bucket.copy(f"{key}/{name}", f"{place}/{name}")
            self._bucket.put(f"{place}/{COMPLETE}", marker(sizes))
        return self._bucket.uri(place)

    def _place(self, content: str) -> str:
        """Where what is found by its content lies: ``raw-HASH`` in ``PREFIX/raw/HASH``."""
        kind, _, digest = content.partition("-")
        return f"{self._prefix}/{kind}/{digest}".lstrip("/")

    def _send(self, files: Mapping[str, Path], place: str, sizes: Mapping[str, int]) -> None:
        with self._counted(place, sum(sizes.values())) as sent:
            for key, path in files.items():
                self._bucket.send(path, f"{place}/{key}", sent=sent)

    def _counted(self, key: str, size: int) -> Transfer:
        what = key.removeprefix(f"{self._run}/").removeprefix(f"{self._prefix}/").partition("/")[0]
        return Transfer(self._meter(), what, size)


def _digest(files: Mapping[str, Path]) -> str:
    """A text that only a folder with this content has."""
    digest = hashlib.sha256()
    for name, path in files.items():
        with path.open("rb") as file:
            digest.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _state(path: Path) -> tuple[int, int, int]:
    """What changes when a file does."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _is_of_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _inside(folder: Path, name: str) -> Path:
    """The file that a key stands for, below a folder.

    Raises
    ------
    BackendError
        Where the key leads out of it.
    """
    parts = name.split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        raise BackendError(f"The key {name!r} in the bucket is no name of a file.", fix="remove that object")
    return folder.joinpath(*parts)
