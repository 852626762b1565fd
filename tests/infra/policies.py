"""What the policies of a CloudFormation template allow, and where that differs from what was seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

#: what `AWS::NoValue` becomes, until whatever holds it leaves it out
NOTHING = object()


class Statement(NamedTuple):
    """A statement that allows something."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any]


class Call(NamedTuple):
    """Something that somebody did, in IAM's words such as ``s3:PutObject``."""

    by: str
    action: str


class Gaps(NamedTuple):
    """Where policies and what was seen differ; nothing differs where all four are empty."""

    not_allowed: tuple[str, ...]
    never_seen: tuple[str, ...]
    #: exceptions that excuse nothing any more
    needless_seen: tuple[str, ...]
    needless_allowed: tuple[str, ...]


def read_template(path: Path) -> dict[str, Any]:
    """The template with ``!Ref X`` as ``{"Ref": "X"}`` and so on."""
    from cfnlint.decode import cfn_yaml

    return json.loads(json.dumps(cfn_yaml.load(str(path))))


class Values:
    """What a template's names stand for in one stack."""

    def __init__(
        self, template: dict[str, Any], *, conditions: Mapping[str, bool], **names: str | list[str]
    ) -> None:
        self.names: dict[str, Any] = {
            "AWS::AccountId": "123456789012",
            "AWS::Partition": "aws",
            "AWS::Region": "eu-west-1",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NOTHING,
        }
        for name, parameter in template["Parameters"].items():
            default = parameter.get("Default", f"<{name}>")
            is_list = parameter["Type"].startswith(("CommaDelimitedList", "List<"))
            self.names[name] = default.split(",") if is_list else str(default)
        self.names |= names
        self.conditions = conditions

    def of(self, value: Any) -> Any:
        """The value with every function of CloudFormation carried out, as far as a policy needs."""
        match value:
            case {"Ref": name}:
                return self.names.get(name, f"<{name}>")
            case {"Fn::GetAtt": [name, attribute]}:
                return f"<{name}.{attribute}>"
            case {"Fn::If": [condition, then, otherwise]}:
                return self.of(then if self.conditions[condition] else otherwise)
            case {"Fn::Sub": [text, names]}:
                return self.put_in(text, self.of(names))
            case {"Fn::Sub": str(text)}:
                return self.put_in(text, {})
            case dict():
                functions = {name for name in value if name.startswith("Fn::")}
                if functions:
                    raise NotImplementedError(f"{functions} in a policy")
                pairs = ((name, self.of(part)) for name, part in value.items())
                return {name: part for name, part in pairs if part is not NOTHING}
            case list():
                return [part for part in map(self.of, value) if part is not NOTHING]
        return value

    def put_in(self, text: str, names: Mapping[str, Any]) -> str:
        """``Fn::Sub``: ``${Name}`` and ``${Name.Attribute}`` stand for something, ``${!Name}`` does not."""

        def meaning(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            known = {**self.names, **names}
            return str(known[name]) if name in known else f"<{name}>"

        return re.sub(r"\$\{([^}]+)\}", meaning, text)


def documents(resource: dict[str, Any], values: Values) -> Iterator[dict[str, Any]]:
    """The policy documents of a role or a managed policy; who may take on the role is none of them."""
    properties = resource["Properties"]
    if "PolicyDocument" in properties:
        yield values.of(properties["PolicyDocument"])
    for policy in values.of(properties.get("Policies", [])):
        yield policy["PolicyDocument"]


def listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def statements(resource: dict[str, Any], values: Values) -> list[Statement]:
    """What a role or a managed policy allows; one that also denies is refused, as nothing is subtracted."""
    found = []
    for document in documents(resource, values):
        for statement in document["Statement"]:
            if statement["Effect"] != "Allow" or {"NotAction", "NotResource"} & set(statement):
                raise NotImplementedError(f"{statement.get('Sid')}: only what is allowed can be compared")
            found.append(
                Statement(
                    statement["Sid"], listed(statement["Action"]), listed(statement["Resource"]),
                    statement.get("Condition", {}),
                )
            )  # fmt: skip
    return found


def actions(allowing: Iterable[Statement]) -> set[str]:
    return {action for statement in allowing for action in statement.actions}


def read_calls(path: Path) -> set[Call]:
    """Calls from the JSON lines of a rehearsal, whose ``by`` is ``launcher`` or ``role``.

    A line that was cut short, as by a kill, is left out; one that says something else is an error.
    """
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        found.add(Call(entry["by"], entry["action"]))
    return found


def known_actions() -> set[str]:
    """Every action that IAM has, in small letters, as cfn-lint's copy of AWS's list has them."""
    from cfnlint.data import AdditionalSpecs
    from cfnlint.helpers import load_resource

    services = load_resource(AdditionalSpecs, "Policies.json")
    return {f"{prefix}:{name}".lower() for prefix, service in services.items() for name in service["Actions"]}


def covers(pattern: str, action: str) -> bool:
    """Whether an action is what a policy names; IAM does not tell capitals, and has ``*`` and ``?``."""
    return fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]"))


def compare(
    seen: set[str],
    allowed: set[str],
    *,
    seen_only: Mapping[str, str],
    allowed_only: Mapping[str, str],
) -> Gaps:
    """Compare what was seen with what is allowed, exceptions with their reasons left out."""
    outside = {action for action in seen if not any(covers(pattern, action) for pattern in allowed)}
    unused = {pattern for pattern in allowed if not any(covers(pattern, action) for action in seen)}
    return Gaps(
        not_allowed=tuple(sorted(outside - set(seen_only))),
        never_seen=tuple(sorted(unused - set(allowed_only))),
        needless_seen=tuple(sorted(set(seen_only) - outside)),
        needless_allowed=tuple(sorted(set(allowed_only) - unused)),
    )
