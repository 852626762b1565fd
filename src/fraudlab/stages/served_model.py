"""The request for the model that an endpoint or a transform job scores with."""

from __future__ import annotations

import shutil

from fraudlab import api_requests
from fraudlab.files import storage
from fraudlab.stages.context import Context
from fraudlab.stages.train import Trained


def model_request(context: Context, trained: Trained) -> api_requests.Request:
    """Stage ``model.tar.gz``, and make the request for a model of it."""
    # local mode unpacks every archive it finds beside the model's: the model gets a folder of its own
    archive = context.workspace / "serving" / "model.tar.gz"
    with storage(archive):
        archive.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained.archive, archive)
    return api_requests.model(
        context.config,
        context.backend.placement,
        run_id=context.run_id,
        model_data=context.backend.files.stage(archive.parent, name="serving") + "/model.tar.gz",
    )
