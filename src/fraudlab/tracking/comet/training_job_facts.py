"""What Comet's own SageMaker integration knows of a training job, asked for in a process of its own.

The functions of ``comet_ml.integration.sagemaker`` that log a job as a whole are not used: they want a live
experiment, call AWS by themselves, send hyperparameters and metrics once more, and take the packages of the
launcher for those of the job (docs/tracking.md). Those of single facts take whatever has a ``log_other``.
For the others it imports the whole SageMaker SDK, three seconds of it; in a process of its own, a module
without anything stands for that.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from fraudlab.children import environment, python
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import TrackingError
from fraudlab.tracking.comet.sdk import SETTINGS

#: far more than importing an SDK takes on a busy machine
_SECONDS = 120.0
#: of a job, what the integration logs as plain facts
_PLAIN = (
    "BillableTimeInSeconds",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "RoleArn",
    "TrainingJobArn",
    "TrainingJobName",
    "TrainingJobStatus",
    "TrainingTimeInSeconds",
)
#: what it logs of parts of a job: the field, and the part it is of
_FIELDS = (
    ("TrainingImage", "AlgorithmSpecification"),
    ("TrainingInputMode", "AlgorithmSpecification"),
    ("ModelArtifacts", "ModelArtifacts"),
    ("OutputDataConfig", "OutputDataConfig"),
    ("ResourceConfig", "ResourceConfig"),
)
_INPUTS = "InputDataConfig"
#: whose environment variables are no business of that process
_NOT_GIVEN = ("COMET_", "AWS_")


def facts_of_training_job(described: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What the integration would log of a training job that has ended, however it did.

    Parameters
    ----------
    described : mapping
        As SageMaker describes it. Hyperparameters and environment do not leave this process.

    Returns
    -------
    facts : dict
        Under the integration's own names.
    problem : str
        What it could not read; empty where there is nothing.

    Raises
    ------
    TrackingError
        It cannot be used.
    """
    names = {*_PLAIN, *(part for _, part in _FIELDS), _INPUTS}
    asked = json.dumps({name: described[name] for name in names & described.keys()}, default=str)
    try:
        done = subprocess.run(
            python("fraudlab.tracking.comet.training_job_facts"),
            env=_environment(),
            input=asked,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TrackingError(
            f"Comet's SageMaker integration did not answer in {_SECONDS:g} s",
            fix="see how busy this machine is",
        ) from None
    try:
        answer = json.loads(done.stdout)
        return dict(answer["facts"]), str(answer["problem"])
    except (ValueError, KeyError, TypeError):
        reason = done.stderr.strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
        raise TrackingError(
            f"Comet's SageMaker integration cannot be used: {reason}",
            fix="install the locked version of comet_ml",
        ) from None


def _environment() -> dict[str, str]:
    """Nothing to call anybody with, and nothing to say."""
    given = {name: value for name, value in environment().items() if not name.startswith(_NOT_GIVEN)}
    return {**given, **SETTINGS, "AWS_EC2_METADATA_DISABLED": "true", LAUNCHER: str(os.getpid())}


class _Kept(logging.Handler):
    """In place of an experiment, and of the integration's log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.facts: dict[str, Any] = {}
        self.problem = ""

    def log_other(self, name: str, value: Any) -> None:
        """Keep a fact that says something; SageMaker gives empty texts for what was not asked for."""
        if value not in ("", None):
            self.facts[name] = value

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first thing that went wrong; the integration logs it, and goes on."""
        cause = record.exc_info[1] if record.exc_info else None
        what = f"{type(cause).__name__}: {cause}" if cause else record.getMessage()
        self.problem = self.problem or what.partition("\n")[0]


class _Nothing(ModuleType):
    """In place of a module that is imported, and not used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(f"{self.__name__}.{name}")


def _read_facts(described: Mapping[str, Any]) -> _Kept:
    """Let the integration log a job to what only keeps it."""
    from comet_ml.integration.sagemaker import log_to_experiment as integration

    kept = _Kept()
    log = logging.getLogger(integration.__name__)
    log.addHandler(kept)
    try:
        integration.others(described, kept)
        for field, part in _FIELDS:
            if field in (described if field == part else described.get(part) or {}):
                integration.other_metadata_fields(field, part, described, kept)
        if _INPUTS in described:
            integration.other_input_data_config(described, kept)
    finally:
        log.removeHandler(kept)
    return kept


def main() -> None:
    """Read a description from stdin, and write an answer to stdout; what else is printed goes to stderr."""
    from fraudlab.container.runtime import end_with_launcher

    end_with_launcher(signal.SIGKILL)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    described = json.load(sys.stdin)
    sys.modules |= {name: _Nothing(name) for name in ("sagemaker", "sagemaker.analytics")}
    kept = _read_facts(described)
    with answer:
        json.dump({"facts": kept.facts, "problem": kept.problem}, answer, default=str)


if __name__ == "__main__":
    main()
