"""From overrides to a checked :class:`RunConfig`, with errors a person can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab import hydra_errors
from fraudlab.config import RunConfig, register_schema
from fraudlab.config_rules import check
from fraudlab.container.hyperparameters import canonical
from fraudlab.errors import ConfigError, nearest
from fraudlab.hydra_errors import Mistake
from fraudlab.local_paths import local_path
from fraudlab.overrides import KEY, literal, quoted_where_certain
from fraudlab.redaction import hide, hide_configuration, watch_environment

if TYPE_CHECKING:
    from omegaconf import DictConfig

CONFIG_NAME = "train"
#: Hydra's ways to name several values
_SWEEP = re.compile(r"\s*(?:choice|range|interval|glob|shuffle|sort|tag)\(")


def config_folder() -> Path:
    """The folder with fraudlab's own ``conf/``: inside the wheel, or at the root of a checkout."""
    packaged = Path(__file__).with_name("conf")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "conf"


def own_folder() -> Path | None:
    """A ``./conf`` of the person's own, where there is one."""
    own = Path.cwd() / "conf"
    return own if own.is_dir() and own != config_folder() else None


def search_path_override() -> list[str]:
    """What makes Hydra search :func:`own_folder` after fraudlab's own.

    It is named from the current folder, whose own path may hold what Hydra takes for grammar.
    """
    return ["hydra.searchpath=[file://conf]"] if own_folder() else []


def compose(overrides: Sequence[str]) -> RunConfig:
    """Compose and check the configuration of one run.

    Parameters
    ----------
    overrides : sequence of str
        Hydra overrides, such as ``"model=weighted"`` or ``"model.max_depth=8"``.

    Returns
    -------
    RunConfig
        Resolved; every value has its declared type and every combination can work.

    Raises
    ------
    ConfigError
        For an unknown key or option, a value of the wrong type or range, or an impossible combination.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_schema()
    watch_environment()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_folder()), version_base="1.3"):
            node = hydra_compose(CONFIG_NAME, overrides=[*search_path_override(), *readable(overrides)])
        return checked(node)
    except HydraException as error:
        raise explain(error) from error
    except OmegaConfBaseException as error:
        raise explain(error) from error


def readable(words: Sequence[str], *, sweep: bool = False) -> list[str]:
    """Overrides as Hydra can read them; see :func:`fraudlab.overrides.quoted_where_certain`.

    Raises
    ------
    ConfigError
        For a word that is no override at all.
    """
    for word in words:
        key, equals, _ = word.partition("=")
        if not KEY.fullmatch(key.strip()) or not (equals or key.startswith("~")):
            raise unreadable(word)
    return quoted_where_certain(words, sweep=sweep)


def checked(node: DictConfig) -> RunConfig:
    """Resolve a composed config, check it, and hand it over as the dataclass it was declared as."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    _refuse_added_keys(node, OmegaConf.structured(RunConfig))
    _require_values(node)
    try:
        config = cast(RunConfig, OmegaConf.to_object(node))
    except OmegaConfBaseException as error:
        raise explain(error) from error
    _locate(config)
    check(config)
    return config


def _locate(config: RunConfig) -> None:
    """Make the paths a person named paths of this machine."""
    for section, names in (("data", ("path",)), ("model", ("hooks",)), ("paths", ("runs", "cache"))):
        node = getattr(config, section)
        for name in names:
            if (text := getattr(node, name)) is not None:
                setattr(node, name, local_path(text, key=f"{section}.{name}", reads=section != "paths"))


def as_yaml(config: RunConfig) -> str:
    """The resolved configuration as YAML, as it is written to ``config.yaml``."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.structured(_literally(config)), resolve=True)


def as_dict(config: RunConfig) -> dict[str, Any]:
    """The resolved configuration as nested plain values; choices become their names."""
    from omegaconf import OmegaConf

    node = OmegaConf.structured(_literally(config))
    return cast(dict[str, Any], OmegaConf.to_container(node, resolve=True, enum_to_str=True))


def _literally(value: Any) -> Any:
    """A resolved configuration as it was described, whose texts stay when OmegaConf resolves it again."""
    if isinstance(value, str):
        return literal(hide_configuration(value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{name: _literally(inner) for name, inner in vars(value).items()})
    if isinstance(value, list):
        return [_literally(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _literally(inner) for key, inner in value.items()}
    return value


def _refuse_added_keys(node: DictConfig, schema: DictConfig, parent: str = "") -> None:
    for key in node:
        name = f"{parent}.{key!s}" if parent else str(key)
        if key not in schema.keys():  # noqa: SIM118  (`in` leaves out keys without a default)
            raise _unknown_key(name)
        if isinstance(node._get_node(key), type(node)) and isinstance(schema._get_node(key), type(node)):
            _refuse_added_keys(node[key], schema[key], name)


def _require_values(node: DictConfig) -> None:
    from omegaconf import OmegaConf

    missing = sorted(OmegaConf.missing_keys(node))
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} must be given for data={node.data.kind.name}.",
            fix="add " + " ".join(f"{key}=…" for key in missing),
        )


def explain(error: Exception) -> ConfigError:
    """Turn an error of Hydra or OmegaConf into one that names the key, the valid options and the fix.

    Parameters
    ----------
    error : Exception
        As raised while composing.

    Returns
    -------
    ConfigError
        The same fact, in the words of the person who typed the override.
    """
    mistake, name = hydra_errors.read(error)
    if mistake is Mistake.UNREADABLE:
        return unreadable(name)
    if mistake is Mistake.TAKEN_AWAY:
        return ConfigError(f"{name!r} cannot be taken away.", fix="set it to null or [] instead")
    if mistake is Mistake.REFERENCE:
        return ConfigError(f"${{{name}}} names no key.", fix="name one with its section, as ${data.label}")
    if mistake is Mistake.VARIABLE:
        return ConfigError(f"the environment variable {name} is not set.", fix=f"set {name}, or leave it out")
    if mistake is Mistake.KEY:
        return _unknown_key(name)
    if mistake is Mistake.VALUE:
        *_, cause = hydra_errors.causes(error)
        return ConfigError(f"{name}: {_first_line(cause)}.", fix=_type_hint(name))
    if mistake is Mistake.OPTION:
        return _unknown_option(name)
    return ConfigError(_first_line(error), fix="see `fraudlab train --help` for the keys and their options")


def unreadable(word: str) -> ConfigError:
    """Why a word of the command line is no override, without the words of a parser."""
    key, equals, value = word.partition("=")
    if not word.strip():
        return ConfigError("an override is empty.", fix="remove the pair of quotes with nothing between them")
    if not equals:
        where = [group for group in groups() if word in options(group)]
        likely = f"did you mean {where[0]}={word}?" if where else "see `fraudlab train --help` for the keys"
        return ConfigError(f"{word!r} is not KEY=VALUE.", fix=likely)
    if not KEY.fullmatch(key.strip()):
        return ConfigError(f"{key!r} is not a key.", fix="see `fraudlab train --help` for the keys")
    if re.fullmatch(r"\d{1,3}(,\d{3})+", value):
        return ConfigError(f"{key}={value} is not a number.", fix=f"write {key}={value.replace(',', '')}")
    if "," in value and (_SWEEP.match(value) or not value.lstrip().startswith(("[", "{", "("))):
        listed = "" if _SWEEP.match(value) or "." not in key else f"; for a list write {key}=[{value}]"
        return ConfigError(
            f"{key}={value} has several values for one run.",
            fix=f"for several runs, one after another, add -m{listed}",
        )
    return ConfigError(
        f"{key}: the value {value!r} cannot be read.",
        fix=f"a text with signs goes into quotes within quotes: \"{key}='VALUE'\"",
    )


def _unknown_key(key: str) -> ConfigError:
    parent, _, leaf = key.rpartition(".")
    valid = valid_keys(parent)
    if not valid:
        return _unknown_key(parent)
    where = f" in {parent}" if parent else ""
    meant = canonical(leaf) if parent == "model" else leaf
    return ConfigError(f"{key!r} is not a key{where}.", fix=nearest(meant, valid))


def _unknown_option(path: str) -> ConfigError:
    group, _, option = path.rpartition("/")
    if "//" in path:
        group, _, option = path.partition("//")
        option = f"/{option}"
    valid = options(group)
    if not valid:
        return ConfigError(f"{path!r} is not a config.", fix=nearest(path, groups()))
    return ConfigError(f"{option!r} is not an option of {group!r}.", fix=nearest(option, valid))


def valid_keys(parent: str) -> list[str]:
    """The keys below a dotted path of the schema; empty where the path is not a section."""
    node: Any = RunConfig()
    for part in filter(None, parent.split(".")):
        node = vars(node).get(part) if is_dataclass(node) else None
    return [field.name for field in fields(node)] if is_dataclass(node) else []


def groups() -> list[str]:
    """The config groups a person chooses from, in alphabetical order."""
    return sorted(entry.name for entry in config_folder().iterdir() if entry.is_dir())


def options(group: str) -> list[str]:
    """The options of one config group; empty where there is no such group."""
    folder = config_folder() / group
    return sorted(path.stem for path in folder.glob("*.yaml")) if group and folder.is_dir() else []


def _type_hint(key: str) -> str:
    from omegaconf import OmegaConf

    node = OmegaConf.structured(RunConfig)
    default = OmegaConf.select(node, key, throw_on_missing=False)
    default = getattr(default, "value", default)
    return (
        f"the default is {key}={default}" if default is not None else f"see `fraudlab train --help` for {key}"
    )


def _first_line(error: BaseException) -> str:
    return str(hide(str(error).strip().split("\n")[0].rstrip(".")))
