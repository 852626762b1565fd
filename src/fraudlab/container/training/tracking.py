"""The training job's share of the run's Comet experiment, as an offline archive in the job's output.

The launcher writes to the same experiment key and uploads both. A line of the archive takes microseconds, and
Comet's SDK, which would take half a second of a processor to import, is not needed for it.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fraudlab.container.experiment_archive import OFFLINE, ArchiveWriter, Message, fact, metric, parameter
from fraudlab.container.training.machine_load import system_probe

#: between two looks at CPU, memory and disk
_PROBE_SECONDS = 10.0
#: within which load is mostly noise, so that the last look is left out
_LEAST_SECONDS = 0.1


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
        self._writing = threading.Lock()
        self._writer: ArchiveWriter | None = None
        self._ended = threading.Event()
        self._watch: threading.Thread | None = None
        if key:
            try:
                self._writer = ArchiveWriter(key, folder)
            except OSError as error:
                _give_up(error)
                return
            self._add([fact(OFFLINE, True)])
            self._watch = threading.Thread(target=self._look_from_time_to_time, name="load", daemon=True)
            self._watch.start()

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Record what the model is trained with."""
        self._add(parameter(name, _as_hyperparameter(value)) for name, value in sorted(parameters.items()))

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Record figures, of one round where a step is given."""
        # one that is no number is no point of a curve, and no JSON
        self._add(
            metric(name, value, step) for name, value in sorted(metrics.items()) if math.isfinite(value)
        )

    def close(self) -> None:
        """Write the archive. Safe to call after an error, and more than once."""
        self._ended.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        with self._writing:
            writer, self._writer = self._writer, None
            if writer is not None:
                try:
                    writer.close()
                except OSError as error:
                    _give_up(error)

    def _add(self, messages: Iterable[Message]) -> None:
        with self._writing:
            if self._writer is None:
                return
            try:
                for message in messages:
                    self._writer.add(message)
            except Exception as error:  # noqa: BLE001  (a model is worth more than its record; the log says so)
                # What is there stays, for a disk with more room.
                self._writer.leave()
                self._writer = None
                _give_up(error)

    def _look_from_time_to_time(self) -> None:
        """Log CPU, memory and disk of where the job runs: at its start, in between, and at its end."""
        try:
            probe, before = system_probe(), -math.inf
            while True:
                if not self._ended.is_set() or time.monotonic() - before >= _LEAST_SECONDS:
                    before = time.monotonic()
                    self.log_metrics(probe())
                if self._ended.is_set():
                    return
                self._ended.wait(_PROBE_SECONDS)
        except Exception as error:  # noqa: BLE001  (whatever a machine hides, rounds are worth more)
            said = f"{type(error).__name__}: {error}"
            print(f"tracking: no more load of the machine: {said}", file=sys.stderr)


def _as_hyperparameter(value: Any) -> str | int | float:
    """A value as the launcher has sent it, and logs it too: what is no number or text is JSON."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value)


def _give_up(error: Exception) -> None:
    print(f"tracking: the archive was not written: {type(error).__name__}: {error}", file=sys.stderr)
