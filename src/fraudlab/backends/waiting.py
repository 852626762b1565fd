"""Waiting for servers to come up, and for processes to go away."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from fraudlab.errors import EndpointError

STARTUP_SECONDS = 120.0
#: what SageMaker gives a server between asking it to stop and killing it
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.03


def healthy(port: int, *, ended: Callable[[], bool]) -> bool:
    """Wait until an endpoint on the loopback interface answers ``/ping``.

    Parameters
    ----------
    port : int
    ended : callable
        Whether the server has ended, so that nobody waits for one that will not answer.

    Returns
    -------
    bool
        False where it ended first.

    Raises
    ------
    EndpointError
        Where it does neither in time.
    """
    from urllib3 import PoolManager
    from urllib3.exceptions import HTTPError

    with PoolManager(retries=False) as pool:
        give_up = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < give_up:
            if ended():
                return False
            try:
                if pool.request("GET", f"http://127.0.0.1:{port:d}/ping", timeout=2.0).status == 200:
                    return True
            except HTTPError:
                pass
            time.sleep(_POLL_SECONDS)
    raise EndpointError(
        f"The endpoint did not answer on /ping within {STARTUP_SECONDS:.0f} s.",
        fix="read logs/serve.log of the run",
    )


def stop(process: subprocess.Popen[Any]) -> None:
    """Ask a process to end, wait as long as SageMaker would, then kill it."""
    process.terminate()
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
