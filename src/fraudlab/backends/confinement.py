"""What a container of local mode may do: no more than a job, or an endpoint, needs.

As strict as ``docker-compose.yml`` is with the endpoint: no network for jobs, no capabilities, no way to gain
privileges, a root that cannot be written, what it is given read-only, and limits of memory and processes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: what a container is given and has no business to change; these are folders of the host
_READ_ONLY = ("/opt/ml/input/data/", "/opt/ml/processing/input/")
_SCRATCH = "/tmp:size=256m,mode=1777,noexec,nosuid,nodev"
#: processes and threads: XGBoost and Arrow have some per CPU
_PIDS, _PIDS_PER_CPU = 512, 8


@dataclass(frozen=True)
class ContainerLimits:
    """What one container may take.

    Attributes
    ----------
    memory : int
        Bytes, swap included.
    pids : int
        Processes and threads.
    """

    memory: int
    pids: int


def limits(
    *, engine_memory: int, cpus: int, memory: int | None = None, pids: int | None = None
) -> ContainerLimits:
    """The limits that are asked for; by default those that leave enough for the machine.

    Parameters
    ----------
    engine_memory : int
        Bytes the engine has; seven eighths of them are the default.
    cpus : int
        CPUs it has; 512 processes, and more than 64 CPUs bring 8 each, are the default.
    memory, pids : int, optional
        What is asked for.
    """
    return ContainerLimits(memory or engine_memory // 8 * 7, pids or max(_PIDS, _PIDS_PER_CPU * cpus))


def confined(
    content: Mapping[str, Any], command: str, limits: ContainerLimits, *, owner_label: Mapping[str, str]
) -> dict[str, Any]:
    """A Compose file of the SDK with everything taken from its containers that they do not need.

    Parameters
    ----------
    content : mapping
        As the SDK makes it; it stays as it is.
    command : str
        ``process``, ``train`` or ``serve``.
    limits : ContainerLimits
    owner_label : mapping
        The label by which networks are found again.
    """
    result = copy.deepcopy(dict(content))
    services: dict[str, dict[str, Any]] = result["services"]
    for service in services.values():
        service |= {
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "tmpfs": [_SCRATCH],
            "mem_limit": limits.memory,
            "memswap_limit": limits.memory,
            "pids_limit": limits.pids,
            "volumes": [_volume(volume, command) for volume in service["volumes"]],
        }
        if command == "process" and str(service.get("user", "")).startswith("0:"):
            # root reads the files of others by this; no code of a hook runs in this job
            service["cap_add"] = ["DAC_OVERRIDE"]
    if command == "serve":
        return result  # a published port needs a network that leads outside
    networks: dict[str, Any] = result.pop("networks", {})
    if len(services) == 1:
        for service in services.values():
            service.pop("networks", None)
            service["network_mode"] = "none"
    else:
        name = "fraudlab-" + "-".join(owner_label.values())
        private = {"name": name, "internal": True, "labels": dict(owner_label)}
        result["networks"] = dict.fromkeys(networks, private)
    return result


def _volume(volume: str, command: str) -> str:
    """A volume, read-only where the container is only to read it."""
    where = volume.removesuffix(":z").rsplit(":", 1)[1].rstrip("/")
    if not (f"{where}/".startswith(_READ_ONLY) or (command == "serve" and where == "/opt/ml/model")):
        return volume
    return f"{volume},ro" if volume.endswith(":z") else f"{volume}:ro"
