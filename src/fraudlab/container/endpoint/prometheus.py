"""``/metrics`` for Prometheus: traffic, time and what the model says, where ``FRAUDLAB_METRICS`` is on."""

from __future__ import annotations

import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.endpoint.http_messages import Answer
from fraudlab.evaluation.operating import alerts

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_SCORES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_PATHS = (b"/ping", b"/invocations", b"/model", b"/models", b"/metrics", b"/execution-parameters")


def share_between_processes() -> None:
    """Let workers add up their figures; to be called before the first :class:`Metrics` and the first fork."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="fraudlab-metrics-")


class Metrics:
    """Figures of this endpoint, of all its workers where they share them."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess

        own = CollectorRegistry()
        self._requests = Counter("fraudlab_requests", "Requests answered", ["path", "status"], registry=own)
        self._seconds = Histogram(
            "fraudlab_request_seconds",
            "From a complete request to its answer",
            ["path"],
            buckets=_SECONDS,
            registry=own,
        )
        self._rows = Counter("fraudlab_rows", "Rows scored", registry=own)
        self._alerts = Counter("fraudlab_alerts", "Rows at or above the model's threshold", registry=own)
        self._unseen = Counter("fraudlab_unseen_categories", "Categories train has not seen", registry=own)
        self._score = Histogram("fraudlab_score", "Scores", buckets=_SCORES, registry=own)
        self._registry = own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            self._registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]

    def answered(self, path: bytes, status: int, *, seconds: float) -> None:
        """Count a request; the paths of single models are one."""
        known = path.decode() if path in _PATHS else "/models/*" if path.startswith(b"/models/") else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def scored(self, score: NDArray[np.float32], *, threshold: float, unseen: int) -> None:
        """Count rows and what the model says of them.

        Parameters
        ----------
        score : ndarray of float32, shape (rows,)
        threshold : float
        unseen : int
            Categories train has not seen.
        """
        self._rows.inc(score.size)
        self._alerts.inc(int(np.count_nonzero(alerts(score, threshold))))
        self._unseen.inc(unseen)
        for value in score[:1000].tolist():  # a sample of a large body is enough for a histogram
            self._score.observe(value)

    def page(self) -> Answer:
        """The figures in Prometheus' text format."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Answer(200, generate_latest(self._registry), CONTENT_TYPE_LATEST)
