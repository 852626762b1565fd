"""The configuration of a run that starts from a version of data: what nobody has said, the version says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from enum import Enum
from typing import Any

from fraudlab.compose import as_dict
from fraudlab.config import DataConfig, RunConfig, SplitConfig
from fraudlab.config_rules import check
from fraudlab.data.recorded_version import RecordedVersion
from fraudlab.errors import ConfigError, DataError
from fraudlab.overrides import literal
from fraudlab.split_rules import split_kind

#: keys of ``data`` that say what a table is
_DESCRIBE = (
    "label", "time", "label_known", "time_unit", "id", "card", "amount", "features", "drop", "categorical",
    "derive", "separator", "decimal", "encoding", "delay",
)  # fmt: skip
#: those of them that older versions were made without
_SINCE = ("derive", "label_known")
#: those that say what is done to it
_DECIDE = ("duplicates", "scale")
_SPLIT = ("kind", "train", "validation", "test", "gap")


def description_of(config: RunConfig, *, prepared: bool) -> dict[str, Any]:
    """What a version keeps of the configuration of the run that makes it.

    Parameters
    ----------
    config : RunConfig
    prepared : bool
        Of prepared data, what was done to it and how it was split belong to it as well.
    """
    data = as_dict(config)["data"]
    if not prepared:
        return {"data": {name: data[name] for name in _DESCRIBE}}
    split = {**as_dict(config)["split"], "kind": split_kind(config).value}
    return {
        "data": {name: data[name] for name in (*_DESCRIBE, *_DECIDE)},
        "split": {name: split[name] for name in _SPLIT},
    }


def described_by(config: RunConfig, version: RecordedVersion, *, given: Collection[str]) -> RunConfig:
    """Fill in what a version says, and name it by its number.

    Parameters
    ----------
    config : RunConfig
        Stays as it is.
    version : RecordedVersion
    given : collection of str
        Keys that a person has set, whatever to.

    Raises
    ------
    ConfigError
        Where what is given contradicts it, or cannot work with it.
    DataError
        Where its description is none.
    """
    _check_sha256(config, version)
    prepared = version.kind == "preprocessed"
    said, split = _read(version, prepared=prepared)
    if prepared and (wrong := list(_contradictions(config, said, split, given))):
        raise ConfigError(
            f"{version.reference} is prepared already, and nothing is prepared or split again: "
            f"{', '.join(wrong)} would change nothing.",
            fix="leave that out, or start from a raw version, such as "
            f"data.artifact={version.reference.name}:raw",
        )
    data = replace(config.data, artifact=str(version.reference))
    for name in (*_DESCRIBE, *_DECIDE) if prepared else _DESCRIBE:
        if not _is_given(config.data, name, given):
            setattr(data, name, getattr(said, name))
    if not data.label:
        raise ConfigError(
            f"{version.reference} does not say which column is the label.", fix="add data.label=COLUMN"
        )
    follows = config.split.gap == config.data.delay and "split.gap" not in given
    split = split if prepared else replace(config.split, gap=data.delay if follows else config.split.gap)
    filled = replace(config, data=data, split=split)
    check(filled)
    return filled


def keys_of(overrides: Collection[str]) -> set[str]:
    """The keys and groups that overrides set."""
    return {word.partition("=")[0].lstrip("+~").partition("@")[0] for word in overrides}


def _read(version: RecordedVersion, *, prepared: bool) -> tuple[DataConfig, SplitConfig]:
    """The description of a version as configuration, of its types."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        told = version.description["data"] if version.description else {}
        asked = [name for name in _DESCRIBE if name in told or name not in _SINCE] if told else []
        data = {name: _plain(told[name]) for name in asked}
        if prepared:
            data |= {name: _plain(version.description["data"][name]) for name in _DECIDE}
        split = {name: _plain(version.description["split"][name]) for name in _SPLIT} if prepared else {}
        found = OmegaConf.merge(
            OmegaConf.structured(DataConfig), OmegaConf.create({"label": "", "path": None}), data
        )
        parts = OmegaConf.merge(OmegaConf.structured(SplitConfig), split)
        said, cut = OmegaConf.to_object(found), OmegaConf.to_object(parts)
    except (OmegaConfBaseException, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{version.reference} does not say as what it was read ({type(error).__name__}).",
            fix="start from another version, or from the table itself: data=table data.path=FILE",
        ) from error
    assert isinstance(said, DataConfig)
    assert isinstance(cut, SplitConfig)
    return said, cut


def _plain(value: Any) -> Any:
    """A value in which OmegaConf finds nothing to resolve: whoever made the version wrote it."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _is_given(data: DataConfig, name: str, given: Collection[str]) -> bool:
    blank = replace(DataConfig(), label="")
    named = any(key == f"data.{name}" or key.startswith(f"data.{name}.") for key in given)
    return named or getattr(data, name) != getattr(blank, name)


def _contradictions(
    config: RunConfig, said: DataConfig, split: SplitConfig, given: Collection[str]
) -> Iterator[str]:
    for name in (*_DESCRIBE, *_DECIDE):
        mine, recorded = getattr(config.data, name), getattr(said, name)
        if _is_given(config.data, name, given) and mine != recorded:
            yield f"data.{name}={_shown(mine)} (it has {_shown(recorded)})"
    asked = sorted(key for key in given if key.partition(".")[0] == "split")
    usual = replace(SplitConfig(), gap=config.data.delay)
    if asked:
        yield from asked
    elif config.split not in (usual, split):
        differing = [name for name in _SPLIT if getattr(config.split, name) != getattr(split, name)]
        yield from (f"split.{name}={_shown(getattr(config.split, name))}" for name in differing)


def _shown(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return "null" if value is None else str(value)


def _check_sha256(config: RunConfig, version: RecordedVersion) -> None:
    wanted = config.data.sha256
    if wanted is not None and wanted.lower() != version.raw_sha256:
        raise ConfigError(
            f"data.sha256={wanted} is not the table of {version.reference}: "
            f"its sha256 is {version.raw_sha256}.",
            fix="leave data.sha256 out: a version's content is checked in any case",
        )
