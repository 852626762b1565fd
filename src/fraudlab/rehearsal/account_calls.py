"""What others ask of an account, and moto does not answer: quotas, and what a policy allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fraudlab.rehearsal.account_quotas import quotas
from fraudlab.rehearsal.action_names import operation_of
from fraudlab.rehearsal.api_call import ApiCall, ApiError, ApiReply, json_reply, request_id
from fraudlab.rehearsal.moto_account import MotoRoles
from fraudlab.rehearsal.policy_evaluation import decide
from fraudlab.rehearsal.service.listings import page

Request = dict[str, Any]
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


def quota_calls(call: ApiCall) -> ApiReply:
    """Service Quotas: the account's values, which are the defaults, as a list and one by one.

    Raises
    ------
    ApiError
        As the service would refuse it.
    """
    request = call.json()
    answers: dict[str, Callable[[Request], Request]] = {
        "ListServiceQuotas": _list_quotas,
        "ListAWSDefaultServiceQuotas": _list_quotas,
        "GetServiceQuota": _get_quota,
        "GetAWSDefaultServiceQuota": _get_quota,
    }
    if call.operation not in answers:
        raise not_implemented(call.operation)
    return json_reply(answers[call.operation](request))


def _list_quotas(request: Request) -> Request:
    _only_sagemaker(request)
    code = request.get("QuotaCode")
    wanted = [quota for known, quota in quotas().items() if code in (None, known)]
    shown, more = page(wanted, request, default=100)
    return {"Quotas": shown, **more}


def _get_quota(request: Request) -> Request:
    _only_sagemaker(request)
    found = quotas().get(request.get("QuotaCode", ""))
    if found is None:
        raise ApiError(
            "NoSuchResourceException", "The request failed because the specified quota does not exist."
        )
    return {"Quota": found}


def _only_sagemaker(request: Request) -> None:
    if request.get("ServiceCode") != "sagemaker":
        raise ApiError(
            "NoSuchResourceException", "The rehearsal has the quotas of the service code sagemaker."
        )


def not_implemented(operation: str) -> ApiError:
    """The error for what neither the rehearsal nor moto does."""
    return ApiError(
        "UnknownOperationException", f"{operation} is not implemented by the rehearsal.", status=404
    )


def pricing_calls(call: ApiCall) -> ApiReply:
    """The Pricing API: the rehearsal knows no prices, and says so.

    Raises
    ------
    ApiError
        Always.
    """
    raise not_implemented(call.operation)


class IamCalls:
    """IAM's SimulatePrincipalPolicy; moto does the rest."""

    def __init__(self, roles: MotoRoles) -> None:
        self._roles = roles

    def answer(self, call: ApiCall) -> ApiReply | None:
        """Answer, or leave a call to moto.

        Raises
        ------
        ApiError
            For a principal that is not there.
        """
        if operation_of(call) != "SimulatePrincipalPolicy":
            return None
        fields = {name: values[0] for name, values in parse_qs(call.read().decode()).items()}
        principal = fields.get("PolicySourceArn", "")
        documents = self._roles.documents(principal)
        if documents is None and principal != self._roles.principal("nobody"):
            raise ApiError("NoSuchEntity", f"The policy source {principal} cannot be found.", status=404)
        if documents is None:  # whoever has a key that IAM does not know is the administrator
            documents = [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
        extra = [text for name, text in fields.items() if name.startswith("PolicyInputList.member.")]
        if extra:
            raise not_implemented("SimulatePrincipalPolicy with PolicyInputList")
        context = _context(fields)
        results = "".join(
            f"<member><EvalActionName>{escape(action)}</EvalActionName>"
            f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalDecision>{decide(documents, action, resource, context)}</EvalDecision>"
            "<MatchedStatements/><MissingContextValues/></member>"
            for action in _members(fields, "ActionNames")
            for resource in _members(fields, "ResourceArns") or ["*"]
        )
        body = (
            "<SimulatePrincipalPolicyResponse "
            f'xmlns="{_IAM}"><SimulatePrincipalPolicyResult><IsTruncated>false'
            f"</IsTruncated><EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>"
            f"<ResponseMetadata><RequestId>{request_id()}</RequestId></ResponseMetadata>"
            "</SimulatePrincipalPolicyResponse>"
        )
        return ApiReply(200, body.encode(), [("Content-Type", "text/xml")])


def _members(fields: dict[str, str], name: str) -> list[str]:
    found = {
        int(key.rsplit(".", 1)[1]): text for key, text in fields.items() if key.startswith(f"{name}.member.")
    }
    return [text for _, text in sorted(found.items())]


def _context(fields: dict[str, str]) -> dict[str, list[str]]:
    found = {}
    for key, name in fields.items():
        if key.startswith("ContextEntries.member.") and key.endswith(".ContextKeyName"):
            entry = key.removesuffix(".ContextKeyName")
            found[name] = _members(fields, f"{entry}.ContextKeyValues")
    return found
