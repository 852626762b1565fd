"""The files of a backend whose jobs run on the launcher's own file system: a URI instead of a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

from fraudlab.files import storage


class SharedFolders:
    """Hands out folders where they lie; see :class:`fraudlab.backends.backend.Files`.

    Parameters
    ----------
    workspace : Path
        The run's working folder, in which jobs get folders to write to.
    uri : callable
        How a path is written for jobs; by default percent-encoded.
    """

    def __init__(self, workspace: Path, *, uri: Callable[[Path], str] = Path.as_uri) -> None:
        self._workspace = workspace
        self._uri = uri

    def stage(self, folder: Path, *, name: str, content: str | None = None) -> str:  # noqa: ARG002
        return self._uri(folder.resolve())

    def destination(self, name: str) -> str:
        folder = self._workspace / name
        with storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return self._uri(folder.resolve())

    def fetch(self, uri: str) -> Path:
        return path_of(uri)

    def exists(self, uri: str) -> bool:
        return path_of(uri).exists()

    def find(self, content: str) -> str | None:  # noqa: ARG002
        return None  # the cache has it, or nobody

    def keep(self, uri: str, *, content: str) -> str:  # noqa: ARG002
        return uri


def path_of(uri: str) -> Path:
    """The path a ``file://`` URI names."""
    return Path(unquote(urlparse(uri).path))
