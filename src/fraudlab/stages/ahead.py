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
def import_ahead() -> None:
    """Begin to import what later stages need, once per process; nobody waits for it."""
    threading.Thread(target=_import, name="imports").start()


def _import() -> None:
    for name in _LATER:
        with suppress(ImportError):  # the stage that needs it says so
            importlib.import_module(name)
