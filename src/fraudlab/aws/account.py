"""An AWS account: its clients, and who we are there. boto3's own configuration decides everything else."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fraudlab._version import __version__
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.call_record import listened_to
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import ConfigError

#: what infra/ calls them
DEFAULT_ROLE = "fraudlab-execution"
_BUCKET_PREFIX = "fraudlab"
_ATTEMPTS = 8
_CONNECTIONS = 16
_READ_SECONDS = {"sagemaker-runtime": 70}  # an endpoint has 60 s to answer


@dataclass(frozen=True)
class Identity:
    """Who AWS says we are.

    Attributes
    ----------
    account : str
        Twelve digits.
    arn : str
    partition : str
        ``"aws"``, ``"aws-cn"``, ``"aws-us-gov"``, …
    """

    account: str
    arn: str
    partition: str

    @property
    def name(self) -> str:
        """The last part of the ARN: a user, or a role's session."""
        return self.arn.rpartition("/")[2].rpartition(":")[2]


@dataclass(frozen=True)
class Keys:
    """Credentials that are given to the clients of one account, and to nobody else."""

    access_key: str
    secret_key: str


class Account:
    """Clients of one account and region, each made once; see :func:`open_account`.

    Attributes
    ----------
    endpoint_url : str or None
        Where every client sends its calls; None is where boto3's configuration says.
    """

    def __init__(self, config: SageMakerConfig, *, endpoint_url: str | None, keys: Keys | None) -> None:
        self._config = config
        self.endpoint_url = endpoint_url
        self._keys = keys
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The boto3 client of a service.

        Raises
        ------
        BackendError
            Where boto3's configuration has no region, or names what is not there.
        """
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    @cached_property
    def region(self) -> str:
        """Where: ``sagemaker.region``, AWS_REGION, AWS_DEFAULT_REGION or the profile's."""
        with explained_calls(doing="Opening the AWS account"):
            from botocore.exceptions import NoRegionError

            found = self._config.region or os.environ.get("AWS_REGION") or self._session.region_name
            if not found:
                raise NoRegionError
        return str(found)

    @cached_property
    def identity(self) -> Identity:
        """Who we are, asked once.

        Raises
        ------
        BackendError
            Where there are no credentials, or AWS does not take them.
        """
        with explained_calls(doing="Asking AWS who we are"):
            answer = self.client("sts").get_caller_identity()
        arn = str(answer["Arn"])
        return Identity(str(answer["Account"]), arn, arn.split(":")[1])

    @property
    def credentials_end(self) -> datetime | None:
        """When the credentials end; None for those that last, and where that is not known.

        Raises
        ------
        BackendError
            Where they cannot be had.
        """
        with explained_calls(doing="Reading the AWS credentials"):
            found = self._session.get_credentials()
        end = getattr(found, "_expiry_time", None)
        return end if isinstance(end, datetime) else None

    @property
    def role_arn(self) -> str:
        """The role that jobs take on, ``sagemaker.role``.

        Raises
        ------
        ConfigError
            Where it is of another account, which cannot be passed.
        """
        role = self._config.role or DEFAULT_ROLE
        if not role.startswith("arn:"):
            own = self.identity
            return f"arn:{own.partition}:iam::{own.account}:role/{role}"
        parts = role.split(":")
        if len(parts) > 4 and parts[4] != self.identity.account:
            raise ConfigError(
                f"sagemaker.role={role} is of account {parts[4]}, and you are in {self.identity.account}.",
                fix="name a role of your account, or log in to the other: sagemaker.profile=NAME",
            )
        return role

    @property
    def bucket(self) -> str:
        """The bucket of data, outputs and the state of runs, ``sagemaker.bucket``."""
        return self._config.bucket or default_bucket(self.identity.account, self.region)

    @cached_property
    def _session(self) -> Any:
        import boto3
        from botocore.session import Session

        if self._keys is None:
            return boto3.Session(profile_name=self._config.profile)
        # nothing of the person's own configuration: neither a profile nor a file of keys
        own = Session()
        store = own.get_component("config_store")
        for name, value in (("profile", None), ("config_file", os.devnull), ("credentials_file", os.devnull)):
            store.set_config_variable(name, value)
        return boto3.Session(
            aws_access_key_id=self._keys.access_key,
            aws_secret_access_key=self._keys.secret_key,
            botocore_session=own,
        )

    def _made(self, service: str) -> Any:
        with explained_calls(doing="Opening the AWS account"):
            from botocore.config import Config

            more: dict[str, Any] = {}
            if self.endpoint_url:
                more = {"proxies": {}}  # a loopback address, past whatever proxy there is
            made = self._session.client(
                service,
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                config=Config(
                    retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS},
                    connect_timeout=10,
                    read_timeout=_READ_SECONDS.get(service, 60),
                    max_pool_connections=_CONNECTIONS,
                    user_agent_extra=self._signature,
                    **more,
                ),
            )
            return listened_to(made)

    @property
    def _signature(self) -> str:
        """What calls are signed with in logs; a rehearsal also hears which process calls."""
        own = f"fraudlab/{__version__}"
        return f"{own} fraudlab-launcher/{os.getpid()}" if self._keys else own


def default_bucket(account: str, region: str) -> str:
    """The bucket that infra/ makes."""
    return f"{_BUCKET_PREFIX}-{account}-{region}"


def open_account(
    config: SageMakerConfig, *, endpoint_url: str | None = None, keys: Keys | None = None
) -> Account:
    """Open an account by boto3's standard configuration; nothing is asked before it is needed.

    Parameters
    ----------
    config : SageMakerConfig
        Names the profile, region, role and bucket, where they are not the defaults.
    endpoint_url : str, optional
        Sends every call there, whatever the service.
    keys : Keys, optional
        Used in place of the person's own: those of a rehearsal, which are worth nothing anywhere else.
    """
    return Account(config, endpoint_url=endpoint_url, keys=keys)
