"""One file a backend; :func:`open_backend` chooses."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from fraudlab.backends.backend import Backend
from fraudlab.config import BackendKind, Fallback, RunConfig
from fraudlab.config_rules import memory_bytes
from fraudlab.errors import BackendError, ImageMissing

#: what local mode refuses to mount (``_SENSITIVE_SYSTEM_PATHS`` of the SDK, which is slow to import)
_REFUSED = ("/etc", "/root", "/var/lib", "/opt/ml/metadata")
_REFUSED_AT_HOME = (".aws", ".ssh", ".kube", ".docker", ".config", ".credentials")


class Opened(NamedTuple):
    """A backend; where it is not the one that was asked for, why, and what mends that."""

    backend: Backend
    fallback: str | None
    fix: str | None = None


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Opened:
    """Make the backend a run asks for, or say why it is another.

    Raises
    ------
    BackendError
        Where local mode cannot run here and ``backend.fallback=error``.
    """
    from fraudlab.backends.process import ProcessBackend

    if config.backend.kind is BackendKind.process:
        return Opened(ProcessBackend(workspace), None)
    from fraudlab.backends import docker_engine
    from fraudlab.backends.local import LocalBackend

    image = config.backend.image or docker_engine.default_image()
    try:
        if config.backend.image is None:
            _refuse_another_build(image)
        engine = docker_engine.preflight(image)
    except BackendError as error:
        if config.backend.fallback is Fallback.error:
            raise
        return Opened(ProcessBackend(workspace), error.message, error.fix)
    backend = LocalBackend(
        run_id=run_id,
        workspace=workspace,
        image=image,
        engine=engine,
        memory=memory_bytes(config.backend.memory),
        pids=config.backend.pids,
    )
    return Opened(backend, None)


def _refuse_another_build(image: str) -> None:
    """Refuse an image that `make` has just failed to build: one of that name may be of other sources."""
    why, _, fix = os.environ.get("FRAUDLAB_IMAGE_PROBLEM", "").partition("\n")
    if why:
        raise ImageMissing(
            f"The image {image} cannot be built: {why}.",
            fix=f"{fix or 'make image'}, or run with backend=process",
        )


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
