"""What AWS itself says of SageMaker's requests: botocore's service model, read as the data it is.

botocore's own validator looks at required fields, types and minima. Enumerations, patterns and maxima are in
the same file and left to the service, which says so minutes later. The file is read without botocore, whose
import takes ten times as long.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fraudlab.errors import BackendError

_FILE = "data/sagemaker/*/service-2.json*"
_CLASSES = {"\\p{L}": "a-zA-Z", "\\p{N}": "0-9", "\\p{Z}": " ", "\\p{Alnum}": "a-zA-Z0-9"}
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True)
class Violation:
    """Something of a request that the service would refuse.

    Attributes
    ----------
    path : str
        Such as ``ResourceConfig.InstanceType`` or ``Tags[3].Value``; of a map, ``Environment[NAME]``.
    value : object
        What is there; None where something is missing.
    what : str
        Behind the path, such as ``"is longer than 63"``.
    valid : tuple of str
        The names one of which it must be; empty where it is no name.
    """

    path: str
    value: Any
    what: str
    valid: tuple[str, ...] = ()


@cache
def _model() -> Mapping[str, Any]:
    import gzip

    import orjson

    found = importlib.util.find_spec("botocore")
    root = Path(str(found.origin)).parent if found is not None and found.origin else Path()
    files = sorted(root.glob(_FILE)) if found is not None else []
    if not files:
        raise BackendError(
            "botocore's description of SageMaker is not there, by which requests are checked.",
            fix="pip install --force-reinstall botocore",
        )
    content = files[-1].read_bytes()
    model: dict[str, Any] = orjson.loads(gzip.decompress(content) if files[-1].suffix == ".gz" else content)
    return model


def names_of(shape: str) -> tuple[str, ...]:
    """The names of an enumeration, such as ``TrainingInstanceType``."""
    return tuple(_model()["shapes"][shape]["enum"])


def violations(operation: str, request: Mapping[str, Any]) -> Iterator[Violation]:
    """Whatever the service model says against a request, in the order of its fields.

    Parameters
    ----------
    operation : str
        Such as ``CreateTrainingJob``.
    request : mapping
        As boto3 takes it.
    """
    model = _model()
    yield from _of_shape(model["shapes"], model["operations"][operation]["input"]["shape"], request, "")


def _of_shape(shapes: Mapping[str, Any], name: str, value: Any, path: str) -> Iterator[Violation]:
    shape = shapes[name]
    kind = shape["type"]
    wanted = _TYPES.get(kind)
    if wanted is not None and (not isinstance(value, wanted) or (kind != "boolean" and value is True)):
        yield Violation(path, value, f"is no {kind}")
        return
    yield from _limits(shape, value, path)
    if kind == "structure":
        yield from _of_structure(shapes, shape, value, path)
    elif kind == "list":
        for number, member in enumerate(value):
            yield from _of_shape(shapes, shape["member"]["shape"], member, f"{path}[{number}]")
    elif kind == "map":
        for key, member in value.items():
            yield from _of_shape(shapes, shape["key"]["shape"], key, f"{path}[{key}]")
            yield from _of_shape(shapes, shape["value"]["shape"], member, f"{path}[{key}]")


def _of_structure(shapes: Mapping[str, Any], shape: Any, value: Any, path: str) -> Iterator[Violation]:
    for name in shape.get("required", ()):
        if name not in value:
            yield Violation(_below(path, name), None, "is missing")
    for name, member in value.items():
        if name not in shape["members"]:
            yield Violation(_below(path, name), member, "is unknown", tuple(shape["members"]))
        else:
            yield from _of_shape(shapes, shape["members"][name]["shape"], member, _below(path, name))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _limits(shape: Mapping[str, Any], value: Any, path: str) -> Iterator[Violation]:
    if (names := shape.get("enum")) and value not in names:
        yield Violation(path, value, "is not one of them", tuple(names))
        return
    is_number = isinstance(value, int | float)
    size = value if is_number else len(value)
    unit = "" if is_number else " characters" if isinstance(value, str) else " entries"
    if "max" in shape and size > shape["max"]:
        yield Violation(path, value, f"is more than {shape['max']}{unit}")
    elif "min" in shape and size < shape["min"]:
        yield Violation(path, value, f"is less than {shape['min']}{unit}")
    if (pattern := shape.get("pattern")) and isinstance(value, str) and not matches(pattern, value):
        yield Violation(path, value, f"does not match {pattern}")


def matches(pattern: str, text: str) -> bool:
    r"""Whether a whole text matches a pattern of the service model, whose dialect is Java's.

    Classes such as ``\p{L}`` are read as the ASCII of them, and a text's other letters, digits and spaces as
    one of those. A pattern that Python cannot read refuses nothing.
    """
    if "\\p{" in pattern:
        text = "".join(_plain(sign) for sign in text)
        for name, signs in _CLASSES.items():
            pattern = pattern.replace(name, signs)
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _plain(sign: str) -> str:
    if sign.isascii():
        return sign
    return {"L": "a", "N": "0", "Z": " "}.get(unicodedata.category(sign)[0], sign)
