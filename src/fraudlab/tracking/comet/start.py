"""Starting an experiment of Comet's: live or as an archive, as it was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fraudlab.redaction import known_secrets, redact
from fraudlab.tracking.comet.recording import CometExperiment
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk
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
    sdk = load_sdk()
    config = _experiment_config(sdk, folder=folder, name=name, tags=tags)
    where = {"workspace": workspace, "project": project, "experiment_key": key, "experiment_config": config}
    note, streams = decided.note, decided.streams_rounds
    if decided.mode == "online":
        live, reason = _start_online(sdk, where)
        if live is not None:
            return CometExperiment(live, mode="online", folder=folder, streams_rounds=streams)
        if insists:
            raise not_online(reason)
        note = as_archive(reason)
    try:
        live = sdk.start(online=False, mode="get_or_create", **where)
    except OSError as error:
        raise unwritable(folder, error) from error
    return CometExperiment(live, mode="offline", folder=folder, note=note, streams_rounds=streams)


def _start_online(sdk: Any, where: dict[str, Any]) -> tuple[Any, str]:
    """The live experiment, or None and why there is none."""
    with collected_errors() as errors:
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
        live.end()
        return None, errors.lines[0] if errors.lines else "Comet did not start the experiment"
    return live, ""


def _experiment_config(sdk: Any, *, folder: Path, name: str, tags: Sequence[str]) -> Any:
    """Everything automatic off: it is slow, noisy, or tells more than was asked.

    The remote URL of a git checkout may hold a token and the patch anything, so git is logged by hand.
    A host without a network has no IP address, which would mark the uploaded experiment as failed.
    """
    automatic = dict.fromkeys(
        (
            "log_code", "log_graph", "parse_args", "log_git_metadata", "log_git_patch", "log_env_details",
            "log_env_host", "log_env_gpu", "log_env_cpu", "log_env_network", "log_env_disk",
            "auto_param_logging", "auto_metric_logging", "auto_output_logging", "auto_log_co2",
        ),
        False,
    )  # fmt: skip
    return sdk.ExperimentConfig(
        **automatic, display_summary_level=0, offline_directory=str(folder), name=name, tags=list(tags)
    )
