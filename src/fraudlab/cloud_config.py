"""The schema of ``conf/sagemaker`` and ``conf/rehearsal``: an account, and a rehearsal of one."""

from __future__ import annotations

from dataclasses import dataclass, field

#: what a rehearsal can make go wrong, in the order in which a run would meet it
FAULTS = (
    "access_denied",
    "expired_token",
    "throttling",
    "s3_slow_down",
    "quota",
    "image_pull_failure",
    "capacity_error",
    "spot_interruption",
    "endpoint_unhealthy",
    "launcher_killed",
)


@dataclass
class VpcConfig:
    """The network of the jobs; both lists, or neither."""

    #: ids such as subnet-0123456789abcdef0
    subnets: list[str] = field(default_factory=list)
    #: ids such as sg-0123456789abcdef0
    security_groups: list[str] = field(default_factory=list)


@dataclass
class SageMakerConfig:
    """An AWS account, and what jobs and endpoints there are given. See ``docs/admin.md``"""

    #: such as eu-west-1; null is what AWS_REGION or the profile says
    region: str | None = None
    #: of ~/.aws/config; null is AWS_PROFILE, or what boto3 finds by itself
    profile: str | None = None
    #: the role that jobs take on: a name or an ARN; null is fraudlab-execution, which infra/ makes
    role: str | None = None
    #: bucket of data, outputs and the state of runs; null is fraudlab-ACCOUNT-REGION, which infra/ makes
    bucket: str | None = None
    #: what every key in the bucket begins with
    prefix: str = "fraudlab"
    #: repository of the image in the account's registry
    repository: str = "fraudlab-xgboost"
    #: key of volumes, outputs and uploads: an id, an alias or an ARN; null is what AWS uses by itself
    kms: str | None = None
    #: null network is the one of SageMaker's own
    vpc: VpcConfig = field(default_factory=VpcConfig)
    #: tags of everything that is made, beside fraudlab's own
    tags: dict[str, str] = field(default_factory=dict)
    #: whose run it is, in the tag fraudlab:owner; null is the name of the AWS identity
    owner: str | None = None
    #: train on spot instances: cheaper, may be interrupted, goes on from its checkpoint
    spot: bool = False
    #: with spot, how long the train job may take with waiting; null is twice its max_minutes
    max_wait_minutes: int | None = None
    #: how long the machines of a train job are kept for the next one; they cost money; 0 keeps none
    warm_pool_minutes: int = 0
    #: encrypt what several hosts of a job say to each other
    encrypt_between_hosts: bool = False
    #: refuse a run that may cost more US dollars; all of a study keeps to it; null refuses none
    max_usd: float | None = None


@dataclass
class RehearsalConfig:
    """A loopback AWS that runs the image in Docker. See ``docs/rehearsal.md``"""

    #: URL of one that runs, such as http://127.0.0.1:4566; null starts one
    endpoint: str | None = None
    #: what goes wrong, at moments that `seed` decides; see docs/rehearsal.md
    faults: list[str] = field(default_factory=list)
