"""What a service's model says of a request: members, patterns, enumerations, lengths and ranges.

The model is the one that boto3 itself is made of. Its validator checks required members and minimum values;
all else is left to the service, and so to this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from fraudlab.rehearsal.api_call import ApiError, refused

#: classes of characters that Java knows by name and Python does not
_CLASSES = {
    r"\p{L}": r"\w", r"\p{M}": "", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{Alnum}": "A-Za-z0-9",
    r"\p{P}": r"!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u2027", r"\p{S}": r"$+<=>^`|~\u00a2-\u00b4\u20a0-\u23ff",
}  # fmt: skip
#: the service names this many mistakes at once
_MANY = 10
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "boolean": (bool,), "float": (int, float),
    "double": (int, float), "list": (list,), "map": (dict,), "structure": (dict,),
    "timestamp": (int, float, str),
    "blob": (str,),
}  # fmt: skip


@cache
def service_model(service: str) -> Any:
    """Botocore's model of a service, loaded once."""
    from botocore.session import get_session

    return get_session().get_service_model(service)


def operations(service: str) -> set[str]:
    """Every operation that the service has."""
    return set(service_model(service).operation_names)


def check_request(service: str, operation: str, request: dict[str, Any]) -> None:
    """Refuse a request that breaks its shape.

    Raises
    ------
    ApiError
        ``ValidationException`` that names every constraint, ``SerializationException`` for a wrong type.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    found = []
    for one in _violations(shape, request, ""):
        found.append(one)
        if len(found) == _MANY:
            break
    if found:
        many = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise refused(f"{many}: {'; '.join(found)}")


def without_nulls(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """A request without the members that are null, which are as good as left out."""
    shape = service_model(service).operation_model(operation).input_shape
    given: dict[str, Any] = request if shape is None else _given(shape, request)
    return given


def _given(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        present = {name: one for name, one in value.items() if one is not None}
        return {
            name: _given(shape.members[name], one) if name in shape.members else one
            for name, one in present.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_given(shape.member, one) for one in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _given(shape.value, one) for name, one in value.items()}
    return value


def members_of(service: str, operation: str) -> frozenset[str]:
    """Names of what an operation answers."""
    return _members_of(service, operation)


@cache
def _members_of(service: str, operation: str) -> frozenset[str]:
    shape = service_model(service).operation_model(operation).output_shape
    return frozenset(shape.members) if shape is not None else frozenset()


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if not _is_a(value, kind):
        raise ApiError("SerializationException", f"Value at '{path or 'request'}' is no {kind}")
    if kind == "structure":
        yield from _of_structure(shape, value, path)
    elif kind == "list":
        yield from _of_size(shape, value, path)
        for number, one in enumerate(value, start=1):
            yield from _violations(shape.member, one, f"{path}.{number}.member")
    elif kind == "map":
        yield from _of_size(shape, value, path)
        for key, one in value.items():
            if any(True for _ in _violations(shape.key, key, path)):
                rules = ", ".join(_rules(shape.key))
                yield _said(value, path, f"Map keys must satisfy constraint: [{rules}]")
            if any(True for _ in _violations(shape.value, one, path)):
                rules = ", ".join(_rules(shape.value))
                yield _said(value, path, f"Map value must satisfy constraint: [{rules}]")
    elif kind == "string":
        yield from _of_size(shape, value, path)
        yield from _of_text(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _of_range(shape, value, path)


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS.get(kind, (object,))) and (kind == "boolean") == isinstance(value, bool)


def _of_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _said(None, _below(path, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _violations(member, value[name], _below(path, name))


def _of_size(shape: Any, value: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    if "max" in limits and len(value) > limits["max"]:
        yield _said(value, path, f"Member must have length less than or equal to {limits['max']}")
    if "min" in limits and len(value) < limits["min"]:
        yield _said(value, path, f"Member must have length greater than or equal to {limits['min']}")


def _of_text(shape: Any, value: str, path: str) -> Iterator[str]:
    limits = shape.metadata
    if limits.get("enum") and value not in limits["enum"]:
        yield _said(value, path, f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
    if "pattern" in limits and (found := _compiled(limits["pattern"])) and not found.fullmatch(value):
        yield _said(value, path, f"Member must satisfy regular expression pattern: {limits['pattern']}")


def _of_range(shape: Any, value: float, path: str) -> Iterator[str]:
    limits = shape.metadata
    if "max" in limits and value > float(limits["max"]):
        yield _said(value, path, f"Member must have value less than or equal to {limits['max']}")
    if "min" in limits and value < float(limits["min"]):
        yield _said(value, path, f"Member must have value greater than or equal to {limits['min']}")


def _rules(shape: Any) -> Iterator[str]:
    limits = shape.metadata
    if "max" in limits:
        yield f"Member must have length less than or equal to {limits['max']}"
    if "min" in limits:
        yield f"Member must have length greater than or equal to {limits['min']}"
    if "pattern" in limits:
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
    if limits.get("enum"):
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


def _said(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _below(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A pattern as Python has it; None for one that cannot be said in Python, which refuses nothing."""
    pattern = re.sub(r"\$\{\d+,\d+\}", "", pattern)  # a slip of the model: a quantifier behind an end
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None
