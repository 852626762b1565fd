"""A process that carries out trials, one after another, for the process that holds the study.

It reads requests from standard input and answers on a descriptor of its own, a JSON object in a line each.
When its input ends, however the other has ended, the trial that goes on is stopped, and it ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fraudlab.compose import compose
from fraudlab.container.contract import VALIDATION_FIGURE
from fraudlab.errors import FraudlabError, Interrupted, Pruned, described, ending_of
from fraudlab.files import read_json
from fraudlab.runs import Run
from fraudlab.terminal import Terminal

#: every round is printed, and one of so many is compared with other trials
EVERY = 5
#: the metric of a round that it is compared by
ROUND_METRIC = "aucpr"


class _Requests:
    """Lines of standard input, read by a thread, so that its end is noticed while a trial goes on."""

    def __init__(self) -> None:
        self.busy = False
        self._input = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # what a job's own processes read is not ours
        os.close(nothing)
        self._lines: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with os.fdopen(self._input, encoding="utf-8") as lines:
            for line in lines:
                self._lines.put(json.loads(line))
        self._lines.put(None)
        if self.busy:
            os.kill(os.getpid(), signal.SIGTERM)

    def next(self) -> dict[str, Any] | None:
        """The next line; None where there will be none."""
        return self._lines.get()


def main(words: list[str]) -> int:
    """Carry out trials until there are no requests any more.

    Parameters
    ----------
    words : list of str
        The descriptor to answer on, and the cores to use, with commas; none uses all.
    """
    descriptor, cores = int(words[0]), words[1]
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    requests = _Requests()
    with os.fdopen(descriptor, "w", encoding="utf-8") as answers:

        def answer(content: Mapping[str, Any]) -> None:
            answers.write(json.dumps(content) + "\n")
            answers.flush()

        try:
            while (request := requests.next()) is not None:
                requests.busy = True
                ended = _carry_out(request, requests, answer)
                requests.busy = False
                answer({"ended": ended})
                if ended["status"] in ("interrupted", "detached"):
                    return Interrupted.exit_code
        except (BrokenPipeError, KeyboardInterrupt):
            return Interrupted.exit_code
    return 0


def _carry_out(
    request: Mapping[str, Any], requests: _Requests, answer: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """A trial to its end, and what came of it."""
    from fraudlab.workflow import finish_run, run_trial

    def on_round(number: int, metrics: Mapping[str, float]) -> None:
        if not request["prunes"] or (number + 1) % EVERY or ROUND_METRIC not in metrics:
            return
        answer({"round": number, "value": metrics[ROUND_METRIC]})
        told = requests.next()
        if told is None:  # nobody is there any more
            raise KeyboardInterrupt("the study has ended")
        if told["prune"]:
            raise Pruned(
                f"Ended after round {number + 1}: other trials of the study were better there.",
                fix="nothing is wrong; tune.pruner=none trains every trial to its end",
            )

    began = time.monotonic()
    quiet = Terminal(quiet=True)
    try:
        if request.get("left"):
            run = finish_run(Path(request["left"]), terminal=quiet, on_round=on_round)
        else:
            overrides = request["overrides"]
            config = compose(overrides)
            run = run_trial(
                config, overrides=overrides, study=request["study"], on_round=on_round, terminal=quiet
            )
    except BaseException as error:  # noqa: BLE001  (whoever holds the study decides what it means)
        if not isinstance(error, FraudlabError | KeyboardInterrupt):
            traceback.print_exc()
        return {"status": ending_of(error), "error": described(error), "seconds": time.monotonic() - began}
    return {**outcome_of(run), "seconds": time.monotonic() - began}


def outcome_of(run: Run) -> dict[str, Any]:
    """What a completed trial's folder says."""
    history = read_json(run.folder / "training" / "history.json")
    return {
        "status": run.status,
        "value": run.record["metrics"].get(VALIDATION_FIGURE),
        "rounds": history["best_round"] + 1,
        "table": run.record["data"]["sha256"],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
