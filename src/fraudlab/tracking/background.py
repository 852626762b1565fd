"""An experiment that is written on a thread of its own, so that jobs never wait for Comet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.errors import FraudlabError

if TYPE_CHECKING:
    from fraudlab.tracking.experiment import Experiment, Status


class Tracker:
    """Runs everything that is told to an experiment in order, on one background thread.

    Parameters
    ----------
    start : callable
        Opens the experiment; importing the SDK is part of it.
    """

    def __init__(self, start: Callable[[], Experiment]) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracking")
        self._experiment: Future[Experiment] = self._thread.submit(start)
        self._told: list[Future[None]] = []

    @property
    def experiment(self) -> Experiment:
        """The experiment, once it is open.

        Raises
        ------
        TrackingError
            Where it was required and could not be opened.
        """
        return self._experiment.result()

    def tell(self, what: Callable[[Experiment], None]) -> None:
        """Do something to the experiment, some time before :meth:`close` returns."""
        self._told.append(self._thread.submit(lambda: what(self._experiment.result())))

    def close(self, status: Status, error: str | None = None) -> tuple[list[Path], list[str]]:
        """Wait for all that was told, and end the experiment.

        Parameters
        ----------
        status : {"completed", "failed", "interrupted"}
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
            if self._experiment.exception() is not None:
                return [], []
            failures = [told.exception() for told in self._told]
            archives = self._thread.submit(self.experiment.end, status, error).result()
            unsaid = [_sentence(failure) for failure in failures if failure is not None]
            return archives, [*unsaid, *self.experiment.problems]
        finally:
            self._thread.shutdown()


def _sentence(error: BaseException) -> str:
    return error.message if isinstance(error, FraudlabError) else f"{type(error).__name__}: {error}"
