"""Starting an experiment of Comet's: live or as an archive, as it was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fraudlab.redaction import known_secrets, redact
from fraudlab.tracking.comet.archived_experiment import ArchivedExperiment
from fraudlab.tracking.comet.internals import (
    end,
    send_files_once,
    send_nothing_again,
    tell_of_full_disks,
    temporary_files_in,
    untried_version,
)
from fraudlab.tracking.comet.recording import CometExperiment
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk, quiet_config
from fraudlab.tracking.experiment import TrackingDecision, as_archive, not_online, unwritable


def start(
    decided: TrackingDecision,
    *,
    insists: bool,
    workspace: str | None,
    project: str,
    name: str,
    key: str,
    folder: Path,
    tags: Sequence[str],
) -> CometExperiment:
    """Start what keeps what it is given; see :func:`~fraudlab.tracking.opening.open_experiment`.

    Parameters
    ----------
    insists : bool
        Raise where the server refuses, instead of writing an archive.
    """
    note, streams = "; ".join(filter(None, [decided.note, untried_version()])), decided.streams_rounds
    if decided.mode == "online":
        sdk = load_sdk()
        send_files_once()
        tell_of_full_disks()
        config = quiet_config(sdk, folder=folder, name=name, tags=tags)
        where = {
            "workspace": workspace,
            "project": project,
            "experiment_key": key,
            "experiment_config": config,
        }
        live, reason = _start_online(sdk, where, folder)
        if live is not None:
            return CometExperiment(live, mode="online", folder=folder, streams_rounds=streams, note=note)
        if insists:
            raise not_online(reason)
        note = as_archive(reason)
    try:
        archived = ArchivedExperiment(
            key, folder, workspace=workspace, project_name=project, name=name, tags=tags
        )
    except OSError as error:
        raise unwritable(folder, error) from error
    return CometExperiment(archived, mode="offline", folder=folder, note=note, streams_rounds=streams)


def _start_online(sdk: Any, where: dict[str, Any], folder: Path) -> tuple[Any, str]:
    """The live experiment, or None and why there is none."""
    with collected_errors() as errors, temporary_files_in(folder):
        try:
            live = sdk.start(online=True, mode="get_or_create", **where)
        except sdk.exceptions.InvalidAPIKey:
            # The exception's own text holds the key.
            return None, "Comet refused the API key"
        except OSError as error:
            return None, f"the Comet server stopped answering ({type(error).__name__})"
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises, the run goes on without it
            return None, redact(f"Comet refused: {error}".splitlines()[0], known_secrets())
    if not live.alive:
        end(live)
        return None, errors.lines[0] if errors.lines else "Comet did not start the experiment"
    send_nothing_again(live)
    return live, ""
