"""What every request is made of: where jobs run, what they are called, their machines, network and tags."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from fraudlab.api_requests.instance_types import has_local_storage
from fraudlab.aws.tags import COMMIT, NAME_PREFIX, OWNER, PROJECT, RUN
from fraudlab.config import InstanceConfig, RunConfig

Request = dict[str, Any]

#: most characters of the name of a job, a model or an endpoint
MAX_NAME = 63
_TAG_SIGNS = frozenset("_.:/=+-@")
_MAX_TAG_VALUE = 256


@dataclass(frozen=True)
class CloudOptions:
    """What only a place in AWS, or a rehearsal of it, has: requests for it ask for all of ``sagemaker.*``.

    Attributes
    ----------
    root : str
        ``s3://BUCKET/PREFIX``, below which everything of fraudlab lies.
    owner : str or None
        Whose run it is, where ``sagemaker.owner`` does not say.
    commit : str or None
        The git commit the run is of.
    """

    root: str
    owner: str | None = None
    commit: str | None = None

    def of_run(self, run_id: str, name: str) -> str:
        """The URI of a folder of a run: ``checkpoints``, ``training-output``, ``transform-input``, …"""
        return f"{self.root}/runs/{run_id}/{name}"


@dataclass(frozen=True)
class Placement:
    """What a backend says about the place its jobs run in.

    Attributes
    ----------
    image : str
        Image name or URI.
    role_arn : str
        Role the jobs take on; a placeholder where there are no roles.
    instance_type : str or None
        Overrides ``compute.*.instance_type`` (``"local"`` in local mode); None leaves the config's.
    cloud : CloudOptions or None
        Of a place in AWS; None elsewhere, where requests ask for nothing of ``sagemaker.*``.
    """

    image: str
    role_arn: str
    instance_type: str | None = None
    cloud: CloudOptions | None = None


def job_name(run_id: str, stage: str, *, nonce: str | None = None) -> str:
    """Name of a run's job: at most 63 of ``[a-zA-Z0-9-]``, as SageMaker asks.

    Parameters
    ----------
    run_id, stage : str
    nonce : str, optional
        Makes another name, where the first is taken; the run's id loses its end where all does not fit.
    """
    end = f"-{stage}" if nonce is None else f"-{stage}-{nonce}"
    kept = run_id[: MAX_NAME - len(NAME_PREFIX) - len(end)].rstrip("-")
    return f"{NAME_PREFIX}{kept}{end}"


def instance_type(machine: InstanceConfig, placement: Placement) -> str:
    """The machine a job is given."""
    return placement.instance_type or machine.instance_type


def resources(config: RunConfig, machine: InstanceConfig, placement: Placement) -> Request:
    """The machines of a processing or training job, with their volumes."""
    return {
        "InstanceType": instance_type(machine, placement),
        "InstanceCount": machine.instance_count,
        "VolumeSizeInGB": machine.volume_gb,
        **volume_key(config, machine, placement),
    }


def volume_key(
    config: RunConfig, machine: InstanceConfig, placement: Placement, *, name: str = "VolumeKmsKeyId"
) -> Request:
    """The key of a machine's volume; none for disks of its own, which encrypt themselves and refuse one."""
    if placement.cloud is None or config.sagemaker.kms is None or has_local_storage(machine.instance_type):
        return {}
    return {name: config.sagemaker.kms}


def output_key(config: RunConfig, placement: Placement) -> Request:
    """The key of what a job writes."""
    in_cloud = placement.cloud is not None and config.sagemaker.kms is not None
    return {"KmsKeyId": config.sagemaker.kms} if in_cloud else {}


def vpc(config: RunConfig, placement: Placement) -> Request:
    """The network of jobs and endpoints; nothing where it is SageMaker's own."""
    found = config.sagemaker.vpc
    if placement.cloud is None or not found.subnets:
        return {}
    return {"VpcConfig": {"SecurityGroupIds": list(found.security_groups), "Subnets": list(found.subnets)}}


def between_hosts(config: RunConfig, placement: Placement) -> Request:
    """Whether what hosts of a job say to each other is encrypted."""
    wanted = placement.cloud is not None and config.sagemaker.encrypt_between_hosts
    return {"EnableInterContainerTrafficEncryption": True} if wanted else {}


def tags(config: RunConfig, placement: Placement, run_id: str) -> list[dict[str, str]]:
    """The tags of whatever a run makes: fraudlab's own, and in AWS those of the configuration."""
    found = {RUN: run_id}
    if placement.cloud is not None:
        found[PROJECT] = tag_value(config.tracking.project)
        own = {COMMIT: placement.cloud.commit, OWNER: config.sagemaker.owner or placement.cloud.owner}
        found |= {name: tag_value(value) for name, value in own.items() if value}
        found |= config.sagemaker.tags
    return [{"Key": name, "Value": value} for name, value in found.items()]


def tag_value(text: str) -> str:
    """A text as a tag's value may be: other characters than AWS takes become hyphens."""
    kept = "".join(sign if is_tag_sign(sign) else "-" for sign in text)
    return re.sub(r"-{2,}", "-", kept)[:_MAX_TAG_VALUE]


def is_tag_sign(sign: str) -> bool:
    """Whether AWS takes a character in keys and values of tags."""
    return sign in _TAG_SIGNS or unicodedata.category(sign)[0] in "LNZ"
