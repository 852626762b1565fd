"""What a person can choose: the groups of ``conf/``, their options, and the keys of the schema."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from fraudlab.config import RunConfig

#: what no run is asked
_OF_STUDIES = ("tune",)


def config_folder() -> Path:
    """The folder with fraudlab's own ``conf/``: inside the wheel, or at the root of a checkout."""
    packaged = Path(__file__).with_name("conf")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "conf"


def valid_keys(parent: str) -> list[str]:
    """The keys below a dotted path of the schema; empty where the path is not a section."""
    node: Any = RunConfig()
    for part in filter(None, parent.split(".")):
        node = vars(node).get(part) if is_dataclass(node) else None
    return [field.name for field in fields(node)] if is_dataclass(node) else []


def groups() -> list[str]:
    """The config groups a person chooses from, in alphabetical order."""
    return sorted(
        entry.name for entry in config_folder().iterdir() if entry.is_dir() and entry.name not in _OF_STUDIES
    )


def options(group: str) -> list[str]:
    """The options of one config group; empty where there is no such group."""
    folder = config_folder() / group
    return sorted(path.stem for path in folder.glob("*.yaml")) if group and folder.is_dir() else []
