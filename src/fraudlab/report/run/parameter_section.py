"""The parameters of a run: those that are not the defaults are in sight, the others are folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import fact, written
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.parameter_groups import MODELLING, parameter_groups
from fraudlab.report.recorded.run_record import Json, RunRecord
from fraudlab.runs.record import flatten


def parameter_section(record: RunRecord) -> Markup | None:
    """The parameters of the configuration that are not the defaults; the others folded."""
    groups = parameter_groups(record)
    if not groups:
        return None
    overridden = {item.lstrip("+~").split("=", 1)[0] for item in record.overrides}
    defaults = _defaults()
    other: dict[str, Json] = {}
    same: dict[str, Json] = {}
    for name, values in groups.items():
        for key, value in values.items():
            full = key if name == "other" else f"{name}.{key}"
            is_default = not _is_set(full, overridden) and defaults.get(full) == written(value)
            (same if is_default else other).setdefault(name, {})[key] = value
    many = sum(len(values) for values in same.values())
    return element(
        "section",
        element("h2", "Parameters"),
        _set_for_this_run(record.overrides),
        _columns(other, overridden)
        if other
        else element("p", "Every parameter is the default.", class_="lead"),
        element(
            "details",
            element("summary", f"{numerals.counted(many, 'parameter')} with the default value"),
            _columns(same, overridden),
        )
        if same
        else None,
    )


def _set_for_this_run(overrides: Sequence[str]) -> Markup | None:
    if not overrides:
        return None
    words = [[element("code", item), " "] for item in overrides]
    return element("p", "Set for this run: ", words, class_="lead")


def _is_set(name: str, overridden: set[str]) -> bool:
    """Whether an override names a parameter, or a mapping that it is in; ``data=table`` names a group."""
    parts = name.split(".")
    return name in overridden or any(".".join(parts[:end]) in overridden for end in range(2, len(parts)))


def _defaults() -> dict[str, str]:
    """Every parameter of the schema by its dotted name, as it is written here."""
    from omegaconf import OmegaConf

    from fraudlab.config import RunConfig

    plain = OmegaConf.to_container(OmegaConf.structured(RunConfig), resolve=False, enum_to_str=True)
    return {name: written(value) for name, value in flatten(cast(Json, plain)).items()}


def _columns(groups: Mapping[str, Json], overridden: set[str]) -> Markup:
    ordered = sorted(groups, key=lambda name: MODELLING.index(name) if name in MODELLING else len(MODELLING))
    return element("div", [_group(name, groups[name], overridden) for name in ordered], class_="columns")


def _group(name: str, values: Json, overridden: set[str]) -> Markup:
    pairs = [
        fact(key, written(value), marked=_is_set(key if name == "other" else f"{name}.{key}", overridden))
        for key, value in values.items()
    ]
    return element("div", element("h3", name.capitalize()), element("dl", pairs, class_="pairs"))
