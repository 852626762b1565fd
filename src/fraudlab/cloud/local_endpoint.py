"""The endpoint of Docker Compose: ``fraudlab deploy --to local`` is what ``make up`` is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fraudlab.errors import BackendError
from fraudlab.lineage.deployments import record_deployment, record_removal
from fraudlab.lineage.recorded import model_digest
from fraudlab.registry import model_folder, reference_in
from fraudlab.runs import DEFAULT

#: of a checkout; an installed package has no docker-compose.yml
_ROOT = Path(__file__).parents[3]
#: what lineage calls the one endpoint of Docker Compose
_PLACE = "compose"


def deploy_locally(run_name: str, *, runs: Path | None, registry: Path, root: Path = _ROOT) -> int:
    """Serve the model of a completed run, or of a version, in Docker Compose; its exit code.

    Raises
    ------
    RunError
        Where there is no such run, or it has no model.
    BackendError
        Outside a checkout.
    """
    model = model_folder(run_name, runs=runs, registry=registry)
    script = _script(root)
    environment = {**os.environ, "FRAUDLAB_MODEL": str(model.resolve())}
    for other in ("FOLLOW", "MODEL"):  # what is deployed is what was named
        environment.pop(other, None)
    code = subprocess.run([str(script)], cwd=root, env=environment, check=False).returncode
    if code == 0:
        where = model.parent.parent if reference_in(run_name) is None else runs or DEFAULT
        record_deployment(where, endpoint=_PLACE, place=_PLACE, model=model_digest(model.parent))
    return code


def undeploy_locally(*, runs: Path | None = None, root: Path = _ROOT) -> int:
    """Take the endpoint of Docker Compose away; the exit code of ``docker compose down``."""
    _script(root)
    try:
        code = subprocess.run(["docker", "compose", "down"], cwd=root, check=False).returncode
    except OSError as error:
        raise BackendError(f"docker cannot be called: {error.strerror}.", fix="install Docker") from error
    if code == 0:
        record_removal(runs or DEFAULT, endpoint=_PLACE, place=_PLACE)
    return code


def _script(root: Path) -> Path:
    script = root / "containers" / "up.sh"
    if not script.is_file():
        raise BackendError(
            "An endpoint in Docker Compose needs a checkout of fraudlab.",
            fix="fraudlab serve --model runs/RUN/model serves it without Docker",
        )
    return script
