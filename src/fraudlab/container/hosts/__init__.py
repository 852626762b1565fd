"""One training job on several hosts: XGBoost's collective, and how the hosts agree and fail together.

Every host trains on its own rows; XGBoost adds up the histograms. All else (validation, thresholds, files) is
the first host's work, so that it is done once and exactly. XGBoost's communicator belongs to the thread that
opened it: what the first host does alone runs on another thread, where XGBoost is that of a single host.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.contract import Fields, Tree, read_optional_json
from fraudlab.container.failure import ConfigError, JobError, StorageError, TableError, job_error

T = TypeVar("T")

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
    apart : lock
        Held while the host works by itself, waiting for no other.
    """

    names: tuple[str, ...] = ("localhost",)
    rank: int = 0
    _aside: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="first-host"),
        repr=False,
        compare=False,
    )
    apart: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

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
            with self.apart:
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
