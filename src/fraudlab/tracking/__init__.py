"""One Comet experiment per run: online, as an offline archive, or not at all."""

from __future__ import annotations

from fraudlab.tracking.comet.recovery import recover
from fraudlab.tracking.comet.upload import upload
from fraudlab.tracking.datasets import DatasetVersion
from fraudlab.tracking.experiment import Experiment, Mode, Status, TrackingDecision, new_key
from fraudlab.tracking.opening import decide, open_experiment

__all__ = [
    "DatasetVersion",
    "Experiment",
    "Mode",
    "Status",
    "TrackingDecision",
    "decide",
    "new_key",
    "open_experiment",
    "recover",
    "upload",
]
