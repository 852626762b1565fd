"""The sagemaker backend: jobs of SageMaker in an AWS account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.aws.account import open_account
from fraudlab.backend_registry import Description
from fraudlab.config import RunConfig

if TYPE_CHECKING:
    from fraudlab.backends.backend import Backend
    from fraudlab.runs.shared_state import SharedState

# A plan asks for the description alone, and takes no time for the rest.
DESCRIPTION = Description(
    name="sagemaker",
    title="SageMaker in AWS",
    place="jobs of SageMaker, in an AWS account",
    jobs="jobs of SageMaker",
    needs="an AWS account with the bucket, registry and role of infra/",
    outlives_launcher=True,
    in_cloud=True,
    transforms=True,
)


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Backend:
    """Make the backend of one run.

    Raises
    ------
    BackendError
        Where the account cannot be used.
    """
    from fraudlab.backends.aws.aws_backend import AwsBackend
    from fraudlab.backends.aws.image_push import image_to_run, pinned
    from fraudlab.provenance import git_state

    account = open_account(config.sagemaker)
    return AwsBackend(
        config,
        account,
        description=DESCRIPTION,
        image=pinned(image_to_run(config.backend.image, any_platform=False), account, run_id=run_id),
        run_id=run_id,
        workspace=workspace,
        commit=(git_state(Path.cwd()) or {}).get("commit"),
    )


def open_state(config: RunConfig, *, run_id: str) -> SharedState:
    """Open the state of one run, without the rest of the backend."""
    from fraudlab.backends.aws.state import shared_state_of

    return shared_state_of(config, open_account(config.sagemaker), run_id=run_id)
