"""IAM's decision on one action: an explicit deny, else an allow, else an implicit deny.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, for
the policies of one principal; boundaries, resource policies and organizations are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Context = Mapping[str, Sequence[str]]
Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


def decide(documents: Sequence[Mapping[str, Any]], action: str, resource: str, context: Context) -> Decision:
    """Decide on an action of a resource.

    Parameters
    ----------
    context : mapping
        Values of condition keys.
    """
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _listed(document.get("Statement"))
        if _applies(statement, action, resource, context)
    }
    return "explicitDeny" if "Deny" in effects else "allowed" if "Allow" in effects else "implicitDeny"


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    if "NotAction" in statement:
        if any(_like(pattern, action, case=False) for pattern in _listed(statement["NotAction"])):
            return False
    elif not any(_like(pattern, action, case=False) for pattern in _listed(statement.get("Action"))):
        return False
    if "NotResource" in statement:
        if any(_like(pattern, resource) for pattern in _listed(statement["NotResource"])):
            return False
    elif not any(_like(pattern, resource) for pattern in _listed(statement.get("Resource"))):
        return False
    return all(
        _holds(operator, key, _listed(values), context)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    of_each = operator.startswith("ForAllValues:")
    name = operator.rpartition(":")[2]
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    given = next((list(values) for known, values in context.items() if known.lower() == key.lower()), None)
    if name == "Null":
        return (str(wanted[0]).lower() == "true") == (given is None)
    if given is None:
        return if_exists or of_each or "Not" in name
    texts = [_text(value) for value in wanted]
    negated = "Not" in name
    matches = [any(_matches(name.replace("Not", ""), text, value) for text in texts) for value in given]
    if negated:
        return not any(matches)
    return all(matches) if of_each else any(matches)


def _matches(name: str, wanted: str, value: str) -> bool:
    if name in ("StringLike", "ArnLike", "ArnEquals"):
        return _like(wanted, value)
    if name in ("StringEqualsIgnoreCase", "Bool"):
        return wanted.lower() == value.lower()
    return wanted == value


def _like(pattern: Any, text: str, *, case: bool = True) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in str(pattern))
    return re.fullmatch(expression, text, 0 if case else re.IGNORECASE) is not None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
