"""``python -m fraudlab.container process|train|serve``: the image's commands.

Each says what a stop means before it imports anything large: to process 1 of a container, a signal that
nobody waits for does not happen, and SageMaker would wait until it may kill.
"""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fraudlab.container.contract import Tree
from fraudlab.container.failure import report_failure
from fraudlab.container.irregular import refuse_irregular, remove_irregular
from fraudlab.container.runtime import StopRequest, end_with_launcher, without


def process() -> int:
    """Carry out a processing job; the exit code of the process."""
    # A stopped job unwinds, which removes what is half written.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from fraudlab.container.process import run

    tree = Tree.from_environment()
    return _guarded(lambda: run(tree), tree.processing_message, outputs=(tree.prepared,))


def train() -> int:
    """Carry out a training job; the exit code of the process."""
    tree = Tree.from_environment()

    def job() -> None:
        stop = StopRequest()
        with stop.listening():
            with stop.at_once():
                from fraudlab.container.train import run
            run(tree, stop)

    # output/ has the failure file too
    return _guarded(job, tree.training_failure, outputs=(tree.model, tree.training_failure.parent))


def serve() -> int:
    """Serve the model until the process is told to stop; the exit code of the process."""
    # Until it serves there is nothing to finish, and a stop on request is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    from fraudlab.container.serve import run

    return _guarded(run, Tree.from_environment().training_failure)


def _guarded(job: Callable[[], None], failure: Path, *, outputs: Sequence[Path] = ()) -> int:
    try:
        job()
        refuse_irregular(outputs)
    except Exception as error:  # noqa: BLE001  (the last line of defence: it is reported, and the job fails)
        with suppress(OSError):
            remove_irregular(outputs)  # what a failed job wrote may be collected too
        return report_failure(error, failure)
    return 0


def _write_whole_lines() -> None:
    """Write each line at once, as one piece: where both streams end in one log, no line is cut in two by
    another.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False)


def main() -> int:
    """Run the command that is named; SageMaker starts training with ``train``, also where nothing is."""
    _write_whole_lines()
    # an endpoint may have workers, which it ends first
    end_with_launcher(signal.SIGTERM if sys.argv[1:2] == ["serve"] else signal.SIGKILL)
    commands = {"process": process, "train": train, "serve": serve}
    name = sys.argv[1] if len(sys.argv) > 1 else "train"
    if name not in commands:
        print(f"fraudlab.container knows {', '.join(commands)}, not {name!r}", file=sys.stderr)
        return 2
    # a stratified split is scikit-learn's; nothing else here needs either
    with without("pandas") if name == "process" else without("pandas", "sklearn"):
        return commands[name]()


if __name__ == "__main__":
    sys.exit(main())
