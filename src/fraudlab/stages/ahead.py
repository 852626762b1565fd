"""What later stages import, imported while a job runs and the launcher only waits for it."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from functools import cache

#: of score, evaluate and report; half a second of a CPU that would otherwise delay the first job
_LATER = (
    "pyarrow.parquet",
    "fraudlab.container.prepared",
    "fraudlab.evaluation.curves",
    "fraudlab.evaluation.intervals",
    "fraudlab.report",
    "fraudlab.report.concerns",
)


@cache
def import_ahead() -> threading.Thread:
    """Begin to import what later stages need, once per process.

    Whoever goes on after the job waits for the thread: a package and a part of it, imported by two threads
    at once, may each wait for the other, which Python ends by an error in one of them.
    """
    imports = threading.Thread(target=_import, name="imports")
    imports.start()
    return imports


def _import() -> None:
    for name in _LATER:
        with suppress(ImportError):  # the stage that needs it says so
            importlib.import_module(name)
