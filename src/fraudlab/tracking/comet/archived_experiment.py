"""An experiment that is an archive from the start: the calls one makes of the SDK's, without the SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from fraudlab.container import experiment_archive as archive


class ArchivedExperiment:
    """Takes what :class:`~fraudlab.tracking.comet.recording.CometExperiment` tells an experiment of the SDK.

    What the SDK has to be told besides, such as to overwrite, is always so here.

    Parameters
    ----------
    key : str
    folder : Path
        Receives the archive.
    workspace : str or None
    project_name, name : str
    tags : sequence of str

    Attributes
    ----------
    tmpdir : str
        What is not in an archive yet.
    curr_step : int or None
        The round that metrics are of.

    Raises
    ------
    OSError
        The folder cannot be written; so does every method.
    """

    def __init__(
        self,
        key: str,
        folder: Path,
        *,
        workspace: str | None,
        project_name: str,
        name: str,
        tags: Sequence[str],
    ) -> None:
        self._key, self._tags = key, list(tags)
        self.workspace, self.project_name = workspace, project_name
        self.curr_step: int | None = None
        about = {"workspace": workspace, "project_name": project_name, "tags": self._tags}
        self._writer = archive.ArchiveWriter(key, folder, **about)
        self.tmpdir = str(self._writer.unsent)
        self.log_others({archive.OFFLINE: True, "Name": name})

    def get_key(self) -> str:
        """The experiment's key."""
        return self._key

    def get_tags(self) -> list[str]:
        """Shown beside the name."""
        return list(self._tags)

    def set_pip_packages(self) -> None:
        """Keep what is installed."""
        self._writer.add(archive.packages(installed()))

    def log_parameters(self, values: Mapping[str, Any], **_more: Any) -> None:
        """Keep parameters, which are flat."""
        for name, value in sorted(values.items()):
            if name:
                self._writer.add(archive.parameter(name, value))

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Keep figures of the current step."""
        for name, value in sorted(values.items()):
            self._writer.add(archive.metric(name, value, self.curr_step))

    def log_others(self, values: Mapping[str, Any]) -> None:
        """Keep facts."""
        for name, value in values.items():
            self._writer.add(archive.fact(name, value))

    def log_curve(self, name: str, *, x: Sequence[float], y: Sequence[float], **_more: Any) -> None:
        """Keep a curve.

        Raises
        ------
        ValueError
            It is none.
        """
        if not x or len(x) != len(y):
            raise ValueError(f"{len(x)} and {len(y)} numbers are no curve")
        text = _as_json({"x": x, "y": y, "name": name})
        self._writer.add_file(text, name, kind="curve")

    def log_confusion_matrix(
        self,
        *,
        matrix: Sequence[Sequence[int]],
        labels: Sequence[str],
        row_label: str,
        column_label: str,
        **_more: Any,
    ) -> None:
        """Keep counts."""
        described = {
            "version": 1,
            "title": "Confusion Matrix",
            "labels": labels,
            "matrix": matrix,
            "rowLabel": row_label,
            "columnLabel": column_label,
            "maxSamplesPerCell": 25,
            "sampleMatrix": None,
            "type": None,
        }
        kind = "confusion-matrix"
        self._writer.add_file(_as_json(described), f"{kind}.json", kind=kind)

    def log_model(self, name: str, path: str, *, file_name: str, **_more: Any) -> None:
        """Keep a file of a model."""
        self._writer.add_file(Path(path), file_name, kind="model-element", groupingName=name)

    def log_remote_model(self, name: str, uri: str, **_more: Any) -> None:
        """Keep where a model is."""
        self._writer.add(archive.remote_model(name, uri))

    def log_asset(self, path: str, *, file_name: str, **_more: Any) -> None:
        """Keep a file."""
        self._writer.add_file(Path(path), file_name)

    def log_asset_data(self, text: str, *, name: str, **_more: Any) -> None:
        """Keep a text as a file."""
        self._writer.add_file(text.encode(), name)

    def end(self) -> None:
        """Write the archive. On a full disk its parts stay, and whoever looks for it misses it."""
        with suppress(OSError):
            self._writer.close()


def installed() -> list[str]:
    """What is installed, as ``name==version``, by name.

    Of each only the head is read: the whole text about a hundred packages takes a tenth of a second.
    """
    found = []
    for distribution in metadata.distributions():
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        head = dict(line.split(": ", 1) for line in text.partition("\n\n")[0].splitlines() if ": " in line)
        if "Name" in head:
            found.append((head["Name"].lower(), head.get("Version")))
    return [f"{name}=={version}" for name, version in sorted(found, key=str)]


def _as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
