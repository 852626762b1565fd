"""What a run was made with: commit, packages, platform."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = (
    "fraudlab",
    "sagemaker",
    "docker",
    "comet_ml",
    "xgboost",
    "xgboost-cpu",
    "scikit-learn",
    "pandas",
    "numpy",
    "pyarrow",
    "hydra-core",
    "omegaconf",
)


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit, branch and whether tracked files differ from it; None outside a checkout or without git.

    Parameters
    ----------
    folder : Path
        Any folder of the checkout.
    """

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "branch": git("rev-parse", "--abbrev-ref", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def packages() -> dict[str, str]:
    """Versions of the packages that can change a result."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Python, operating system and processors of the launcher."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "cpus": os.cpu_count(),
    }
