"""One training job on several hosts: XGBoost's collective, and how the hosts agree and fail together.

Every host trains on its own rows; XGBoost adds up the histograms. All else (validation, thresholds, files) is
the first host's work, so that it is done once and exactly. XGBoost's communicator belongs to the thread that
opened it: what the first host does alone runs on another thread, where XGBoost is that of a single host.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.contract import Fields, Tree, read_optional_json
from fraudlab.container.failure import ConfigError, JobError, StorageError, TableError, job_error
from fraudlab.container.runtime import StopRequest, lean_xgboost

T = TypeVar("T")

PORT = 9099
#: seconds until the first host must be found, listening, and every other host connected to it
_JOIN_SECONDS = 300
#: seconds one host waits for another, which may take longer to read; one that dies is noticed at once
_STEP_SECONDS = 1800
#: seconds to wait for the others to say goodbye
_LEAVE_SECONDS = 60
#: bytes that are exchanged at once
_PIECE_BYTES = 32 << 20
_ERRORS = {error.kind: error for error in (JobError, ConfigError, TableError, StorageError)}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts of a job, as one of them sees them.

    Attributes
    ----------
    names : tuple of str
        Sorted; the first writes what the job leaves behind.
    rank : int
        Position of this host among them.
    """

    names: tuple[str, ...] = ("localhost",)
    rank: int = 0
    _aside: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="first-host"),
        repr=False,
        compare=False,
    )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def name(self) -> str:
        """Of this host."""
        return self.names[self.rank]

    @property
    def first(self) -> bool:
        """Whether this is the host that does alone what is not to be done twice."""
        return self.rank == 0

    def on_first(self, work: Callable[[], T]) -> T | None:
        """Do on the first host alone what calls XGBoost; None on the others."""
        if not self.first:
            return None
        return work() if len(self) == 1 else self._aside.submit(work).result()

    def gather(self, content: bytes) -> list[bytes]:
        """What every host has, in the order of their names; all get all of it."""
        if len(self) == 1:
            return [content]
        sizes = np.zeros(len(self), np.int64)
        sizes[self.rank] = len(content)
        sizes = _sum(sizes)
        ends = np.cumsum(sizes)
        whole = np.zeros(int(ends[-1]), np.uint8)
        whole[ends[self.rank] - len(content) : ends[self.rank]] = np.frombuffer(content, np.uint8)
        for start in range(0, whole.size, _PIECE_BYTES):
            whole[start : start + _PIECE_BYTES] = _sum(whole[start : start + _PIECE_BYTES])
        return [whole[end - size : end].tobytes() for end, size in zip(ends, sizes, strict=True)]

    def share(self, content: Any) -> Any:
        """What the first host has, as JSON, on every host."""
        if len(self) == 1:
            return content
        return json.loads(self.gather(json.dumps(content).encode() if self.first else b"")[0])

    def any(self, fact: bool) -> bool:
        """Whether it is so on one of the hosts."""
        return any(given == b"1" for given in self.gather(b"1" if fact else b"0"))

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over the hosts, added in the same order everywhere."""
        if len(self) == 1:
            return list(values)
        parts = [
            np.frombuffer(part, np.float64) for part in self.gather(np.array(values, np.float64).tobytes())
        ]
        return [float(value) for value in np.sum(parts, axis=0)]

    @contextmanager
    def together(self) -> Iterator[None]:
        """End the block on all hosts at once; where one failed in it, all fail, with its reason.

        Raises
        ------
        JobError
        """
        failed: Exception | None = None
        try:
            yield
        except Exception as error:
            if len(self) == 1:
                raise
            failed = error
        if len(self) == 1:
            return
        try:
            reports = self.gather(b"" if failed is None else _report(failed))
        finally:
            if failed is not None:
                raise failed  # rather than that another host is lost as well
        for name, report in zip(self.names, reports, strict=True):
            if report:
                kind, sentence, fix = json.loads(report)
                raise _ERRORS[kind](f"host {name} failed: {sentence}", fix=fix)


def _report(error: Exception) -> bytes:
    reason = job_error(error)
    return json.dumps([reason.kind, reason.sentence, reason.fix]).encode()


def _sum(values: NDArray[Any]) -> NDArray[Any]:
    from xgboost import collective

    total: NDArray[Any] = collective.allreduce(values, collective.Op.SUM)
    return total


def read_hosts(tree: Tree) -> Hosts:
    """The hosts ``resourceconfig.json`` names; a job without one has this host.

    Raises
    ------
    ConfigError
        If this host is not one of them.
    """
    fields = Fields(read_optional_json(tree.resource_config), source="resourceconfig.json")
    names = fields.names("hosts")
    if len(names) < 2:
        return Hosts()
    current = fields.get("current_host", str)
    if current not in names:
        raise ConfigError(
            f"current_host in resourceconfig.json is {current!r}, not one of {', '.join(names)}",
            fix="name this host as hosts does",
        )
    names = tuple(sorted(names))
    return Hosts(names, names.index(current))


@contextmanager
def joined(hosts: Hosts, stop: StopRequest) -> Iterator[None]:
    """Connect the hosts for the block. The last of them to be done lets the others go.

    Raises
    ------
    JobError
        If they do not find each other, or one is lost.
    """
    if len(hosts) == 1:
        yield
        return
    with lean_xgboost():
        import xgboost
        from xgboost import collective
    deadline = time.monotonic() + _JOIN_SECONDS
    port, tracker = _port(), None
    try:
        with stop.at_once():
            address = _address(hosts.names[0], deadline)
            if hosts.first:
                tracker = _start_tracker(address, port, len(hosts), deadline)
            _connect(hosts, address, port, deadline)
        print(f"hosts={len(hosts)} rank={hosts.rank} name={hosts.name}", flush=True)
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
        raise JobError(
            f"host {hosts.name} lost the connection to another host, which failed or was stopped",
            fix="read the log of each of the others: " + ", ".join(hosts.names),
        ) from error
    finally:
        if tracker is not None:
            with suppress(xgboost.core.XGBoostError):  # it complains about the hosts that failed
                tracker.free()


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
