"""Questions to the Docker engine (is it there, has it the image), and removing what a run left on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fraudlab.errors import DockerUnavailable, ImageMissing

if TYPE_CHECKING:
    import docker

#: says to people which run a container belongs to; two runs may have the same id in different folders
RUN_LABEL = "org.fraudlab.run"
#: says who started a container: the name of a working folder, which nobody else has
OWNER_LABEL = "org.fraudlab.owner"


#: what an engine answers about a container that is gone, and about one that is being removed
_GOING = (404, 409)
#: the exit code of a process that SIGKILL ended
_KILLED = 137


@dataclass(frozen=True)
class Engine:
    """What local mode needs to know of the engine.

    Attributes
    ----------
    image_id : str
        Content id of the image, ``sha256:…``.
    remaps_users : bool
        The engine maps users itself (rootless, userns-remap): root in a container is an ordinary user
        outside.
    memory : int
        Bytes the engine has for all its containers.
    cpus : int
    architecture : str
        Of the image, such as ``amd64``.
    """

    image_id: str
    remaps_users: bool
    memory: int
    cpus: int
    architecture: str = "amd64"


def default_image() -> str:
    """The name under which ``make image`` builds this version's image."""
    from fraudlab._version import __version__

    return f"fraudlab-xgboost:{__version__}"


def preflight(image: str, *, with_compose: bool = True) -> Engine:
    """Check that jobs can run here, before any job is started.

    Parameters
    ----------
    image : str
    with_compose : bool
        Whether the Compose plugin is needed too.

    Raises
    ------
    DockerUnavailable
        No engine answers, or it has no Compose plugin where one is needed.
    ImageMissing
        The engine does not have the image.
    """
    from docker.errors import DockerException, ImageNotFound

    compose = (
        subprocess.Popen(
            ["docker", "compose", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if with_compose and _has_client()
        else None
    )
    try:
        client = _connect(timeout=10)
        try:
            info = client.info()
            found = client.images.get(image)
        finally:
            client.close()
    except ImageNotFound as error:
        raise ImageMissing(
            f"The image {image} is not on this Docker engine.",
            fix="build it with `make image` in a checkout, or run with backend=process",
        ) from error
    except DockerException as error:
        raise DockerUnavailable(
            f"No Docker engine answers ({_reason(error)}).",
            fix="start Docker, or run with backend=process",
        ) from error
    finally:
        if compose is not None:
            compose.wait()
    if with_compose and (compose is None or compose.returncode != 0):
        raise DockerUnavailable(
            "Docker has no Compose plugin (`docker compose version` fails).",
            fix="install Compose v2, or run with backend=process",
        )
    remaps = any("name=rootless" in o or "name=userns" in o for o in info.get("SecurityOptions") or [])
    return Engine(
        str(found.id),
        remaps,
        memory=int(info["MemTotal"]),
        cpus=int(info["NCPU"]),
        architecture=str(found.attrs.get("Architecture") or "amd64"),
    )


@contextmanager
def connected(*, timeout: int) -> Iterator[docker.DockerClient]:
    """Talk to the engine for the length of a ``with`` block.

    Raises
    ------
    DockerUnavailable
        Where it does not answer, or says that it cannot.
    """
    from docker.errors import DockerException
    from requests import RequestException

    try:
        client = _connect(timeout=timeout)
        try:
            yield client
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        raise DockerUnavailable(
            f"The Docker engine does not do it ({_reason(error)}).",
            fix="see `docker info`, and repeat the run",
        ) from error


def answers() -> bool:
    """Whether an engine answers now."""
    from docker.errors import DockerException

    try:
        client = _connect(timeout=5)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except DockerException:
        return False


def facts(images: Sequence[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What the engine says of itself, and of those of some images that it has, by name.

    Raises
    ------
    DockerUnavailable
        Where none answers.
    """
    from docker.errors import DockerException, ImageNotFound
    from requests import RequestException

    found: dict[str, dict[str, Any]] = {}
    try:
        client = _connect(timeout=5)
        try:
            info: dict[str, Any] = client.info()
            for name in images:
                with suppress(ImageNotFound):
                    found[name] = client.images.get(name).attrs
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        raise DockerUnavailable(
            f"No Docker engine answers ({_reason(error)}).",
            fix="start Docker, or run with backend=process",
        ) from error
    return info, found


def ran_out_of_memory(owner: str) -> bool:
    """Whether the kernel ended the first process of one of a run's containers for want of memory."""
    from docker.errors import DockerException

    try:
        client = _connect(timeout=10)
        try:
            found = client.api.containers(all=True, quiet=True, filters={"label": f"{OWNER_LABEL}={owner}"})
            states = [client.api.inspect_container(container["Id"])["State"] for container in found]
        finally:
            client.close()
    except DockerException:
        return False
    return any(state["OOMKilled"] and state["ExitCode"] == _KILLED for state in states)


def remove_containers(owner: str) -> None:
    """Remove the containers of one run, running or not, and their network, and nobody else's.

    Parameters
    ----------
    owner : str
        Their :data:`OWNER_LABEL`.

    Raises
    ------
    DockerUnavailable
        Where the engine no longer answers.
    """
    from docker.errors import DockerException
    from requests import RequestException

    try:
        client = _connect(timeout=60)
        try:
            mine = {"label": f"{OWNER_LABEL}={owner}"}
            # ids only: the SDK's list() asks about each, and fails where one goes away in between
            found = client.api.containers(all=True, quiet=True, filters=mine)
            removals = [partial(client.api.remove_container, one["Id"], force=True) for one in found]
            _remove_each(removals)
            networks = client.api.networks(filters=mine)
            _remove_each([partial(client.api.remove_network, one["Id"]) for one in networks])
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        raise DockerUnavailable(
            f"The Docker engine does not answer ({_reason(error)}); containers of {owner} may be left.",
            fix="when it is back, the next run or `fraudlab clean` takes them away",
        ) from error


def _remove_each(removals: Sequence[Callable[[], object]]) -> None:
    """Call each of them, whatever happens to the others, and raise the first error in the end.

    An engine that has killed a container gives up after ten seconds where a busy machine has not ended its
    processes by then, with the code 500: it is asked again.
    """
    from docker.errors import APIError

    errors: list[APIError] = []
    for remove in removals:
        for last in (False, False, True):
            try:
                remove()
            except APIError as error:
                if error.status_code in _GOING:
                    break
                if last:
                    errors.append(error)
            else:
                break
    if errors:
        raise errors[0]


def _connect(*, timeout: int) -> docker.DockerClient:
    """Connect to the engine the `docker` command talks to: the SDK by itself knows nothing of contexts."""
    from docker.context import ContextAPI

    import docker

    context = None if "DOCKER_HOST" in os.environ else ContextAPI.get_current_context()
    if context is None:
        return docker.from_env(timeout=timeout)
    return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=timeout)


def _has_client() -> bool:
    import shutil

    return shutil.which("docker") is not None


def _reason(error: Exception) -> str:
    text = str(error)
    for sign, reason in (
        ("No such file", "its socket does not exist"),
        ("Permission denied", f"user {os.getuid() if hasattr(os, 'getuid') else '?'} may not use its socket"),
        ("Connection refused", "connection refused"),
        ("timed out", "it did not answer in time"),
    ):
        if sign in text:
            return reason
    return text.split("\n", maxsplit=1)[0][:200]
