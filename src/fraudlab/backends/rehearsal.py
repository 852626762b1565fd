"""The rehearsal backend: the code of the cloud against a loopback AWS that runs the image in Docker."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.aws.account import Account, Keys, open_account
from fraudlab.backend_registry import Description
from fraudlab.config import RunConfig

if TYPE_CHECKING:
    from fraudlab.backends.aws.rehearsal_process import Announced
    from fraudlab.backends.backend import Backend
    from fraudlab.runs.shared_state import SharedState

# A plan asks for the description alone, and takes no time for the rest.
DESCRIPTION = Description(
    name="rehearsal",
    title="a rehearsal of SageMaker, in Docker",
    place="containers behind a loopback AWS, rehearsed",
    jobs="rehearsed jobs",
    needs="a Docker engine, the image and `fraudlab[rehearsal]`",
    outlives_launcher=True,
    in_cloud=True,
    transforms=True,
    rehearsed=True,
)
#: how long a rehearsal goes on that nobody asks
_IDLE_SECONDS = 3600


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Backend:
    """Make the backend of one run; a rehearsal is started where none runs.

    Its keys are worth nothing anywhere else, and are given to its clients alone.

    Raises
    ------
    BackendError
        Where no rehearsal can run here.
    """
    from fraudlab.backends.aws.aws_backend import AwsBackend
    from fraudlab.backends.aws.image_push import image_to_run, pinned
    from fraudlab.backends.aws.rehearsal_process import furnish
    from fraudlab.provenance import git_state

    found = _rehearsal(config)
    image = image_to_run(config.backend.image, any_platform=True, push=found.registry is not None)
    rehearsed, account = _of_rehearsal(config, found)
    furnish(account, repository=rehearsed.sagemaker.repository if image.is_local else None)
    return AwsBackend(
        rehearsed,
        account,
        description=DESCRIPTION,
        image=pinned(image, account, run_id=run_id),
        run_id=run_id,
        workspace=workspace,
        commit=(git_state(Path.cwd()) or {}).get("commit"),
    )


def open_state(config: RunConfig, *, run_id: str) -> SharedState:
    """Open the state of one run, without the rest of the backend."""
    from fraudlab.backends.aws.state import shared_state_of

    rehearsed, account = _of_rehearsal(config, _rehearsal(config))
    return shared_state_of(rehearsed, account, run_id=run_id)


def account_of_rehearsal(config: RunConfig) -> Account:
    """Open the account of a rehearsal, which is started where none runs, without a run.

    It has what a run would find in it: bucket, role and repository.

    Raises
    ------
    BackendError
        Where no rehearsal can run here.
    """
    from fraudlab.backends.aws.rehearsal_process import furnish

    rehearsed, account = _of_rehearsal(config, _rehearsal(config))
    furnish(account, repository=rehearsed.sagemaker.repository)
    return account


def _of_rehearsal(config: RunConfig, found: Announced) -> tuple[RunConfig, Account]:
    """The configuration with what a rehearsal calls its things, and its account."""
    settings = dataclasses.replace(
        config.sagemaker,
        region=found.region,
        profile=None,
        role=config.sagemaker.role or found.role,
        bucket=config.sagemaker.bucket or found.bucket,
    )
    account = open_account(settings, endpoint_url=found.url, keys=Keys(found.access_key, found.secret_key))
    return dataclasses.replace(config, sagemaker=settings), account


def _rehearsal(config: RunConfig) -> Announced:
    from fraudlab.backends.aws.rehearsal_process import announced_by, running_rehearsal

    if config.rehearsal.endpoint:
        return announced_by(config.rehearsal.endpoint)
    return running_rehearsal(
        Path(config.paths.cache).absolute() / DESCRIPTION.name,
        faults=config.rehearsal.faults,
        seed=config.seed,
        idle_seconds=_IDLE_SECONDS,
    )
