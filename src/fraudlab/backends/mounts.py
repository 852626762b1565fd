"""Which folders containers can be given: local mode refuses some, and reads others wrongly."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

#: what local mode refuses to mount (``_SENSITIVE_SYSTEM_PATHS`` of the SDK, which is slow to import)
_REFUSED = ("/etc", "/root", "/var/lib", "/opt/ml/metadata")
_REFUSED_AT_HOME = (".aws", ".ssh", ".kube", ".docker", ".config", ".credentials")


def refused() -> tuple[str, ...]:
    """The beginnings of paths that local mode refuses to mount for this user."""
    return (*_REFUSED, *(str(Path("~").expanduser().absolute() / name) for name in _REFUSED_AT_HOME))


def mountable(folder: Path) -> Path:
    """A folder that containers can be given: `folder` itself, or one of the system's temporary folder.

    Local mode refuses whatever begins like a system folder, and writes paths into URIs and Compose files,
    where ``:``, ``#``, ``$`` and others mean something else.
    """
    path = folder.resolve()
    if str(path).startswith(refused()) or any(sign in str(path) for sign in ":;#?%$\\\n"):
        owner = os.getuid() if hasattr(os, "getuid") else "user"
        return Path(tempfile.gettempdir()) / f"fraudlab-{owner}" / "cache"
    return path
