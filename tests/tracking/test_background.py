"""Jobs never wait for the experiment, and nothing told to it is lost or out of order."""

from __future__ import annotations

import threading

import pytest

from fraudlab.errors import TrackingError
from fraudlab.tracking import Experiment
from fraudlab.tracking.tracker import Tracker


class Recording(Experiment):
    """Remembers what it was told."""

    key = "k"

    def __init__(self):
        super().__init__()
        self.told = []

    def log_metrics(self, metrics, *, step=None):
        self.told.append((dict(metrics), step))

    def end(self, status=None, error=None):
        self.told.append((status, error))
        self.problems.append("Comet: disk full")
        return []


def test_what_is_told_while_it_opens_is_kept_in_order():
    may_open = threading.Event()
    experiment = Recording()

    def slow():
        may_open.wait(10)
        return experiment

    tracker = Tracker(slow)
    for number in range(3):
        tracker.tell(lambda e, number=number: e.log_metric("m", number / 2, step=number))
    assert experiment.told == []
    may_open.set()
    tracker.close("failed", "no frauds")

    assert experiment.told == [({"m": 0.0}, 0), ({"m": 0.5}, 1), ({"m": 1.0}, 2), ("failed", "no frauds")]


def test_every_problem_is_told_whoever_noticed_it():
    tracker = Tracker(Recording)
    tracker.tell(lambda e: e.log_metric("m", {}["missing"]))

    assert tracker.close("completed") == ([], ["KeyError: 'missing'", "Comet: disk full"])


def test_an_experiment_that_cannot_be_opened_raises_where_it_is_asked_for():
    def refuse():
        raise TrackingError("tracking=online is not possible", fix="set COMET_API_KEY")

    tracker = Tracker(refuse)
    tracker.tell(lambda e: e.log_metric("m", 1.0))

    with pytest.raises(TrackingError, match="not possible"):
        _ = tracker.experiment
    assert tracker.close("failed") == ([], [])
