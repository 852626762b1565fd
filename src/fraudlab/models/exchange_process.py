"""One process that handles a booster: it gets little of our environment, and its errors become ours."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from fraudlab import children
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import ConfigError, DataError, FraudlabError, JobFailed, StorageError

#: what Python and XGBoost need; no key of anybody's
_NAMES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
FAILURE = "failure"
_KINDS: dict[str, type[FraudlabError]] = {"config": ConfigError, "data": DataError, "storage": StorageError}


def run(module: str, folder: Path, *, what: str) -> None:
    """Run a module of :mod:`fraudlab.container.exchange` in a folder, and wait for it.

    Parameters
    ----------
    module : str
    folder : Path
        With its ``request.json``.
    what : str
        What it works on, for errors.

    Raises
    ------
    FraudlabError
        What it says, or that it ended without a word.
    """
    inherited = {name: os.environ[name] for name in _NAMES if name in os.environ}
    environment = {
        **children.environment(inherited),
        LAUNCHER: str(os.getpid()),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        children.python(f"fraudlab.container.exchange.{module}", str(folder)),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        _, said = process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            process.communicate()
    if process.returncode == 0:
        return
    raise failure(folder, what) if (folder / FAILURE).is_file() else _died(process.returncode, said, what)


def failure(folder: Path, what: str) -> FraudlabError:
    """The error that a process left in its folder."""
    lines = (folder / FAILURE).read_text(encoding="utf-8", errors="replace").splitlines()
    fields = dict(line.split(": ", 1) for line in lines[1:3] if ": " in line)
    if "ran out of memory" in lines[0]:
        return ConfigError(
            f"{what} needs more memory than a file of its size may take.",
            fix="save it again where it was made: booster.save_model('xgboost-model.json')",
        )
    kind = _KINDS.get(fields.get("kind", ""), JobFailed)
    sentence = lines[0][0].upper() + lines[0][1:] if lines[0][:1].isalpha() else lines[0]
    return kind(f"{sentence}.", fix=fields.get("fix", "report it, with the file"))


def _died(code: int, said: str, what: str) -> FraudlabError:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        how = f"ended by {name}" if -code != signal.SIGXCPU else "stopped after the time such a file may take"
    else:
        how = f"ended with exit code {code}"
        last = said.strip().splitlines()
        how += f" ({last[-1][:200]})" if last else ""
    return ConfigError(
        f"XGBoost cannot read {what}: the process that tried was {how}.",
        fix="the file is damaged, or was made to do harm; save it again where it was made: "
        "booster.save_model('xgboost-model.json')",
    )
