"""The AWS account: credentials, who they are of, the region, the role of jobs and leave to pass it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fraudlab.aws.account import Account
from fraudlab.aws.answers import AccessRefused, explained_calls
from fraudlab.aws.codes import code_of, is_passing
from fraudlab.doctor.finding import Finding, Findings, note, unknown, well, wrong
from fraudlab.errors import FraudlabError

if TYPE_CHECKING:
    from fraudlab.aws.account import Identity

_SERVICE = "sagemaker.amazonaws.com"
_INFRA = "make it with the templates in infra/ (docs/admin.md)"
_LAUNCHER = "ask your administrator for the launcher policy of infra/ (docs/admin.md)"
#: credentials that end sooner may end within a run
_SOON = timedelta(hours=1)


def told(check: str, error: FraudlabError) -> Finding:
    """An error of the account's as a finding: unknown where another moment or more rights would tell."""
    cause = error.__cause__
    if isinstance(error, AccessRefused) or (cause is not None and is_passing(cause)):
        return unknown(check, error.message.rstrip("."), error.fix)
    return wrong(check, error.message.rstrip("."), fix=error.fix)


def with_identity(
    check: str, account: Account, ask: Callable[[Account, Identity], Findings]
) -> Callable[[], Findings]:
    """A check that is only made where AWS says who we are; its errors become findings."""

    def asked() -> Findings:
        try:
            identity = account.identity
        except FraudlabError:
            return [
                unknown(check, "not asked, because AWS did not say who you are", "see credentials, above")
            ]
        try:
            return ask(account, identity)
        except FraudlabError as error:
            return [told(check, error)]

    return functools.wraps(ask)(asked)


def answer_or_code(call: Callable[[], Any], *, doing: str, accept: Collection[str]) -> tuple[Any, str]:
    """What AWS answers with an empty code, or None with a code that is an answer too.

    Raises
    ------
    FraudlabError
        For every other error.
    """
    try:
        with explained_calls(doing=doing):
            return call(), ""
    except FraudlabError as error:
        code = code_of(error.__cause__) if error.__cause__ else ""
        if code not in accept:
            raise
        return None, code


def check_credentials(account: Account) -> Findings:
    """Whether there are credentials, whose they are, and whether they last."""
    try:
        identity = account.identity
    except FraudlabError as error:
        return [told("credentials", error)]
    found = [_lasting(account.credentials_end, now=datetime.now(UTC))]
    said = f"{identity.arn}, account {identity.account}"
    if identity.arn.endswith(":root"):
        found.append(note("identity", f"{said}: root may do everything", _LAUNCHER))
    else:
        found.append(well("identity", said))
    return found


def check_region(account: Account) -> Findings:
    """Whether a region is set that has SageMaker."""
    from botocore.session import Session

    try:
        region = account.region
    except FraudlabError as error:
        return [wrong("region", error.message.rstrip("."), fix=error.fix)]
    session = Session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("sagemaker", partition)
    ]
    if region not in known:
        from fraudlab.errors import nearest

        hint = nearest(region, known).partition("? Valid")[0]
        mean = f"{hint}?" if hint.startswith("did you mean") else "sagemaker.region=eu-west-1"
        return [wrong("region", f"{region} is no region of SageMaker that boto3 knows", fix=mean)]
    return [well("region", region)]


def check_role(account: Account, _identity: Identity) -> Findings:
    """Whether the role of jobs is there, and SageMaker may take it on."""
    arn = account.role_arn
    name = arn.rpartition("/")[2]
    answer, code = answer_or_code(
        lambda: account.client("iam").get_role(RoleName=name),
        doing=f"Looking for the role {name}",
        accept={"NoSuchEntity", "NoSuchEntityException"},
    )
    if code:
        return [wrong("role", f"there is no role {name}", fix=f"{_INFRA}, or name one: sagemaker.role=NAME")]
    role = answer["Role"]
    if not trusts_sagemaker(role.get("AssumeRolePolicyDocument") or {}):
        fix = f"aws iam update-assume-role-policy --role-name {name} --policy-document …, with {_SERVICE}"
        return [
            wrong("role", f"SageMaker may not take on {name}: its trust policy does not name it", fix=fix)
        ]
    return [well("role", str(role.get("Arn", arn)))]


def check_pass_role(account: Account, identity: Identity) -> Findings:
    """Whether this identity may pass the role to SageMaker, as IAM's simulator says."""
    check = "PassRole"
    source = principal(account, identity)
    if source is None:
        return [unknown(check, f"IAM simulates no policy of {identity.arn}", "the first job will say")]
    try:
        with explained_calls(doing="Asking IAM whether the role may be passed"):
            answer = account.client("iam").simulate_principal_policy(
                PolicySourceArn=source,
                ActionNames=["iam:PassRole"],
                ResourceArns=[account.role_arn],
                ContextEntries=[
                    {
                        "ContextKeyName": "iam:PassedToService",
                        "ContextKeyValues": [_SERVICE],
                        "ContextKeyType": "string",
                    }
                ],
            )
    except FraudlabError as error:
        if error.__cause__ is None:
            raise
        return [
            unknown(
                check,
                f"cannot be told beforehand: {error.message.rstrip('.')}",
                "the first job will say; iam:SimulatePrincipalPolicy would let doctor tell",
            )
        ]
    decisions = [str(one.get("EvalDecision")) for one in answer.get("EvaluationResults", [])]
    if not decisions:
        return [unknown(check, "IAM's simulator gave no decision", "the first job will say")]
    if any(decision != "allowed" for decision in decisions):
        return [wrong(check, f"you may not pass {account.role_arn} to SageMaker", fix=_LAUNCHER)]
    return [well(check, "the role may be passed to SageMaker")]


def trusts_sagemaker(policy: Mapping[str, Any] | str) -> bool:
    """Whether a trust policy lets SageMaker take on its role."""
    document = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        actions, principals = _words(statement.get("Action")), statement.get("Principal")
        services = (
            _words(principals.get("Service")) if isinstance(principals, Mapping) else _words(principals)
        )
        allows = statement.get("Effect") == "Allow" and {"sts:AssumeRole", "sts:*", "*"} & actions
        if allows and any(one == "*" or one.startswith("sagemaker.") for one in services):
            return True
    return False


def principal(account: Account, identity: Identity) -> str | None:
    """The ARN of the user or role whose policies decide; None where IAM has none, as of root.

    A session's ARN has not the path of its role, which only IAM tells.
    """
    kind, _, rest = identity.arn.rpartition(":")[2].partition("/")
    if kind == "user":
        return identity.arn
    if kind != "assumed-role":
        return None
    name = rest.partition("/")[0]
    try:
        with explained_calls(doing=f"Looking for your role {name}"):
            return str(account.client("iam").get_role(RoleName=name)["Role"]["Arn"])
    except FraudlabError:
        return f"arn:{identity.partition}:iam::{identity.account}:role/{name}"


def _lasting(end: datetime | None, *, now: datetime) -> Finding:
    if end is None:
        return well("credentials", "there are some, and AWS takes them")
    left = end - now
    said = f"they end at {end:%Y-%m-%d %H:%M} UTC"
    if left < _SOON:
        return note("credentials", f"{said}: soon", "aws sso login, before a long run")
    return well("credentials", said)


def _words(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(map(str, value or ()))
