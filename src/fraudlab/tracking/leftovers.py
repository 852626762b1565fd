"""What jobs wrote for an experiment and nobody took: found in their working folder before that goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fraudlab import api_requests
from fraudlab.container import experiment_archive
from fraudlab.errors import FraudlabError, StorageError
from fraudlab.files import storage, write_json

#: in a working folder: whose it is
_RUN = ".run"
#: in a run's folder of archives: where its jobs work
_WORKSPACE = "workspace.json"


def connect(workspace: Path, run: Path) -> None:
    """Note for whoever comes later that jobs of a run work there."""
    with suppress(StorageError):  # what is not noted is not found later; the run goes on
        write_json(workspace / _RUN, {"run": str(run.resolve())})
        if (run / "comet").is_dir():
            write_json(run / "comet" / _WORKSPACE, {"workspace": str(workspace.resolve())})


def workspace_of(run: Path) -> Path | None:
    """Where jobs of a run have worked, if that is still there and still theirs."""
    found = _noted(run / "comet" / _WORKSPACE, "workspace")
    return found if found is not None and _noted(found / _RUN, "run") == run.resolve() else None


def take(workspace: Path, run: Path, key: str | None = None) -> list[Path]:
    """Take what jobs of a run have written for its experiment out of their working folder.

    Parameters
    ----------
    workspace : Path
    run : Path
        The run's folder.
    key : str, optional
        Of the experiment; by default what the run's record says.

    Raises
    ------
    StorageError
        It cannot be kept.
    """
    key = key or experiment_of(run).get("key")
    if not key:
        return []
    from fraudlab.tracking.comet.recovery import bring

    return bring(workspace, run / "comet", key, place_of(run))


def taking(release: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Release a working folder that is about to go, once what its jobs wrote is with their run.

    Parameters
    ----------
    release : callable
        Ends what still works in the folder; False where that is not possible.
    """

    def released(workspace: Path) -> bool:
        if not release(workspace):
            return False
        run = _noted(workspace / _RUN, "run")
        if run is None or not run.is_dir():
            return True
        try:
            take(workspace, run)
        except (FraudlabError, OSError):  # it stays, for a disk with more room
            return False
        return True

    return released


def experiment_of(run: Path) -> Mapping[str, Any]:
    """What a run's record says of its experiment."""
    with suppress(OSError, ValueError):
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        if isinstance(record, dict) and isinstance(found := record.get("experiment"), dict):
            return found
    return {}


def place_of(run: Path) -> dict[str, Any]:
    """Workspace and project that a run's experiment belongs to, by its configuration."""
    import yaml  # type: ignore[import-untyped]

    with suppress(OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        tracking = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["tracking"]
        return {"workspace": tracking["workspace"], "project_name": tracking["project"]}
    return {}


def printed_rounds(log: Path) -> list[dict[str, Any]]:
    """The rounds that a train job has printed, as messages of an archive; nothing where there is no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
        when = int(log.stat().st_mtime * 1000)
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        if (round_ := api_requests.read_round(line)) is not None:
            number, metrics = round_
            for name, value in metrics.items():
                found.append(experiment_archive.metric(f"validation_{name}", value, number, when=when))
    return found


def keep_printed(run: Path, key: str, about: Mapping[str, Any]) -> list[Path]:
    """Make an archive of the rounds that are in a run's log and in no archive."""
    from fraudlab.tracking.comet import offline_archives as archives
    from fraudlab.tracking.comet.logged_content import Content, add, read, write_delta

    folder = run / "comet"
    printed = Content(key, {"workspace": about.get("workspace"), "project_name": about.get("project_name")})
    add(printed, printed_rounds(run / "logs" / "train.log"), archive=None, there=set())
    known = read(archives.finished(folder, key), key).entries
    printed.entries = {what: entry for what, entry in printed.entries.items() if what not in known}
    if not printed.entries:
        return []
    with storage(folder):
        folder.mkdir(exist_ok=True)
        return [write_delta(printed, folder / f"{key}-printed{len(printed.entries)}.zip")]


def _noted(note: Path, name: str) -> Path | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return Path(json.loads(note.read_text(encoding="utf-8"))[name])
    return None
