"""The training job's share of the run's Comet experiment, as an offline archive in the job's output.

The launcher writes to the same experiment key and uploads both. Importing comet_ml costs 0.3 s and ending
an archive up to 1 s of waiting, so both happen on a thread beside the training.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: seconds to wait for the archive once training is over
_END_SECONDS = 60.0
_QUIET = {
    "COMET_DISABLE_AUTO_LOGGING": "1",
    "COMET_DISABLE_ANNOUNCEMENT": "1",
    "COMET_ERROR_TRACKING_ENABLE": "false",  # else it reports to a server; this job makes no outbound call
    "COMET_LOGGING_CONSOLE": "error",
}


class Archive:
    """An offline archive that grows while the job runs and is complete when :meth:`close` returns.

    Parameters
    ----------
    key : str or None
        The experiment's key; None keeps no archive.
    folder : Path
        Receives ``<key>-*.zip``.
    """

    def __init__(self, key: str | None, folder: Path) -> None:
        self._entries: queue.SimpleQueue[Callable[[Any], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if key:
            self._thread = threading.Thread(target=self._write, args=(key, folder), name="comet", daemon=True)
            self._thread.start()

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Record what the model is trained with."""
        texts = {name: _as_hyperparameter(value) for name, value in parameters.items()}
        self._put(lambda experiment: experiment.log_parameters(texts))

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Record figures, of one round where a step is given."""
        self._put(lambda experiment: _log_metrics(experiment, dict(metrics), step))

    def close(self) -> None:
        """Write the archive. Safe to call after an error, and more than once."""
        if self._thread is not None:
            self._entries.put(None)
            self._thread.join(_END_SECONDS)
            if self._thread.is_alive():
                print(f"tracking: no archive within {_END_SECONDS:.0f} s", file=sys.stderr)
            self._thread = None

    def _put(self, entry: Callable[[Any], None]) -> None:
        if self._thread is not None:
            self._entries.put(entry)

    def _write(self, key: str, folder: Path) -> None:
        try:
            experiment = _start(key, folder)
            while (entry := self._entries.get()) is not None:
                entry(experiment)
            _finish_writing(experiment)
            experiment.end()
        except Exception as error:  # noqa: BLE001  (a model is worth more than its record; the log says so)
            print(f"tracking: the archive was not written: {type(error).__name__}: {error}", file=sys.stderr)


def _as_hyperparameter(value: Any) -> str | int | float:
    """A value as the launcher has sent it, and logs it too: what is no number or text is JSON."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value)


def _log_metrics(experiment: Any, metrics: dict[str, float], step: int | None) -> None:
    """Record them at that step or at none; a step it is given, the SDK keeps for what comes next."""
    experiment.curr_step = step
    experiment.log_metrics(metrics)
    experiment.curr_step = None


def _finish_writing(experiment: Any) -> None:
    """Let the SDK's writer come to the end of its queue by itself.

    ``end()`` would wait for the writer's poll of one second, and could stop it with its last entry in hand.
    """
    writer = experiment.streamer
    writer.close()
    writer.stop()
    writer.join(_END_SECONDS)


def _start(key: str, folder: Path) -> Any:
    os.environ.update(_QUIET)
    import comet_ml

    folder.mkdir(parents=True, exist_ok=True)
    # What is written so far lies here until the end, so that a killed job's record can be recovered.
    tempfile.tempdir = str(folder)
    try:
        return comet_ml.start(
            online=False,
            experiment_key=key,
            experiment_config=comet_ml.ExperimentConfig(
                offline_directory=str(folder),
                # The launcher logs all of this once, for the whole run.
                log_code=False,
                log_graph=False,
                log_git_metadata=False,
                log_git_patch=False,
                log_env_details=False,
                log_env_cpu=False,
                log_env_gpu=False,
                log_env_disk=False,
                log_env_host=False,
                log_env_network=False,
                parse_args=False,
                auto_output_logging=False,
                auto_param_logging=False,
                auto_metric_logging=False,
                display_summary_level=0,
            ),
        )
    finally:
        tempfile.tempdir = None
