"""Members of an average: the parameters of each, from a number of them or from what sets each apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fraudlab.container.failure import ConfigError, near, together
from fraudlab.container.hyperparameters.kinds import MAX_INT32
from fraudlab.container.hyperparameters.parameters import Hyperparameters
from fraudlab.container.hyperparameters.rules import SHARES
from fraudlab.container.hyperparameters.strings import canonical, plain, read_texts
from fraudlab.container.hyperparameters.table import OF_A_MEMBER, PARAMETERS

#: what sets members apart that are only counted, where nothing else is said
APART: Mapping[str, str] = {"subsample": "0.8", "colsample_bytree": "0.8"}


def read_hyperparameters(texts: Mapping[str, Any], *, prefix: str = "") -> Hyperparameters:
    """Understand ``hyperparameters.json``.

    Parameters
    ----------
    texts : mapping of str
        Values are strings, plain or JSON-encoded. ``None``, ``null`` and the empty string mean "not set".
    prefix : str
        What stands before every name where the person writes it, such as ``model.``.

    Raises
    ------
    ConfigError
        With all that is wrong: names that are unknown or refused, values that are not of their type or out of
        their range, values that cannot be together.
    """
    given = set_apart(texts)
    found = read_texts(given, prefix=prefix)
    if found.members is None:
        return found
    if isinstance(found.members, int):
        first, alone = int(found.booster["seed"]), replace(found, members=None)
        seeds = [member_seed(first, number) for number in range(found.members)]
        each = [replace(alone, booster={**alone.booster, "seed": seed}) for seed in seeds]
    else:
        each = _listed(given, found.members, prefix)
    return replace(found, each=tuple(each))


def set_apart(texts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The texts, with what samples where members are only counted and nothing is said of sampling."""
    values = {canonical(name): text for name, value in texts.items() if (text := plain(value)) is not None}
    try:
        count = PARAMETERS["members"].kind.read(values.get("members", "1"))
    except (ValueError, RecursionError):
        return texts  # it is refused as it is read
    said = any(name in values for name in SHARES) or values.get("booster") == "dart"
    if not isinstance(count, int) or said:
        return texts
    return {**{name: value for name, value in texts.items() if name not in APART}, **APART}


def member_seed(seed: int, number: int) -> int:
    """The seed of a member: `seed` itself for the first, a number drawn from both after it."""
    if number == 0:
        return seed
    drawn = hashlib.sha256(f"member {number} of seed {seed}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % MAX_INT32


def _listed(
    texts: Mapping[str, Any], members: tuple[Mapping[str, Any], ...], prefix: str
) -> list[Hyperparameters]:
    """The parameters of members that are listed, each the model's but for its own."""
    base = {name: value for name, value in texts.items() if canonical(name) != "members"}
    each: list[Hyperparameters] = []
    problems: list[ConfigError] = []
    for number, own in enumerate(members):
        called = f"{prefix}members[{number}]."
        try:
            _check_names(own, called)
            beside = {canonical(name) for name in own}
            kept = {name: value for name, value in base.items() if canonical(name) not in beside}
            found = read_texts({**kept, **own}, prefix=called)
        except ConfigError as error:
            problems.append(error)
            continue
        if found in each:
            at = each.index(found)
            problems.append(
                ConfigError(
                    f"{prefix}members[{number}] has the parameters of {prefix}members[{at}], and would be the"
                    " same model",
                    fix="leave it out, or give it a seed of its own where something is sampled",
                )
            )
        each.append(found)
    if problems:
        raise together(problems, what="members cannot be used")
    return each


def _check_names(own: Mapping[str, Any], called: str) -> None:
    """Refuse what is no parameter, and what all members have in common."""
    for name in own:
        if canonical(name) in OF_A_MEMBER:
            continue
        known = canonical(name) in PARAMETERS
        raise ConfigError(
            f"{called}{name} is the same for all members of an average"
            if known
            else f"{called}{name} is no hyperparameter{near(name, OF_A_MEMBER, limit=3)}",
            fix="set it for all of them" if known else f"use one of: {', '.join(sorted(OF_A_MEMBER))}",
        )
