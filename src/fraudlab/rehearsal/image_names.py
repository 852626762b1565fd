"""What an image's URI stands for on the local engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

from fraudlab.errors import ConfigError, ImageMissing
from fraudlab.rehearsal.announcement import ACCOUNT

_ECR = re.compile(r"(\d{12})\.dkr\.ecr[.-][a-z0-9.-]+\.amazonaws\.com(?:\.cn)?/(.+)")


class Registry(Protocol):
    """The account's registry."""

    host: str | None

    def has_repository(self, name: str) -> bool: ...

    def image_id(self, repository: str, reference: str) -> str | None:
        """The image's id, ``sha256:…``, by tag or digest."""

    def pull_name(self, repository: str, reference: str) -> str | None:
        """The name by which the engine can pull it; None where it cannot."""


class ImageNames:
    """Resolves URIs; see ``grounds.Images``.

    Parameters
    ----------
    mappings : sequence of str
        ``PATTERN=LOCAL``, where ``*`` in the pattern stands for anything.
    pulled : callable
        Called before an image of the registry is looked up.

    Raises
    ------
    ConfigError
        A mapping is not of that form.
    """

    def __init__(self, mappings: Sequence[str], registry: Registry, pulled: Callable[[], None]) -> None:
        self._mappings = [_mapping(text) for text in mappings]
        self._registry, self._pulled = registry, pulled

    def resolve(self, uri: str) -> str:
        """The local engine's id of an image.

        Raises
        ------
        ImageMissing
            Nobody has it.
        """
        local = self._mapped(uri)
        if local is not None:
            return _engine_id(local)
        own = self._own(uri)
        if own is None:
            return _engine_id(uri)
        self._pulled()
        repository, reference = own
        wanted = self._registry.image_id(repository, reference)
        if wanted is None:
            raise ImageMissing(f"The registry has no image {uri}.", fix="push it, see docs/rehearsal.md")
        try:
            return _engine_id(wanted)
        except ImageMissing:
            name = self._registry.pull_name(repository, reference)
            if name is None:
                raise
            return _pulled(name)

    def missing_repository(self, uri: str) -> str | None:
        """The repository that a URI names and the registry has not; None where all is well."""
        own = None if self._mapped(uri) is not None else self._own(uri)
        return own[0] if own is not None and not self._registry.has_repository(own[0]) else None

    def _mapped(self, uri: str) -> str | None:
        return next((local for pattern, local in self._mappings if fnmatchcase(uri, pattern)), None)

    def _own(self, uri: str) -> tuple[str, str] | None:
        """Repository and tag or digest, where a URI names this account's registry."""
        found = _ECR.fullmatch(uri)
        if found is not None:
            path = found[2] if found[1] == ACCOUNT else None
        else:
            host, _, path = uri.partition("/")
            path = path if host == self._registry.host else None
        if path is None:
            return None
        if "@" in path:
            path, _, digest = path.partition("@")
            return path.partition(":")[0], digest
        repository, _, tag = path.partition(":")
        return repository, tag or "latest"


def _mapping(text: str) -> tuple[str, str]:
    pattern, _, local = text.rpartition("=")
    if not pattern or not local:
        raise ConfigError(
            f"--image {text} is no PATTERN=LOCAL.",
            fix="such as --image '683313688378.dkr.ecr.*/sagemaker-xgboost:*=fraudlab-xgboost:latest'",
        )
    return pattern, local


def engine() -> Any:
    """A client of the engine that the ``docker`` command talks to."""
    import os

    from docker.context import ContextAPI

    import docker

    context = None if "DOCKER_HOST" in os.environ else ContextAPI.get_current_context()
    if context is None:
        return docker.from_env(timeout=60)
    return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=60)


def _engine_id(name: str) -> str:
    from docker.errors import DockerException, ImageNotFound
    from requests import RequestException

    try:
        client = engine()
        try:
            return str(client.images.get(name).id)
        finally:
            client.close()
    except ImageNotFound as error:
        raise ImageMissing(
            f"The local engine has no image {name}.", fix="build or pull it, or map the name with --image"
        ) from error
    except (DockerException, RequestException) as error:
        raise ImageMissing(f"No Docker engine answers ({error}).", fix="start Docker") from error


def _pulled(name: str) -> str:
    from docker.errors import DockerException
    from requests import RequestException

    try:
        client = engine()
        try:
            repository, reference = _split(name)
            login = {"username": "AWS", "password": "rehearsal"}
            # a digest is given as it is: docker-py sees that it is no tag
            return str(client.images.pull(repository, tag=reference, auth_config=login).id)
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        raise ImageMissing(f"The engine cannot pull {name} ({error}).", fix="push it again") from error


def _split(name: str) -> tuple[str, str]:
    """Repository, and tag or digest; the port of a host is none of them."""
    repository, sign, digest = name.partition("@")
    if sign:
        return repository, digest
    repository, _, tag = name.rpartition(":")
    return repository, tag
