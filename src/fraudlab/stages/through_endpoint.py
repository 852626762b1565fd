"""The test split scored through an endpoint, which is up for as long as that takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fraudlab import api_requests
from fraudlab.stages.context import Context, add_endpoint_use
from fraudlab.stages.scoring import score_rows
from fraudlab.stages.served_model import model_request
from fraudlab.stages.train import Trained

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def score_through_endpoint(context: Context, trained: Trained, features: pa.Table) -> NDArray[np.float32]:
    """Deploy the model, score rows, and take the endpoint down.

    Parameters
    ----------
    context : Context
    trained : Trained
    features : pyarrow.Table
        The model's input columns, in order.

    Returns
    -------
    ndarray of float32, shape (rows,)
    """
    requests = _requests(context, trained)
    with (
        _timed(context),
        context.job_log("serve") as log,
        context.endpoint_may_be_up(
            model=requests["model"]["ModelName"],
            endpoint_config=requests["endpoint_config"]["EndpointConfigName"],
            endpoint=requests["endpoint"]["EndpointName"],
        ),
        context.backend.endpoint(**requests, log=log) as endpoint,
        context.terminal.meter("scoring", total=features.num_rows) as meter,
    ):
        return score_rows(
            features,
            lambda body: endpoint.invoke(body, content_type="text/csv", accept="text/csv"),
            batch_rows=context.config.evaluation.batch_rows,
            max_body=context.config.serving.max_body_mib << 20,
            reach=meter.reach,
        )


@contextmanager
def _timed(context: Context) -> Iterator[None]:
    """Record for how long machines that are paid for were up: no service says so of an endpoint."""
    machine, began = context.config.compute.serve, time.monotonic()
    try:
        yield
    finally:
        if context.backend.placement.cloud is not None:
            add_endpoint_use(context.folder.record, machine, seconds=time.monotonic() - began)


def _requests(context: Context, trained: Trained) -> dict[str, api_requests.Request]:
    config, placement, run_id = context.config, context.backend.placement, context.run_id
    requests = {
        "model": model_request(context, trained),
        "endpoint_config": api_requests.endpoint_config(config, placement, run_id=run_id),
        "endpoint": api_requests.endpoint(config, placement, run_id=run_id),
    }
    return {
        name: context.record_request(name.replace("_", "-"), request) for name, request in requests.items()
    }
