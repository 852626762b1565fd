"""Every key of a run: type, unit, range, default and what it is for; on the terminal and as a page.

Nothing is written twice: sentences are the comments of the schema, ranges those that are checked, defaults
those of the schema and of the files in ``conf/``. ``make reference`` writes ``docs/configuration.md``.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from fraudlab.config import RunConfig
from fraudlab.config_options import config_folder, groups, options
from fraudlab.config_ranges import CHOICES, RANGES, TEXTS, UNITS
from fraudlab.container.hyperparameters import canonical, wanted
from fraudlab.errors import ConfigError, nearest

_NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false", Any: "any"}
_PAGE = """# Configuration

Every key of a run, in the order of its sections. `make reference` writes this page from the schema, and
a test holds it to that. Give a key as `KEY=VALUE` behind `fraudlab train`, an option as `SECTION=OPTION`;
`fraudlab train --help KEY` says the same on the terminal. `null` is "not set". What an option of `conf/`
sets otherwise stands behind the default.
"""


@dataclass(frozen=True)
class Key:
    """One key of a run.

    Attributes
    ----------
    name : str
        With its section, such as ``model.max_depth``.
    kind, unit, valid, default, sentence : str
        As shown; the unit may be empty.
    others : dict of str to str
        What an option sets it to, by ``section=option``.
    """

    name: str
    kind: str
    unit: str
    valid: str
    default: str
    sentence: str
    others: dict[str, str]


@cache
def keys() -> dict[str, Key]:
    """Every key by its name, in the order of the schema."""
    return {key.name: key for key in _keys_of(RunConfig, "")}


def help_for(topic: str) -> str:
    """What ``fraudlab train --help TOPIC`` prints.

    Parameters
    ----------
    topic : str
        A key, its last part where that is unique, a section, or a group of options.

    Raises
    ------
    ConfigError
        For what is none of these, with the nearest.
    """
    found = keys()
    name = topic.strip().rstrip(".")
    if name.startswith("model."):
        name = f"model.{canonical(name.removeprefix('model.'))}"
    if name not in found and "." not in name:
        ending = [key for key in found if key.endswith((f".{name}", f".{canonical(name)}"))]
        name = ending[0] if len(ending) == 1 and name not in groups() else name
    if name in found:
        return _one(found[name])
    below = [key for key in found.values() if key.name.startswith(f"{name}.")]
    if below or name in groups():
        return _section(name, below)
    sections = {key.rpartition(".")[0] for key in found} - {""}
    raise ConfigError(
        f"{topic!r} is not a key.", fix=nearest(name, [*found, *sections, *groups()]).partition(" Valid")[0]
    )


def page() -> str:
    """``docs/configuration.md``."""
    parts = [_PAGE]
    for section, members in _sections().items():
        parts.append(f"\n## {section or 'Without a section'}\n\n{_about(section)}")
        if section in groups():
            parts += [_item(section, name, text) for name, text in _options(section)] + ["\n"]
        parts.append("| key | type | unit | valid | default | |\n|---|---|---|---|---|---|\n")
        for key in members:
            cells = (f"`{key.name}`", key.kind, key.unit, key.valid, _default(key, code=True), key.sentence)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    parts.append("\n## experiment\n\nA named combination of the above.\n\n")
    parts.append("".join(_item("experiment", name, text) for name, text in _options("experiment")))
    return "".join(parts)


def _keys_of(section: type[Any], prefix: str) -> Iterator[Key]:
    hints, sentences = get_type_hints(section), _comments(section)
    for entry in fields(section):
        name, kind = f"{prefix}{entry.name}", hints[entry.name]
        if is_dataclass(kind) and isinstance(kind, type):
            yield from _keys_of(kind, f"{name}.")
            continue
        value = entry.default
        if value is NO_DEFAULT and entry.default_factory is not NO_DEFAULT:
            value = entry.default_factory()
        if prefix == "compute.serve." and entry.name == "instance_type":
            value = RunConfig().compute.serve.instance_type
        set_elsewhere = _set_by_options(name)
        others = {option: _shown(other) for option, other in set_elsewhere if _shown(other) != _shown(value)}
        shown_kind = "word" if name in CHOICES else _kind(kind)
        yield Key(name, shown_kind, UNITS.get(name, ""), _valid(name, kind), _shown(value),
                  sentences[entry.name], others)  # fmt: skip


def _kind(kind: Any) -> str:
    if kind in _NAMES:
        return _NAMES[kind]
    if isinstance(kind, types.UnionType):
        return f"{_kind(next(member for member in get_args(kind) if member is not type(None)))}, or null"
    if get_origin(kind) is list:
        return "list of whole numbers" if get_args(kind) == (int,) else "list of texts"
    if get_origin(kind) is dict:
        return "texts by name"
    return "word"


def _valid(name: str, kind: Any) -> str:
    if name in CHOICES:
        return ", ".join(CHOICES[name])
    if name in RANGES:
        return RANGES[name].valid
    if name in TEXTS:
        return TEXTS[name]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(member.value for member in kind)
    section, _, leaf = name.partition(".")
    if section == "model" and leaf != "name":
        return wanted(leaf)
    return "true or false" if kind is bool else "any"


def _comments(section: type[Any]) -> dict[str, str]:
    """The ``#:`` comment above each field, as one sentence."""
    lines = inspect.getsource(sys.modules[section.__module__]).splitlines()
    (found,) = (
        node
        for node in ast.parse("\n".join(lines)).body
        if isinstance(node, ast.ClassDef) and node.name == section.__name__
    )
    comments = {}
    for node in found.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        above: list[str] = []
        at = node.lineno - 2
        while lines[at].strip().startswith("#:"):
            above.insert(0, lines[at].strip()[2:].strip())
            at -= 1
        comments[node.target.id] = " ".join(above).replace("``", "`")
    return comments


def _set_by_options(name: str) -> Iterator[tuple[str, Any]]:
    """What the files of ``conf/`` set a key to, by ``section=option``."""
    section, _, leaf = name.partition(".")
    for option in options(section):
        values = _file(section, option)
        for part in leaf.split("."):
            values = values.get(part, NO_DEFAULT) if isinstance(values, dict) else NO_DEFAULT
        if values is not NO_DEFAULT:
            yield f"{section}={option}", values


@cache
def _file(section: str, option: str) -> Any:
    """What an option sets, with what it is built on."""
    from omegaconf import OmegaConf

    values: Any = OmegaConf.to_container(OmegaConf.load(config_folder() / section / f"{option}.yaml"))
    built_on = [base for base in values.pop("defaults", []) if isinstance(base, str)]
    merged: dict[str, Any] = {}
    for base in built_on:
        merged |= _file(section, base)
    return merged | values


def _options(section: str) -> list[tuple[str, str]]:
    """The options of a section with the first sentence of each file's comment."""
    found = []
    for option in options(section):
        lines = (config_folder() / section / f"{option}.yaml").read_text(encoding="utf-8").splitlines()
        text = " ".join(
            line.lstrip("# ") for line in lines if line.startswith("# ") and not line.startswith("# @package")
        )
        found.append((option, text.partition(". ")[0].rstrip(".") + "."))
    return found


def _item(section: str, option: str, text: str) -> str:
    line = f"- `{section}={option}`: {text}"
    return textwrap.fill(line, 120, subsequent_indent="  ", break_on_hyphens=False) + "\n"


def _sections() -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for key in keys().values():
        found.setdefault(key.name.rpartition(".")[0].partition(".")[0], []).append(key)
    return found


def _about(section: str) -> str:
    kind = get_type_hints(RunConfig).get(section)
    return f"{(inspect.getdoc(kind) or '').replace('``', '`')}\n\n" if kind is not None else ""


def _shown(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if value is None:
        return "null"
    if value in ("???", NO_DEFAULT):
        return "must be given"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    return f"{value:.15g}" if isinstance(value, float | int) else str(value)


def _default(key: Key, *, code: bool = False) -> str:
    mark = "`" if code else ""
    plain = key.default if key.default == "must be given" else f"{mark}{key.default}{mark}"
    others = [f"{mark}{option}{mark}: {_short(value)}" for option, value in key.others.items()]
    return "; ".join([plain, *others])


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:36]}…"


def _one(key: Key) -> str:
    facts = [("type", key.kind), ("unit", key.unit), ("valid", key.valid), ("default", _default(key))]
    lines = [f"  {name:<8} {text}" for name, text in facts if text]
    return f"{key.name}\n  {key.sentence}\n\n" + "\n".join(lines) + "\n"


def _section(name: str, members: list[Key]) -> str:
    lines = [name, *(f"  {line}".rstrip() for line in _about(name).strip().splitlines())]
    if name == "experiment":
        lines.append("  A named combination of the other answers.")
    if chosen := _options(name):
        lines += ["", "options:", *(f"  {name}={option}\n      {text}" for option, text in chosen)]
    if members:
        width = max(len(key.name) for key in members)
        lines += ["", "keys (`--help KEY` says more):"]
        lines += [f"  {key.name:<{width}}  {key.default:<14} {key.sentence}" for key in members]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path("docs/configuration.md").write_text(page(), encoding="utf-8")
