"""The experiment that is kept: the same calls live and into an archive."""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from fraudlab.errors import TrackingError
from fraudlab.files import as_json, write_json
from fraudlab.redaction import known_secrets, redact
from fraudlab.runs.record import flatten
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.sdk import ErrorLog, collected_leftovers
from fraudlab.tracking.comet.upload import upload
from fraudlab.tracking.datasets import DatasetVersion
from fraudlab.tracking.experiment import Experiment, Status

MODEL_FILES = ("model.ubj", "model.json")
_TEXTS = (".yaml", ".json", ".html", ".txt", ".log")
# More than a slow disk needs for the few thousand messages of a run.
_DRAIN_SECONDS = 60.0


class CometExperiment(Experiment):
    """A started experiment of the SDK, online or offline; made by ``open_experiment``.

    Every method may be called from any thread.
    """

    def __init__(
        self,
        live: Any,
        *,
        mode: Literal["online", "offline"],
        folder: Path,
        streams_rounds: bool,
        note: str = "",
    ) -> None:
        super().__init__()
        self.key = live.get_key()
        self.mode = mode
        self.note = note
        self.url = live.url if mode == "online" else None
        self.streams_rounds = streams_rounds
        self._live = live
        self._folder = folder
        self._datasets: list[dict[str, Any]] = []
        # The SDK makes an empty archive at once and fills it at the end.
        self._placeholder = set(archives.find(folder, self.key))
        self._secrets = known_secrets()
        self._ended = False
        self._lock = threading.RLock()
        self._errors = ErrorLog()
        logging.getLogger("comet_ml").addHandler(self._errors)
        with self._reporting("start"):
            archives.mark_open(folder, live)
            live.set_pip_packages()

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        """Do one thing at a time, and turn whatever goes wrong with it into a line of `problems`."""
        with self._lock:
            try:
                yield
            except Exception as error:  # noqa: BLE001 - a run does not fail because it could not be tracked
                self.problems.append(redact(f"Comet: {what}: {error}".splitlines()[0], self._secrets))

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        with self._reporting("parameters"):
            self._live.log_parameters(as_fields(redact(parameters, self._secrets)), nested_support=False)

    def log_metrics(self, metrics: Mapping[str, Any], *, step: int | None = None) -> None:
        numbers = {
            name: float(value)
            for name, value in metrics.items()
            if isinstance(value, int | float) and math.isfinite(value)
        }
        with self._reporting("metrics"):
            self._live.log_metrics(numbers, step=step)

    def log_curve(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        with self._reporting(f"curve {name}"):
            self._live.log_curve(name, x=list(x), y=list(y), overwrite=True)

    def log_confusion_matrix(self, matrix: Sequence[Sequence[int]], *, labels: Sequence[str]) -> None:
        with self._reporting("confusion matrix"):
            self._live.log_confusion_matrix(
                matrix=[list(row) for row in matrix],
                labels=list(labels),
                row_label="was",
                column_label="taken for",
                overwrite=True,
            )

    def log_dataset(self, version: DatasetVersion) -> None:
        self._datasets.append(redact(version.as_dict(), self._secrets))
        self.log_others({f"dataset.{version.name}": version.alias})
        if self.mode == "online" and self._live.streamer.has_connection_to_server():
            with self._reporting(f"dataset {version.name}"):
                self._log_artifact(version)

    def _log_artifact(self, version: DatasetVersion) -> None:
        """Use the artifact version with this content, making it where there is none yet."""
        from comet_ml import Artifact
        from comet_ml.exceptions import ArtifactNotFound

        try:
            self._live.get_artifact(version.name, version_or_alias=version.alias)
        except ArtifactNotFound:
            about = self._datasets[-1]
            artifact = Artifact(version.name, "dataset", aliases=[version.alias], metadata=about)
            described = Path(self._live.tmpdir) / f"{version.alias}.json"
            write_json(described, about)
            artifact.add(str(described), logical_path="dataset.json")
            self._live.log_artifact(artifact)

    def log_model(self, name: str, folder: Path) -> None:
        with self._reporting(f"model {name}"):
            for file in MODEL_FILES:
                self._live.log_model(name, str(folder / file), file_name=file, overwrite=True)

    def log_asset(self, path: Path) -> None:
        with self._reporting(f"file {path.name}"):
            if path.suffix in _TEXTS:
                text = redact(path.read_text(encoding="utf-8"), self._secrets)
                self._live.log_asset_data(text, name=path.name, overwrite=True)
            else:
                self._live.log_asset(str(path), file_name=path.name, overwrite=True)

    def log_others(self, values: Mapping[str, Any]) -> None:
        with self._reporting("facts"):
            self._live.log_others(as_fields(redact(values, self._secrets)))

    def end(self, status: Status | None = None, error: str | None = None) -> list[Path]:
        with self._lock:
            if not self._ended:
                self._ended = True
                self._close({"status": status, "error": error})
            return archives.find(self._folder, self.key)

    def _close(self, ending: dict[str, str | None]) -> None:
        self.log_others({name: value for name, value in ending.items() if value})
        if self._datasets:
            with self._reporting("datasets"):
                self._live.log_asset_data(as_json(self._datasets), name="datasets.json", overwrite=True)
        written = set(archives.find(self._folder, self.key)) - self._placeholder
        if self.mode == "online":
            self._merge(written)
        with collected_leftovers():  # _check() says what they mean
            with self._reporting("writing the archive"):
                self._drain()
            with self._reporting("ending"):
                self._live.end()
            with self._reporting("archive"):
                self._check(set(archives.find(self._folder, self.key)) - written)
        logging.getLogger("comet_ml").removeHandler(self._errors)
        self.problems += [f"Comet: {line}" for line in self._errors.lines]

    def _merge(self, written: set[Path]) -> None:
        """Upload what the jobs wrote, before this experiment ends: the last to end sets the time it ended."""
        for archive in sorted(written):
            with self._reporting(f"archive {archive.name}"):
                archives.check(archive, self.key)
                upload([archive], self._folder / archives.LEDGER)

    def _drain(self) -> None:
        """Let the thread that writes the archive finish by itself, so that ``end()`` need not sleep on it.

        The SDK waits until the queue is empty and then for the writer's one-second poll to time out. A writer
        that has met the end of its queue is gone already, and nothing can be dropped between the two.
        """
        streamer = self._live.streamer
        writer = streamer
        if self.mode == "online":
            writer = streamer.offline_streamer
            # flush() waits for the next turn of the thread that hands messages on to end; the one that is
            # under way may have looked before the last messages came. The turn after it has not.
            with streamer.queue_empty:
                streamer.queue_empty.wait(_DRAIN_SECONDS)
        self._live.flush(timeout=_DRAIN_SECONDS)
        writer.close()
        writer.stop()
        writer.join(_DRAIN_SECONDS)
        if writer.is_alive():
            raise TrackingError(
                f"it was not written within {_DRAIN_SECONDS:g} s", fix="see whether the disk is slow or full"
            )

    def _check(self, made: set[Path]) -> None:
        """See that the archive is whole, and that a live experiment has everything it holds."""
        finished = [archive for archive in made if archives.owner(archive) == self.key]
        if not finished:
            # Its parts stay where they are, for recover() to make it of.
            raise TrackingError("it could not be written; is the disk full?", fix="free disk space")
        archive = finished[0]
        archives.mark_closed(self._folder)
        shutil.rmtree(self._live.tmpdir, ignore_errors=True)
        if self.mode == "offline":
            return
        writer = self._live.streamer
        if writer.has_connection_to_server() and not writer.has_upload_failed() and not self._errors.lines:
            archives.record(archive, self._folder / archives.LEDGER)
        else:
            archives.make_mergeable(archive)
            raise TrackingError(
                f"not everything reached the server; {archive.name} has all of it",
                fix=f"upload it with `comet upload {archive.name}`",
            )


def as_fields(values: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Nested mappings as the flat fields Comet shows: dotted names, lists and nulls as JSON text."""
    return {
        name: value if isinstance(value, str | int | float) else json.dumps(value, default=str)
        for name, value in flatten(values).items()
    }
