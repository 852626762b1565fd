"""From overrides to a checked :class:`RunConfig`, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.command_mistakes import mistakes_in
from fraudlab.config import RunConfig, register_schema
from fraudlab.config_options import config_folder
from fraudlab.config_rules import check, faults
from fraudlab.errors import ConfigError
from fraudlab.local_paths import local_path
from fraudlab.objections import together
from fraudlab.override_mistakes import explain, is_override, unknown_key
from fraudlab.overrides import literal, quoted_where_certain
from fraudlab.reason_rules import reasons_file
from fraudlab.redaction import hide, hide_configuration, watch_environment

if TYPE_CHECKING:
    from omegaconf import DictConfig

CONFIG_NAME = "train"


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
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_schema()
    watch_environment()
    try:
        return checked(_composed(readable(overrides)))
    except (HydraException, OmegaConfBaseException) as error:
        raise together([explain(error), *mistakes(overrides)]) from error
    except ConfigError as error:
        raise _without_secrets(together(mistakes(overrides) or [error])) from error


def _without_secrets(error: ConfigError) -> ConfigError:
    """The same error, where its text would repeat what the environment keeps secret."""
    message, fix = hide(error.message), hide(error.fix)
    return error if (message, fix) == (error.message, error.fix) else ConfigError(message, fix=fix)


def _composed(overrides: Sequence[str]) -> DictConfig:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return hydra_compose(CONFIG_NAME, overrides=[*search_path_override(), *overrides])


def mistakes(words: Sequence[str], *, sweep: bool = False) -> list[ConfigError]:
    """All that is wrong with a command line's overrides; see :mod:`fraudlab.command_mistakes`."""

    def composed(some: Sequence[str]) -> DictConfig:
        return _composed(readable(some, sweep=sweep))

    return mistakes_in(words, composed, _flaws, _objections, sweep=sweep)


def _flaws(node: DictConfig) -> list[ConfigError]:
    """What is wrong with a configuration before there is any rule: keys, and references that lead nowhere."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        _refuse_added_keys(node, OmegaConf.structured(RunConfig))
        OmegaConf.to_container(node, resolve=True)
    except ConfigError as error:
        return [error]
    except OmegaConfBaseException as error:
        return [explain(error)]
    return []


def _objections(node: DictConfig) -> list[ConfigError]:
    """All that the rules have against a configuration."""
    from omegaconf import OmegaConf

    if found := _flaws(node):
        return found
    missing = sorted(OmegaConf.missing_keys(node))
    found = [_must_be_given(missing, node)] if missing else []
    for key in missing:  # so that the others can be judged
        OmegaConf.update(node, key, "-")
    config = cast(RunConfig, OmegaConf.to_object(node))
    try:
        _locate(config)
    except ConfigError as error:
        return [*found, error]
    return found + [one for one in faults(config) if not any(key in one.message for key in missing)]


def readable(words: Sequence[str], *, sweep: bool = False) -> list[str]:
    """Overrides as Hydra can read them; see :func:`fraudlab.overrides.quoted_where_certain`.

    Raises
    ------
    ConfigError
        For words that are no overrides at all.
    """
    if any(not is_override(word) for word in words):
        raise together(mistakes(words, sweep=sweep))
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
    config.serving.reasons = reasons_file(config.serving.reasons)
    for section, names in (
        ("data", ("path",)),
        ("model", ("hooks",)),
        ("serving", ("reasons",)),
        ("paths", ("runs", "cache")),
    ):
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
    from omegaconf import OmegaConf

    for key in node:
        name = f"{parent}.{key!s}" if parent else str(key)
        if key not in schema.keys():  # noqa: SIM118  (`in` leaves out keys without a default)
            raise unknown_key(name)
        has_keys_of_its_own = OmegaConf.get_type(schema, str(key)) is dict  # such as tags
        nested = isinstance(node._get_node(key), type(node)) and isinstance(schema._get_node(key), type(node))
        if nested and not has_keys_of_its_own:
            _refuse_added_keys(node[key], schema[key], name)


def _require_values(node: DictConfig) -> None:
    from omegaconf import OmegaConf

    missing = sorted(OmegaConf.missing_keys(node))
    if missing:
        raise _must_be_given(missing, node)


def _must_be_given(missing: Sequence[str], node: DictConfig) -> ConfigError:
    return ConfigError(
        f"{', '.join(missing)} must be given for data={node.data.kind.name}.",
        fix="add " + " ".join(f"{key}=…" for key in missing),
    )
