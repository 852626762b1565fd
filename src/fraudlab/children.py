"""Python processes that a run starts: they import nothing of the current folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def python(module: str, *words: str) -> list[str]:
    """The command that runs a module.

    ``-P``: a person's own ``random.py`` or ``xgboost.py`` beside the table is no module of a job.
    """
    return [sys.executable, "-P", "-m", module, *words]


def environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """What such a process is given of this one's environment.

    Its texts are UTF-8 whatever the terminal takes, and no entry of ``PYTHONPATH`` brings the current folder
    back: an empty one means it, and ``PYTHONPATH=$PYTHONPATH:/x`` makes one.
    """
    made = dict(os.environ if inherited is None else inherited)
    made["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    entries = [
        entry for entry in made.pop("PYTHONPATH", "").split(os.pathsep) if entry and not _is_here(entry)
    ]
    return {**made, "PYTHONPATH": os.pathsep.join(entries)} if entries else made


def _is_here(entry: str) -> bool:
    here = Path.cwd()
    return Path(entry).resolve() == here.resolve() and not (here / "fraudlab" / "__init__.py").is_file()
