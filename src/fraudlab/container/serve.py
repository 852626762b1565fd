"""``serve``: the model behind ``/ping`` and ``/invocations``, from the environment to the last answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType

from fraudlab.container.endpoint.capacity import capacity_of
from fraudlab.container.endpoint.listener import listen, refuse_newcomers, room_for_connections
from fraudlab.container.endpoint.logs import log, start_logging
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import Settings, read_settings
from fraudlab.container.endpoint.workers import STOPPING, Shares, supervise
from fraudlab.container.runtime import memory_limit, resident_memory
from fraudlab.container.scorer import Scorer, load_scorer

#: SageMaker kills 30 s after SIGTERM
_DRAIN_SECONDS = 25.0


def run() -> None:
    """Serve until SIGTERM, SIGINT or SIGQUIT, then finish what is in flight.

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
        from fraudlab.container.endpoint.prometheus import share_between_processes

        share_between_processes()
    scorer = None if settings.several else load_scorer(settings.model, max_bytes=settings.max_model_bytes)
    settings = _fitted(settings)
    # A terminal that goes away, or a reload that is meant for somebody else, ends no endpoint.
    signal.signal(signal.SIGHUP, lambda *_: log(logging.INFO, "SIGHUP changes nothing"))
    # From the first connection on, a signal waits until it is known what to do with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    with listen(settings.host, settings.port, inherited=settings.listener) as listening:
        log(
            logging.INFO,
            "serving",
            model=None if scorer is None else scorer.model_id,
            folder=str(settings.model),
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            connections=settings.limits.connections,
            max_body=settings.limits.body,
        )
        if settings.workers == 1:
            _serve(lambda: Application(settings, scorer), listening)
        else:
            _serve_with_workers(settings, scorer, listening)
    log(logging.INFO, "stopped")


def _fitted(settings: Settings) -> Settings:
    """Settings with the bounds that this container's descriptors and memory set."""
    capacity = capacity_of(
        settings.memory or memory_limit(),
        workers=settings.workers,
        loaded=resident_memory(),
        several=settings.several,
    )
    connections = room_for_connections(settings.limits.connections)
    limits = replace(capacity.fit(settings.limits), connections=connections)
    return replace(settings, limits=limits, capacity=capacity)


def _serve_with_workers(settings: Settings, scorer: Scorer | None, listening: socket.socket) -> None:
    shares = Shares(settings.workers)

    def work(number: int, lifeline: int) -> None:
        _serve(lambda: Application(settings, scorer, partial(shares.surplus, number)), listening, lifeline)

    def stop_listening() -> None:
        refuse_newcomers(listening)
        listening.close()

    supervise(settings.workers, work, stop_listening=stop_listening, shares=shares)


def _serve(
    endpoint: Callable[[], Application], listening: socket.socket, lifeline: int | None = None
) -> None:
    # What is loaded by now stays: the collector need not look at it at each of its rounds.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(endpoint, listening, lifeline))


async def _until_stopped(
    make: Callable[[], Application], listening: socket.socket, lifeline: int | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in STOPPING:
        signal.signal(number, on_signal)
    if lifeline is not None:
        loop.add_reader(lifeline, stop.set)
    endpoint = make()
    await endpoint.server.start(listening)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    await stop.wait()
    if lifeline is not None:
        loop.remove_reader(lifeline)
    log(logging.INFO, "stopping")
    await endpoint.server.stop(_DRAIN_SECONDS)
    endpoint.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ModuleNotFoundError:  # Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop
