"""What moto's account holds, read in this process: objects, roles, and who has which key."""

from __future__ import annotations

import json
import threading
from typing import Any

from fraudlab.rehearsal.announcement import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from fraudlab.rehearsal.policy_evaluation import decide

_ADMIN = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_SAGEMAKER = "sagemaker.amazonaws.com"


class MotoBuckets:
    """S3 as SageMaker's calls ask it; see ``grounds.Buckets``."""

    def __init__(self) -> None:
        from moto.s3.models import s3_backends

        self._backend = s3_backends[ACCOUNT]["aws"]

    def has_bucket(self, bucket: str) -> bool:
        return bucket in self._backend.buckets

    def has_objects(self, bucket: str, prefix: str) -> bool:
        found = self._backend.buckets.get(bucket)
        if found is None:
            return False
        return any(key.startswith(prefix) and self._is_there(found, key) for key in list(found.keys.keys()))

    def has_object(self, bucket: str, key: str) -> bool:
        found = self._backend.buckets.get(bucket)
        return found is not None and self._is_there(found, key)

    @staticmethod
    def _is_there(bucket: Any, key: str) -> bool:
        return hasattr(bucket.keys.get(key), "value")  # a delete marker has none


class MotoRoles:
    """IAM as SageMaker's calls ask it; see ``grounds.RoleRules``.

    Whoever comes with a key that IAM does not know, such as ``test``, is the account's administrator.
    """

    def __init__(self) -> None:
        from moto.iam.models import iam_backends
        from moto.sts.models import sts_backends

        self.iam, self._sts = iam_backends[ACCOUNT]["aws"], sts_backends[ACCOUNT]["aws"]
        if "rehearsal" not in self.iam.users:
            self.iam.create_user(REGION, "rehearsal", "/")
            self.iam.put_user_policy("rehearsal", "administrator", _ADMIN)
            key = self.iam.create_access_key("rehearsal")
            del self.iam.access_keys[key.physical_resource_id]
            key.access_key_id, key.secret_access_key = ACCESS_KEY, SECRET_KEY
            self.iam.access_keys[ACCESS_KEY] = key

    def assumable(self, role_arn: str) -> bool:
        role = self._role(role_arn)
        if role is None:
            return False
        try:
            document = json.loads(role.assume_role_policy_document)
        except (TypeError, ValueError):
            return False
        for statement in _listed(document.get("Statement")):
            principal = statement.get("Principal")
            services = _listed(principal.get("Service")) if isinstance(principal, dict) else [principal]
            if statement.get("Effect") == "Allow" and (_SAGEMAKER in services or "*" in services):
                return True
        return False

    def may_pass(self, key: str, role_arn: str) -> str | None:
        whose = self.principal(key)
        if role_arn.split(":")[4] != ACCOUNT:
            return whose
        context = {"iam:PassedToService": [_SAGEMAKER]}
        documents = self.documents(whose)
        if documents is None or decide(documents, "iam:PassRole", role_arn, context) == "allowed":
            return None
        return whose

    def principal(self, key: str) -> str:
        """The ARN of whoever has a key."""
        role = self._sts.get_assumed_role_from_access_key(key)
        if role is not None:
            return str(role.arn)
        user = self.iam.get_user_from_access_key_id(key)
        return str(user.arn) if user is not None else f"arn:aws:sts::{ACCOUNT}:user/moto"

    def documents(self, principal_arn: str) -> list[dict[str, Any]] | None:
        """The policies of a user or a role; None where IAM does not know it."""
        kind, _, name = principal_arn.rpartition(":")[2].partition("/")
        name = name.split("/")[0] if kind == "assumed-role" else name.rsplit("/", 1)[-1]
        if kind == "user":
            found: Any = self.iam.users.get(name)
            groups = [group for group in self.iam.groups.values() if found in group.users]
        elif kind in ("role", "assumed-role"):
            found = next((role for role in self.iam.get_roles() if role.name == name), None)
            groups = []
        else:
            found, groups = None, []
        if found is None:
            return None
        return [json.loads(text) for one in [found, *groups] for text in _policies(one)]

    def _role(self, role_arn: str) -> Any:
        return next((role for role in self.iam.get_roles() if role.arn == role_arn), None)


class LogKeeper:
    """Appends lines to CloudWatch Logs without a request for each."""

    def __init__(self) -> None:
        from moto.logs.models import logs_backends

        self._backend = logs_backends[ACCOUNT][REGION]
        self._lock = threading.Lock()

    def append(self, group: str, stream: str, lines: list[tuple[float, str]]) -> None:
        """Append lines, each with its time in seconds since 1970."""
        with self._lock:
            if group not in self._backend.groups:
                self._backend.create_log_group(group, {})
            self._backend.ensure_log_stream(group, stream)
            # the service takes no empty message
            events = [{"timestamp": int(moment * 1000), "message": text or " "} for moment, text in lines]
            self._backend.groups[group].put_log_events(stream, events)


def _policies(one: Any) -> list[str]:
    inline = (
        one.policies.values()
        if isinstance(one.policies, dict)
        else [p["policy_document"] for p in one.policies]
    )
    return [*inline, *(policy.document for policy in one.managed_policies.values())]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
