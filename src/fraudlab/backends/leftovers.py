"""What runs leave whose launcher was killed, and who takes it away: the next run, and ``fraudlab clean``."""

from __future__ import annotations

from pathlib import Path

from fraudlab.errors import DockerUnavailable


def release(workspace: Path) -> bool:
    """End what still works in the working folder of a dead run.

    Its processes have ended with their launcher; containers have not, where nobody could tell the engine.

    Parameters
    ----------
    workspace : Path
        Name of it is what its containers are labelled with.

    Returns
    -------
    bool
        False where it had containers and no engine answers now.
    """
    if not (workspace / "local").is_dir():
        return True
    from fraudlab.backends.docker_engine import remove_containers

    try:
        remove_containers(workspace.name)
    except DockerUnavailable:
        return False
    return True
