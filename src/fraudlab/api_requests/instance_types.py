"""What an instance type says of its machine by its name alone."""

from __future__ import annotations

import re
from typing import Literal

#: families whose machines have disks of their own although no d behind their generation says so
_WITH_DISKS = frozenset(
    {"dl1", "g5", "g6", "g6e", "g7", "g7e", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200"}
    | {"trn1", "trn1n", "trn2"}
)
#: m5d, c6gd, g4dn, p4de: a generation, and a d among the letters behind it
_DISK_LETTER = re.compile(r"[a-z]+[0-9]+[a-ce-z]*d[a-z]*")
#: m6g, c7gd, c6gn: a generation, and a g behind it; g5 and g6 are families of graphics cards
_ARM = re.compile(r"[a-z]+[0-9]+g[a-z]*")


def family_of(instance_type: str) -> str:
    """``m5d`` of ``ml.m5d.xlarge``."""
    return instance_type.removeprefix("ml.").partition(".")[0]


def has_local_storage(instance_type: str) -> bool:
    """Whether a machine has disks of its own, which it encrypts itself: AWS refuses a key for its volume."""
    family = family_of(instance_type)
    return family in _WITH_DISKS or _DISK_LETTER.fullmatch(family) is not None


def architecture_of(instance_type: str) -> Literal["amd64", "arm64"]:
    """The processor an image must be built for."""
    family = family_of(instance_type)
    return "arm64" if _ARM.fullmatch(family) or family == "p6e-gb200" else "amd64"
