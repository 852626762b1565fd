"""``serve``: the model behind ``/ping`` and ``/invocations``, from the environment to the last answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

from fraudlab.container.endpoint.logs import log, start_logging
from fraudlab.container.endpoint.routes import Endpoint
from fraudlab.container.endpoint.settings import Settings, read_settings
from fraudlab.container.endpoint.workers import supervise
from fraudlab.container.failure import ConfigError
from fraudlab.container.scorer import Scorer, load_scorer

#: SageMaker kills 30 s after SIGTERM
_DRAIN_SECONDS = 25.0


def run() -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    Raises
    ------
    ConfigError
        If the model or a setting cannot be used; nothing has been listened on by then.
    """
    settings = read_settings()
    start_logging(settings.log_level)
    for note in settings.notes:
        log(logging.WARNING, note)
    if settings.metrics and settings.workers > 1:
        from fraudlab.container.endpoint.metrics import share_between_processes

        share_between_processes()
    scorer = None if settings.several else load_scorer(settings.model, max_bytes=settings.max_model_bytes)
    with _listening(settings.host, settings.port) as listening:
        log(
            logging.INFO,
            "serving",
            model=None if scorer is None else scorer.model_id,
            folder=str(settings.model),
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
        )
        if settings.workers == 1:
            _serve(settings, scorer, listening)
        else:
            supervise(settings.workers, lambda: _serve(settings, scorer, listening))
    log(logging.INFO, "stopped")


def _serve(settings: Settings, scorer: Scorer | None, listening: socket.socket) -> None:
    # What is loaded by now stays: the collector need not look at it at each of its rounds.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(settings, scorer, listening))


async def _until_stopped(settings: Settings, scorer: Scorer | None, listening: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    endpoint = Endpoint(settings, scorer)
    await endpoint.server.start(listening)
    await stop.wait()
    log(logging.INFO, "stopping")
    await endpoint.server.stop(_DRAIN_SECONDS)
    endpoint.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ModuleNotFoundError:  # Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            fix="stop what listens there, or set SAGEMAKER_BIND_TO_PORT to a free port",
        ) from error
