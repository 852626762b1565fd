"""SageMaker API requests, built from a run's configuration. Pure: no input, no output.

The same dictionaries go to SageMaker, to a rehearsal of it, to the SDK's local client and to fraudlab's own
client of processes. What differs between a laptop and the cloud is in :class:`Placement` and in the scheme of
the URIs.
"""

from fraudlab.api_requests.check import check_requests, check_run
from fraudlab.api_requests.outline import requests_of_run
from fraudlab.api_requests.placement import CloudOptions, Placement, Request, job_name
from fraudlab.api_requests.processing import processing_job
from fraudlab.api_requests.round_lines import member_of, read_refit, read_round, without_member
from fraudlab.api_requests.serving import endpoint, endpoint_config, endpoint_update, model
from fraudlab.api_requests.training import hyperparameters, max_wait_minutes, training_job
from fraudlab.api_requests.transform import payload_mb, transform_job

__all__ = [
    "CloudOptions",
    "Placement",
    "Request",
    "check_requests",
    "check_run",
    "endpoint",
    "endpoint_config",
    "endpoint_update",
    "hyperparameters",
    "job_name",
    "max_wait_minutes",
    "member_of",
    "model",
    "payload_mb",
    "processing_job",
    "read_refit",
    "read_round",
    "requests_of_run",
    "training_job",
    "transform_job",
    "without_member",
]
