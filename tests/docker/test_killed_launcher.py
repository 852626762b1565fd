"""A launcher of a rehearsed run is killed at any moment: the run is finished by another, with the same bytes.

Three moments are drawn here, and thirty by ``make stress-cloud``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .test_faulty_runs import SMALL, fraudlab, left_over, results

pytestmark = [pytest.mark.docker, pytest.mark.slow]
KILLS = int(os.environ.get("FRAUDLAB_STRESS_KILLS", "3"))


def test_a_run_that_is_killed_at_any_moment_is_finished(rehearsal: dict[str, Any], in_tmp: Path) -> None:
    here = ["backend=rehearsal", f"rehearsal.endpoint={rehearsal['url']}"]
    begun = time.monotonic()
    whole = fraudlab("train", *here, *SMALL, "run.id=whole")
    assert whole.returncode == 0, whole.stderr
    lasts, expected = time.monotonic() - begun, results(in_tmp / "runs" / "whole")
    draws, ends = random.Random(KILLS), []
    for number in range(KILLS):
        moment = lasts * (number + draws.random()) / KILLS
        run = f"killed-{number}"
        command = [sys.executable, "-m", "fraudlab", "train", *here, *SMALL, f"run.id={run}"]
        launcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        launcher.kill()
        launcher.wait()
        ends.append(_finished(here, run, moment))
        assert results(in_tmp / "runs" / run) == expected, (moment, ends)
        assert json.loads((in_tmp / "runs" / run / "run.json").read_text())["status"] == "completed"
    assert left_over(rehearsal) == []
    assert "attached" in ends, ends


def _finished(here: list[str], run: str, moment: float) -> str:
    """Finish a run; one that had not begun anything is started anew, and one that had ended is left."""
    attached = fraudlab("runs", "attach", run, *here)
    if attached.returncode == 0:
        return "attached"
    assert attached.returncode == 7, (moment, attached.stderr)
    if "is completed" in attached.stderr:
        return "too late"
    again = fraudlab("train", *here, *SMALL, f"run.id={run}")
    assert again.returncode == 0, (moment, attached.stderr, again.stderr)
    return "anew"
