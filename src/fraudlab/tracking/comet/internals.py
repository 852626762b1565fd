"""Everything of comet_ml that is no public interface: its archives, its threads, its REST client.

A version of the SDK that this was not tried with is used all the same, and said in a line: nothing here fails
silently, because what was sent is compared with what the server says it has.
"""

from __future__ import annotations

import errno
import importlib.metadata
import json
import logging
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fraudlab.errors import TrackingError
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk

#: of the SDK, up to the number that its makers raise for small changes
TRIED = "3.58"
MESSAGES = "messages.json"
ABOUT = "experiment.json"
#: of the file about an archive: it joins an experiment that exists
MERGES = {
    "resume_strategy": "get_or_create",
    "user_provided_experiment_key": True,
    "comet_start_sourced": True,
}
#: how long a process had an experiment open, logged by each that ends one
OWN_METRICS = frozenset({"process duration"})
#: how the SDK calls load of CPU, memory and disk: of a moment, and of no step
OF_MOMENTS = "sys."
#: what the SDK logs of itself wherever a step is given, and nobody asked for
OWN_PARAMETERS = frozenset({"curr_step", "curr_epoch"})
#: says of an archive that it was one, which is no fact about the run
OWN_FACTS = frozenset({"offline_experiment"})
#: with these answers the server says that there is no such experiment
_ABSENT = {400, 404}
_NO_SUCH_KEY = 90212
_FULL = {errno.ENOSPC, errno.EDQUOT}


def untried_version() -> str:
    """What to say where the installed SDK is another one than this was tried with, or an empty string."""
    found = importlib.metadata.version("comet_ml")
    if found == TRIED or found.startswith(f"{TRIED}."):
        return ""
    return (
        f"comet_ml {found} is installed, and tracking was tried with {TRIED}; look at what it has uploaded, "
        f"or install comet_ml {TRIED}"
    )


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Let the SDK keep what is not in an archive yet in a folder that survives a restart of the machine."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def unsent_folder(live: Any) -> Path:
    """Where a running experiment keeps what is not in an archive yet."""
    return Path(getattr(live.streamer, "temp_dir", None) or live.tmpdir)


def end(live: Any) -> None:
    """End an experiment without the SDK's word about this process: everyone who joins it would add one."""
    live._log_metric = lambda *_values, **_more: None
    live.end()


def at_step(live: Any, step: int | None) -> None:
    """Let the next metrics be of that step, or of none: the SDK would go on with the last one."""
    live.curr_step = step


def finish_writing(live: Any, *, online: bool, seconds: float) -> None:
    """Let the thread that writes the archive finish by itself, so that ``end()`` need not sleep on it.

    The SDK waits until the queue is empty and then for the writer's one-second poll to time out. A writer
    that has met the end of its queue is gone already, and nothing can be dropped between the two.

    Raises
    ------
    TrackingError
        It was not written in time.
    """
    streamer = live.streamer
    writer = streamer
    if online:
        writer = streamer.offline_streamer
        # flush() waits for the next turn of the thread that hands messages on to end; the one that is
        # under way may have looked before the last messages came. The turn after it has not.
        with streamer.queue_empty:
            streamer.queue_empty.wait(seconds)
    live.flush(timeout=seconds)
    writer.close()
    writer.stop()
    writer.join(seconds)
    if writer.is_alive():
        raise TrackingError(
            f"it was not written within {seconds:g} s", fix="see whether the disk is slow or full"
        )


def send_nothing_again(live: Any) -> None:
    """Let a live experiment leave to a sync what had no answer: the server may have it.

    The SDK would send it again as soon as it reaches the server, and Comet keeps what comes twice.
    """
    live.streamer._on_connection_restored = lambda: None


def all_sent(live: Any) -> bool:
    """Whether a live experiment that has ended had its server all the time."""
    streamer = live.streamer
    was_cut_off = bool(streamer.server_connection_monitor.disconnect_time)
    return bool(streamer.has_connection_to_server() and not was_cut_off and not streamer.has_upload_failed())


def is_connected(live: Any) -> bool:
    """Whether a live experiment has its server."""
    return bool(live.streamer.has_connection_to_server())


def write_archive(
    target: Path, about: dict[str, Any], messages: list[dict[str, Any]], files: dict[str, bytes]
) -> None:
    """Write an archive as ``comet upload`` takes it.

    Parameters
    ----------
    target : Path
        Replaced in one step.
    about : dict
        ``experiment_key``, ``workspace``, ``project_name``, ``tags``, and times in milliseconds.
    messages : list of dict
        In order.
    files : dict of str to bytes
        By the name that messages call them by.
    """
    described = {
        "offline_id": about["experiment_key"],
        "project_name": about.get("project_name"),
        "workspace": about.get("workspace"),
        "start_time": about.get("start_time") or int(time.time() * 1000),
        "stop_time": about.get("stop_time") or int(time.time() * 1000),
        "tags": about.get("tags") or [],
        "customer_error_reported": False,
        "customer_error_message": None,
        **MERGES,
    }
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(MESSAGES, "".join(f"{json.dumps(message)}\n" for message in messages))
        archive.writestr(ABOUT, json.dumps(described))
    partial.replace(target)


def tell_of_full_disks() -> None:
    """Let what a full disk ends of the SDK's, a thread or a file, say so in its log.

    Python would print a traceback, for a file at the moment when it is thrown away.
    """
    before, before_leaving = threading.excepthook, sys.unraisablehook
    if isinstance(before, partial):
        return

    def told(thrown: threading.ExceptHookArgs) -> None:
        ours = type(thrown.thread).__module__.startswith("comet_ml")
        if ours and isinstance(thrown.exc_value, OSError):
            logging.getLogger("comet_ml").error("it cannot be written: %s", thrown.exc_value.strerror)
        else:
            before(thrown)

    def left(thrown: sys.UnraisableHookArgs) -> None:
        error = thrown.exc_value
        if isinstance(error, OSError) and error.errno in _FULL:
            logging.getLogger("comet_ml").error("it cannot be written: %s", error.strerror)
        else:
            before_leaving(thrown)

    threading.excepthook = partial(told)
    sys.unraisablehook = left


def send_files_once() -> None:
    """Let the SDK not repeat a file by itself: where only the answer was lost, the server would have two."""
    from comet_ml.connection import connection_upload

    with_retries = connection_upload._process_upload_with_retries
    if isinstance(with_retries, partial):
        return

    def once(upload_func: Any, max_retries: int, backoff_factor: float, **options: Any) -> Any:
        return with_retries(upload_func, min(max_retries, 1), backoff_factor, **options)

    connection_upload._process_upload_with_retries = partial(once)


def send(archive: Path) -> None:
    """Upload an archive.

    Raises
    ------
    TrackingError
        The server did not take all of it.
    """
    load_sdk()
    send_files_once()
    from comet_ml.exceptions import InvalidAPIKey, OfflineExperimentUploadFailed
    from comet_ml.offline import main_upload

    with collected_errors() as errors:
        try:
            main_upload(archives=[str(archive)], force_upload=False)
        except InvalidAPIKey:
            # The exception's own text holds the key.
            raise refused_key() from None
        except OfflineExperimentUploadFailed:
            pass
        else:
            if not errors.lines:
                return
    cause = errors.lines[0] if errors.lines else "the server did not take it"
    raise TrackingError(cause, fix="try again later with `fraudlab sync`")


def refused_key() -> TrackingError:
    """The error of a key that the server does not know."""
    return TrackingError("Comet refused the API key", fix="check COMET_API_KEY")


class Questions:
    """What one asks a Comet server about an experiment, over its REST interface."""

    def __init__(self) -> None:
        load_sdk()
        from comet_ml import config as comet_config
        from comet_ml.connection.connection_factory import get_rest_api_client

        self._client = get_rest_api_client(
            "v2", api_key=comet_config.get_api_key(None, comet_config.get_config()), use_cache=False
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, what: str, key: str) -> Any:
        """The answer to a question about experiment `key`; None where the server has no such experiment.

        Raises
        ------
        TrackingError
            The server refuses, or does not answer.
        """
        from comet_ml.exceptions import CometRestApiException

        try:
            return self._client.get_from_endpoint(what, {"experimentKey": key})
        except CometRestApiException as error:
            if error.sdk_error_code == _NO_SUCH_KEY or error.response.status_code in {401, 403}:
                raise refused_key() from None
            if error.response.status_code in _ABSENT:
                return None
            raise TrackingError(
                f"the Comet server answered {error.response.status_code} to {what}",
                fix="try again later with `fraudlab sync`",
            ) from None
        except (OSError, ValueError) as error:
            raise TrackingError(
                f"the Comet server stopped answering ({type(error).__name__})",
                fix="try again later with `fraudlab sync`",
            ) from None
