"""Comet's offline archives, written as its SDK writes them, without the half second that importing it takes.

Everything that is known of their format is here, for the jobs and for the launcher: a zip of one line of JSON
for each message, the files that messages name, and a note about the experiment. A test holds what is written
here to what the SDK writes when it is told the same, message by message.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

#: the SDK whose archives these are, up to the number that its makers raise for small changes
TRIED = "3.58"
MESSAGES = "messages.json"
ABOUT = "experiment.json"
#: of the file about an archive: it joins an experiment that exists
MERGES = {
    "resume_strategy": "get_or_create",
    "user_provided_experiment_key": True,
    "comet_start_sourced": True,
}
#: says of an archive that it was one
OFFLINE = "offline_experiment"
#: begins the name of a folder of what is not in an archive yet
UNSENT = "tmp"
#: from which length on the SDK cuts a name and a text, and what it puts there
_LONGEST_NAME, _LONGEST_TEXT = 100, 1000
_CUT = " [truncated]"

Message = dict[str, Any]


def metric(name: str, value: float, step: int | None = None, *, when: int | None = None) -> Message:
    """A figure, of a round where a step is given; `when` is in milliseconds, and now where it is not."""
    described = {"epoch": None, "metricName": _cut(name, _LONGEST_NAME), "metricValue": value, "step": step}
    return _message("metric_msg", when, metric=described)


def parameter(name: str, value: str | float) -> Message:
    """A parameter: a text, a number, a truth."""
    given = _cut(value, _LONGEST_TEXT) if isinstance(value, str) else value
    if isinstance(given, float) and not math.isfinite(given):
        given = json.dumps(given)
    described = {
        "paramName": _cut(name, _LONGEST_NAME),
        "paramValue": given,
        "source": "manual",
        "step": None,
    }
    return _message("parameter_msg", param=described)


def fact(name: str, value: str | float | None) -> Message:
    """What is neither parameter nor metric."""
    given = _cut(value, _LONGEST_TEXT) if isinstance(value, str) else value
    if isinstance(given, float) and math.isnan(given):
        given = None
    return {"type": "log_other", "payload": {"key": _cut(name, _LONGEST_NAME), "value": given}}


def packages(lines: Sequence[str]) -> Message:
    """What is installed, as ``name==version``."""
    return {"type": "installed_packages", "payload": {"installed_packages": list(lines)}}


def remote_model(name: str, uri: str) -> Message:
    """A model that stays in a bucket."""
    last = uri.partition("://")[2].partition("/")[2].rpartition("/")[2]
    asset = {"assetId": uuid.uuid4().hex, "fileName": last or "remote", "remoteUrl": uri}
    return {"type": "remote_model", "payload": {"model_name": name, "remote_assets": [asset]}}


class ArchiveWriter:
    """An archive that grows, line by line in a folder beside it, and is one file once it is closed.

    What is in the folder when a process is killed is an archive still, which ``fraudlab runs recover`` makes.

    Parameters
    ----------
    key : str
        Of the experiment.
    folder : Path
        Receives ``<key>-*.zip``; made if it is missing.
    **about
        ``workspace``, ``project_name`` and ``tags``, where they are known.

    Attributes
    ----------
    unsent : Path
        The folder of what is not in an archive yet.

    Raises
    ------
    OSError
        The folder cannot be written. So does every method, after which nothing is half there.
    """

    def __init__(self, key: str, folder: Path, **about: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._about = {**about, "experiment_key": key, "start_time": now()}
        self._target = folder / f"{key}-{uuid.uuid4().hex[:6]}.zip"
        self._number = 0
        self.unsent = Path(tempfile.mkdtemp(prefix=UNSENT, dir=folder))
        self._lines = (self.unsent / MESSAGES).open("ab", buffering=0)

    def add(self, message: Message) -> None:
        """Add a message; it survives this process."""
        self._number += 1
        payload = {**message["payload"], "message_id": self._number}
        line = json.dumps({"payload": payload, "type": message["type"]}, separators=(",", ":"))
        start = self._lines.tell()
        left = memoryview(line.encode() + b"\n")
        try:
            while left:
                left = left[self._lines.write(left) or 0 :]
        except OSError:
            with suppress(OSError):
                self._lines.truncate(start)
                self._lines.seek(start)
            raise

    def add_file(self, content: bytes | Path, name: str, *, kind: str = "asset", **more: Any) -> None:
        """Add a file as it is now, or a text, under a name; `more` is what the SDK says of its kind too."""
        place, copy = tempfile.mkstemp(dir=self.unsent)
        try:
            with os.fdopen(place, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as original:
                        shutil.copyfileobj(original, file)
        except OSError:
            Path(copy).unlink(missing_ok=True)
            raise
        ending = {"extension": Path(name).suffix[1:] or None}
        if isinstance(content, bytes):
            more |= {"epoch": None}
            ending = ending if ending["extension"] else {}
        described = {
            **ending,
            "assetId": uuid.uuid4().hex,
            "context": None,
            "fileName": name,
            "overwrite": True,
            "runId": None,
            "step": None,
            **({} if kind == "asset" else {"type": kind}),
            **more,
        }
        self.add(
            _message(
                "file_upload",
                additional_params=described,
                clean=True,
                file_path=Path(copy).name,
                metadata={},
                upload_type=kind,
            )
        )

    def leave(self) -> None:
        """Write no more, and leave what is there to whoever recovers it."""
        self._lines.close()

    def close(self) -> Path:
        """Write the archive; the folder goes once it is there."""
        self.leave()
        files = {file.name: file for file in self.unsent.iterdir() if file.name != MESSAGES}
        written = self.unsent / "archive"
        try:
            with zipfile.ZipFile(written, "w") as archive:
                for name, file in files.items():
                    archive.write(file, name)
                archive.write(self.unsent / MESSAGES, MESSAGES)
                archive.writestr(ABOUT, _note({**self._about, "stop_time": now()}))
        except OSError:
            written.unlink(missing_ok=True)
            raise
        written.replace(self._target)
        shutil.rmtree(self.unsent, ignore_errors=True)
        return self._target


def write_archive(
    target: Path, about: Mapping[str, Any], messages: Sequence[Message], files: Mapping[str, bytes]
) -> None:
    """Write an archive at once.

    Parameters
    ----------
    target : Path
        Replaced in one step.
    about : mapping
        ``experiment_key``, ``workspace``, ``project_name``, ``tags``, and times in milliseconds.
    messages : sequence of dict
        In order.
    files : mapping of str to bytes
        By the name that messages call them by.
    """
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(MESSAGES, "".join(f"{json.dumps(message)}\n" for message in messages))
        archive.writestr(ABOUT, _note(about))
    partial.replace(target)


def now() -> int:
    """The time as Comet has it: in milliseconds."""
    return int(time.time() * 1000)


def _note(about: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "offline_id": about["experiment_key"],
            "project_name": about.get("project_name"),
            "workspace": about.get("workspace"),
            "start_time": about.get("start_time") or now(),
            "stop_time": about.get("stop_time") or now(),
            "tags": about.get("tags") or [],
            "customer_error_reported": False,
            "customer_error_message": None,
            **MERGES,
        }
    )


def _message(kind: str, when: int | None = None, **payload: Any) -> Message:
    return {"type": kind, "payload": {"local_timestamp": now() if when is None else when, **payload}}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT
