"""What an experiment consists of, each thing once, whichever archives it came in."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fraudlab.container.experiment_archive import ABOUT, MESSAGES, write_archive
from fraudlab.tracking.comet.internals import (
    OF_MOMENTS,
    OWN_FACTS,
    OWN_METRICS,
    OWN_PARAMETERS,
)

#: what tells one thing of an experiment from another
Identity = tuple[Any, ...]
_FILES = {"file_upload", "remote_file"}


@dataclass(frozen=True)
class LoggedMessage:
    """A message of an archive.

    Attributes
    ----------
    message : dict
        As the SDK wrote it.
    archive : Path or None
        Where its file is, if it has one.
    """

    message: Mapping[str, Any]
    archive: Path | None = None

    @property
    def kind(self) -> str:
        return str(self.message["type"])

    @property
    def payload(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.message["payload"]
        return found


@dataclass
class Content:
    """Everything that archives of one experiment hold.

    Attributes
    ----------
    key : str
        Of the experiment.
    about : dict
        Workspace, project, tags and times; the first archive that says one of them.
    entries : dict
        By what they are.
    """

    key: str
    about: dict[str, Any] = field(default_factory=dict)
    entries: dict[Identity, LoggedMessage] = field(default_factory=dict)

    def without(self, known: Known) -> Content:
        """What the server does not have."""
        return Content(
            self.key,
            self.about,
            {what: entry for what, entry in self.entries.items() if not known.has(what, entry, self)},
        )

    def only_point(self, name: str) -> bool:
        """Whether there is no more than one value of a metric."""
        return sum(what[:2] == ("metric", name) for what in self.entries) <= 1

    def __bool__(self) -> bool:
        return any(not is_repeatable(entry) for entry in self.entries.values())


@dataclass
class Known:
    """What a server says it has of an experiment.

    Attributes
    ----------
    points : set of (str, int or None)
        Metric and step.
    moments : set of (str, int)
        Metric and time in milliseconds, of what has no step.
    parameters : set of str
    others : dict of str to str
    assets : set of (str, str)
        Kind and file name.
    asset_ids, models : set of str
    """

    points: set[tuple[str, int | None]] = field(default_factory=set)
    moments: set[tuple[str, int]] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    others: dict[str, str] = field(default_factory=dict)
    assets: set[tuple[str, str]] = field(default_factory=set)
    asset_ids: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def has(self, what: Identity, entry: LoggedMessage, content: Content) -> bool:
        """Whether a thing need not be sent."""
        match what:
            case ("metric", name, step):
                if (name, step) in self.points:
                    return True
                # a server may give a value without a step one of its own
                return (
                    step is None
                    and content.only_point(name)
                    and any(name == known for known, _ in self.points)
                )
            case ("moment", name, when):
                return (name, when) in self.moments
            case ("parameter", name):
                return name in self.parameters
            case ("other", name):
                return self.others.get(name) == as_text(entry.payload["value"])
            case ("asset", kind, name):
                given = (entry.payload.get("additional_params") or {}).get("assetId")
                return given in self.asset_ids or (kind, name) in self.assets
            case ("model", name):
                return name in self.models
        return False

    @classmethod
    def of(cls, content: Content) -> Known:
        """What a server has that was told all of `content`."""
        known = cls()
        for what, entry in content.entries.items():
            match what:
                case ("metric", name, step):
                    known.points.add((name, step))
                case ("moment", name, when):
                    known.moments.add((name, when))
                case ("parameter", name):
                    known.parameters.add(name)
                case ("other", name):
                    known.others[name] = as_text(entry.payload["value"])
                case ("asset", kind, name):
                    known.assets.add((kind, name))
                case ("model", name):
                    known.models.add(name)
        return known


def write_delta(content: Content, target: Path) -> Path:
    """Write an archive of what is left to send."""
    messages: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    opened: dict[Path, zipfile.ZipFile] = {}
    try:
        for entry in content.entries.values():
            message = dict(entry.message)
            if entry.kind == "file_upload" and entry.archive is not None:
                if entry.archive not in opened:
                    opened[entry.archive] = zipfile.ZipFile(entry.archive)
                name = f"file{len(files)}"
                files[name] = opened[entry.archive].read(entry.payload["file_path"])
                message["payload"] = {**entry.payload, "file_path": name}
            messages.append(message)
    finally:
        for archive in opened.values():
            archive.close()
    write_archive(target, {**content.about, "experiment_key": content.key}, messages, files)
    return target


def is_repeatable(entry: LoggedMessage) -> bool:
    """Whether sending a thing again changes nothing: the server keeps one of it."""
    return entry.kind not in {"metric_msg", "parameter_msg", "log_other", "remote_model", *_FILES}


def read(archives: Iterable[Path], key: str) -> Content:
    """The content of finished archives of experiment `key`.

    Of a metric or a parameter that several have, the first counts; of a file or a fact the last.
    """
    content = Content(key)
    for archive in sorted(archives, key=_launchers_first):
        with zipfile.ZipFile(archive) as opened:
            about = json.loads(opened.read(ABOUT))
            lines = opened.read(MESSAGES).splitlines()
            there = set(opened.namelist())
        for name in ("workspace", "project_name", "start_time"):
            content.about.setdefault(name, about.get(name))
            content.about[name] = content.about[name] or about.get(name)
        content.about["tags"] = sorted({*content.about.get("tags", []), *(about.get("tags") or [])})
        content.about["stop_time"] = max(content.about.get("stop_time") or 0, about.get("stop_time") or 0)
        add(content, parsed(lines), archive=archive, there=there)
    return content


def parsed(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Messages, without a line that a kill has cut short."""
    found = []
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and isinstance(message.get("payload"), dict) and "type" in message:
            found.append(message)
    return found


def add(
    content: Content, messages: Iterable[dict[str, Any]], *, archive: Path | None, there: set[str]
) -> None:
    """Add messages; a file that its archive does not have is left out."""
    for message in messages:
        entry = LoggedMessage(message, archive)
        if entry.kind == "file_upload" and entry.payload.get("file_path") not in there:
            continue
        what = identity(entry)
        if what is None or (what in content.entries and what[0] in {"metric", "moment", "parameter"}):
            continue
        content.entries[what] = entry


def identity(entry: LoggedMessage) -> Identity | None:
    """What a message is about; None where it is nothing anybody has logged."""
    payload = entry.payload
    match entry.kind:
        case "metric_msg":
            metric = payload["metric"]
            name, value = metric["metricName"], metric["metricValue"]
            if name in OWN_METRICS or (isinstance(value, float) and not math.isfinite(value)):
                return None
            if name.startswith(OF_MOMENTS):
                return ("moment", name, payload.get("local_timestamp"))
            return ("metric", name, metric.get("step"))
        case "parameter_msg":
            name = (payload.get("param") or {}).get("paramName")
            return None if name is None or name in OWN_PARAMETERS else ("parameter", name)
        case "log_other":
            return None if payload["key"] in OWN_FACTS else ("other", payload["key"])
        case "file_upload" | "remote_file":
            named = payload.get("additional_params") or {}
            if named.get("artifactVersionId"):  # artifacts are made anew, by their content
                return None
            return ("asset", payload.get("upload_type") or "asset", named.get("fileName"))
        case "remote_model":
            return ("model", payload.get("model_name"))
        case "register_model":
            return ("version", payload.get("registry_name"), payload.get("version"))
    return (entry.kind,)


def as_text(value: Any) -> str:
    """A fact as the server gives it back."""
    return value if isinstance(value, str) else json.dumps(value)


def _launchers_first(archive: Path) -> tuple[bool, str]:
    """The launcher gives the experiment its name, jobs do not."""
    with zipfile.ZipFile(archive) as opened:
        messages = parsed(opened.read(MESSAGES).splitlines())
    named = any(one["type"] == "log_other" and one["payload"].get("key") == "Name" for one in messages)
    return (not named, archive.name)
