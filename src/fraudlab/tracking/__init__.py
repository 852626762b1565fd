"""One Comet experiment a run: online, as an offline archive, or not at all."""

from __future__ import annotations

from fraudlab.tracking.archives import recover, upload
from fraudlab.tracking.datasets import DatasetVersion
from fraudlab.tracking.experiment import Experiment, Mode, Status, new_key, open_experiment

__all__ = [
    "DatasetVersion",
    "Experiment",
    "Mode",
    "Status",
    "new_key",
    "open_experiment",
    "recover",
    "upload",
]
