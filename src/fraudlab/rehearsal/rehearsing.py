"""One rehearsal from its start to its end."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fraudlab import locks
from fraudlab.cloud_config import FAULTS
from fraudlab.errors import BackendError, ConfigError, DockerUnavailable, PortInUse, RunError, StorageError
from fraudlab.files import private_folder
from fraudlab.rehearsal import moto_shims
from fraudlab.rehearsal.announcement import Announcement
from fraudlab.rehearsal.api_call import OWN_KEY
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.moto_aws import moto_application
from fraudlab.rehearsal.parts import RehearsalParts
from fraudlab.rehearsal.wsgi_server import Application, Environ, StartResponse, WsgiServer

_HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class RehearsalSettings:
    """What a rehearsal is told; see ``fraudlab rehearsal --help``."""

    host: str = "127.0.0.1"
    port: int = 4566
    state: Path = Path(".fraudlab-rehearsal")
    announce: Path | None = None
    idle_exit: float | None = None
    images: Sequence[str] = ()
    faults: Sequence[str] = ()
    seed: int = 0


def rehearse(settings: RehearsalSettings) -> int:
    """Answer until Ctrl-C, SIGTERM, or until nobody has asked for long enough.

    Raises
    ------
    PortInUse
        Somebody else listens there.
    BackendError
        moto is not installed, or another rehearsal has the state.
    ConfigError
        A fault, a mapping of images or a number is none.
    DockerUnavailable
        No engine answers.
    StorageError
        The state folder cannot be written.
    """
    _check_numbers(settings)
    moto, faults = _moto(), _faults(settings)
    with _explained(settings.state):
        private_folder(settings.state)
        lock = locks.take(settings.state / "lock")
    if lock is None:
        raise BackendError(
            f"Another rehearsal has the state folder {settings.state}.",
            fix="end it, or choose another folder with --state",
        )
    try:
        _answer(settings, moto, faults)
    finally:
        lock.release()
    return 0


def _answer(settings: RehearsalSettings, moto: Application, faults: Faults) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    moto_shims.allow_many_files()
    with _explained(settings.state):
        parts = RehearsalParts(settings.state, moto, faults, settings.images)
    server: WsgiServer | None = None
    try:
        idle = _Idle(parts.application)
        server = _listening(settings, idle)
        threading.Thread(target=server.serve_forever, daemon=True, name="rehearsal-http").start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{server.server_address[1]}"
        with _explained(settings.state):
            parts.open(url)
        announcement = Announcement(
            url=url,
            pid=os.getpid(),
            registry=parts.repositories.host,
            sagemaker_config=str((settings.state / "sagemaker-config.yaml").resolve()),
        )
        announcement.write_sagemaker_config()
        _say(announcement, settings)
        while not ended.wait(1.0):
            if settings.idle_exit is not None and idle.since() > settings.idle_exit and not parts.busy():
                break
    finally:
        # work that is on its way to S3 gets there first: it asks this server
        parts.close()
        if server is not None:
            server.shutdown()
            server.server_close()


def _check_numbers(settings: RehearsalSettings) -> None:
    if not 0 <= settings.port <= _HIGHEST_PORT:
        raise ConfigError(
            f"--port {settings.port} is no port.", fix=f"0 takes a free one, else 1 to {_HIGHEST_PORT}"
        )
    if settings.idle_exit is not None and not settings.idle_exit >= 0:
        raise ConfigError(f"--idle-exit {settings.idle_exit} is no time.", fix="seconds, 0 or more")


@contextlib.contextmanager
def _explained(state: Path) -> Iterator[None]:
    """Say what a person can do where a start fails for want of an engine, or of a folder that can be used."""
    from docker.errors import DockerException
    from requests import RequestException

    choose = "choose another folder with --state"
    try:
        yield
    except (DockerException, RequestException) as error:
        raise DockerUnavailable(
            f"A rehearsal runs containers, and no Docker engine answers ({error}).", fix="start Docker"
        ) from error
    except (StorageError, OSError) as error:
        cause = error.__cause__ if isinstance(error, StorageError) else error
        said = cause.strerror if isinstance(cause, OSError) and cause.strerror else error
        raise StorageError(f"The state folder {state} cannot be written: {said}.", fix=choose) from error
    except (RunError, ValueError, KeyError, TypeError) as error:
        raise BackendError(
            f"What an earlier rehearsal left in {state} cannot be read: {str(error).splitlines()[0]}",
            fix=f"remove the folder, or {choose}",
        ) from error


def _say(announcement: Announcement, settings: RehearsalSettings) -> None:
    print("\n".join(announcement.exports()))
    if announcement.registry is None:
        print("# no docker-registry here: images are the local engine's own tags")
    else:
        print(f"# registry: {announcement.registry}")
    print(f"# role: {announcement.role}\n# bucket: {announcement.bucket}\n# Ctrl-C ends it", flush=True)
    if settings.announce is not None:
        try:
            announcement.write(settings.announce)
        except StorageError as error:
            raise StorageError(
                str(error).splitlines()[0], fix="choose another file with --announce"
            ) from error


def _faults(settings: RehearsalSettings) -> Faults:
    try:
        return Faults(settings.faults, settings.seed)
    except ValueError as error:
        raise ConfigError(f"--fault: {error}.", fix=f"Valid: {', '.join(FAULTS)}") from error


def _moto() -> Application:
    try:
        return moto_application()
    except ImportError as error:
        raise BackendError(
            f"A rehearsal needs moto's server, and {error.name or 'a part of it'} is not installed.",
            fix="pip install 'fraudlab[rehearsal]' (in a checkout: make dev)",
        ) from error


def _listening(settings: RehearsalSettings, application: Application) -> WsgiServer:
    try:
        return WsgiServer(settings.host, settings.port, application)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Somebody listens on {settings.host}:{settings.port} already.",
                fix="end it, or choose another port with --port (0 takes a free one)",
            ) from error
        raise BackendError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}.",
            fix="choose another address with --host and --port",
        ) from error


class _Idle:
    """When somebody asked last."""

    def __init__(self, application: Application) -> None:
        self._application, self._last = application, time.monotonic()

    def since(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._last

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if OWN_KEY not in environ.get("HTTP_AUTHORIZATION", ""):
            self._last = time.monotonic()
        return self._application(environ, start)
