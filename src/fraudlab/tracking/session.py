"""Starting comet_ml: quietly, without a network wait, and only online when that works."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import StorageError, TrackingError
from fraudlab.redaction import known_secrets, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fraudlab.tracking.comet import CometExperiment
    from fraudlab.tracking.experiment import Mode

PROBE_SECONDS = 1.5

#: Defaults the SDK reads from the environment; what a person has set wins.
SETTINGS = {
    # Otherwise a random half of all processes reports its errors to a third party.
    "COMET_ERROR_TRACKING_ENABLE": "false",
    # Everything is logged on purpose, so nothing needs to be patched into xgboost and sklearn.
    "COMET_DISABLE_AUTO_LOGGING": "1",
    # A server that stops answering costs seconds, not the SDK's default of minutes.
    "COMET_TIMEOUT_HTTP": "5",
    "COMET_HTTP_SESSION_RETRY_TOTAL": "1",
    "COMET_GET_OR_ADD_EXPERIMENT_RETRY_TOTAL": "1",
    "COMET_TIMEOUT_CLEANING": "30",
    "COMET_TIMEOUT_UPLOAD": "600",
    # A live experiment leaves an archive too: a connection lost midway then loses nothing.
    "COMET_FALLBACK_STREAMER_KEEP_OFFLINE_ZIP": "true",
}


class ErrorLog(logging.Handler):
    """Collects the SDK's errors, which it logs rather than raises, as lines without secrets."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a record, once."""
        line = redact(record.getMessage().strip().partition("\n")[0], known_secrets())
        if line not in self.lines:
            self.lines.append(line)


def load_sdk() -> Any:
    """Import comet_ml with our defaults and without its console output."""
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    import comet_ml

    for handler in logging.getLogger("comet_ml").handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setLevel(logging.CRITICAL + 1)
    return comet_ml


@contextmanager
def collected_errors() -> Iterator[ErrorLog]:
    """Collect what the SDK logs as errors inside the block."""
    errors = ErrorLog()
    logger = logging.getLogger("comet_ml")
    logger.addHandler(errors)
    try:
        yield errors
    finally:
        logger.removeHandler(errors)


@contextmanager
def collected_leftovers() -> Iterator[list[str]]:
    """Collect what goes wrong while objects of the SDK are thrown away inside the block; Python prints it.

    An archive on a full disk is such an object: it tries once more to write itself.
    """
    lines: list[str] = []
    before = sys.unraisablehook

    def collect(thrown: sys.UnraisableHookArgs) -> None:
        if isinstance(thrown.exc_value, OSError):
            lines.append(f"{thrown.exc_value.strerror or thrown.exc_value}")
        else:
            before(thrown)

    sys.unraisablehook = collect
    try:
        yield lines
        gc.collect()
    finally:
        sys.unraisablehook = before


def start(
    *,
    mode: Mode,
    workspace: str | None,
    project: str,
    name: str,
    key: str,
    folder: Path,
    tags: Sequence[str],
) -> CometExperiment:
    """Start an experiment that keeps what it is given; see :func:`~.experiment.open_experiment`."""
    from fraudlab.tracking.comet import CometExperiment

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    sdk = load_sdk()
    # With a key it cannot read the SDK starts nothing, not even an archive: better our sentence than its.
    has_api_key()
    reason = "tracking=offline" if mode == "offline" else why_not_online()
    config = _experiment_config(sdk, folder=folder, name=name, tags=tags)
    where = {"workspace": workspace, "project": project, "experiment_key": key, "experiment_config": config}
    if not reason:
        live, reason = _start_online(sdk, where)
        if live is not None:
            return CometExperiment(live, mode="online", folder=folder)
    if mode == "online":
        raise TrackingError(
            f"tracking=online is not possible: {reason}",
            fix="check COMET_API_KEY, COMET_WORKSPACE and the network, or use tracking=auto",
        )
    try:
        live = sdk.start(online=False, mode="get_or_create", **where)
    except OSError as error:
        raise _unwritable(folder, error) from error
    note = "" if mode == "offline" else f"{reason}: offline archive"
    return CometExperiment(live, mode="offline", folder=folder, note=note)


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"Comet archives cannot be written to {folder}: {error.strerror}",
        fix="free some space, or choose another folder with paths.runs",
    )


def _start_online(sdk: Any, where: dict[str, Any]) -> tuple[Any, str]:
    """Return the live experiment, or None and why there is none."""
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


def has_api_key() -> bool:
    """Return whether a key is configured, by COMET_API_KEY or the SDK's own configuration file.

    Raises
    ------
    TrackingError
        There is one that cannot be read. The SDK cannot even write an archive with such a key.
    """
    load_sdk()
    from comet_ml import config as comet_config

    try:
        # Also makes the server that a key may carry the SDK's default.
        return bool(comet_config.get_api_key(None, comet_config.get_config()))
    except ValueError:
        raise TrackingError(
            "COMET_API_KEY is malformed", fix="copy it again from the account's settings, or unset it"
        ) from None


def why_not_online(timeout: float = PROBE_SECONDS) -> str:
    """Return why a live experiment is impossible, or an empty string.

    Parameters
    ----------
    timeout : float
        Longest wait in seconds, name resolution included.
    """
    if not has_api_key():
        return "no COMET_API_KEY"
    answer: list[str] = []
    probe = threading.Thread(target=lambda: answer.append(_probe(timeout)), daemon=True)
    probe.start()
    # Neither a slow name server nor an answer that drips in obeys a socket's timeout.
    probe.join(timeout)
    return answer[0] if answer else f"the Comet server did not answer in {timeout:g} s"


def _probe(timeout: float) -> str:
    from comet_ml import config as comet_config
    from comet_ml.connection.http_session import get_http_session

    settings = comet_config.get_config()
    address = comet_config.get_backend_address(settings)
    # The SDK's own session has its proxies, certificates and TLS choices: what it reaches, start() reaches.
    session = get_http_session(settings, verify_tls=comet_config.get_check_tls_certificate(settings))
    try:
        with session, session.get(f"{address}isAlive/ver", timeout=timeout) as response:
            broken = response.status_code >= 500
            return f"the Comet server answered {response.status_code}" if broken else ""
    except OSError as error:
        # Every exception of requests is one; their texts are long, their types say enough.
        return f"the Comet server cannot be reached ({type(error).__name__})"


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
