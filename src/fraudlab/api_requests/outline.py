"""Every request of a run at once, before there are files: what a plan shows, and what is checked first."""

from __future__ import annotations

from typing import Literal

from fraudlab.api_requests.placement import Placement, Request
from fraudlab.api_requests.processing import processing_job
from fraudlab.api_requests.serving import endpoint, endpoint_config, model
from fraudlab.api_requests.training import training_job
from fraudlab.api_requests.transform import transform_job
from fraudlab.config import RunConfig
from fraudlab.split_rules import train_channels


def requests_of_run(
    config: RunConfig, placement: Placement, *, run_id: str, via: Literal["transform", "endpoint"]
) -> dict[str, Request]:
    """The requests of a run by operation, in the order in which they are sent.

    What they name lies where a run puts it; a table or splits that are there already lie elsewhere.

    Parameters
    ----------
    config : RunConfig
    placement : Placement
        Of a place in AWS, or of one on this machine.
    run_id : str
    via : {"transform", "endpoint"}
        How the test split is scored.
    """

    def place(name: str) -> str:
        return placement.cloud.of_run(run_id, name) if placement.cloud else f"file:///{run_id}/{name}"

    prepared = place("prepared")
    channels = {name: f"{prepared}/{name}" for name in train_channels(config)} | {"config": place("config")}
    found = {
        "CreateProcessingJob": processing_job(
            config, placement, run_id=run_id, raw=place("raw"), config_channel=place("config"),
            prepared=prepared,
        ),
        "CreateTrainingJob": training_job(
            config, placement, run_id=run_id, channels=channels, output=place("training-output")
        ),
        "CreateModel": model(
            config, placement, run_id=run_id, model_data=place("training-output") + "/model.tar.gz"
        ),
    }  # fmt: skip
    if via == "transform":
        found["CreateTransformJob"] = transform_job(
            config, placement, run_id=run_id, data=place("transform-input") + "/",
            output=place("transform-output"),
        )  # fmt: skip
    else:
        found["CreateEndpointConfig"] = endpoint_config(config, placement, run_id=run_id)
        found["CreateEndpoint"] = endpoint(config, placement, run_id=run_id)
    return found
