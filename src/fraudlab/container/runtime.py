"""The process a job runs in: what it may import, how many threads it has, where its time goes."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

from fraudlab.container.contract import LAUNCHER
from fraudlab.container.failure import JobError

#: from ``linux/prctl.h``
_PR_SET_PDEATHSIG = 1


class _Absent(MetaPathFinder):
    """Finds nothing under some names, and lets nobody else look."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, fullname: str, *_: Any) -> None:
        if any(f"{fullname}.".startswith(f"{name}.") for name in self._names):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Make modules look absent, unless they have been imported already.

    XGBoost and Arrow import pandas and scikit-learn where they find them. That costs a second and 100 MB, and
    no job hands them a DataFrame. XGBoost's own interface for scikit-learn imports most of SciPy: another
    tenth of a second.
    """
    finder = _Absent(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def lean_xgboost() -> Iterator[None]:
    """Import XGBoost within this: without what it does not need, and considerate of other processes.

    OpenMP's threads wait for each other by spinning. Where another process has one of the CPUs, they spin
    while the one they wait for is not running, and training took 15 times longer. Spinning for some ten
    microseconds and sleeping then costs nothing on an idle machine and a fifth of that on a busy one.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    with without("pandas", "sklearn", "xgboost.plotting", "xgboost.sklearn"):
        yield


def cpu_count() -> int:
    """CPUs this process may use: those it is pinned to, within its container's quota."""
    pinned = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return pinned
    return pinned if quota == "max" else max(1, min(pinned, round(int(quota) / int(period))))


def available_memory() -> int:
    """Bytes this process may still take: what the machine has left, within its container's limit."""
    free = _machine_memory()
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, now = (
                int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")) for name in (limit, used)
            )
        except (OSError, ValueError):
            continue
        free = min(free, max(0, most - now))
    return free


def _machine_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return sys.maxsize >> 1  # not Linux


def memory_limit() -> int:
    """Bytes this process and its children may take: its container's limit, else what the machine has left."""
    limits = [_machine_memory() + resident_memory()]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # another version of cgroups, or no limit
    return min(limits)


def limited_memory(cgroups: Path = Path("/sys/fs/cgroup")) -> tuple[int, int] | None:
    """How many bytes this container may have, and how many it has; None where nothing limits it.

    What the kernel has read of files and gives back when it is asked to is not counted.
    """
    for folder, limit, now, cached in (
        ("", "memory.max", "memory.current", "inactive_file "),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "),
    ):
        place = cgroups / folder
        try:
            most, used = (int((place / name).read_text(encoding="ascii")) for name in (limit, now))
            lines = (place / "memory.stat").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue  # another version of cgroups, or no limit
        files = sum(int(line.removeprefix(cached)) for line in lines if line.startswith(cached))
        return most, min(most, max(0, used - files))
    return None


def resident_memory() -> int:
    """Bytes of memory this process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return int(peak_memory_mb() * 2**20)  # not Linux
    return pages * resource.getpagesize()


def peak_memory_mb() -> float:
    """The most memory this process has held at once, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def end_with_launcher(number: signal.Signals) -> None:
    """Get a signal when the process ends that started this one, however it ends; in containers, nothing.

    The environment variable FRAUDLAB_LAUNCHER has its id. Linux sends the signal by itself (``prctl(2)``,
    PR_SET_PDEATHSIG); elsewhere a thread asks once a second whether the parent is still the same.

    Parameters
    ----------
    number : Signals
        SIGKILL for what nobody would use any more, SIGTERM for what has processes of its own to end.
    """
    launcher = os.environ.get(LAUNCHER)
    if launcher is None:
        return
    if not _ask_for_signal(number):
        threading.Thread(target=_watch, args=(int(launcher), number), daemon=True).start()
    if os.getppid() != int(launcher):  # it ended before anybody was asked
        os.kill(os.getpid(), number)


def _ask_for_signal(number: signal.Signals) -> bool:
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _watch(launcher: int, number: signal.Signals) -> None:
    while os.getppid() == launcher:
        time.sleep(1.0)
    os.kill(os.getpid(), number)


class StopRequest:
    """Whether SageMaker, or Ctrl-C, has asked the job to stop."""

    def __init__(self) -> None:
        self.made = False
        self._at_once = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to stop after the current round, within the block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {
            number: signal.signal(number, lambda *_: self.make())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a request end the block where it is: there is nothing to save yet, and it may be long.

        Raises
        ------
        StoppedTooEarly
            If the job is asked to stop before the end of the block, or was before.
        """
        self._at_once = True
        try:
            self._heed()
            yield
        finally:
            self._at_once = False

    def make(self) -> None:
        """Ask for the stop."""
        self.made = True
        if self._at_once:
            self._heed()

    def _heed(self) -> None:
        if self.made:
            raise StoppedTooEarly


class StoppedTooEarly(JobError):
    """What a job ends with that was told to stop before it had anything to save."""

    def __init__(self) -> None:
        super().__init__("the job was told to stop before its first round", fix="start it again")


class Stages:
    """Names and durations of what a job does one after the other, printed as it goes.

    Attributes
    ----------
    seconds : dict
        Seconds each finished stage took.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 4)
        print(f"stage={name} seconds={self.seconds[name]:.3f}")

    def end(self) -> None:
        """Say what the whole job needed."""
        print(f"total seconds={sum(self.seconds.values()):.3f} peak_memory_mb={peak_memory_mb():.0f}")
