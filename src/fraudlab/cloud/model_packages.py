"""``fraudlab models mirror --to sagemaker``: the account, and the image and models that packages name."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from fraudlab.api_requests import Placement
from fraudlab.api_requests.placement import CloudOptions, tags
from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.tags import RUN
from fraudlab.cloud.configured_account import account_of
from fraudlab.config import Fallback, RunConfig
from fraudlab.errors import ConfigError
from fraudlab.registry import ModelRegistry, ModelVersion
from fraudlab.registry.sagemaker_mirror import mirror_to_sagemaker


def mirror(overrides: Sequence[str], *, registry: Path, dry_run: bool) -> int:
    """Show the registry in SageMaker's Model Registry.

    A version's model is sent to the bucket below ``registry/``, outside of what ``clean --cloud`` takes away.

    Parameters
    ----------
    overrides : sequence of str
        As behind ``fraudlab train``: the account.
    registry : Path
    dry_run : bool
        Ask only; no image is pushed and no model is sent.

    Raises
    ------
    FraudlabError
        Where the account cannot be used, or the log is not the one that was shown before.
    """
    from fraudlab.compose import compose

    if any(word.startswith("backend=") for word in overrides):
        raise ConfigError("backend= and --to say the same.", fix="leave backend= out")
    config = compose(["backend=sagemaker", *overrides])
    account, models = account_of(config), ModelRegistry(registry)
    with explained_calls(doing="Showing the registry in SageMaker"):
        told = mirror_to_sagemaker(
            models,
            account.client("sagemaker"),
            tags=_tags(config),
            place=lambda version: placed(config, account, models, version),
            dry_run=dry_run,
        )
    if not told:
        print("SageMaker has all that can be told")
    return 0


def _tags(config: RunConfig) -> list[dict[str, str]]:
    """Those of whatever fraudlab makes; a group of packages is of no one run."""
    anywhere = Placement(image="", role_arn="", cloud=CloudOptions(root=""))
    return [tag for tag in tags(config, anywhere, "") if tag["Key"] != RUN]


def placed(
    config: RunConfig, account: Account, models: ModelRegistry, version: ModelVersion
) -> tuple[str, str]:
    """The image of a version, pushed, and the URI of its model, sent."""
    from fraudlab.backends import open_backend
    from fraudlab.backends.aws.bucket import Bucket

    archive = models.run_of(version) / "model" / "model.tar.gz"
    config.backend.fallback = Fallback.error
    with tempfile.TemporaryDirectory(prefix="fraudlab-mirror-") as work:
        backend = open_backend(config, run_id=version.run, workspace=Path(work)).backend
        try:
            image = backend.placement.image
        finally:
            backend.close()
    bucket = Bucket(account, kms=config.sagemaker.kms)
    key = f"{config.sagemaker.prefix.strip('/')}/registry/{version.content}/model.tar.gz".lstrip("/")
    bucket.send(archive, key, sent=lambda _: None)
    return image, bucket.uri(key)
