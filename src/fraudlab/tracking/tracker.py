"""An experiment on a thread of its own, which opens and writes it: jobs never wait for Comet's SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.errors import FraudlabError

if TYPE_CHECKING:
    from fraudlab.tracking.experiment import Experiment, Status, TrackingDecision


class Tracker:
    """Runs everything that is told to an experiment in order, on one background thread.

    Parameters
    ----------
    start : callable
        Opens the experiment; importing the SDK is part of it. Called once a job has begun, or somebody has
        something to tell.
    decide : callable, optional
        Says what jobs have to know; begins at once.
    """

    def __init__(
        self, start: Callable[[], Experiment], *, decide: Callable[[], TrackingDecision] | None = None
    ) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracking")
        self._start = start
        self._decision = self._thread.submit(decide) if decide else None
        self._experiment: Future[Experiment] | None = None
        self._beginning = threading.Lock()
        self._told: list[Future[None]] = []

    @property
    def decision(self) -> TrackingDecision:
        """What was decided of the experiment, which need not be open yet; waits for the probe at most.

        Raises
        ------
        TrackingError
            Where it is required and impossible.
        """
        from fraudlab.tracking.experiment import TrackingDecision

        return self._decision.result() if self._decision else TrackingDecision()

    @property
    def experiment(self) -> Experiment:
        """The experiment, once it is open.

        Raises
        ------
        TrackingError
            Where it was required and could not be opened.
        """
        return self.begin().result()

    def begin(self) -> Future[Experiment]:
        """Open the experiment, unless that has begun; nobody waits for it here."""
        with self._beginning:
            if self._experiment is None:
                self._experiment = self._thread.submit(self._start)
            return self._experiment

    def tell(self, what: Callable[[Experiment], None]) -> None:
        """Do something to the experiment, some time before :meth:`close` returns."""
        opened = self.begin()
        self._told.append(self._thread.submit(lambda: what(opened.result())))

    def close(self, status: Status, error: str | None = None) -> tuple[list[Path], list[str]]:
        """Wait for all that was told, and end the experiment.

        Parameters
        ----------
        status : {"completed", "failed", "interrupted", "detached", "pruned"}
            How the run ended.
        error : str, optional
            The sentence of the error it ended with.

        Returns
        -------
        archives : list of Path
            Every archive of the experiment, those of the jobs included.
        problems : list of str
            One sentence for each thing that could not be logged.
        """
        try:
            if self.begin().exception() is not None:
                return [], []
            failures = [told.exception() for told in self._told]
            archives = self._thread.submit(self.experiment.end, status, error).result()
            unsaid = [_sentence(failure) for failure in failures if failure is not None]
            return archives, [*unsaid, *self.experiment.problems]
        finally:
            self._thread.shutdown()


def _sentence(error: BaseException) -> str:
    return error.message if isinstance(error, FraudlabError) else f"{type(error).__name__}: {error}"
