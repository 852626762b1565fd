"""The training job's share of the run's Comet experiment, as an offline archive in the job's output.

The launcher writes to the same experiment key and uploads both. Importing comet_ml costs 0.3 s and ending
an archive up to 1 s of waiting, so both happen on a thread beside the training.
"""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fraudlab.container.training.sdk_parts import at_step, finish_writing, system_probe, untried_version

#: seconds to wait for the archive once training is over
_END_SECONDS = 60.0
#: between two looks at CPU, memory and disk
_PROBE_SECONDS = 10.0
#: within which load is mostly noise, so that the last look is left out
_LEAST_SECONDS = 0.1
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
            probe = _Probe()
            experiment = _start(key, folder)
            while (entry := self._next(probe, experiment)) is not None:
                entry(experiment)
            probe.look(experiment, last=True)
            _finish_writing(experiment)
            experiment.end()
        except Exception as error:  # noqa: BLE001  (a model is worth more than its record; the log says so)
            print(f"tracking: the archive was not written: {type(error).__name__}: {error}", file=sys.stderr)

    def _next(self, probe: _Probe, experiment: Any) -> Callable[[Any], None] | None:
        """What was put next; until that comes, the machine is looked at from time to time."""
        while True:
            if (seconds := probe.due()) <= 0:
                probe.look(experiment)
                continue
            try:
                return self._entries.get(timeout=seconds)
            except queue.Empty:
                continue


class _Probe:
    """Logs CPU, memory and disk of where the job runs: at its start, at its end and in between."""

    def __init__(self) -> None:
        self._before = -math.inf
        self._figures: Callable[[], dict[str, float]] | None = None
        _import_sdk()
        try:
            self._figures = system_probe()
        except Exception as error:  # noqa: BLE001  (whatever an SDK has become, rounds are worth more)
            self._give_up(error)

    def due(self) -> float:
        """Seconds until the next look."""
        return self._before + _PROBE_SECONDS - time.monotonic()

    def look(self, experiment: Any, *, last: bool = False) -> None:
        """Log what there is now."""
        now = time.monotonic()
        if last and now - self._before < _LEAST_SECONDS:
            return
        self._before = now
        if self._figures is not None:
            try:
                _log_metrics(experiment, self._figures(), None)
            except Exception as error:  # noqa: BLE001
                self._figures = None
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        print(f"tracking: no more load of the machine: {type(error).__name__}: {error}", file=sys.stderr)


def _as_hyperparameter(value: Any) -> str | int | float:
    """A value as the launcher has sent it, and logs it too: what is no number or text is JSON."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value)


def _log_metrics(experiment: Any, metrics: dict[str, float], step: int | None) -> None:
    at_step(experiment, step)
    experiment.log_metrics(metrics)
    at_step(experiment, None)


def _finish_writing(experiment: Any) -> None:
    try:
        finish_writing(experiment, _END_SECONDS)
    except AttributeError as error:  # end() takes a second longer, and writes the same
        print(f"tracking: the SDK's writer is not waited for: {error}", file=sys.stderr)


def _import_sdk() -> Any:
    os.environ.update(_QUIET)
    import comet_ml

    return comet_ml


def _start(key: str, folder: Path) -> Any:
    comet_ml = _import_sdk()
    if untried := untried_version(comet_ml.__version__):
        print(f"tracking: {untried}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    # What is written so far lies here until the end, so that a killed job's record can be recovered.
    tempfile.tempdir = str(folder)
    try:
        return comet_ml.start(
            online=False,
            experiment_key=key,
            experiment_config=comet_ml.ExperimentConfig(
                offline_directory=str(folder),
                # The launcher logs all of this once, for the whole run, and system_probe() what is of here.
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
