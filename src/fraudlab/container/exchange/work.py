"""The folder in which one process leaves what the next one takes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from fraudlab.container.failure import report_failure
from fraudlab.container.runtime import end_with_launcher

REQUEST, FACTS, FAILURE, RESULT = "request.json", "facts.json", "failure", "result.json"
BOOSTER, ROWS, SCORES = "booster.ubj", "rows.npy", "scores.npy"
MODEL = "model"


def carry_out(work: Callable[[Path], None]) -> int:
    """Do what a process was started for, in the folder it was given; leave the reason where it fails."""
    end_with_launcher(signal.SIGKILL)
    folder = Path(sys.argv[1])
    try:
        work(folder)
    except Exception as error:  # noqa: BLE001  (whoever started this process says it)
        return report_failure(error, folder / FAILURE)
    return 0
