"""Everything of comet_ml that is no public interface: its threads, its uploader, its REST client.

The format of its archives, which jobs write too, is in ``container/experiment_archive.py``.

A version of the SDK that this was not tried with is used all the same, and said in a line: nothing here fails
silently, because what was sent is compared with what the server says it has.
"""

from __future__ import annotations

import errno
import importlib.metadata
import logging
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fraudlab.container.experiment_archive import OFFLINE, TRIED
from fraudlab.errors import TrackingError
from fraudlab.tracking.comet.sdk import collected_errors, load_sdk

#: how long a process had an experiment open, logged by each that ends one
OWN_METRICS = frozenset({"process duration"})
#: how the SDK calls load of CPU, memory and disk: of a moment, and of no step
OF_MOMENTS = "sys."
#: what the SDK logs of itself wherever a step is given, and nobody asked for
OWN_PARAMETERS = frozenset({"curr_step", "curr_epoch"})
#: says of an archive that it was one, which is no fact about the run
OWN_FACTS = frozenset({OFFLINE})
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
    """Where a live experiment keeps what is not in an archive yet."""
    return Path(getattr(live.streamer, "temp_dir", None) or live.tmpdir)


def end(live: Any) -> None:
    """End an experiment without the SDK's word about this process: everyone who joins it would add one."""
    live._log_metric = lambda *_values, **_more: None
    live.end()


def at_step(live: Any, step: int | None) -> None:
    """Let the next metrics be of that step, or of none: the SDK would go on with the last one."""
    live.curr_step = step


def finish_writing(live: Any, seconds: float) -> None:
    """Let the thread that writes a live experiment's archive finish: ``end()`` need not sleep on it then.

    The SDK waits until the queue is empty and then for the writer's one-second poll to time out. A writer
    that has met the end of its queue is gone already, and nothing can be dropped between the two.

    Raises
    ------
    TrackingError
        It was not written in time.
    """
    streamer = live.streamer
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


def sdk_has_key() -> bool:
    """Whether the SDK finds an API key; what server that names becomes the SDK's default.

    Raises
    ------
    ValueError
        It cannot be read.
    """
    load_sdk()
    from comet_ml import config as comet_config

    return bool(comet_config.get_api_key(None, comet_config.get_config()))


def sdk_session() -> tuple[str, Any]:
    """The SDK's own server and HTTP session, which signs calls to a Partner AI App."""
    load_sdk()
    from comet_ml import config as comet_config
    from comet_ml.connection.http_session import get_comet_http_session

    settings = comet_config.get_config()
    address: str = comet_config.get_backend_address(settings)
    check = comet_config.get_check_tls_certificate(settings)
    return address, get_comet_http_session(None, verify_tls=check, config=settings)


def can_sign(session: Any) -> bool:
    """Whether a session that signs its calls has the credentials for it."""
    return session.auth.sigv4.credentials is not None


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
