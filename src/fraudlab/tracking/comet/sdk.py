"""The SDK, imported quietly and with our defaults, and what it says only in its log."""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fraudlab.redaction import known_secrets, redact
from fraudlab.tracking.comet.partner_app import tell_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Defaults the SDK reads from the environment; what a person has set wins.
SETTINGS = {
    # Otherwise a random half of all processes reports its errors to a third party.
    "COMET_ERROR_TRACKING_ENABLE": "false",
    # Everything is logged on purpose, so nothing needs to be patched into xgboost and sklearn.
    "COMET_DISABLE_AUTO_LOGGING": "1",
    # A server that stops answering costs seconds, not the SDK's default of minutes.
    "COMET_TIMEOUT_HTTP": "5",
    # Comet keeps both copies of what is sent again because its answer was lost. What may not have
    # arrived is in the archive, and is sent once the server has been asked for it.
    "COMET_HTTP_SESSION_RETRY_TOTAL": "0",
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
    tell_sdk()
    import comet_ml

    for handler in logging.getLogger("comet_ml").handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setLevel(logging.CRITICAL + 1)
    return comet_ml


def quiet_config(sdk: Any, *, folder: Path, name: str | None = None, tags: Sequence[str] = ()) -> Any:
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
