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
from fraudlab.tracking.comet import dataset_artifacts
from fraudlab.tracking.comet import offline_archives as archives
from fraudlab.tracking.comet.internals import (
    all_sent,
    at_step,
    end,
    finish_writing,
    is_connected,
    unsent_folder,
)
from fraudlab.tracking.comet.logged_content import Known, read
from fraudlab.tracking.comet.sdk import ErrorLog, collected_leftovers
from fraudlab.tracking.comet.training_job_facts import facts_of_training_job
from fraudlab.tracking.comet.upload import send_rest
from fraudlab.tracking.datasets import DatasetVersion
from fraudlab.tracking.experiment import Experiment, Status

MODEL_FILES = ("model.ubj", "model.json")
_TEXTS = (".yaml", ".json", ".html", ".txt", ".log")
# More than a slow disk needs for the few thousand messages of a run.
_DRAIN_SECONDS = 60.0


class CometExperiment(Experiment):
    """An experiment of the SDK's that is live, or an archive; made by ``open_experiment``.

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
        self._recorded = 0
        # The SDK makes an empty archive at once and fills it at the end; jobs may have ended theirs by now.
        self._unfinished = set(archives.find(folder, self.key)) - self._finished()
        self._secrets = known_secrets()
        self._ended = False
        self._lock = threading.RLock()
        self._errors = ErrorLog()
        logging.getLogger("comet_ml").addHandler(self._errors)
        with self._reporting("start"):
            unsent = unsent_folder(live) if mode == "online" else Path(live.tmpdir)
            archives.mark_open(folder, live, unsent)
            live.set_pip_packages()

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        """Do one thing at a time, and turn whatever goes wrong with it into a line of `problems`."""
        with self._lock:
            try:
                yield
            except Exception as error:  # noqa: BLE001 - a run does not fail because it could not be tracked
                line = redact(f"Comet: {what}: {error}".splitlines()[0], self._secrets)
                if line not in self.problems:  # a full disk says so every time
                    self.problems.append(line)

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
            at_step(self._live, step)
            self._live.log_metrics(numbers)
            at_step(self._live, None)  # what comes next is of no round

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
        with self._reporting("datasets"):  # a run that is killed has used them too
            write_json(self._folder / archives.DATASETS, self._datasets)
        self.log_others({f"dataset.{version.kind or version.name}": version.alias})
        if self.mode == "online" and is_connected(self._live):
            with self._reporting(f"dataset {version.name}"):
                dataset_artifacts.use(self._live, self._datasets[-1])
                self._recorded += 1

    def log_model(self, name: str, folder: Path, *, uri: str | None = None) -> None:
        with self._reporting(f"model {name}"):
            if uri is not None:
                self._live.log_remote_model(name, uri, sync_mode=False)
                return
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

    def log_training_job(self, described: Mapping[str, Any]) -> None:
        with self._reporting("facts of the training job"):
            facts, problem = facts_of_training_job(described)
            self.log_others(facts)
            if problem:
                raise TrackingError(
                    f"Comet's SageMaker integration left some out: {problem}",
                    fix="see what SageMaker says of the job",
                )

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
                self._live.log_asset_data(as_json(self._datasets), name=archives.DATASETS, overwrite=True)
        written = self._finished()
        own: list[Path] = []
        with collected_leftovers():  # _check() says what they mean
            if self.mode == "online":
                with self._reporting("writing the archive"):
                    finish_writing(self._live, _DRAIN_SECONDS)
            with self._reporting("ending"):
                end(self._live)
            with self._reporting("archive"):
                own.append(self._check(self._finished() - written))
        broken = set(archives.find(self._folder, self.key)) - self._finished() - self._unfinished
        for archive in sorted(written | broken):
            with self._reporting(f"archive {archive.name}"):
                self._adopt(archive)
        if own and self.mode == "online":
            with self._reporting("uploading what jobs wrote"):
                self._merge(own[0])
        logging.getLogger("comet_ml").removeHandler(self._errors)
        self.problems += [f"Comet: {line}" for line in self._errors.lines]

    def _finished(self) -> set[Path]:
        return set(archives.finished(self._folder, str(self.key)))

    def _adopt(self, archive: Path) -> None:
        """Let the archive of a job go where the experiment is, whoever uploads it, and however early."""
        archives.check(archive, self.key)
        if archives.state(archive, archives.read_note(self._folder / archives.LEDGER)) == "uploaded":
            return  # of a launcher before this one; the ledger knows it by its content
        archives.make_mergeable(archive, workspace=self._live.workspace, project_name=self._live.project_name)

    def _merge(self, own: Path) -> None:
        """Upload what jobs wrote and this experiment has not sent."""
        ledger, key = self._folder / archives.LEDGER, str(self.key)
        archives.note([own], ledger, "uploaded")
        if self._datasets and self._recorded == len(self._datasets):
            archives.note_datasets(self._folder)
        every = archives.finished(self._folder, key)
        jobs = [found for found in every if archives.state(found, archives.read_note(ledger)) != "uploaded"]
        if jobs:
            send_rest(read(every, key).without(Known.of(read([own], key))), ledger, of=jobs)

    def _check(self, made: set[Path]) -> Path:
        """See that the archive is whole, and that a live experiment has everything it holds."""
        if not made:
            # Its parts stay where they are, for recover() to make it of.
            raise TrackingError("it could not be written; is the disk full?", fix="free disk space")
        (archive,) = made
        archives.mark_closed(self._folder)
        shutil.rmtree(self._live.tmpdir, ignore_errors=True)
        if self.mode == "online":
            archives.make_mergeable(archive)
            if not all_sent(self._live) or self._errors.lines:
                raise TrackingError(
                    f"not everything reached the server; {archive.name} has all of it",
                    fix="upload the rest with `fraudlab sync`",
                )
        return archive


def as_fields(values: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Nested mappings as the flat fields Comet shows: dotted names, lists and nulls as JSON text."""
    return {
        name: value if isinstance(value, str | int | float) else json.dumps(value, default=str)
        for name, value in flatten(values).items()
    }
