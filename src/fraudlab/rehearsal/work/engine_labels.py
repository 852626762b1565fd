"""The local Docker engine: how it is reached, and what of a rehearsal is on it, found by labels."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from fraudlab.rehearsal.work.services import Services

#: whose a container is, the folder of that rehearsal, what it is for, and its host's name
OWNER, FOLDER, WORK, HOST = (f"org.fraudlab.rehearsal.{name}" for name in ("owner", "folder", "work", "host"))
#: the engine's answers where something is gone, or going
GONE = (404, 409)


def remove_left(services: Services, keep: Iterable[str]) -> None:
    """Remove what this rehearsal left when it was killed, and what rehearsals left whose folder is gone.

    Parameters
    ----------
    keep : iterable of str
        ``KIND/NAME`` of what stays.
    """
    api, kept = connect(), set(keep)
    try:
        found = [
            *(one["Labels"] for one in api.containers(all=True, filters={"label": OWNER})),
            *(one["Labels"] for one in api.networks(filters={"label": OWNER})),
            *(one["Labels"] for one in api.volumes(filters={"label": OWNER})["Volumes"] or []),
        ]
        for owner, folder, work in {(one[OWNER], one[FOLDER], one[WORK]) for one in found}:
            if (owner == services.owner and work not in kept) or not os.path.isdir(folder):  # noqa: PTH112
                remove_labelled(api, [f"{OWNER}={owner}", f"{WORK}={work}"])
    finally:
        api.close()


def remove_labelled(api: Any, labels: list[str]) -> None:
    """Remove all containers, networks and volumes that have some labels."""
    chosen = {"label": labels}
    for one in api.containers(all=True, quiet=True, filters=chosen):
        remove(partial(api.remove_container, one["Id"], force=True, v=True))
    for one in api.networks(filters=chosen):
        remove(partial(api.remove_network, one["Id"]))
    for one in api.volumes(filters=chosen)["Volumes"] or []:
        remove(partial(api.remove_volume, one["Name"]))


def remove(removal: Callable[[], object]) -> None:
    """Remove something; a busy engine that gives up is asked again, and what is gone is gone."""
    from docker.errors import APIError

    for last in (False, False, True):
        try:
            removal()
        except APIError as error:
            if error.status_code == 404:
                return
            if last and error.status_code not in GONE:
                raise
        else:
            return


@cache
def memory() -> int:
    """Bytes that one container may take: what local mode leaves the machine, an eighth, is left here too."""
    with contextlib.closing(connect()) as api:
        return int(api.info()["MemTotal"]) // 8 * 7


def connect() -> Any:
    """Connect to the engine that the `docker` command talks to."""
    from docker.context import ContextAPI

    import docker

    context = None if "DOCKER_HOST" in os.environ else ContextAPI.get_current_context()
    if context is None:
        return docker.from_env(timeout=60).api
    return docker.APIClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=60)
