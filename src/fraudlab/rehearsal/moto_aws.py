"""moto's applications, one for each service, behind one door."""

from __future__ import annotations

from typing import Any

from fraudlab.rehearsal import moto_shims
from fraudlab.rehearsal.announcement import ACCOUNT, BUCKET, REGION, ROLE, SECRET_KEY
from fraudlab.rehearsal.wsgi_server import Application

_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
#: what a job's role needs, whatever it works on
_ROLE_POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","logs:*","ecr:*","cloudwatch:*","kms:*"],'
    '"Resource":"*"}]}'
)


#: signing names of what moto answers; anything else that moto knows would be there without being rehearsed
MOTO_SERVICES = frozenset({"s3", "sts", "iam", "logs", "monitoring", "secretsmanager", "tagging"})
#: the same as moto's modules are called
_MODULES = frozenset({"s3", "sts", "iam", "logs", "cloudwatch", "secretsmanager", "resourcegroupstaggingapi"})


def moto_application() -> Application:
    """Make moto's application, for the rehearsal's account.

    Raises
    ------
    ImportError
        Where moto or flask is not installed.
    """
    moto_shims.before_import(ACCOUNT)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    moto_shims.join_parts_on_disk()

    class Dispatcher(DomainDispatcherApplication):
        """Takes what moto would give to another service for S3's, as moto does with what it does not know."""

        def get_backend_for_host(self, host: str | None) -> Any:
            found = super().get_backend_for_host(host)
            return found if found in _MODULES else "s3" if found else found

        def get_service_from_path(self, path_info: str) -> tuple[str | None, str | None]:
            del path_info  # a bucket may be called like a service and a region
            return None, None

    application: Application = Dispatcher(create_backend_app)
    return application


def make_account(client: Any) -> None:
    """Make the bucket and the role that are announced, where they are not there.

    Parameters
    ----------
    client : callable
        Gives a boto3 client for the name of a service.
    """
    if BUCKET not in {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}:
        client("s3").create_bucket(Bucket=BUCKET)
    iam, name = client("iam"), ROLE.rsplit("/", 1)[1]
    if name not in {role["RoleName"] for role in iam.list_roles()["Roles"]}:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)
        iam.put_role_policy(RoleName=name, PolicyName="rehearsal", PolicyDocument=_ROLE_POLICY)


def loopback_client(url: str, service: str, key: str) -> Any:
    """A boto3 client of this rehearsal with a key of the rehearsal's own, whatever the environment says."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(
        aws_access_key_id=key, aws_secret_access_key=SECRET_KEY, region_name=REGION, profile_name=None
    )
    config = Config(
        s3={"addressing_style": "path"}, max_pool_connections=32, retries={"max_attempts": 2}, proxies={}
    )
    return session.client(service, endpoint_url=url, config=config)
