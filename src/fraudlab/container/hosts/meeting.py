"""How the hosts of a job find each other, stay connected, and notice that one is lost."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from fraudlab.container.failure import ConfigError, JobError
from fraudlab.container.hosts import Hosts
from fraudlab.container.hosts.left_out import knock, let_go, open_door, wait
from fraudlab.container.hosts.links import new_links, watched
from fraudlab.container.runtime import StopRequest, lean_xgboost

PORT = 9099
#: seconds until the first host must be found, listening, and every other host connected to it
_JOIN_SECONDS = 300
#: seconds one host waits for another, which may take longer to read; one that dies is noticed at once
_STEP_SECONDS = 1800
#: seconds to wait for the others to say goodbye
_LEAVE_SECONDS = 60


@contextmanager
def joined(
    hosts: Hosts,
    stop: StopRequest,
    give_up: Callable[[JobError], None],
    *,
    has_rows: bool = True,
    agree: Callable[[Hosts, list[bool]], None] | None = None,
) -> Iterator[Hosts | None]:
    """Connect the hosts for the block. The last of them to be done lets the others go.

    Where some hosts have no rows, those that have form a group of their own, as if there were no others.

    Parameters
    ----------
    hosts : Hosts
    stop : StopRequest
    give_up : callable
        Ends the process, from another thread, where a host is lost and XGBoost does not return to say so.
    has_rows : bool
        Whether this host has rows to train on.
    agree : callable, optional
        Called on all hosts where some are to be left out, with which of them have rows; refuses by an error.

    Yields
    ------
    Hosts or None
        Those that train; None on a host that is left out.

    Raises
    ------
    JobError
        If they do not find each other, or one is lost.
    """
    if len(hosts) == 1:
        yield hosts
        return
    with ExitStack() as left:
        with _group(hosts, stop, give_up, port=_port()):
            filled = [told == b"1" for told in hosts.gather(b"1" if has_rows else b"0")]
            # Where no host has a row, each says what it was given instead.
            if all(filled) or not any(filled):
                yield hosts
                return
            if agree is not None:
                agree(hosts, filled)
            members = tuple(name for name, own in zip(hosts.names, filled, strict=True) if own)
            address, door, tracker = "", None, None
            with hosts.together():
                address = _address(members[0], time.monotonic() + _JOIN_SECONDS)
                if hosts.name == members[0]:
                    door = left.enter_context(open_door(address, len(hosts)))
                    if len(members) > 1:
                        tracker = _start_tracker(address, 0, len(members), time.monotonic() + _JOIN_SECONDS)
                        left.callback(_free, tracker)
            own = [door.getsockname()[1], tracker and _port_of(tracker)] if door is not None else None
            way, port = json.loads(b"".join(hosts.gather(b"" if own is None else json.dumps(own).encode())))
        if not has_rows:
            yield from _left_out(hosts, address, way)
            return
        group = Hosts(members, members.index(hosts.name))
        if len(group) == 1:
            yield group
        else:
            with _group(group, stop, give_up, port=port, tracker=tracker):
                yield group
        if door is not None:
            let_go(door, filled.count(False))


def _left_out(hosts: Hosts, address: str, way: int) -> Iterator[None]:
    print(f"host {hosts.name} has no rows of channel train, and others have: it is left out")
    try:
        waiting = knock(address, way)
    except OSError as error:
        raise _lost(hosts) from error
    with waiting:
        yield None
        if not wait(waiting):
            raise _lost(hosts)


@contextmanager
def _group(
    hosts: Hosts, stop: StopRequest, give_up: Callable[[JobError], None], *, port: int, tracker: Any = None
) -> Iterator[None]:
    """XGBoost's collective of some hosts, for the block.

    Parameters
    ----------
    tracker : RabitTracker, optional
        One that listens at the port already, and is the caller's to free.
    """
    with lean_xgboost():
        import xgboost
        from xgboost import collective
    deadline = time.monotonic() + _JOIN_SECONDS
    own = None
    try:
        with stop.at_once():
            address = _address(hosts.names[0], deadline)
            if hosts.first and tracker is None:
                tracker = own = _start_tracker(address, port, len(hosts), deadline)
            with new_links(port) as links:
                _connect(hosts, address, port, deadline)
        print(f"hosts={len(hosts)} rank={hosts.rank} name={hosts.name}")
        with watched(links, apart=hosts.apart, lost=lambda: give_up(_lost(hosts))):
            yield
            # Local mode stops all containers when the first exits: none leaves before all are done.
            with hosts.together():
                pass
        collective.finalize()
        if tracker is not None:
            tracker.wait_for(timeout=_LEAVE_SECONDS)
    except BaseException as error:
        # The communicator says goodbye when the process is all but gone: what it logs then would be a crash.
        xgboost.set_config(verbosity=0)
        if not isinstance(error, xgboost.core.XGBoostError) or "/collective/" not in str(error):
            raise
        raise _lost(hosts) from error
    finally:
        if own is not None:
            _free(own)


def _free(tracker: Any) -> None:
    import xgboost

    with suppress(xgboost.core.XGBoostError):  # it complains about the hosts that failed
        tracker.free()


def _port_of(tracker: Any) -> int:
    return int(tracker.worker_args()["dmlc_tracker_port"])


def _lost(hosts: Hosts) -> JobError:
    return JobError(
        f"host {hosts.name} lost the connection to another host, which failed or was stopped",
        fix="read the log of each of the others: " + ", ".join(hosts.names),
    )


def _port() -> int:
    text = os.environ.get("FRAUDLAB_HOSTS_PORT") or str(PORT)
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16):
        raise ConfigError(
            f"FRAUDLAB_HOSTS_PORT is {text!r}, not a port",
            fix="set it to a number from 1 to 65535 on all hosts",
        )
    return int(text)


def _address(name: str, deadline: float) -> str:
    """The IP address of a host; names are known to the resolver some time after the containers start."""
    while True:
        try:
            return str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
        except OSError as error:
            if time.monotonic() > deadline:
                raise JobError(
                    f"host {name} has no address after {_JOIN_SECONDS} s: {error.strerror}",
                    fix="name hosts in resourceconfig.json as the network's DNS knows them",
                ) from error
        time.sleep(1)


def _start_tracker(address: str, port: int, hosts: int, deadline: float) -> Any:
    """The tracker, which listens on the first host until all have found each other."""
    import xgboost
    from xgboost.tracker import RabitTracker

    while True:
        try:
            tracker = RabitTracker(
                n_workers=hosts, host_ip=address, port=port, sortby="task", timeout=_JOIN_SECONDS
            )
            tracker.start()
        except xgboost.core.XGBoostError as error:
            # A connection of a job before this one holds the port for a minute after its end.
            if time.monotonic() > deadline:
                raise JobError(
                    f"cannot listen on {address}:{port} for the other hosts",
                    fix="end what listens there, or set FRAUDLAB_HOSTS_PORT on all hosts",
                ) from error
        else:
            return tracker
        time.sleep(1)


def _connect(hosts: Hosts, address: str, port: int, deadline: float) -> None:
    import xgboost
    from xgboost import collective

    while True:
        try:
            with xgboost.config_context(verbosity=0):
                collective.init(
                    dmlc_communicator="rabit",
                    dmlc_tracker_uri=address,
                    dmlc_tracker_port=port,
                    # the ranks are those of the sorted names, whoever comes first; they are sorted as text
                    dmlc_task_id=f"{hosts.rank:06d}",
                    # With more than one, a host that fails keeps knocking at the tracker's door as it exits.
                    dmlc_retry=1,
                    dmlc_timeout=_STEP_SECONDS,
                )
        except xgboost.core.XGBoostError as error:
            if time.monotonic() > deadline:
                raise JobError(
                    f"host {hosts.name} has not met the other hosts at {hosts.names[0]}:{port} within"
                    f" {_JOIN_SECONDS} s",
                    fix=f"start all of {', '.join(hosts.names)}, and let them reach each other on every port",
                ) from error
        else:
            return
        time.sleep(0.25)
